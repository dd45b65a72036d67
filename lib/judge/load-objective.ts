// What users felt, from k6's own samples: each operation counts in the phase in which it was sent, and what was under way at inject in the
// fault; a dropped one is a bad one.
import type { LoadObjective } from '../model/claim.ts';
import type { Finding } from '../model/verdict.ts';
import { maskOf } from '../tables/operation-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { againstBound, boundText } from './bound.ts';
import { countIn, latenciesIn } from './in-phase.ts';
import { counted } from './numbers.ts';
import { isIn, type Span } from './phases.ts';
import { quantileOf, samplesMinFor } from './quantile.ts';

const quantiles = { 'latency-p50-ms': 0.5, 'latency-p95-ms': 0.95, 'latency-p99-ms': 0.99 } as const;

export function judgeLoadObjective(
  objective: LoadObjective,
  span: Span,
  { operations, drops }: Pick<RunTables, 'operations' | 'drops'>,
): Finding {
  const mask = maskOf(objective.journeys);
  // Those that the generator's end cut off are neither good nor bad: how the generator ended is judged apart.
  const { ended, good, answered } = countIn(operations, span, mask);
  if (objective.measure === 'good-ratio') {
    const dropped = drops
      .filter(({ journey, at }) => objective.journeys.includes(journey) && isIn(at, span))
      .reduce((sum, { count }) => sum + count, 0);
    const all = ended + dropped;
    if (all < Math.max(1, objective.samplesMin)) return tooFew(objective, span, all, objective.samplesMin, 'event');
    const droppedToo = dropped > 0 ? `, ${dropped} of them dropped` : '';
    return againstBound(objective, span.phase, good / all, 'share', `${good} good of ${all} events${droppedToo}`);
  }

  const q = quantiles[objective.measure];
  // Over those that were answered: a request without an answer has no latency, it is a bad event of the ratio.
  const samplesMin = Math.max(objective.samplesMin, samplesMinFor(q));
  if (answered < samplesMin) return tooFew(objective, span, answered, samplesMin, 'answer');
  return againstBound(
    objective,
    span.phase,
    quantileOf(() => latenciesIn(operations, span, mask), answered, q),
    'ms',
    `p${q * 100} of ${answered} answers`,
  );
}

const unitOf = ({ measure }: LoadObjective): string => (measure === 'good-ratio' ? 'share' : 'ms');

function tooFew(objective: LoadObjective, { phase }: Span, seen: number, min: number, what: string): Finding {
  return {
    check: objective.name,
    outcome: 'inconclusive',
    says: `${objective.name} in ${phase}: ${counted(seen, what)}, at least ${Math.max(1, min)} are needed to conclude anything.`,
    bound: boundText(objective, unitOf(objective)),
    unit: unitOf(objective),
    phase,
  };
}
