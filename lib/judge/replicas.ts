// Replicas of Prometheus scrape the same things at slightly different times, so what changes is seen by one a moment before the other. Where
// they go on telling different things, one of them is wrong, and nobody can say which.
import type { PrometheusObjective } from '../model/claim.ts';
import { compareText } from './findings.ts';
import { rounded } from './numbers.ts';
import type { SeriesByLabels } from './range-answer.ts';
import { breachIsCertain } from './reduce.ts';

export interface ReplicaSeries {
  readonly replica: string;
  readonly series: SeriesByLabels;
}

/** One scrape and one evaluation apart: that many steps in a row they may differ in. */
const apartStepsMax = 2;

/** `agreed`: at some step all that have a value there see a breach. `contradicted`: for longer than they can be apart, one sees it and another does not. */
export function breachSeen(
  objective: PrometheusObjective,
  replicas: readonly ReplicaSeries[],
  steps: readonly number[],
): { readonly agreed: boolean; readonly contradicted?: string } {
  let agreed = false;
  let contradicted: string | undefined;
  for (const labels of [...new Set(replicas.flatMap(({ series }) => [...series.keys()]))].sort(compareText)) {
    let differing = 0;
    for (const step of steps) {
      const looks = replicas.flatMap(({ replica, series }) => {
        const value = series.get(labels)?.get(step);
        return value !== undefined && Number.isFinite(value)
          ? [{ replica, value, bad: breachIsCertain(objective, value) }]
          : [];
      });
      const bad = looks.find((look) => look.bad);
      const good = looks.find((look) => !look.bad);
      agreed ||= bad !== undefined && good === undefined;
      differing = bad && good ? differing + 1 : 0;
      if (bad && good && differing > apartStepsMax)
        contradicted ??= `${bad.replica} says ${rounded(bad.value)} and ${good.replica} ${rounded(good.value)}, for more than ${apartStepsMax} steps in a row`;
    }
  }
  return { agreed, ...(contradicted === undefined ? {} : { contradicted }) };
}
