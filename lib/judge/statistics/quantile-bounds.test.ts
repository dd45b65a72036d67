import { expect, test } from 'vitest';
import { quantileBounds } from './quantile-bounds.ts';

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

test.each([
  // Ranks of 95 % bounds of a median, as textbooks list them.
  [6, 1, 6],
  [10, 2, 9],
  [20, 6, 15],
  [100, 40, 61],
])('of %i samples the median lies between those of rank %i and %i', (n, from, to) => {
  expect(quantileBounds(upTo(n), 0.5, 0.05)).toEqual({ from, to });
});

test.each([
  [0.5, 6],
  [0.95, 72],
  [0.05, 72],
  [0.99, 368],
])('the quantile %f needs %s samples, and with one fewer it says so', (q, needs) => {
  expect(quantileBounds(upTo(needs - 1), q, 0.05)).toEqual({ needs });
  expect(quantileBounds([], q, 0.05)).toEqual({ needs });
  expect(quantileBounds(upTo(needs), q, 0.05)).toHaveProperty('from');
});

test('each bound is wrong with at most half of the chance, and one rank closer would be wrong more often', () => {
  for (const [n, q] of [
    [80, 0.95],
    [400, 0.99],
    [1_000, 0.95],
    [37, 0.3],
  ] as const) {
    const bounds = quantileBounds(upTo(n), q, 0.05);
    if (!('from' in bounds)) throw new Error(`${n} samples are too few`);
    const chances = binomial(n, q);
    const fewer = (than: number) => chances.slice(0, than).reduce((sum, chance) => sum + chance, 0);
    // The sample of rank r exceeds the quantile when fewer than r lie below it; it is below when at least r do.
    expect(fewer(bounds.from)).toBeLessThanOrEqual(0.025);
    expect(fewer(bounds.from + 1)).toBeGreaterThan(0.025);
    expect(1 - fewer(bounds.to)).toBeLessThanOrEqual(0.025);
    expect(1 - fewer(bounds.to - 1)).toBeGreaterThan(0.025);
  }
});

test('samples come in any order and stay as they were', () => {
  const samples = [10, 9, 100, 1, 2, 3];
  expect(quantileBounds(samples, 0.5, 0.05)).toEqual({ from: 1, to: 100 });
  expect(samples).toEqual([10, 9, 100, 1, 2, 3]);
});

test('what is no quantile is refused', () => {
  for (const q of [0, 1, Number.NaN]) expect(() => quantileBounds(upTo(10), q, 0.05)).toThrow('between 0 and 1');
});

/** Row by row as Pascal's triangle grows: another way than the code's. */
function binomial(n: number, q: number): readonly number[] {
  let row = [1];
  for (let trial = 0; trial < n; trial++)
    row = Array.from({ length: row.length + 1 }, (_, k) => (row[k] ?? 0) * (1 - q) + (row[k - 1] ?? 0) * q);
  return row;
}
