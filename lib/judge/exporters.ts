// A counter is kept by the process that counts, and that process may be the fault's victim. What it had counted since it was last scraped goes
// with it, and what a new one counts before it is first scraped is taken for its beginning: a rate over that is too small by nobody knows how much.
import type { PrometheusObjective } from '../model/claim.ts';
import { type Evidence, exportersRange } from '../model/evidence.ts';
import { counted } from './numbers.ts';
import type { Span } from './phases.ts';
import { merge, readReplica, stepsIn } from './range-answer.ts';

export interface Exporters {
  /** Why it is not known whether they were there all the time. */
  readonly unknown?: string;
  /** Processes that began or ended in the phase. */
  readonly changed?: string;
}

/** That many steps a process may be unseen at the end before it counts as gone: one scrape may be late or lost. */
const unseenStepsMax = 2;

export function exportersIn(
  objective: PrometheusObjective,
  span: Span,
  { ranges }: Pick<Evidence, 'ranges'>,
): Exporters {
  if (objective.exporters === undefined) return {};
  const asked = ranges.filter((range) => range.objective === exportersRange(objective.name));
  const [grid] = asked;
  if (!grid || asked.some(({ query }) => query !== objective.exporters))
    return { unknown: 'nobody asked when the processes that count began' };
  if (asked.some(({ from, stepMs }) => from !== grid.from || stepMs !== grid.stepMs) || !(grid.stepMs > 0))
    return { unknown: 'when the processes that count began was asked for different steps' };
  const processes = merge(asked.flatMap((range) => readReplica(range).series ?? []));
  const steps = stepsIn(span, grid);
  const last = steps.at(-1) ?? 0;
  let seen = 0;
  let began = 0;
  let ended = 0;
  for (const series of processes.values()) {
    const known = steps.filter((step) => Number.isFinite(series.get(step)));
    const starts = new Set(known.map((step) => series.get(step) as number));
    if (known.length === 0) continue;
    seen += 1;
    // By its own word, and, should its clock be wrong, by its change of word.
    if (starts.size > 1 || [...starts].some((seconds) => seconds * 1000 >= span.from)) began += 1;
    else if (last - (known.at(-1) ?? 0) > unseenStepsMax) ended += 1;
  }
  if (seen === 0) return { unknown: 'none of the processes that count said when it began' };
  if (began + ended === 0) return {};
  const told = [
    ...(began > 0
      ? [`${counted(began, 'process', 'processes')} that ${began === 1 ? 'counts' : 'count'} began anew`]
      : []),
    ...(ended > 0 ? [`${counted(ended, 'process', 'processes')} that ${ended === 1 ? 'counts' : 'count'} ended`] : []),
  ];
  return { changed: `${told.join(' and ')} in the phase, and took what nobody had read yet` };
}
