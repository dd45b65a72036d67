// What users felt, from k6's own samples: each operation counts in the phase in which it was sent, and what was under way at inject in the
// fault; a dropped one is a bad one.
import type { LoadObjective } from '../model/claim.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Finding } from '../model/verdict.ts';
import { againstBound, boundText } from './bound.ts';
import { counted } from './numbers.ts';
import { isIn, isOf, type Span } from './phases.ts';
import { quantile, samplesMinFor } from './quantile.ts';

const quantiles = { 'latency-p50-ms': 0.5, 'latency-p95-ms': 0.95, 'latency-p99-ms': 0.99 } as const;

export function judgeLoadObjective(
  objective: LoadObjective,
  span: Span,
  evidence: Pick<Evidence, 'operations' | 'drops'>,
): Finding {
  // Those that the generator's end cut off are neither good nor bad: how the generator ended is judged apart.
  const ended = evidence.operations.filter(
    (operation) =>
      objective.journeys.includes(operation.journey) && operation.durationMs !== undefined && isOf(operation, span),
  );
  if (objective.measure === 'good-ratio') {
    const good = ended.filter((operation) => operation.good).length;
    const dropped = evidence.drops
      .filter(({ journey, at }) => objective.journeys.includes(journey) && isIn(at, span))
      .reduce((sum, { count }) => sum + count, 0);
    const all = ended.length + dropped;
    if (all < Math.max(1, objective.samplesMin)) return tooFew(objective, span, all, objective.samplesMin, 'event');
    const droppedToo = dropped > 0 ? `, ${dropped} of them dropped` : '';
    return againstBound(objective, span.phase, good / all, 'share', `${good} good of ${all} events${droppedToo}`);
  }

  const q = quantiles[objective.measure];
  // Over those that were answered: a request without an answer has no latency, it is a bad event of the ratio.
  const latencies = ended.filter(({ status }) => status > 0).map(({ durationMs }) => durationMs ?? 0);
  const samplesMin = Math.max(objective.samplesMin, samplesMinFor(q));
  if (latencies.length < samplesMin) return tooFew(objective, span, latencies.length, samplesMin, 'answer');
  return againstBound(
    objective,
    span.phase,
    quantile(latencies, q),
    'ms',
    `p${q * 100} of ${latencies.length} answers`,
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
