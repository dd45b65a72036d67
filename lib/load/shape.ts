// Shifts → the rate over time, as points with straight lines between them; and those points → what k6 plays.
import type { Journey } from '../model/claim.ts';
import type { RateShape } from '../model/evidence.ts';
import type { LoadProfile, Shift } from '../model/load-config.ts';

/** A point by the hour, where k6 wants whole numbers. */
export interface HourlyPoint {
  readonly atMs: number;
  readonly perHour: number;
}

/** Two ramps that overlap multiply to a curve; it is drawn with this many straight pieces for each stretch. */
const piecesOfCurve = 8;

/** Undefined when no shift changes the journey. */
export function hourlyShape(profile: LoadProfile, journey: Journey): readonly HourlyPoint[] | undefined {
  const base = profile.technicians * (profile.perTechnicianHour[journey] ?? 0);
  const shifts = (profile.shifts ?? []).filter((shift) => timesOf(shift, journey) !== 1);
  if (base === 0 || shifts.length === 0) return undefined;
  const cuts = [...new Set([0, ...shifts.flatMap(cutsOf)])].sort((a, b) => a - b);
  const times = cuts.flatMap((cut, index) => {
    const next = cuts[index + 1];
    const ramps = next === undefined ? 0 : shifts.filter((shift) => isRamp(shift, cut, next)).length;
    if (next === undefined || ramps < 2) return [cut];
    return Array.from({ length: piecesOfCurve }, (_, piece) => cut + ((next - cut) * piece) / piecesOfCurve);
  });
  const points = times.flatMap((atMs) =>
    // Before the beginning there is nothing.
    (atMs === 0 ? (['after'] as const) : (['before', 'after'] as const)).map((side) => ({
      atMs: Math.round(atMs),
      perHour: Math.round(base * shifts.reduce((all, shift) => all * factorAt(shift, journey, atMs, side), 1)),
    })),
  );
  // Only a jump has two points of one time.
  return points.filter(({ atMs, perHour }, index) => {
    const earlier = points[index - 1];
    return !(earlier && earlier.atMs === atMs && earlier.perHour === perHour);
  });
}

export const toRateShape = (points: readonly HourlyPoint[]): RateShape =>
  points.map(({ atMs, perHour }) => ({ atMs, perSecond: perHour / 3600 }));

/** k6's ramping-arrival-rate: where it starts, and each next rate with the time that it takes to get there. Cut off at `durationMs`. */
export function stagesOf(
  points: readonly HourlyPoint[],
  durationMs: number,
): { readonly startRate: number; readonly stages: readonly { readonly target: number; readonly duration: string }[] } {
  const [first, ...rest] = points;
  const stages: { target: number; duration: string }[] = [];
  let at = 0;
  let rate = first?.perHour ?? 0;
  for (const { atMs, perHour } of rest) {
    if (at >= durationMs) break;
    const to = Math.min(atMs, durationMs);
    const share = atMs > at ? (to - at) / (atMs - at) : 1;
    rate = Math.round(rate + (perHour - rate) * share);
    stages.push({ target: rate, duration: `${to - at}ms` });
    at = to;
  }
  if (at < durationMs) stages.push({ target: rate, duration: `${durationMs - at}ms` });
  return { startRate: first?.perHour ?? 0, stages };
}

export const timesOf = ({ times }: Shift, journey: Journey): number =>
  typeof times === 'number' ? times : (times[journey] ?? 1);

function cutsOf({ fromMs, lastsMs, rampMs = 0 }: Shift): readonly number[] {
  return [fromMs, fromMs + rampMs, fromMs + lastsMs - rampMs, fromMs + lastsMs];
}

function isRamp({ fromMs, lastsMs, rampMs = 0 }: Shift, from: number, to: number): boolean {
  const end = fromMs + lastsMs;
  return (from >= fromMs && to <= fromMs + rampMs) || (from >= end - rampMs && to <= end);
}

/** A jump has two factors at one time: of the moment before, and of the moment after. */
function factorAt(shift: Shift, journey: Journey, atMs: number, side: 'before' | 'after'): number {
  const { fromMs, lastsMs, rampMs = 0 } = shift;
  const end = fromMs + lastsMs;
  const inside = side === 'after' ? atMs >= fromMs && atMs < end : atMs > fromMs && atMs <= end;
  if (!inside) return 1;
  const reached = rampMs === 0 ? 1 : Math.min(1, (atMs - fromMs) / rampMs, (end - atMs) / rampMs);
  return 1 + (timesOf(shift, journey) - 1) * reached;
}
