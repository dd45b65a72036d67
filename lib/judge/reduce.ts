// One series of readings → one number.
import type { ProbeObjective } from '../model/claim.ts';

type Reduce = ProbeObjective['reduce'];

/** Undefined when there is nothing to reduce. */
export function reduced(values: readonly number[], reduce: Reduce): number | undefined {
  if (values.length === 0) return undefined;
  switch (reduce) {
    case 'max':
      return values.reduce((most, value) => Math.max(most, value));
    case 'min':
      return values.reduce((least, value) => Math.min(least, value));
    case 'mean':
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    case 'last':
      return values.at(-1);
  }
}

/** A maximum over its bound stays over it, whatever was missing in between: a gap can't take a breach back. */
export function breachIsCertain(
  { reduce, min, max }: { readonly reduce: Reduce; readonly min?: number; readonly max?: number },
  value: number,
): boolean {
  return (
    (reduce === 'max' && max !== undefined && value > max) || (reduce === 'min' && min !== undefined && value < min)
  );
}
