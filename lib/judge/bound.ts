// A measured value against the bounds of its objective.
import type { Finding } from '../model/verdict.ts';
import { percent, rounded } from './numbers.ts';

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** How far outside of its bounds a value is; at most 0 when it is within. */
export const outsideBy = ({ min, max }: Bounds, value: number): number =>
  Math.max(
    max === undefined ? Number.NEGATIVE_INFINITY : value - max,
    min === undefined ? Number.NEGATIVE_INFINITY : min - value,
  );

/** ≥ 3, = 1, 1 to 5; shares as ≥ 99 %. */
export function boundText({ min, max }: Bounds, unit: string): string {
  const told = (bound: number) => (unit === 'share' ? percent(bound) : String(bound));
  if (min !== undefined && max !== undefined) return min === max ? `= ${told(min)}` : `${told(min)} to ${told(max)}`;
  return min !== undefined ? `≥ ${told(min)}` : `≤ ${told(max ?? 0)}`;
}

/** `detail` is how it was measured; it follows the numbers. */
export function againstBound(
  objective: Bounds & { readonly name: string },
  phase: string,
  value: number,
  unit: string,
  detail: string,
): Finding {
  const within = outsideBy(objective, value) <= 0;
  const bound = boundText(objective, unit);
  return {
    check: objective.name,
    outcome: within ? 'passed' : 'failed',
    says: `${objective.name} in ${phase}: ${amount(value, objective, unit)}, wanted ${unit === 'share' ? bound : `${bound} ${unit}`} (${detail}).`,
    measured: rounded(value),
    bound,
    unit,
    phase,
  };
}

/** A value just beyond its bound is told with as many digits as show it. */
function amount(value: number, bounds: Bounds, unit: string): string {
  const short = rounded(value);
  const hidden = outsideBy(bounds, value) > 0 && outsideBy(bounds, short) <= 0;
  if (unit === 'share') return hidden ? `${value * 100} %` : percent(value);
  return hidden ? String(value) : String(short);
}
