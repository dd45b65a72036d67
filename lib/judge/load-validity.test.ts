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

/** The same run, planned with a burst of receipts: five times as many from the tenth second of the load to the twentieth. */
const burst = {
  'goods-receipt': [
    { atMs: 0, perSecond: 2 },
    { atMs: 10_000, perSecond: 2 },
    { atMs: 10_000, perSecond: 10 },
    { atMs: 20_000, perSecond: 10 },
    { atMs: 20_000, perSecond: 2 },
  ],
};
const began = evidence.operations[0]?.sentAt ?? 0;
const planned = (spoiled: Evidence) =>
  journalWith(spoiled, (line) =>
    line.kind === 'header'
      ? { ...line, header: { ...line.header, load: { ...line.header.load, shapes: burst } } }
      : line,
  );
/** Scans so many that they may stand in for receipts. */
const withBurst = (copies: number) => {
  const made = evidence.operations.flatMap((operation) => {
    const at = operation.sentAt - began;
    if (operation.journey !== 'goods-receipt' || at < 10_000 || at >= 20_000) return [operation];
    return [
      operation,
      ...Array.from({ length: copies - 1 }, (_, copy) => {
        const { write, ...more } = operation;
        return { ...more, sentAt: operation.sentAt + copy * 90 };
      }),
    ];
  });
  return planned({ ...evidence, operations: made.sort((a, b) => a.sentAt - b.sentAt) });
};

test('a burst that came as planned is believed, in the steady phase and over the whole load', () => {
  expect(outcome(withBurst(5), 'load.achieved')).toEqual(['passed']);
  expect(outcome(withBurst(5), 'load.shape')).toEqual(['passed']);
});

test('a burst that came thinner than planned is too little load, however much came before and after it', () => {
  expect(outcome(withBurst(4), 'load.shape')).toEqual(['inconclusive']);
  expect(outcome(withBurst(1), 'load.achieved')).toEqual(['inconclusive']);
});

test('what was dropped in a burst did arrive: it is the target that had nobody free', () => {
  const drops = [{ at: began + 15_000, journey: 'goods-receipt' as const, count: 25 }];
  expect(outcome({ ...withBurst(4), drops }, 'load.shape')).toEqual(['passed']);
});

test('a load that ended before anything of its shape was due, or of which nothing is on record, can not be told', () => {
  const early = withBurst(5);
  const cut = early.operations.filter(({ sentAt }) => sentAt < began + 3_000);
  expect(outcome({ ...early, operations: cut }, 'load.shape')).toEqual(['inconclusive']);
  expect(outcome({ ...early, operations: [] }, 'load.shape')).toEqual(['inconclusive']);
});

test('a run without shifts has no shape to be judged', () => {
  expect(outcome(evidence, 'load.shape')).toEqual([]);
});

test('what was left out is told, and nothing where nothing was', () => {
  const leftOut = [{ journey: 'realtime-notice' as const, why: 'the target has no realtime' }];
  const without = journalWith(evidence, (line) =>
    line.kind === 'header' ? { ...line, header: { ...line.header, load: { ...line.header.load, leftOut } } } : line,
  );
  expect(judge(claim, without).findings.find(({ check }) => check === 'load.left-out')?.says).toBe(
    'Not played, and nothing is claimed of it: realtime-notice (the target has no realtime).',
  );
  expect(outcome(evidence, 'load.left-out')).toEqual([]);
});

test('where the virtual users of each journey are on record, those are counted and not their share', () => {
  const drops = [{ at: times.fault + 7_000, journey: 'parts-issue' as const, count: 4 }];
  const one = journalWith(evidence, (line) =>
    line.kind === 'header'
      ? {
          ...line,
          header: { ...line.header, load: { ...line.header.load, virtualUsers: { 'parts-issue': 1 } } },
        }
      : line,
  );
  const waiting = operationsWith(one, (operation) =>
    operation.journey === 'parts-issue' && operation.sentAt > times.fault && operation.sentAt < times.fault + 8_000
      ? { ...operation, durationMs: 9_000 }
      : operation,
  );
  expect(outcome({ ...waiting, drops }, 'load.drops')).toEqual(['passed']);
});
