import { expect, test } from 'vitest';
import { chanceMin, figuresMax, pairsWon, rankTest } from './rank-test.ts';

// Hollander and Wolfe, Nonparametric Statistical Methods: permeability of the placenta at term, and at 12 to 26 weeks.
const atTerm = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const early = [1.15, 0.88, 0.9, 0.74, 1.21];

test('the textbook: 35 of 50 pairs won, p = 0.1272, as R and SAS have it', () => {
  const { greater, delta } = rankTest(atTerm, early);
  expect(greater).toBeCloseTo(0.1272, 4);
  expect(delta).toBeCloseTo((2 * 35) / 50 - 1, 12);
});

test('the other way around is the other tail', () => {
  const [there, back] = [rankTest(atTerm, early), rankTest(early, atTerm)];
  expect(back.less).toBeCloseTo(there.greater, 12);
  expect(back.greater).toBeCloseTo(there.less, 12);
  expect(back.delta).toBeCloseTo(-there.delta, 12);
});

test('one night needs nineteen before it for a chance of 0.05, three need seven for 0.0083', () => {
  expect(chanceMin(1, 19)).toBe(0.05);
  expect(chanceMin(1, 18)).toBeGreaterThan(0.05);
  expect(chanceMin(3, 7)).toBeCloseTo(0.0083, 4);
  expect(rankTest([20], upTo(19)).greater).toBeCloseTo(0.05, 12);
  expect(rankTest([8, 9, 10], upTo(7)).greater).toBeCloseTo(1 / 120, 12);
});

test.each([
  // Tables of Mann and Whitney: the largest U that is significant at 0.05, two-sided.
  [5, 5, 2, 0.0317],
  [10, 10, 23, 0.0433],
])('%i against %i with U = %i is p = %f, and the next is beyond 0.05', (first, second, u, p) => {
  const both = (won: number) =>
    2 *
    pairsWon(first, second)
      .slice(0, won + 1)
      .reduce((sum, chance) => sum + chance, 0);
  expect(both(u)).toBeCloseTo(p, 4);
  expect(both(u + 1)).toBeGreaterThan(0.05);
});

test('chances of all numbers of pairs are one together', () => {
  expect(pairsWon(3, 20).reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12);
});

test('ties are counted as they are: the same as dividing the figures in every way', () => {
  const random = seeded(1);
  for (let round = 0; round < 60; round++) {
    const figures = Array.from({ length: 3 + Math.floor(random() * 7) }, () => Math.floor(random() * 4));
    const size = 1 + Math.floor(random() * (figures.length - 1));
    const [first, second] = [figures.slice(0, size), figures.slice(size)];
    const seen = pairs(first, second);
    const all = divisions(figures, size).map(([one, other]) => pairs(one, other));
    const test = rankTest(first, second);
    expect(test.greater).toBeCloseTo(all.filter((won) => won >= seen - 1e-9).length / all.length, 12);
    expect(test.less).toBeCloseTo(all.filter((won) => won <= seen + 1e-9).length / all.length, 12);
    expect(test.delta).toBeCloseTo((2 * seen) / (first.length * second.length) - 1, 12);
  }
});

test('figures that are all the same say nothing at all', () => {
  expect(rankTest([7, 7, 7], [7, 7, 7, 7])).toEqual({ greater: 1, less: 1, delta: 0 });
});

test('only the order counts, not by how much nor in which sequence', () => {
  expect(rankTest([9, 1e9, -0], [3, 4, 5])).toEqual(rankTest([-5, 7, 8], [2, 1, 3]));
});

test('at most a hundred figures, and none that is no number', () => {
  expect(rankTest(upTo(50), upTo(50)).delta).toBe(0);
  expect(() => rankTest(upTo(51), upTo(50))).toThrow(`at most ${figuresMax}`);
  expect(() => rankTest([1, Number.NaN], [2])).toThrow('finite');
  expect(() => rankTest([1, Number.POSITIVE_INFINITY], [2])).toThrow('finite');
  expect(() => rankTest([], [2])).toThrow('both sides');
  expect(() => rankTest([1], [])).toThrow('both sides');
});

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}

/** A tie is half a pair. */
const pairs = (first: readonly number[], second: readonly number[]): number =>
  first.flatMap((a) => second.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0))).reduce((sum, won) => sum + won, 0);

function divisions(figures: readonly number[], size: number): readonly (readonly [number[], number[]])[] {
  return Array.from({ length: 2 ** figures.length }, (_, mask) => mask)
    .map((mask): [number[], number[]] => [
      figures.filter((_, index) => (mask >> index) & 1),
      figures.filter((_, index) => !((mask >> index) & 1)),
    ])
    .filter(([first]) => first.length === size);
}

/** Park and Miller's generator. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
