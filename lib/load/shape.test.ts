import { expect, test } from 'vitest';
import { plannedArrivals } from '../judge/planned-arrivals.ts';
import type { LoadProfile, Shift } from '../model/load-config.ts';
import { hourlyShape, stagesOf, toRateShape } from './shape.ts';

/** One scan a second, and one receipt. */
const profile = (...shifts: readonly Shift[]): LoadProfile => ({
  technicians: 1,
  perTechnicianHour: { 'barcode-lookup': 3_600, 'goods-receipt': 3_600 },
  shifts,
});
const burst: Shift = { name: 'burst', fromMs: 10_000, lastsMs: 20_000, times: { 'goods-receipt': 5 } };

test('a journey that no shift changes has no shape', () => {
  expect(hourlyShape(profile(), 'goods-receipt')).toBeUndefined();
  expect(hourlyShape(profile(burst), 'barcode-lookup')).toBeUndefined();
  expect(hourlyShape(profile(burst), 'job-card')).toBeUndefined();
});

test('a shift without a ramp jumps up and down again', () => {
  const points = hourlyShape(profile(burst), 'goods-receipt') ?? [];
  expect(points).toEqual([
    { atMs: 0, perHour: 3_600 },
    { atMs: 10_000, perHour: 3_600 },
    { atMs: 10_000, perHour: 18_000 },
    { atMs: 30_000, perHour: 18_000 },
    { atMs: 30_000, perHour: 3_600 },
  ]);
  expect(stagesOf(points, 60_000)).toEqual({
    startRate: 3_600,
    stages: [
      { target: 3_600, duration: '10000ms' },
      { target: 18_000, duration: '0ms' },
      { target: 18_000, duration: '20000ms' },
      { target: 3_600, duration: '0ms' },
      { target: 3_600, duration: '30000ms' },
    ],
  });
});

test('one that is there from the beginning begins there', () => {
  const points = hourlyShape(profile({ ...burst, fromMs: 0, times: 3 }), 'barcode-lookup');
  expect(points?.[0]).toEqual({ atMs: 0, perHour: 10_800 });
});

test('a ramp is reached and left evenly, inside of the shift', () => {
  expect(hourlyShape(profile({ ...burst, rampMs: 5_000 }), 'goods-receipt')).toEqual([
    { atMs: 0, perHour: 3_600 },
    { atMs: 10_000, perHour: 3_600 },
    { atMs: 15_000, perHour: 18_000 },
    { atMs: 25_000, perHour: 18_000 },
    { atMs: 30_000, perHour: 3_600 },
  ]);
});

test('factors multiply where shifts overlap, and two ramps at once are drawn as a curve', () => {
  const noon: Shift = { name: 'noon', fromMs: 20_000, lastsMs: 20_000, times: 0.5 };
  const at = (points: ReturnType<typeof hourlyShape>, ms: number) =>
    points?.findLast(({ atMs }) => atMs <= ms)?.perHour;
  const both = hourlyShape(profile(burst, noon), 'goods-receipt');
  expect([at(both, 15_000), at(both, 25_000), at(both, 35_000), at(both, 50_000)]).toEqual([
    18_000, 9_000, 1_800, 3_600,
  ]);
  const ramps = hourlyShape(
    profile({ ...burst, rampMs: 10_000 }, { ...burst, rampMs: 10_000, times: 2 }),
    'goods-receipt',
  );
  // Half way up: 3 × 1.5.
  expect(ramps).toContainEqual({ atMs: 15_000, perHour: 3_600 * 3 * 1.5 });
});

test('what k6 plays ends when the load does, in the middle of a ramp too', () => {
  const points = hourlyShape(profile({ ...burst, rampMs: 10_000 }), 'goods-receipt') ?? [];
  expect(stagesOf(points, 15_000).stages).toEqual([
    { target: 3_600, duration: '10000ms' },
    { target: 10_800, duration: '5000ms' },
  ]);
});

test.each([
  ['without a ramp', burst],
  ['with one', { ...burst, rampMs: 7_000 }],
  ['of a factor of nothing', { ...burst, times: 0 }],
])('a shift %s: k6 is told to play what the judge expects', (_, shift) => {
  const points = hourlyShape(profile(shift), 'goods-receipt') ?? [];
  const { startRate, stages } = stagesOf(points, 45_000);
  let rate = startRate;
  const played = stages.reduce((sum, { target, duration }) => {
    const hours = Number.parseFloat(duration) / 3_600_000;
    const sumNow = sum + ((rate + target) / 2) * hours;
    rate = target;
    return sumNow;
  }, 0);
  const planned = { ratesPerSecond: { 'goods-receipt': 1 }, shapes: { 'goods-receipt': toRateShape(points) } };
  expect(plannedArrivals(planned, 'goods-receipt', 0, 45_000)).toBeCloseTo(played, 6);
});
