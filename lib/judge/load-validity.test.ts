import { expect, test } from 'vitest';
import {
  claimOf,
  evidenceOf,
  journalWith,
  operationsWith,
  outcomesOf,
  timesOf,
  usualShape,
} from '../../tests/fixtures/evidence.ts';
import type { Evidence } from '../model/evidence.ts';
import { judge } from './judge.ts';

const evidence = evidenceOf();
const claim = evidence.claim;
const times = timesOf(usualShape);
const outcome = (spoiled: Evidence, check: string) => outcomesOf(judge(claim, spoiled), check);

test('a load that was sent as planned is believed', () => {
  for (const check of [
    'load.exit',
    'load.acknowledged',
    'load.achieved',
    'load.drops-steady',
    'load.drops',
    'load.little',
  ])
    expect(outcome(evidence, check)).toEqual(['passed']);
});

test('one journey that fell behind is not hidden by the others', () => {
  let number = 0;
  const thin = operationsWith(evidence, (operation) => {
    if (operation.journey !== 'parts-issue') return operation;
    number += 1;
    return number % 5 === 0 ? undefined : operation;
  });
  expect(outcome(thin, 'load.achieved')).toEqual(['inconclusive']);
});

test('no operation in steady state, or no plan, is inconclusive', () => {
  expect(outcome({ ...evidence, operations: [] }, 'load.achieved')).toEqual(['inconclusive']);
  expect(
    outcome(
      journalWith(evidence, (line) => (line.kind === 'header' ? undefined : line)),
      'load.achieved',
    ),
  ).toEqual(['inconclusive']);
});

test('too few acknowledged writes to conclude that none is lost', () => {
  const strict = claimOf({ load: { achievedRatioMin: 0.95, acknowledgedMin: 10_000 } });
  expect(outcomesOf(judge(strict, evidence), 'load.acknowledged')).toEqual(['inconclusive']);
});

test.each([
  ['an exit code that says trouble', { exitCode: 107 }],
  ['a problem told by the driver', { exitCode: 0, detail: 'an exception in every iteration' }],
  ['a kill', { exitCode: null }],
])('a generator that ended with %s is inconclusive', (_what, change) => {
  const spoiled = journalWith(evidence, (line) =>
    line.kind === 'load' && line.event === 'stopped' ? { ...line, ...change } : line,
  );
  expect(outcome(spoiled, 'load.exit')).toEqual(['inconclusive']);
});

test('a generator that was asked to stop by a signal ended well; one of which nothing is on record did not', () => {
  const signalled = journalWith(evidence, (line) =>
    line.kind === 'load' && line.event === 'stopped' ? { ...line, exitCode: 105 } : line,
  );
  expect(outcome(signalled, 'load.exit')).toEqual(['passed']);
  expect(
    outcome(
      journalWith(evidence, (line) => (line.kind === 'load' ? undefined : line)),
      'load.exit',
    ),
  ).toEqual(['inconclusive']);
});

test('drops in steady state make the run inconclusive', () => {
  const drops = [{ at: times.steady + 5_000, journey: 'barcode-lookup' as const, count: 2 }];
  expect(outcome({ ...evidence, drops }, 'load.drops-steady')).toEqual(['inconclusive']);
});

test('drops while users were free are the generator’s; drops while all of them waited are the target’s', () => {
  const drops = [{ at: times.fault + 7_000, journey: 'parts-issue' as const, count: 4 }];
  expect(outcome({ ...evidence, drops }, 'load.drops')).toEqual(['inconclusive']);
  // Ten virtual users at 25/s: one for issues in proportion, and it waits for the target.
  const few = journalWith(evidence, (line) =>
    line.kind === 'header'
      ? { ...line, header: { ...line.header, load: { ...line.header.load, virtualUsersMax: 10 } } }
      : line,
  );
  const waiting = operationsWith(few, (operation) =>
    operation.journey === 'parts-issue' && operation.sentAt > times.fault && operation.sentAt < times.fault + 8_000
      ? { ...operation, durationMs: 9_000 }
      : operation,
  );
  expect(outcome({ ...waiting, drops }, 'load.drops')).toEqual(['passed']);
});

test('more requests at once than virtual users contradicts Little’s law', () => {
  const few = journalWith(evidence, (line) =>
    line.kind === 'header'
      ? { ...line, header: { ...line.header, load: { ...line.header.load, virtualUsersMax: 10 } } }
      : line,
  );
  expect(outcome(few, 'load.little')).toEqual(['inconclusive']);
});
