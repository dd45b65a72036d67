// How several series become one, what replicas make of each other, and what a counter's own process may have taken with it. What any
// Prometheus objective must bear stands in objectives.test.ts.
import { describe, expect, test } from 'vitest';
import {
  claimOf,
  evidenceOf,
  matrix,
  start,
  stepsBetween,
  timesOf,
  usualShape,
} from '../../tests/fixtures/evidence.ts';
import type { PrometheusObjective } from '../model/claim.ts';
import { exportersRange, type RangeResponse } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import { judge } from './judge.ts';

// Steps of 5 s; the phase after has four of them.
const times = timesOf(usualShape);
const steps = stepsBetween(start, times.stopped);
const inAfter = steps.filter((at) => at >= times.after && at < times.stopped);
const whole = evidenceOf(claimOf());

const most: PrometheusObjective = {
  name: 'depth',
  source: 'prometheus',
  query: 'queue_depth',
  unit: 'jobs',
  reduce: 'max',
  phases: ['after'],
  max: 10,
  coverageMin: 0.75,
};
const least: PrometheusObjective = { ...most, max: undefined as never, min: 3, reduce: 'min' };

/** Values of the phase's four steps; undefined is a gap. Before it, all is at 5. */
type Values = readonly (number | string | undefined)[];
const series = (values: Values, metric: Record<string, string> = {}) => ({
  metric,
  values: steps.flatMap((at) => {
    const index = inAfter.indexOf(at);
    const value = at < times.after ? 5 : index < 0 ? undefined : values[index];
    return value === undefined ? [] : [[at, String(value)] as const];
  }),
});
const answer = (replica: string, all: readonly ReturnType<typeof series>[], objective = most): RangeResponse => ({
  objective: objective.name,
  replica,
  query: objective.query,
  from: start,
  to: times.stopped,
  stepMs: 5_000,
  response: matrix(all) as unknown as Json,
});
const judged = (objective: PrometheusObjective, ranges: readonly RangeResponse[]) =>
  judge(claimOf({ objectives: [objective] }), { ...whole, ranges }).findings.find(
    ({ check }) => check === objective.name,
  );
const one = (objective: PrometheusObjective, ...replicas: readonly Values[]) =>
  judged(
    objective,
    replicas.map((values, index) => answer(`prometheus-${index}`, [series(values)], objective)),
  );
const several = (objective: PrometheusObjective, ...all: readonly Values[]) =>
  judged(objective, [
    answer(
      'prometheus-0',
      all.map((values, index) => series(values, { pod: `pod-${index}` })),
      objective,
    ),
  ]);

describe('several series', () => {
  test('worst: at each step the worst of those that are there counts', () => {
    const worst = { ...most, series: 'worst' } as const;
    expect(several(worst, [1, 2, undefined, undefined], [undefined, 3, 4, 9])).toMatchObject({
      outcome: 'passed',
      measured: 9,
    });
    expect(several(worst, [1, 11, 1, 1], [1, 1, 1, 1])).toMatchObject({ outcome: 'failed', measured: 11 });
    expect(several({ ...worst, reduce: 'mean' }, [1, 20, 1, 20], [20, 1, 20, 1])).toMatchObject({
      outcome: 'failed',
      measured: 20,
    });
    expect(several(worst, [1, undefined, undefined, undefined], [undefined, 3, undefined, undefined])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('2 of 4 steps'),
    });
    expect(several(worst, [1, 'NaN', 1, 1], [1, 1, 1, 1])).toMatchObject({ outcome: 'inconclusive' });
    expect(several(worst, [1, 'NaN', 1, 1], [1, 11, 1, 1])).toMatchObject({ outcome: 'failed' });
  });

  test('each: every one must keep the bound and be there throughout', () => {
    const each = { ...most, series: 'each' } as const;
    expect(several(each, [1, 2, 3, 4], [5, 6, 7, 8])).toMatchObject({ outcome: 'passed', measured: 8 });
    expect(several(each, [1, 2, 3, 4], [5, 6, 7, 18])).toMatchObject({ outcome: 'failed', measured: 18 });
    expect(several(each, [1, 2, 3, 4], [5, 6, undefined, undefined])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('none at the last 2, so what there is, is stale'),
    });
  });

  test('sum: they are added up, and a sum that lacks one of them is none', () => {
    const sum = { ...most, series: 'sum' } as const;
    expect(several(sum, [1, 2, 3, 4], [5, 5, 5, 5])).toMatchObject({ outcome: 'passed', measured: 9 });
    expect(several(sum, [1, 2, 3, 6], [5, 5, 5, 5])).toMatchObject({ outcome: 'failed', measured: 11 });
    expect(several(sum, [9, 9, 9, 9], [5, undefined, undefined, undefined], [])).toMatchObject({ outcome: 'failed' });
    expect(several(sum, [1, 2, 3, 4], [5, undefined, 5, undefined])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('2 of 4 steps'),
    });
  });

  test('one: a second one is more than was claimed', () => {
    const only = { ...most, series: 'one' } as const;
    expect(several(only, [1, 2, 3, 4])).toMatchObject({ outcome: 'passed' });
    expect(several(only, [1, 2, 3, 14])).toMatchObject({ outcome: 'failed' });
    expect(several(only, [1, 2, 3, 4], [1, 1, 1, 1])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('2 series, and the claim allows one'),
    });
  });
});

