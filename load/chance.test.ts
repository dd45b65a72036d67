import { expect, test } from 'vitest';
import { chanceOf, wholeNumber, zipfRank } from './chance.ts';

const draws = (count: number, draw: () => number) => Array.from({ length: count }, draw);

test('the same seed, journey and iteration draw the same numbers', () => {
  expect(draws(5, chanceOf(7, 'parts-issue', 42))).toEqual(draws(5, chanceOf(7, 'parts-issue', 42)));
});

test.each([
  ['seed', chanceOf(8, 'parts-issue', 42)],
  ['journey', chanceOf(7, 'goods-receipt', 42)],
  ['iteration', chanceOf(7, 'parts-issue', 43)],
])('another %s draws other numbers', (_, other) => {
  expect(draws(5, other)).not.toEqual(draws(5, chanceOf(7, 'parts-issue', 42)));
});

test('the first number of each iteration is spread evenly, also over neighbours', () => {
  const tenths = new Array<number>(10).fill(0);
  for (let iteration = 0; iteration < 10_000; iteration++) {
    const tenth = Math.floor(chanceOf(1, 'barcode-lookup', iteration)() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(120);
});

test('whole numbers include both ends', () => {
  const chance = chanceOf(1, 'x', 1);
  expect([...new Set(draws(200, () => wholeNumber(chance, 1, 3)))].sort()).toEqual([1, 2, 3]);
});

test.each([0, 0.5, 1, 1.5])('ranks of skew %d come up as often as their weight says', (skew) => {
  const count = 50;
  const weights = Array.from({ length: count }, (_, index) => (index + 1) ** -skew);
  const sum = weights.reduce((a, b) => a + b, 0);
  const chance = chanceOf(3, 'zipf', 1);
  const seen = new Array<number>(count).fill(0);
  const all = 100_000;
  for (let draw = 0; draw < all; draw++) {
    const rank = zipfRank(chance, count, skew);
    seen[rank - 1] = (seen[rank - 1] ?? 0) + 1;
  }
  for (const rank of [1, 2, 3, 10, 50]) {
    const share = (weights[rank - 1] ?? 0) / sum;
    // Five standard deviations.
    expect(Math.abs((seen[rank - 1] ?? 0) / all - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / all));
  }
});

test('a pool of one is always picked', () => {
  expect(zipfRank(chanceOf(1, 'x', 1), 1, 1)).toBe(1);
});
