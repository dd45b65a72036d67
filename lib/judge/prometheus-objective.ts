// What Prometheus says of the servers. Replicas scrape the same things at slightly different times, so they are merged step by step:
// where the first has a gap the next one fills it; they are never added up. No answer, NaN and gaps are no pass.
import type { PrometheusObjective } from '../model/claim.ts';
import type { RangeResponse, Recorded } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import type { Finding } from '../model/verdict.ts';
import { againstBound, boundText, outsideBy } from './bound.ts';
import { compareText } from './findings.ts';
import { counted, percent } from './numbers.ts';
import { isIn, type Span } from './phases.ts';
import { breachIsCertain, reduced } from './reduce.ts';

/** Values of one series by number of step; a step without a value is not in it. NaN and infinities are. */
type Series = ReadonlyMap<number, number>;

/** `last` of a phase must be from its end: this many steps back at most, else it is stale. */
const lastWithinSteps = 3;

export function judgePrometheusObjective(objective: PrometheusObjective, span: Span, { ranges }: Recorded): Finding {
  const cannotTell = (why: string): Finding => ({
    check: objective.name,
    outcome: 'inconclusive',
    says: `${objective.name} in ${span.phase}: ${why}.`,
    bound: boundText(objective, objective.unit),
    unit: objective.unit,
    phase: span.phase,
  });

  const own = ranges
    .filter((range) => range.objective === objective.name)
    .sort((a, b) => compareText(a.replica, b.replica));
  const grid = own[0];
  if (!grid) return cannotTell('Prometheus was never asked');
  if (own.some(({ query }) => query !== objective.query))
    return cannotTell('Prometheus was asked another query than the claim’s');
  if (own.some(({ from, stepMs }) => from !== grid.from || stepMs !== grid.stepMs) || !(grid.stepMs > 0))
    return cannotTell('the replicas were asked for different steps');

  const replicas = own.map(readReplica);
  const answered = replicas.flatMap(({ series }) => (series ? [series] : []));
  if (answered.length === 0)
    return cannotTell(replicas.map(({ replica, problem }) => `${replica}: ${problem}`).join('; '));

  const steps = stepsIn(span, grid);
  if (steps.length === 0) return cannotTell(`the phase is shorter than one step of ${grid.stepMs} ms`);

  const merged = merge(answered);
  const inPhase = [...merged.values()].map((series) =>
    steps.flatMap((step) => (series.has(step) ? [[step, series.get(step) as number] as const] : [])),
  );
  const seen = inPhase.filter((values) => values.length > 0);
  if (seen.length === 0) return cannotTell('the query had no value at all');

  const finite = seen.map((values) => values.filter(([, value]) => Number.isFinite(value)));
  const covered = new Set(finite.flatMap((values) => values.map(([step]) => step))).size;
  const coverage = covered / steps.length;
  const notFinite = seen.flat().length - finite.flat().length;

  // `last` means the end of the phase: a series that ended before has none.
  const lastFrom = (steps.at(-1) ?? 0) - lastWithinSteps + 1;
  const current =
    objective.reduce === 'last' ? finite.filter((values) => (values.at(-1)?.[0] ?? -1) >= lastFrom) : finite;
  const reductions = current.flatMap(
    (values) =>
      reduced(
        values.map(([, value]) => value),
        objective.reduce,
      ) ?? [],
  );
  const worst = reductions.sort((a, b) => outsideBy(objective, b) - outsideBy(objective, a))[0];

  const detail = `${objective.reduce}, worst of ${counted(reductions.length, 'series', 'series')}, ${covered} of ${steps.length} steps, ${counted(answered.length, 'replica')}`;
  const finding = againstBound(objective, span.phase, worst ?? 0, objective.unit, detail);
  if (worst !== undefined && breachIsCertain(objective, worst)) return finding;
  if (notFinite > 0) return cannotTell(`${counted(notFinite, 'value is', 'values are')} NaN or infinite`);
  if (coverage < objective.coverageMin)
    return cannotTell(
      `a value at ${covered} of ${steps.length} steps (${percent(coverage)}), wanted ${percent(objective.coverageMin)}`,
    );
  if (worst === undefined)
    return cannotTell(`no value in the last ${lastWithinSteps} steps of the phase: what there is, is stale`);
  return finding;
}

function stepsIn(span: Span, { from, stepMs }: RangeResponse): readonly number[] {
  const steps: number[] = [];
  for (let step = Math.max(0, Math.ceil((span.from - from) / stepMs)); isIn(from + step * stepMs, span); step++)
    steps.push(step);
  return steps;
}

export function merge(replicas: readonly ReadonlyMap<string, Series>[]): ReadonlyMap<string, Series> {
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

export interface ReplicaAnswer {
  readonly replica: string;
  readonly series?: ReadonlyMap<string, Series>;
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
      if (typeof seconds !== 'number' || typeof text !== 'string')
        return problem('a value that is no pair of time and text');
      points.set(Math.round((seconds * 1000 - from) / stepMs), numberOf(text));
    }
    series.set(labels(metric), points);
  }
  return { replica, series };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return text.trim() === '' ? Number.NaN : Number(text);
}

const labels = (metric: Json | undefined): string =>
  JSON.stringify(Object.entries(fields(metric) ?? {}).sort(([a], [b]) => compareText(a, b)));

function fields(value: Json | undefined): { readonly [key: string]: Json } | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined;
}
