// Quantiles of raw samples; never of other quantiles, and never interpolated.

/**
 * Nearest rank: the smallest sample that at least the share `q` of all samples does not exceed, that is the sample of rank ⌈q·n⌉.
 * It is always a value that somebody really waited.
 */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  // 0.95 × 20 is 19.000000000000004 in some orders of multiplication: a hair over a whole number is that number.
  const rank = Math.ceil(q * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? Number.NaN;
}

/**
 * Fewest samples whose largest one is, in 95 of 100 cases, at or above the quantile: 1 − qⁿ ≥ 0.95.
 * With fewer, all samples may well lie below the bound although the quantile does not. 5 for p50, 59 for p95, 299 for p99.
 */
export const samplesMinFor = (q: number): number => Math.ceil(Math.log(0.05) / Math.log(q) - 1e-9);
