import { expect, test } from 'vitest';
import { quantile, quantileOf, samplesMinFor } from './quantile.ts';

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

test('a quantile is the sample of nearest rank, never a value that nobody waited', () => {
  // The textbook's example of nearest rank: 15 20 35 40 50.
  const list = [35, 20, 15, 50, 40];
  expect([0.05, 0.3, 0.4, 0.5, 1].map((q) => quantile(list, q))).toEqual([15, 20, 20, 35, 50]);
  expect(quantile(upTo(100), 0.95)).toBe(95);
  expect(quantile(upTo(100), 0.99)).toBe(99);
  expect(quantile(upTo(20), 0.95)).toBe(19);
  expect(quantile(upTo(1000), 0.95)).toBe(950);
  expect(quantile([7], 0.5)).toBe(7);
});

test('numbers are ordered as numbers, and the samples stay as they were', () => {
  const samples = [100, 9, 10];
  expect(quantile(samples, 1)).toBe(100);
  expect(samples).toEqual([100, 9, 10]);
});

test('of nothing there is no quantile', () => {
  expect(quantile([], 0.5)).toBeNaN();
});

test('p95 needs 59 samples and p99 needs 299 before a bound means something', () => {
  expect([0.5, 0.95, 0.99].map(samplesMinFor)).toEqual([5, 59, 299]);
});

test('found by counting, a quantile is the very sample that sorting finds', () => {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const kinds = [
    () => Math.floor(200 * next()),
    () => 200 * next(),
    () => 1000 * next() ** 9,
    () => (next() < 0.5 ? 0 : 5e-324),
    () => 12 + 1e-12 * next(),
    () => 2 ** (80 * next()),
  ];
  for (const make of kinds) {
    const samples = Float64Array.from({ length: 501 }, make);
    // In blocks of different sizes, as a table gives them.
    const blocks = () => [
      samples.subarray(0, 7),
      samples.subarray(7, 7),
      samples.subarray(7, 300),
      samples.subarray(300),
    ];
    for (const q of [0, 0.001, 0.5, 0.9, 0.95, 0.99, 1])
      expect(quantileOf(blocks, samples.length, q)).toBe(quantile([...samples], q));
  }
  expect(quantileOf(() => [], 0, 0.5)).toBeNaN();
});
