// Every objective, in each of its phases by itself. Users are judged from k6's samples, servers from Prometheus, the suite's own
// looks from the journal; never one from another's window.
import type { Claim, Objective, Phase } from '../model/claim.ts';
import type { Finding } from '../model/verdict.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { judgeLoadObjective } from './load-objective.ts';
import { type Span, spanOf } from './phases.ts';
import { judgeProbeObjective } from './probe-objective.ts';
import { judgePrometheusObjective } from './prometheus-objective.ts';

export function judgeObjectives(claim: Claim, evidence: RunTables, spans: readonly Span[]): readonly Finding[] {
  return claim.objectives.flatMap((objective) =>
    objective.phases.map((phase) => redBaseline(claim, phase, judgeIn(objective, phase, evidence, spans))),
  );
}

function judgeIn(objective: Objective, phase: Phase, evidence: RunTables, spans: readonly Span[]): Finding {
  const span = spanOf(spans, phase);
  const cannotTell = (why: string): Finding => ({
    check: objective.name,
    outcome: 'inconclusive',
    says: `${objective.name}: ${why}.`,
    phase,
  });
  if (objective.min === undefined && objective.max === undefined) return cannotTell('it has no bound');
  if (!span) return cannotTell(`the run never came to the phase ${phase}`);
  switch (objective.source) {
    case 'k6':
      return judgeLoadObjective(objective, span, evidence);
    case 'prometheus':
      return judgePrometheusObjective(objective, span, evidence);
    case 'probe':
      return judgeProbeObjective(objective, span, evidence);
    default:
      return cannotTell(`its source ${JSON.stringify((objective as { source: unknown }).source)} is not known`);
  }
}

/** What was broken before the fault says nothing about the fault. In a control run it is the platform's own defect. */
function redBaseline(claim: Claim, phase: Phase, finding: Finding): Finding {
  if (phase !== 'steady' || claim.faults.length === 0 || finding.outcome !== 'failed') return finding;
  return { ...finding, outcome: 'inconclusive', says: `The baseline was red before any fault: ${finding.says}` };
}
