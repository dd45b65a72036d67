// What the claims of the scenarios that were asked for ask of Prometheus, read before anything is touched: an objective that can't fail, or
// that is as good without any data, must not cost half an hour first.
import { Problem } from '../lib/errors.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { checkPrometheusObjective } from '../lib/promql/check-objective.ts';

/** Throws with every mistake, each once. How often Prometheus scrapes is in the target file; what hangs on it is left out where there is none. */
export function checkClaims(scenarios: readonly Pick<Scenario, 'claim'>[], scrapeIntervalMs?: number): void {
  const found = new Map<string, string[]>();
  for (const { claim } of scenarios)
    for (const objective of claim.objectives) {
      if (objective.source !== 'prometheus') continue;
      const use = scrapeIntervalMs === undefined ? {} : { scrapeIntervalMs };
      for (const { says } of checkPrometheusObjective(objective, use)) {
        // Scenarios share objectives: it is one mistake, to be mended in one place.
        const told = `objective ${objective.name}: ${says}`;
        found.set(told, [...(found.get(told) ?? []), claim.name]);
      }
    }
  if (found.size === 0) return;
  throw new Problem({
    kind: 'usage',
    what: 'what can’t be judged by',
    where: 'scenarios',
    seen: [...found].map(([told, of]) => `\n  ${told} (${of.join(', ')})`).join(''),
    next: 'docs/writing-a-scenario.md says what is refused, and what to write instead',
  });
}
