// What Prometheus says of the servers. Replicas scrape the same things at slightly different times, so they are merged step by step:
// where the first has a gap the next one fills it; they are never added up. No answer, NaN, infinities and gaps are no pass, and neither is
// what replicas contradict each other in.
import type { PrometheusObjective } from '../model/claim.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Finding } from '../model/verdict.ts';
import { againstBound, boundText, outsideBy } from './bound.ts';
import { exportersIn } from './exporters.ts';
import { compareText } from './findings.ts';
import { mergedSeries } from './merge-series.ts';
import { counted, percent, rounded } from './numbers.ts';
import type { Span } from './phases.ts';
import { merge, readReplica, type Series, type SeriesByLabels, stepsIn } from './range-answer.ts';
import { breachIsCertain, reduced } from './reduce.ts';
import { breachSeen } from './replicas.ts';

/** Prometheus answers at most 11 000 steps of one query; a run of hours may have been asked for in parts. */
const stepsMax = 1_000_000;

/** `last` of a phase must be from its end: this many steps back at most, else it is stale. */
const lastWithinSteps = 3;

export function judgePrometheusObjective(objective: PrometheusObjective, span: Span, { ranges }: Evidence): Finding {
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
  const answered = replicas.flatMap(({ replica, series }) => (series ? [{ replica, series }] : []));
  if (answered.length === 0)
    return cannotTell(replicas.map(({ replica, problem }) => `${replica}: ${problem}`).join('; '));

  // A phase of years is a clock that was set, and its steps would not fit into memory.
  if ((span.to - span.from) / grid.stepMs > stepsMax)
    return cannotTell(
      `the phase has more than ${stepsMax} steps of ${grid.stepMs} ms, which nobody can have asked for`,
    );
  const steps = stepsIn(span, grid);
  if (steps.length === 0) return cannotTell(`the phase is shorter than one step of ${grid.stepMs} ms`);

  const exporters = exportersIn(objective, span, { ranges });
  const { series: seen, problem } = mergedSeries(objective, merge(answered.map(({ series }) => series)), steps);
  if (problem) return cannotTell(problem);
  if (seen.size === 0)
    return cannotTell(
      `the query had no value at all${
        objective.exporters === undefined || exporters.unknown
          ? ''
          : ', while the processes that it reads were there: a condition did not hold, or there is no such series'
      }`,
    );

  // Each replica by itself as well: what one alone saw is not to vanish behind what another one saw.
  const alone = answered.map(({ replica, series }) => ({
    replica,
    series: mergedSeries(objective, series, steps).series,
  }));
  const worst = worstReduction(objective, seen, steps);
  const breach = [worst, ...alone.map(({ series }) => worstReduction(objective, series, steps))]
    .flatMap((value) => (value !== undefined && breachIsCertain(objective, value) ? [value] : []))
    .sort((a, b) => outsideBy(objective, b) - outsideBy(objective, a))[0];

  const watched = coverageOf(objective, seen, steps);
  const detail = `${objective.reduce}, ${seriesText(objective, seen.size)}, ${watched.covered} of ${steps.length} steps, ${counted(answered.length, 'replica')}`;
  const finding = againstBound(objective, span.phase, breach ?? worst ?? 0, objective.unit, detail);

  if (breach !== undefined) {
    const { agreed, contradicted } = breachSeen(objective, alone, steps);
    if (!agreed && contradicted) return cannotTell(`the replicas contradict each other: ${contradicted}`);
    // Lost counts make a rate smaller, never larger.
    const tooFew = objective.min !== undefined && breach < objective.min;
    if (!(tooFew && (exporters.changed ?? exporters.unknown))) return finding;
  }
  const notFinite = notFiniteText(seen);
  if (notFinite) return cannotTell(notFinite);
  if (watched.covered / steps.length < objective.coverageMin)
    return cannotTell(
      `a value at ${watched.covered} of ${steps.length} steps (${percent(watched.covered / steps.length)}), wanted ${percent(objective.coverageMin)}${watched.gaps}`,
    );
  if (watched.values < (objective.samplesMin ?? 1))
    return cannotTell(`${counted(watched.values, 'value')}, at least ${objective.samplesMin} are needed`);
  if (worst === undefined)
    return cannotTell(`no value in the last ${lastWithinSteps} steps of the phase: what there is, is stale`);
  const unsure = exporters.unknown ?? exporters.changed;
  if (unsure) return cannotTell(unsure);
  return replicasDiffer(objective, alone, steps, cannotTell) ?? finding;
}

