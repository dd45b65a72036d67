import { expect, test } from 'vitest';
import { evidenceOf, timesOf, usualShape } from '../../tests/fixtures/evidence.ts';
import { judge } from './judge.ts';
import { runView } from './run-view.ts';

const evidence = evidenceOf();
const view = runView(evidence, judge(evidence.claim, evidence));
const times = timesOf(usualShape);

test('every operation is in exactly one bar, and drops are in theirs', () => {
  expect(view.bins.reduce((sum, { good, bad }) => sum + good + bad, 0)).toBe(evidence.operations.length);
  const drops = [{ at: times.fault + 4_200, journey: 'parts-issue' as const, count: 3 }];
  const dropped = runView({ ...evidence, drops }, view.verdict).bins.filter((bin) => bin.dropped > 0);
  expect(dropped).toMatchObject([{ dropped: 3 }]);
});

test('time begins with inject, and the fault lasts until it was undone', () => {
  expect(view.zero).toBe(times.fault);
  expect(view.faults).toEqual([{ fault: 'galera/writer-crash', from: times.fault, to: times.undone }]);
});

test('the numbers of a phase are those that the judge gives', () => {
  const steady = view.numbers.find(({ phase, kind }) => phase === 'steady' && kind === 'scan');
  const judged = view.verdict.findings.find(({ check, phase }) => check === 'scans-p95' && phase === 'steady');
  expect(steady).toMatchObject({ sent: 600, good: 600, p95: judged?.measured });
});

test('the steady state as one number for all journeys counts what was dropped as planned and not good', () => {
  const { steady } = view;
  const own = evidence.operations.filter(({ sentAt }) => sentAt >= times.steady && sentAt < times.fault);
  expect(steady).toMatchObject({ answered: own.length, good: own.length, planned: own.length });
  const drops = [{ at: times.steady + 1_000, journey: 'parts-issue' as const, count: 3 }];
  expect(runView({ ...evidence, drops }, view.verdict).steady).toMatchObject({ planned: own.length + 3 });
});

test('a long run is thinned out to what can be drawn, and says by how much', () => {
  const long = { ...evidence, operations: Array.from({ length: 9 }, () => evidence.operations).flat() };
  const thin = runView(long, view.verdict);
  expect(thin.dots.length).toBeLessThanOrEqual(2_000);
  expect(thin.dotsOneOf).toBe(Math.ceil(long.operations.length / 2_000));
});

test('a run of which nothing is left can be drawn too', () => {
  const nothing = { ...evidence, journal: [], operations: [], ledger: [], ranges: [] };
  expect(runView(nothing, judge(nothing.claim, nothing))).toMatchObject({
    phases: [],
    faults: [],
    dots: [],
    numbers: [],
  });
});