describe('what is no pass is told apart', () => {
  test('zero is a value; nothing, which a filter leaves, is none', () => {
    expect(one(most, [0, 0, 0, 0])).toMatchObject({ outcome: 'passed', measured: 0 });
    expect(one(least, [0, 0, 0, 0])).toMatchObject({ outcome: 'failed', measured: 0 });
    expect(one(most, [])).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('no value at all') });
  });

  test.each([
    ['NaN', ['NaN', 1, 'NaN', 1], '2 values are NaN'],
    ['infinity', ['+Inf', 1, 1, '-Inf'], '2 values are infinite'],
    ['both', ['+Inf', 1, 1, 'NaN'], '1 value is NaN and 1 value is infinite'],
    ['stale', [1, 1, undefined, undefined], 'none at the last 2, so what there is, is stale'],
    ['missing', [1, undefined, undefined, 1], 'missing in between'],
    ['no number', [1, '0x10', 1, 1], 'no pair of time and number'],
  ] as const)('%s', (_what, values, says) => {
    expect(one(most, values)).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining(says) });
    expect(one(most, [1, 1, 1, 1])).toMatchObject({ outcome: 'passed' });
    expect(one(most, [1, 1, 1, 11])).toMatchObject({ outcome: 'failed' });
  });

  test('values at least, beside their share', () => {
    expect(one({ ...most, samplesMin: 4 }, [1, 1, 1, 1])).toMatchObject({ outcome: 'passed' });
    expect(one({ ...most, samplesMin: 4 }, [1, 11, 1])).toMatchObject({ outcome: 'failed' });
    expect(one({ ...most, samplesMin: 4 }, [1, 1, 1])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('at least 4'),
    });
  });

  test('two values at one time, a series twice and a time nobody asked for are no answer', () => {
    const spoilt = (change: (values: [number, string][]) => void) => {
      const response = matrix([series([1, 1, 1, 1])]);
      change(response.data.result[0]?.values as unknown as [number, string][]);
      return judged(most, [{ ...answer('prometheus-0', []), response: response as unknown as Json }]);
    };
    expect(spoilt(() => undefined)).toMatchObject({ outcome: 'passed' });
    expect(spoilt((values) => values.push([...(values.at(-1) as [number, string])]))).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('two values'),
    });
    expect(
      spoilt((values) => {
        (values[0] as [number, string])[0] += 2;
      }),
    ).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('not asked for') });
    expect(judged(most, [answer('prometheus-0', [series([1, 1, 1, 1]), series([1, 1, 1, 1])])])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('twice'),
    });
  });
});

