import { expect, test } from 'vitest';
import { shiftBetween } from './shift.ts';

const atTerm = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const early = [1.15, 0.88, 0.9, 0.74, 1.21];

test('the textbook: a shift of 0.305, between −0.15 and 0.76 with 95 % confidence, as R has it', () => {
  const { estimate, from, to } = shiftBetween(atTerm, early, 0.025);
  expect(estimate).toBeCloseTo(0.305, 12);
  expect(from).toBeCloseTo(-0.15, 12);
  expect(to).toBeCloseTo(0.76, 12);
});

test('what is added to one side is the shift, and moves its bounds along', () => {
  const here = shiftBetween([1, 5, 9], [2, 3, 4, 6, 7, 8, 11], 0.01);
  const there = shiftBetween([101, 105, 109], [2, 3, 4, 6, 7, 8, 11], 0.01);
  expect(there.estimate).toBe(here.estimate + 100);
  expect(there.from).toBe((here.from ?? 0) + 100);
  expect(there.to).toBe((here.to ?? 0) + 100);
});

test('with three against seven the bounds of 99 % are the outermost differences, with six there are none', () => {
  expect(shiftBetween([10, 11, 12], [1, 2, 3, 4, 5, 6, 7], 0.01)).toEqual({ estimate: 7, from: 3, to: 11 });
  expect(shiftBetween([10, 11, 12], [1, 2, 3, 4, 5, 6], 0.01)).toEqual({ estimate: 7.5 });
});

test('figures that are all the same did not shift', () => {
  expect(shiftBetween([4, 4, 4], Array(7).fill(4), 0.01)).toEqual({ estimate: 0, from: 0, to: 0 });
});

test('the truth is beyond a bound as seldom as was asked, also when figures tie', () => {
  let state = 7;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  for (const grain of [1e-9, 0.25]) {
    const rounds = 4_000;
    const figure = () => Math.round(random() ** 3 / grain) * grain;
    let [below, above] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const { from = 0, to = 0 } = shiftBetween(
        [figure(), figure(), figure()],
        Array.from({ length: 9 }, figure),
        0.05,
      );
      if (from > 1e-12) above += 1;
      if (to < -1e-12) below += 1;
    }
    // Four standard deviations of what a chance of 0.05 comes to in so many rounds.
    for (const wrong of [below, above])
      expect(wrong / rounds).toBeLessThan(0.05 + 4 * Math.sqrt((0.05 * 0.95) / rounds));
  }
});
