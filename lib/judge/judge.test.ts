import { expect, test } from 'vitest';
import { claimOf, evidenceOf, wholeManifest } from '../../tests/fixtures/evidence.ts';
import { lostWrites } from '../../tests/fixtures/lost-writes.ts';
import type { Evidence } from '../model/evidence.ts';
import { severity } from '../model/verdict.ts';
import { worstOf } from './findings.ts';
import { judge } from './judge.ts';
import { verdictJson } from './verdict-json.ts';

test('no findings are no pass', () => {
  expect(worstOf([])).toBe('inconclusive');
});

test('the worst finding decides, and stands first', () => {
  const evidence = lostWrites();
  const { outcome, findings } = judge(evidence.claim, evidence);
  expect(outcome).toBe('failed');
  expect(findings[0]).toMatchObject({ check: 'ledger.lost', outcome: 'failed', measured: 11 });
  const order = findings.map((finding) => severity[finding.outcome]);
  expect(order).toEqual([...order].sort((a, b) => b - a));
});

test('a failure is not hidden by what could not be told beside it', () => {
  const evidence = lostWrites();
  const damaged = [{ file: 'journal.ndjson', what: 'cut off in line 9' }];
  expect(judge(evidence.claim, { ...evidence, damaged }).outcome).toBe('failed');
});

test('the same evidence gives the same bytes, in whatever order it was read', () => {
  const evidence = evidenceOf();
  const bytes = verdictJson(judge(evidence.claim, evidence));
  expect(verdictJson(judge(evidence.claim, structuredClone(evidence)))).toBe(bytes);
  const shuffled: Evidence = {
    ...evidence,
    ledger: [...evidence.ledger].reverse(),
    ranges: [...evidence.ranges].reverse(),
  };
  expect(verdictJson(judge(evidence.claim, shuffled))).toBe(bytes);
  expect(bytes.endsWith('}\n')).toBe(true);
});

test('an empty folder is inconclusive in every check that it can’t see', () => {
  const nothing: Evidence = {
    claim: claimOf(),
    journal: [],
    operations: [],
    drops: [],
    ledger: [],
    ranges: [],
    damaged: [],
    manifest: wholeManifest,
  };
  const { outcome, findings } = judge(nothing.claim, nothing);
  expect(outcome).toBe('inconclusive');
  expect(findings.filter((finding) => finding.outcome === 'passed').map(({ check }) => check)).toEqual([
    'ledger.stale',
    'ledger.unknown',
    'run.files',
    'run.manifest',
  ]);
});

test('no number of a verdict is endless', () => {
  const verdict = judge(claimOf(), evidenceOf());
  expect(() => verdictJson({ ...verdict, recovery: { ms: Number.NaN, resolutionMs: 1 } })).toThrow('NaN in a verdict');
});

test('findings are told in numbers that every machine writes alike', () => {
  for (const { says, measured } of judge(claimOf(), evidenceOf()).findings) {
    expect(says).not.toMatch(/\d{4,}\.\d{4,}|e[+-]\d|NaN|undefined|Infinity|\[object/);
    if (measured !== undefined) expect(Math.round(measured * 1000) / 1000).toBe(measured);
  }
});
