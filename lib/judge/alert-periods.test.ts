import { expect, test } from 'vitest';
import { alertsRange, type RangeResponse } from '../model/evidence.ts';
import { alertPeriods } from './alert-periods.ts';

const from = 1_000_000;
const stepMs = 5_000;

/** One replica's answer: alert → steps at which it fired. */
function answer(firing: Readonly<Record<string, readonly number[]>>, replica = 'prometheus-0'): RangeResponse {
  const result = Object.entries(firing).map(([alertname, steps]) => ({
    metric: { __name__: 'ALERTS', alertname, alertstate: 'firing', severity: 'critical', host: 'a' },
    values: steps.map((step) => [(from + step * stepMs) / 1000, '1'] as const),
  }));
  return {
    ...alertsRange,
    replica,
    from,
    to: from + 20 * stepMs,
    stepMs,
    response: { status: 'success', data: { resultType: 'matrix', result } } as never,
  };
}

test('an alert is told from when it fired until it did not, and what was missed by one scrape is no end', () => {
  expect(alertPeriods({ ranges: [answer({ WriterGone: [4, 5, 7, 8] })] })).toEqual([
    {
      alert: 'WriterGone',
      severity: 'critical',
      of: 'host=a',
      from: from + 4 * stepMs,
      to: from + 8 * stepMs,
      before: false,
      still: false,
    },
  ]);
});

test('it is told to the evaluation, where that is on record', () => {
  const { response, ...rest } = answer({ WriterGone: [4, 5, 6] });
  const { data } = response as unknown as { data: { result: { metric: object; values: [number, string][] }[] } };
  const result = data.result.map(({ metric, values }) => ({
    metric,
    values: values.map(([at]) => [at, String(at - 1.5)]),
  }));
  const evaluated = { ...rest, response: { status: 'success', data: { resultType: 'matrix', result } } as never };
  expect(alertPeriods({ ranges: [evaluated] })).toMatchObject([
    { from: from + 4 * stepMs - 1_500, to: from + 6 * stepMs - 1_500 },
  ]);
});

test('twice is twice; what fired before and goes on is said to', () => {
  const periods = alertPeriods({ ranges: [answer({ A: [2, 3, 9, 10], B: Array.from({ length: 21 }, (_, n) => n) })] });
  expect(periods?.map(({ alert, before, still }) => [alert, before, still])).toEqual([
    ['B', true, true],
    ['A', false, false],
    ['A', false, false],
  ]);
});

test('one replica fills the gap of the other', () => {
  const ranges = [answer({ A: [2, 3] }), answer({ A: [4, 5, 6] }, 'prometheus-1')];
  expect(alertPeriods({ ranges })).toMatchObject([{ from: from + 2 * stepMs, to: from + 6 * stepMs }]);
});

test('nothing fired is not the same as nobody told', () => {
  expect(alertPeriods({ ranges: [answer({})] })).toEqual([]);
  expect(alertPeriods({ ranges: [] })).toBeUndefined();
  const { response: _, ...silent } = answer({});
  expect(alertPeriods({ ranges: [{ ...silent, error: 'connection refused' }] })).toBeUndefined();
});
