// Quantiles of raw samples; never of other quantiles, and never interpolated.

/**
 * Nearest rank: the smallest sample that at least the share `q` of all samples does not exceed, that is the sample of rank ⌈q·n⌉.
 * It is always a value that somebody really waited.
 */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[rankOf(q, sorted.length) - 1] ?? Number.NaN;
}

function rankOf(q: number, count: number): number {
  // 0.95 × 20 is 19.000000000000004 in some orders of multiplication: a hair over a whole number is that number.
  return Math.min(count, Math.max(1, Math.ceil(q * count - 1e-9)));
}

/**
 * The same of samples that are never held at once: `blocks` goes through all of them anew at each call, and none is below 0. Such numbers
 * sort as their bits do, so the sample of a rank is found sixteen bits at a time by counting.
 */
export function quantileOf(blocks: () => Iterable<Float64Array>, count: number, q: number): number {
  if (count === 0) return Number.NaN;
  let rank = rankOf(q, count);
  const counts = new Uint32Array(1 << 16);
  const found = new Uint32Array(2);
  for (let digit = 0; digit < 4; digit++) {
    counts.fill(0);
    // The upper word stands second, as on every machine that Node.js runs on.
    for (const block of blocks())
      countDigits(new Uint32Array(block.buffer, block.byteOffset, 2 * block.length), digit, found, counts);
    let value = 0;
    for (; rank > (counts[value] as number); value++) rank -= counts[value] as number;
    const word = digit < 2 ? 1 : 0;
    found[word] = (found[word] as number) | (digit % 2 === 0 ? value << 16 : value);
  }
  return new Float64Array(found.buffer)[0] as number;
}

/** Counts one digit of those whose digits before it are the ones that were found. */
function countDigits(words: Uint32Array, digit: number, found: Uint32Array, counts: Uint32Array): void {
  const [low, high] = [found[0] as number, found[1] as number];
  for (let at = 0; at < words.length; at += 2) {
    const upper = words[at + 1] as number;
    let value: number;
    if (digit === 0) value = upper >>> 16;
    else if (digit === 1) {
      if (upper >>> 16 !== high >>> 16) continue;
      value = upper & 0xffff;
    } else {
      if (upper !== high) continue;
      const lower = words[at] as number;
      if (digit === 2) value = lower >>> 16;
      else if (lower >>> 16 !== low >>> 16) continue;
      else value = lower & 0xffff;
    }
    counts[value] = (counts[value] as number) + 1;
  }
}

/**
 * Fewest samples whose largest one is, in 95 of 100 cases, at or above the quantile: 1 − qⁿ ≥ 0.95.
 * With fewer, all samples may well lie below the bound although the quantile does not. 5 for p50, 59 for p95, 299 for p99.
 */
export const samplesMinFor = (q: number): number => Math.ceil(Math.log(0.05) / Math.log(q) - 1e-9);
