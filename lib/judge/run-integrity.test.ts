import { expect, test } from 'vitest';
import {
  claimOf,
  controlClaim,
  evidenceOf,
  journalWith,
  outcomesOf,
  wholeManifest,
} from '../../tests/fixtures/evidence.ts';
import type { Claim } from '../model/claim.ts';
import { judge } from './judge.ts';

const evidence = evidenceOf();
const claim = evidence.claim;

test('a run that ended as planned, whole and in order can be believed', () => {
  const verdict = judge(claim, evidence);
  for (const check of ['run.ended', 'run.files', 'run.guards', 'run.header', 'run.manifest', 'run.phases', 'run.clock'])
    expect(outcomesOf(verdict, check)).toEqual(['passed']);
  expect(verdict.outcome).toBe('passed');
});

test('a control run needs no phases of a fault', () => {
  const control = controlClaim();
  expect(outcomesOf(judge(control, evidenceOf(control)), 'run.phases')).toEqual(['passed']);
});

test.each([
  [
    'run.ended',
    'aborted',
    journalWith(evidence, (line) => (line.kind === 'ended' ? { ...line, ended: 'aborted', reason: 'Ctrl-C' } : line)),
  ],
  ['run.ended', 'cut off', journalWith(evidence, (line) => (line.kind === 'ended' ? undefined : line))],
  ['run.header', 'without a header', journalWith(evidence, (line) => (line.kind === 'header' ? undefined : line))],
  [
    'run.header',
    'of another scenario',
    journalWith(evidence, (line) =>
      line.kind === 'header' ? { ...line, header: { ...line.header, scenario: 'control' } } : line,
    ),
  ],
  [
    'run.guards',
    'with a guard that did not hold',
    journalWith(evidence, (line) => (line.kind === 'guard' ? { ...line, is: 'no' } : line)),
  ],
  [
    'run.guards',
    'with a guard that could not tell',
    journalWith(evidence, (line) => (line.kind === 'guard' ? { ...line, is: 'cannot-tell' } : line)),
  ],
  [
    'run.guards',
    'with a guard that was not asked',
    journalWith(evidence, (line) => (line.kind === 'guard' ? undefined : line)),
  ],
  [
    'run.phases',
    'without recovery',
    journalWith(evidence, (line) => (line.kind === 'phase' && line.phase === 'recovery' ? undefined : line)),
  ],
  [
    'run.clock',
    'with a clock that was set',
    journalWith(evidence, (line) => (line.kind === 'phase' ? { ...line, at: line.at + 3_600_000 } : line)),
  ],
  [
    'run.files',
    'with a damaged file',
    { ...evidence, damaged: [{ file: 'samples.ndjson', what: 'cut off in line 7' }] },
  ],
  [
    'run.manifest',
    'whose evidence was changed since',
    { ...evidence, manifest: { ...wholeManifest, problems: [{ file: 'ledger.ndjson', what: 'changed' }] } },
  ],
])('%s: a run %s is inconclusive, never passed', (check, _what, spoiled) => {
  const verdict = judge(claim, spoiled);
  expect(outcomesOf(verdict, check)).toEqual(['inconclusive']);
  expect(verdict.outcome).not.toBe('passed');
});

test('missing answers of Prometheus are damage only when the claim asks Prometheus', () => {
  const damaged = [{ file: 'prometheus.ndjson', what: 'missing' }];
  const quiet = claimOf({ objectives: [] });
  expect(outcomesOf(judge(claim, { ...evidence, damaged }), 'run.files')).toEqual(['inconclusive']);
  expect(outcomesOf(judge(quiet, { ...evidenceOf(quiet), damaged }), 'run.files')).toEqual(['passed']);
});

test('a changed file counts also where the claim does not need it', () => {
  const quiet = claimOf({ objectives: [] });
  const problems = [{ file: 'prometheus.ndjson', what: 'changed' }];
  const verdict = judge(quiet, { ...evidenceOf(quiet), manifest: { ...wholeManifest, problems } });
  expect(verdict.outcome).toBe('inconclusive');
  expect(outcomesOf(verdict, 'run.manifest')).toEqual(['inconclusive']);
});

test.each([
  ['manifest', { ...evidence, manifest: { ...wholeManifest, schema: 'shakedown.manifest/2' } }],
  [
    'journal',
    journalWith(evidence, (line) =>
      line.kind === 'header' ? { ...line, header: { ...line.header, schema: 'shakedown.run/2' as never } } : line,
    ),
  ],
])('a %s of another version is refused, and nothing else is said of it', (what, other) => {
  const verdict = judge(claim, other);
  expect(verdict.outcome).toBe('inconclusive');
  expect(verdict.findings.map(({ check }) => check)).toEqual(['run.version']);
  expect(verdict.findings[0]?.says).toContain(`The ${what} is of schema`);
});

test('evidence for rules of another version is refused, and nothing else is said of it', () => {
  const later = { ...claim, judgeVersion: 2 } as unknown as Claim;
  const verdict = judge(later, evidence);
  expect(verdict.outcome).toBe('inconclusive');
  expect(verdict.findings.map(({ check }) => check)).toEqual(['run.version']);
});
