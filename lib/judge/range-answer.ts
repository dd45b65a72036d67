// The answers of Prometheus as they stand in the evidence, read strictly: what does not look like one is no answer, for the judge never guesses.
import type { RangeResponse } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import { compareText } from './findings.ts';
import { isIn, type Span } from './phases.ts';

/** Values of one series by number of step; a step without a value is not in it. NaN and infinities are. */
export type Series = ReadonlyMap<number, number>;
export type SeriesByLabels = ReadonlyMap<string, Series>;

export function stepsIn(span: Span, { from, stepMs }: RangeResponse): readonly number[] {
  const steps: number[] = [];
  for (let step = Math.max(0, Math.ceil((span.from - from) / stepMs)); isIn(from + step * stepMs, span); step++)
    steps.push(step);
  return steps;
}

export function merge(replicas: readonly SeriesByLabels[]): SeriesByLabels {
  const merged = new Map<string, Map<number, number>>();
  for (const replica of replicas) {
    for (const [key, series] of replica) {
      const into = merged.get(key) ?? new Map<number, number>();
      merged.set(key, into);
      for (const [step, value] of series) {
        const had = into.get(step);
        if (had === undefined || (!Number.isFinite(had) && Number.isFinite(value))) into.set(step, value);
      }
    }
  }
  return merged;
}

/** Prometheus rounds times to a millisecond. */
const stepToleranceMs = 1;

export interface ReplicaAnswer {
  readonly replica: string;
  readonly series?: SeriesByLabels;
  readonly problem?: string;
}

/** The body of /api/v1/query_range. What does not look like one is no answer. */
export function readReplica(range: RangeResponse): ReplicaAnswer {
  const { replica, from, stepMs } = range;
  const problem = (what: string): ReplicaAnswer => ({ replica, problem: what });
  if (range.error !== undefined) return problem(range.error);
  const body = fields(range.response);
  if (body?.status !== 'success') return problem(`status ${JSON.stringify(body?.status ?? null)}`);
  // A warning means that a part of the data could not be read.
  if (Array.isArray(body.warnings) && body.warnings.length > 0) return problem(`warning: ${String(body.warnings[0])}`);
  const data = fields(body.data);
  if (data?.resultType !== 'matrix' || !Array.isArray(data.result)) return problem('the answer is no matrix');

  const series = new Map<string, Series>();
  for (const one of data.result) {
    const { metric, values } = fields(one) ?? {};
    if (!Array.isArray(values)) return problem('a series without values');
    const points = new Map<number, number>();
    for (const point of values) {
      const [seconds, text] = Array.isArray(point) ? point : [];
      const value = typeof text === 'string' ? numberOf(text) : undefined;
      if (typeof seconds !== 'number' || value === undefined)
        return problem('a value that is no pair of time and number');
      const step = Math.round((seconds * 1000 - from) / stepMs);
      if (Math.abs(from + step * stepMs - seconds * 1000) > stepToleranceMs)
        return problem('a value at a time that was not asked for');
      if (points.has(step)) return problem('two values of one series at one time');
      points.set(step, value);
    }
    const key = labels(metric);
    if (series.has(key)) return problem('the same series twice');
    series.set(key, points);
  }
  return { replica, series };
}

/** As Prometheus writes them; anything else is no number. */
function numberOf(text: string): number | undefined {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  return /^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(text) ? Number(text) : undefined;
}

const labels = (metric: Json | undefined): string =>
  JSON.stringify(Object.entries(fields(metric) ?? {}).sort(([a], [b]) => compareText(a, b)));

function fields(value: Json | undefined): { readonly [key: string]: Json } | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined;
}