/** Undefined when there is nothing to reduce, or, for `last`, nothing from the end of the phase. */
function worstReduction(
  objective: PrometheusObjective,
  all: SeriesByLabels,
  steps: readonly number[],
): number | undefined {
  const lastFrom = (steps.at(-1) ?? 0) - lastWithinSteps + 1;
  const reductions = [...all.values()].flatMap((series) => {
    const finite = [...series].filter(([, value]) => Number.isFinite(value));
    if (objective.reduce === 'last' && (finite.at(-1)?.[0] ?? -1) < lastFrom) return [];
    return (
      reduced(
        finite.map(([, value]) => value),
        objective.reduce,
      ) ?? []
    );
  });
  return reductions.sort((a, b) => outsideBy(objective, b) - outsideBy(objective, a))[0];
}

/** Steps at which there was a number: of the series that had fewest where each must be there, else of any. */
function coverageOf({ series: how }: PrometheusObjective, all: SeriesByLabels, steps: readonly number[]) {
  const stepsOf = (series: Series) => steps.filter((step) => Number.isFinite(series.get(step)));
  const finite = [...all.values()].map(stepsOf);
  const had = new Set(how === 'each' ? finite.sort((a, b) => a.length - b.length)[0] : finite.flat());
  const missing = steps.length - had.size;
  const trailing = steps.length - 1 - steps.findLastIndex((step) => had.has(step));
  const gaps =
    missing === 0
      ? ''
      : trailing > 0
        ? `; none at the last ${trailing}, so what there is, is stale`
        : `; missing in between`;
  return { covered: had.size, values: had.size, gaps };
}

function seriesText({ series }: PrometheusObjective, count: number): string {
  if (series === 'sum') return 'sum of all series';
  if (series === 'worst') return 'worst of all series at each step';
  return `worst of ${counted(count, 'series', 'series')}`;
}

function notFiniteText(all: SeriesByLabels): string | undefined {
  const values = [...all.values()].flatMap((series) => [...series.values()]);
  const nan = values.filter(Number.isNaN).length;
  const infinite = values.filter((value) => Math.abs(value) === Number.POSITIVE_INFINITY).length;
  if (nan + infinite === 0) return undefined;
  const told = [
    ...(nan > 0 ? [`${counted(nan, 'value is', 'values are')} NaN`] : []),
    ...(infinite > 0 ? [`${counted(infinite, 'value is', 'values are')} infinite`] : []),
  ];
  return told.join(' and ');
}

/** Of what needs the whole phase, or its end, each replica that watched enough of it must come to the same. */
function replicasDiffer(
  objective: PrometheusObjective,
  alone: readonly { readonly replica: string; readonly series: SeriesByLabels }[],
  steps: readonly number[],
  cannotTell: (why: string) => Finding,
): Finding | undefined {
  const told = alone.flatMap(({ replica, series }) => {
    const value = worstReduction(objective, series, steps);
    return value !== undefined && coverageOf(objective, series, steps).covered / steps.length >= objective.coverageMin
      ? [{ replica, value, within: outsideBy(objective, value) <= 0 }]
      : [];
  });
  const good = told.find(({ within }) => within);
  const bad = told.find(({ within }) => !within);
  if (!good || !bad) return undefined;
  return cannotTell(
    `the replicas disagree: ${objective.reduce} is ${rounded(bad.value)} by ${bad.replica} and ${rounded(good.value)} by ${good.replica}`,
  );
}
