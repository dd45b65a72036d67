import { expect, test } from 'vitest';
import { evidenceOf } from '../../tests/fixtures/evidence.ts';
import type { Drop, Operation } from '../model/evidence.ts';
import { tablesOf } from '../tables/run-tables.ts';
import { allPlannedArrivals, leastPlannedArrivals, loadBegan, plannedArrivals } from './planned-arrivals.ts';

const steady = { ratesPerSecond: { 'barcode-lookup': 20, 'goods-receipt': 2 } };
const shaped = {
  ratesPerSecond: { 'barcode-lookup': 10, 'goods-receipt': 2 },
  shapes: {
    'barcode-lookup': [
      { atMs: 0, perSecond: 10 },
      { atMs: 10_000, perSecond: 10 },
      { atMs: 10_000, perSecond: 40 },
      { atMs: 20_000, perSecond: 40 },
      { atMs: 30_000, perSecond: 10 },
    ],
  },
};

test('a rate that stays is multiplied by time', () => {
  expect(plannedArrivals(steady, 'barcode-lookup', 3_000, 5_500)).toBe(50);
  expect(plannedArrivals(steady, 'job-card', 0, 10_000)).toBe(0);
  expect(allPlannedArrivals(steady, 0, 1_000)).toBe(22);
});

test.each([
  [0, 10_000, 100],
  [9_000, 11_000, 10 + 40],
  [10_000, 20_000, 400],
  [20_000, 30_000, 250],
  [25_000, 25_000, 0],
  [30_000, 40_000, 100],
])('from %i to %i ms the shape has so many arrivals: %d', (from, to, arrivals) => {
  expect(plannedArrivals(shaped, 'barcode-lookup', from, to)).toBeCloseTo(arrivals, 9);
});

test('nothing is planned before the load began, and the parts add up to the whole', () => {
  expect(plannedArrivals(shaped, 'barcode-lookup', -5_000, 1_000)).toBe(10);
  let sum = 0;
  for (let at = 0; at < 40_000; at += 700)
    sum += plannedArrivals(shaped, 'barcode-lookup', at, Math.min(40_000, at + 700));
  expect(sum).toBeCloseTo(plannedArrivals(shaped, 'barcode-lookup', 0, 40_000), 6);
});

test('the load began with the first thing that was started, or dropped', () => {
  const operation = { journey: 'barcode-lookup', sentAt: 500, good: true, status: 200 } as const;
  const began = (operations: readonly Operation[], drops: readonly Drop[]) =>
    loadBegan(tablesOf({ ...evidenceOf(), operations, drops }));
  expect(began([operation], [])).toBe(500);
  expect(began([operation], [{ at: 400, journey: 'barcode-lookup', count: 1 }])).toBe(400);
  expect(began([], [])).toBeUndefined();
});

test('where the rate changes, the least by a clock that is half a second off is asked for; elsewhere there is nothing to be off', () => {
  expect(leastPlannedArrivals(shaped, 'barcode-lookup', 10_000, 12_000)).toBeCloseTo(80 - 0.5 * 30, 9);
  expect(leastPlannedArrivals(shaped, 'barcode-lookup', 12_000, 14_000)).toBeCloseTo(80, 9);
  expect(leastPlannedArrivals(steady, 'barcode-lookup', 0, 1_000)).toBe(20);
});
