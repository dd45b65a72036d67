// Between which samples a quantile lies, whatever the samples' distribution: their order alone says it, once there are enough of them.

export type QuantileBounds = { readonly from: number; readonly to: number } | { readonly needs: number };

/**
 * Two samples of which the quantile lies between, each wrong with at most half of `chance`. With fewer samples than it takes for the smallest
 * and the largest one to be such, it says how many that is: 6 for a median, 72 for p95, 368 for p99, at a chance of 0.05.
 */
export function quantileBounds(samples: readonly number[], q: number, chance: number): QuantileBounds {
  if (!(q > 0 && q < 1 && chance > 0 && chance < 1))
    throw new RangeError('a quantile and a chance lie between 0 and 1');
  const needs = Math.ceil(Math.log(chance / 2) / Math.log(Math.max(q, 1 - q)) - 1e-9);
  if (samples.length < needs) return { needs };
  const sorted = [...samples].sort((a, b) => a - b);
  const below = tail(sorted.length, q, chance / 2);
  const above = tail(sorted.length, 1 - q, chance / 2);
  return { from: sorted[below - 1] ?? Number.NaN, to: sorted[sorted.length - above] ?? Number.NaN };
}

/** The largest rank whose sample exceeds the quantile in at most `chance` of cases: P(Binomial(n, q) < rank) ≤ chance. */
function tail(n: number, q: number, chance: number): number {
  let logOfTerm = n * Math.log1p(-q);
  let sum = 0;
  for (let k = 0; k < n; k++) {
    sum += Math.exp(logOfTerm);
    if (sum > chance * (1 + 1e-12)) return k;
    logOfTerm += Math.log((n - k) / (k + 1)) + Math.log(q) - Math.log1p(-q);
  }
  return n;
}
