// Is one handful of figures larger than another by more than chance? The exact test of Mann and Whitney, because a night gives one figure
// and there are never enough nights for an approximation, nor a reason to believe in a bell curve.

/**
 * As many figures together as the null distribution is counted for; 100 take some milliseconds. More are refused instead of approximated:
 * who has that many asks another question.
 */
export const figuresMax = 100;

export interface RankTest {
  /** Chance that figures which don't differ but by chance would show the first ones at least this large, at least this small. */
  readonly greater: number;
  readonly less: number;
  /** Cliff's delta, −1 to 1: how much oftener a figure of the first is the larger one of two than the smaller one. */
  readonly delta: number;
}

/** Ties share their mean rank, and the chance is counted over these very ranks, so nothing has to be broken up by a throw of the dice. */
export function rankTest(first: readonly number[], second: readonly number[]): RankTest {
  const ranks = doubledRanks([...first, ...second]);
  const ways = waysToSum(ranks, first.length);
  const seen = ranks.slice(0, first.length).reduce((sum, rank) => sum + rank, 0);
  const all = sumOf(ways);
  // Of twice the first's rank sum: what is above its least possible value are pairs won, in halves.
  const won = (seen - first.length * (first.length + 1)) / 2;
  return {
    greater: sumOf(ways.subarray(seen)) / all,
    less: sumOf(ways.subarray(0, seen + 1)) / all,
    delta: (2 * won) / (first.length * second.length) - 1,
  };
}

/** Smallest chance that the test can come to, when every figure of the first is beyond every one of the second. */
export const chanceMin = (first: number, second: number): number => 1 / binomial(first + second, first);

/** Chances that 0, 1, 2, … pairs are won by the first, when all figures differ. */
export function pairsWon(first: number, second: number): readonly number[] {
  const ranks = Array.from({ length: first + second }, (_, index) => 2 * (index + 1));
  const ways = waysToSum(ranks, first);
  const all = sumOf(ways);
  return Array.from({ length: first * second + 1 }, (_, won) => (ways[first * (first + 1) + 2 * won] ?? 0) / all);
}

/** Twice the ranks, so that the mean of two neighbours is a whole number too. */
function doubledRanks(figures: readonly number[]): readonly number[] {
  if (figures.some((figure) => !Number.isFinite(figure))) throw new RangeError('only finite numbers have ranks');
  const sorted = [...figures].sort((a, b) => a - b);
  return figures.map((figure) => sorted.indexOf(figure) + 1 + (sorted.lastIndexOf(figure) + 1));
}

/** In how many ways so many of the ranks come to each sum. Doubles count exactly up to 2⁵³, and to fifteen digits beyond. */
function waysToSum(ranks: readonly number[], chosen: number): Float64Array {
  if (chosen < 1 || chosen >= ranks.length) throw new RangeError('both sides need a figure');
  if (ranks.length > figuresMax)
    throw new RangeError(`${ranks.length} figures; the exact test takes at most ${figuresMax}`);
  const most = ranks.reduce((sum, rank) => sum + rank, 0);
  const ways = Array.from({ length: chosen + 1 }, () => new Float64Array(most + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (const rank of ranks)
    for (let size = chosen; size >= 1; size--) {
      const [fewer, these] = [ways[size - 1] as Float64Array, ways[size] as Float64Array];
      for (let sum = most; sum >= rank; sum--) these[sum] = (these[sum] ?? 0) + (fewer[sum - rank] ?? 0);
    }
  return ways[chosen] as Float64Array;
}

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}
