// Chance that repeats: the same seed, journey and iteration draw the same numbers, whichever virtual user plays it and when.

export type Chance = () => number;

/** Numbers in [0, 1) of one iteration. */
export function chanceOf(seed: number, journey: string, iteration: number): Chance {
  let state = mixed(mixed(seed ^ hashOf(journey)) + Math.imul(iteration, 0x9e3779b1));
  // mulberry32: 32 bits of state are plenty for the dozen numbers of an iteration.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `low` to `high`, both included. */
export const wholeNumber = (chance: Chance, low: number, high: number): number =>
  low + Math.floor(chance() * (high - low + 1));

/**
 * A rank from 1 to `count`, where rank k comes up with a weight of 1 / k^skew. Rejection-inversion (Hörmann and Derflinger, 1996):
 * no table, since each of k6's virtual users would have to hold one of its own.
 */
export function zipfRank(chance: Chance, count: number, skew: number): number {
  const weight = (x: number) => Math.exp(-skew * Math.log(x));
  const area = (x: number) => expRatio((1 - skew) * Math.log(x)) * Math.log(x);
  const areaInverse = (y: number) => Math.exp(logRatio(Math.max(-1, y * (1 - skew))) * y);
  const first = area(1.5) - 1;
  const last = area(count + 0.5);
  const sure = 2 - areaInverse(area(2.5) - weight(2));
  for (;;) {
    const y = last + chance() * (first - last);
    const x = areaInverse(y);
    const rank = Math.min(count, Math.max(1, Math.round(x)));
    if (rank - x <= sure || y >= area(rank + 0.5) - weight(rank)) return rank;
  }
}

/** (e^x - 1) / x and log(1 + x) / x, also right at 0, where skew is 1. */
const expRatio = (x: number): number => (Math.abs(x) > 1e-8 ? Math.expm1(x) / x : 1 + x / 2);
const logRatio = (x: number): number => (Math.abs(x) > 1e-8 ? Math.log1p(x) / x : 1 - x / 2);

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

/** murmur3's finisher: neighbouring seeds and iterations come out far apart. */
function mixed(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
