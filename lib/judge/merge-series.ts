// Several series of one query → what is judged, in the way that the claim states. A sum of fewer series than there are is no sum, so a gap in
// one of them is a gap of it; the worst of those that are there is told by those that are there.
import type { PrometheusObjective } from '../model/claim.ts';
import { outsideBy } from './bound.ts';
import { counted } from './numbers.ts';
import type { Series, SeriesByLabels } from './range-answer.ts';

/** By labels where each stands for itself, else one under no name. The steps are those of the phase; series without a value in it are none. */
export function mergedSeries(
  objective: Pick<PrometheusObjective, 'series' | 'min' | 'max'>,
  all: SeriesByLabels,
  steps: readonly number[],
): { readonly series: SeriesByLabels; readonly problem?: string } {
  const inPhase = new Map<string, Series>();
  for (const [labels, series] of all) {
    const values = steps.flatMap((step) => (series.has(step) ? [[step, series.get(step) as number] as const] : []));
    if (values.length > 0) inPhase.set(labels, new Map(values));
  }
  const several = [...inPhase.values()];
  switch (objective.series) {
    case 'worst':
      return asOne(steps, (step) =>
        worstOf(
          objective,
          several.flatMap((one) => one.get(step) ?? []),
        ),
      );
    case 'sum':
      return asOne(steps, (step) =>
        several.every((one) => one.has(step)) && several.length > 0
          ? several.reduce((sum, one) => sum + (one.get(step) as number), 0)
          : undefined,
      );
    case 'one':
      return several.length > 1
        ? { series: inPhase, problem: `${counted(several.length, 'series', 'series')}, and the claim allows one` }
        : { series: inPhase };
    default:
      return { series: inPhase };
  }
}

function asOne(steps: readonly number[], valueAt: (step: number) => number | undefined) {
  const values = new Map<number, number>();
  for (const step of steps) {
    const value = valueAt(step);
    if (value !== undefined) values.set(step, value);
  }
  return { series: new Map(values.size > 0 ? [['', values]] : []) };
}

/** What is no number hides how bad it is, unless another one is outside already. */
function worstOf(bounds: Pick<PrometheusObjective, 'min' | 'max'>, values: readonly number[]): number | undefined {
  const worst = values
    .filter(Number.isFinite)
    .sort((a, b) => outsideBy(bounds, b) - outsideBy(bounds, a))
    .at(0);
  const other = values.find((value) => !Number.isFinite(value));
  return worst !== undefined && (other === undefined || outsideBy(bounds, worst) > 0) ? worst : other;
}