describe('two replicas', () => {
  test('that see the same pass and fail with it', () => {
    expect(one(most, [1, 2, 3, 4], [1, 2, 3, 4])).toMatchObject({ outcome: 'passed' });
    expect(one(most, [1, 2, 3, 11], [1, 2, 3, 11])).toMatchObject({ outcome: 'failed' });
  });

  test('of which one alone saw a breach, for as long as scrapes are apart: it was seen', () => {
    expect(one(most, [1, 2, 3, 4], [1, 12, 3, 4])).toMatchObject({ outcome: 'failed', measured: 12 });
    expect(one(most, [1, 2, 3, 4], [1, 12, 13, 4])).toMatchObject({ outcome: 'failed', measured: 13 });
  });

  test('that contradict each other for longer are believed neither', () => {
    expect(one(most, [1, 2, 3, 4], [11, 12, 13, 14])).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('contradict'),
    });
    expect(one(least, [3, 3, 3, 3], [2, 2, 2, 2])).toMatchObject({ outcome: 'inconclusive' });
    // What all of them saw is not taken back by what they differ in.
    expect(one(most, [12, 2, 3, 4], [11, 12, 13, 14])).toMatchObject({ outcome: 'failed' });
  });

  test('of which one saw a breach while the other saw nothing: it was seen', () => {
    expect(one(most, [undefined, undefined, undefined, undefined], [11, 12, 13, 14])).toMatchObject({
      outcome: 'failed',
    });
    expect(one(most, [1, 2, 3, 4], [])).toMatchObject({ outcome: 'passed' });
  });

  test('must come to the same in what needs the whole phase, or its end', () => {
    for (const reduce of ['mean', 'last'] as const) {
      const objective = { ...most, reduce };
      expect(one(objective, [1, 1, 1, 1], [1, 1, 1, 1])).toMatchObject({ outcome: 'passed' });
      expect(one(objective, [1, 1, 1, 90], [1, 1, 1, 90])).toMatchObject({ outcome: 'failed' });
      for (const replicas of [
        [
          [1, 1, 1, 1],
          [1, 1, 1, 90],
        ],
        [
          [1, 1, 1, 90],
          [1, 1, 1, 1],
        ],
      ])
        expect(one(objective, ...replicas)).toMatchObject({
          outcome: 'inconclusive',
          says: expect.stringContaining('disagree'),
        });
    }
    // One that watched less than the claim wants has no say of its own.
    expect(one({ ...most, reduce: 'mean' }, [1, 1, 1, 1], [undefined, undefined, undefined, 90])).toMatchObject({
      outcome: 'passed',
    });
  });
});

describe('the processes that count', () => {
  const exporters = 'process_start_time_seconds{job="web"}';
  const counting = { ...most, exporters };
  const before = start / 1000 - 3_600;
  const during = times.after / 1000 + 3;
  const starts = (...all: readonly Values[]): RangeResponse => ({
    ...answer(
      'prometheus-0',
      all.map((values, index) => ({
        metric: { pod: `web-${index}` },
        values: steps.flatMap((at) => {
          const position = inAfter.indexOf(at);
          const value = at < times.after ? before : values[position];
          return value === undefined ? [] : [[at, String(value)] as const];
        }),
      })),
    ),
    objective: exportersRange(counting.name),
    query: exporters,
  });
  const withStarts = (values: Values, exportersAnswer: RangeResponse | undefined, objective = counting) =>
    judged(objective, [
      answer('prometheus-0', [series(values)], objective),
      ...(exportersAnswer ? [exportersAnswer] : []),
    ]);
  const steady: Values = [before, before, before, before];

  test('are the same throughout: the objective is judged as any other', () => {
    expect(withStarts([1, 1, 1, 1], starts(steady, steady))).toMatchObject({ outcome: 'passed' });
    expect(withStarts([1, 1, 1, 11], starts(steady, steady))).toMatchObject({ outcome: 'failed' });
    // One scrape that was lost at the end is no process that ended.
    expect(withStarts([1, 1, 1, 1], starts([before, before, before], steady))).toMatchObject({ outcome: 'passed' });
  });

  test.each([
    ['began anew', starts([before, during, during, during], steady), 'began anew'],
    [
      'is another one',
      starts([before, undefined, undefined, undefined], [], [undefined, undefined, during, during]),
      'began anew and',
    ],
    ['ended', starts([before, undefined, undefined, undefined], steady), 'ended'],
    ['began anew by a clock that is wrong', starts([before, before + 9, before + 9, before + 9]), 'began anew'],
    ['did not say', starts(), 'none of the processes'],
    ['were not asked', undefined, 'nobody asked'],
  ])('of which one %s give no pass', (_what, asked, says) => {
    expect(withStarts([1, 1, 1, 1], asked)).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining(says),
    });
    // Counts that are lost make a rate smaller: too much is too much all the same, too little says nothing.
    expect(withStarts([1, 11, 1, 1], asked)).toMatchObject({ outcome: 'failed' });
    expect(withStarts([3, 2, 3, 3], asked, { ...least, exporters })).toMatchObject({ outcome: 'inconclusive' });
  });

  test('that began in another phase do not matter', () => {
    const earlier = (times.after - 20_000) / 1000;
    expect(withStarts([1, 1, 1, 1], starts([earlier, earlier, earlier, earlier]))).toMatchObject({ outcome: 'passed' });
  });

  test('were there while the query had no value: it is told that no series is missing', () => {
    expect(withStarts([], starts(steady))).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('a condition did not hold, or there is no such series'),
    });
  });
});
