// The verdict: a claim and the evidence in, findings out. Pure, so that the same evidence gives the same bytes on any machine.
// Each check says what it saw also when all is well: a reader must be able to see what was looked at.
import type { Claim } from '../model/claim.ts';
import type { Evidence } from '../model/evidence.ts';
import { noLedger, type Verdict } from '../model/verdict.ts';
import { type RunTables, tablesOf } from '../tables/run-tables.ts';
import { judgeAlerts } from './alerts.ts';
import { judgeFaults } from './faults.ts';
import { inOrder, worstOf } from './findings.ts';
import { judgeInvariants } from './invariants.ts';
import { judgeJobs } from './jobs.ts';
import { judgeLedger } from './ledger.ts';
import { judgeLoad } from './load-validity.ts';
import { judgeObjectives } from './objectives.ts';
import { phaseSpans } from './phases.ts';
import { judgeRecovery } from './recovery.ts';
import { judgeRun, refusedVersion } from './run-integrity.ts';

export function judge(claim: Claim, evidence: Evidence | RunTables): Verdict {
  const refused = refusedVersion(claim, evidence);
  if (refused) return verdictOf(claim, evidence, [refused], {});

  const run = tablesOf(evidence);
  const spans = phaseSpans(run);
  const recovery = judgeRecovery(claim, run, spans);
  const ledger = judgeLedger(claim, run);
  const invariants = judgeInvariants(run);

  const findings = [
    ...judgeRun(claim, run),
    ...judgeFaults(claim, run),
    ...judgeLoad(claim, run, spans),
    ...judgeObjectives(claim, run, spans),
    ...recovery.findings,
    ...ledger.findings,
    ...invariants.findings,
    ...judgeJobs(claim, run),
    ...judgeAlerts(claim, run),
  ];
  return verdictOf(claim, run, findings, {
    recovery: recovery.measure,
    ledger: { ...ledger.count, invariantsBroken: invariants.broken },
  });
}

function verdictOf(
  claim: Claim,
  { journal }: Pick<Evidence, 'journal'>,
  findings: Verdict['findings'],
  measured: Partial<Pick<Verdict, 'recovery' | 'ledger'>>,
): Verdict {
  const header = journal.find((line) => line.kind === 'header')?.header;
  return {
    judgeVersion: 1,
    scenario: claim.name,
    runId: header?.runId ?? '',
    outcome: worstOf(findings),
    findings: inOrder(findings),
    recovery: measured.recovery ?? { ms: null, resolutionMs: 0 },
    ledger: measured.ledger ?? noLedger,
  };
}
