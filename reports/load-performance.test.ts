import { expect, test } from 'vitest';
import { inconclusive, notReady, ready } from '../tests/fixtures/readiness.ts';
import { loadPerformance } from './load-performance.ts';

const metricsOf = ({ readiness, views }: ReturnType<typeof ready>) =>
  JSON.parse(loadPerformance(readiness, views) ?? '{}').metrics;

test('it has what GitLab shows: share of good operations, percentiles of the wait, operations per second', () => {
  const gate = ready();
  const steady = gate.views.get('control')?.steady;
  if (!steady) throw new Error('the fixture has no steady control');
  expect(metricsOf(gate)).toMatchObject({
    checks: { passes: steady.good, fails: 0, value: 1 },
    http_req_waiting: { 'p(90)': steady.latencyMs.p90, 'p(95)': steady.latencyMs.p95 },
    http_reqs: { count: steady.answered, rate: steady.answered / steady.seconds },
  });
});

test('what was dropped or bad in the steady phase is a check that failed', () => {
  const gate = ready();
  const control = gate.views.get('control');
  if (!control?.steady) throw new Error('the fixture has no steady control');
  const worse = { ...control, steady: { ...control.steady, good: 90, planned: 100 } };
  expect(metricsOf({ ...gate, views: new Map([['control', worse]]) }).checks).toEqual({
    passes: 90,
    fails: 10,
    value: 0.9,
  });
});

test('without a control it is the first run that had a steady phase', () => {
  const { readiness, views } = notReady();
  const others = readiness.runs.filter(({ scenario }) => scenario !== 'control');
  expect(others.length).toBeGreaterThan(0);
  expect(loadPerformance({ ...readiness, runs: others }, views)).toContain('http_reqs');
});

test('nothing measured is no file, never a file of zeros', () => {
  expect(loadPerformance(inconclusive().readiness, new Map())).toBe(undefined);
});
