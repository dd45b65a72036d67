// How many iterations were planned in a span of time, also where the rate changes: the area under the planned rate. Read by whoever asks
// whether enough arrived, while the run goes on and afterwards.
import { type Journey, journeys } from '../model/claim.ts';
import type { Instant, PlannedLoad, RateShape } from '../model/evidence.ts';
import type { RunTables } from '../tables/run-tables.ts';

type Plan = Pick<PlannedLoad, 'ratesPerSecond' | 'shapes'>;

/** Journeys of which something was to arrive at some time. */
export const journeysOf = (planned: Plan): readonly Journey[] =>
  journeys.filter((journey) => (planned.ratesPerSecond[journey] ?? 0) > 0 || planned.shapes?.[journey] !== undefined);

/** Planned iterations of one journey between two times since the load's first iteration. */
export function plannedArrivals(
  { ratesPerSecond, shapes }: Plan,
  journey: Journey,
  fromMs: number,
  toMs: number,
): number {
  const shape = shapes?.[journey];
  const from = Math.max(0, fromMs);
  if (toMs <= from) return 0;
  if (!shape) return ((ratesPerSecond[journey] ?? 0) * (toMs - from)) / 1000;
  const cuts = [from, ...shape.map(({ atMs }) => atMs).filter((at) => at > from && at < toMs), toMs];
  // Straight between two cuts, so the mean of both ends is the mean; a jump lies on a cut and is looked at from inside.
  return cuts.slice(1).reduce((sum, to, index) => {
    const begin = cuts[index] ?? 0;
    return sum + ((rateAfter(shape, begin) + rateBefore(shape, to)) / 2) * ((to - begin) / 1000);
  }, 0);
}

/** k6 tells nobody when its clock began; the first thing that it started is later by up to one arrival of what comes most, and by what a busy machine adds. */
const clockOffMs = 500;

/** The same for who asks whether too few came: where the rate changes, the least that it may have been by a clock that is a little off. */
export function leastPlannedArrivals(planned: Plan, journey: Journey, fromMs: number, toMs: number): number {
  const offsets = planned.shapes?.[journey] ? [-clockOffMs, 0, clockOffMs] : [0];
  return Math.min(...offsets.map((off) => plannedArrivals(planned, journey, fromMs + off, toMs + off)));
}

/** Of all journeys together. */
export const allPlannedArrivals = (planned: Plan, fromMs: number, toMs: number): number =>
  journeysOf(planned).reduce((sum, journey) => sum + plannedArrivals(planned, journey, fromMs, toMs), 0);

/**
 * When the load's clock began: with the first thing that it is on record to have started, or to have had nobody for. k6 itself takes a
 * moment before that, which is no part of the plan.
 */
export function loadBegan({ operations, drops }: Pick<RunTables, 'operations' | 'drops'>): Instant | undefined {
  const { firstSentAt = Number.POSITIVE_INFINITY } = operations;
  const first = Math.min(firstSentAt, drops[0]?.at ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(first) ? first : undefined;
}

const rateAfter = (shape: RateShape, atMs: number): number => rateAt(shape, atMs, (pointMs) => pointMs <= atMs);
const rateBefore = (shape: RateShape, atMs: number): number => rateAt(shape, atMs, (pointMs) => pointMs < atMs);

function rateAt(shape: RateShape, atMs: number, isPast: (pointMs: number) => boolean): number {
  const index = shape.findLastIndex((point) => isPast(point.atMs));
  const [past, next] = [shape[index], shape[index + 1]];
  if (!past) return shape[0]?.perSecond ?? 0;
  if (!next || next.atMs <= past.atMs) return past.perSecond;
  const share = (atMs - past.atMs) / (next.atMs - past.atMs);
  return past.perSecond + (next.perSecond - past.perSecond) * share;
}
