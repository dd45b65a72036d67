// By how much one handful of figures is larger than another, in their own unit, and how sure that is.
import { pairsWon } from './rank-test.ts';

export interface Shift {
  /** Hodges and Lehmann: the median of all differences between a figure of the first and one of the second. */
  readonly estimate: number;
  /** The true shift is at least, at most this, each with the asked confidence; undefined: there are too few figures for that. */
  readonly from?: number;
  readonly to?: number;
}

/**
 * The bounds are differences that were seen, as many from the end as the exact rank test allows: the shifts that it would not reject.
 * With ties they err towards the wider.
 */
export function shiftBetween(first: readonly number[], second: readonly number[], chance: number): Shift {
  const differences = first.flatMap((one) => second.map((other) => one - other)).sort((a, b) => a - b);
  const { length } = differences;
  const at = (index: number) => differences[index] ?? Number.NaN;
  const estimate = (at(Math.floor((length - 1) / 2)) + at(Math.floor(length / 2))) / 2;
  let left = chance;
  let leaveOut = 0;
  // A hair more than asked, for chances are sums of fractions.
  for (const each of pairsWon(first.length, second.length)) {
    left -= each;
    if (left < -1e-12) break;
    leaveOut += 1;
  }
  return leaveOut === 0 ? { estimate } : { estimate, from: at(leaveOut - 1), to: at(length - leaveOut) };
}
