// What is wrong with an objective that is judged from Prometheus, told before anything is touched: every mistake at once, each with its
// place in the query and what to write instead. Whoever wants to be wrong after half an hour of load can do without.
import type { PrometheusObjective } from '../model/claim.ts';
import { lintPromql, type PromqlMistake, type PromqlRule } from './lint-promql.ts';
import { isExpression, parsePromql } from './parse.ts';

export type ObjectiveRule = PromqlRule | 'bound' | 'merge' | 'coverage' | 'exporters';

export interface ObjectiveMistake {
  readonly rule: ObjectiveRule;
  /** `character 12, \`up == 0\`: …` where it is one of the query. */
  readonly says: string;
}

/** Less than half of a phase is not the phase. */
const coverageLeast = 0.5;

export function checkPrometheusObjective(
  objective: PrometheusObjective,
  { scrapeIntervalMs }: { readonly scrapeIntervalMs?: number } = {},
): readonly ObjectiveMistake[] {
  const { query, min, max, coverageMin, phases, exporters, series } = objective;
  const mistakes: ObjectiveMistake[] = [];
  const refuse = (rule: ObjectiveRule, says: string) => void mistakes.push({ rule, says });

  const bounds = [min, max].filter((bound) => bound !== undefined);
  if (bounds.length === 0 || !bounds.every(Number.isFinite)) refuse('bound', 'it has no bound: say min, max or both');
  else if (min !== undefined && max !== undefined && min > max)
    refuse('bound', `nothing is at least ${min} and at most ${max}`);
  if (!(coverageMin >= coverageLeast && coverageMin <= 1))
    refuse(
      'coverage',
      `coverageMin is ${coverageMin}: a phase of which less than half was seen is not shown to be good. Say ${coverageLeast} to 1`,
    );

  const linted = lintPromql(query, {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(scrapeIntervalMs === undefined ? {} : { scrapeIntervalMs }),
  });
  for (const mistake of linted.mistakes) refuse(mistake.rule, placed(mistake, query));
  if (!linted.single && series === undefined)
    refuse(
      'merge',
      'the query may give several series, and nothing says how they become one. Say series: `one`, `each`, `worst` or `sum`, or aggregate in the query',
    );

  const shaken = phases.filter((phase) => phase === 'fault' || phase === 'recovery');
  if (linted.counts && shaken.length > 0 && exporters === undefined)
    refuse(
      'exporters',
      `it counts in the phase ${shaken.join(' and ')}, in which a process may start anew and take its last counts with it. Say exporters: the start time of each that counts, as process_start_time_seconds{job="…"}`,
    );
  if (exporters !== undefined) mistakes.push(...ofExporters(exporters));
  return mistakes;
}

/** As they are, one series a process: an aggregate would hide which of them began anew. */
function ofExporters(query: string): readonly ObjectiveMistake[] {
  const parsed = parsePromql(query);
  const refuse = (says: string): ObjectiveMistake => ({ rule: 'exporters', says: `exporters: ${says}` });
  if (!isExpression(parsed)) return lintPromql(query).mistakes.map((mistake) => refuse(placed(mistake, query)));
  if (parsed.kind !== 'selector' || !parsed.name?.endsWith('start_time_seconds'))
    return [
      refuse(`wants one series for each process that tells when it began, as process_start_time_seconds{job="…"}`),
    ];
  return lintPromql(query).mistakes.map((mistake) => refuse(placed(mistake, query)));
}

function placed({ from, to, says }: PromqlMistake, query: string): string {
  const part = query.slice(from, to).replace(/\s+/g, ' ');
  const short = part.length > 60 ? `${part.slice(0, 57)}…` : part;
  return `character ${from + 1}${short === '' ? '' : `, \`${short}\``}: ${says}`;
}
