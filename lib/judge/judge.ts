// The verdict: a claim and the evidence in, findings out. Pure, so that the same evidence gives the same bytes on any machine.
// Each check says what it saw also when all is well: a reader must be able to see what was looked at.
import type { Claim } from '../model/claim.ts';
import type { Evidence } from '../model/evidence.ts';
import { noLedger, type Verdict } from '../model/verdict.ts';
import { judgeFaults } from './faults.ts';
import { inOrder, worstOf } from './findings.ts';
import { judgeInvariants } from './invariants.ts';
import { judgeJobs } from './jobs.ts';
import { judgeLedger, readBack } from './ledger.ts';
import { judgeLoad } from './load-validity.ts';
import { judgeObjectives } from './objectives.ts';
import { phaseSpans } from './phases.ts';
import { judgeRecovery } from './recovery.ts';
import { judgeRun, refusedVersion } from './run-integrity.ts';

export function judge(claim: Claim, evidence: Evidence): Verdict {
  const refused = refusedVersion(claim, evidence);
  if (refused) return verdictOf(claim, evidence, [refused], {});

  const spans = phaseSpans(evidence);
  const read = readBack(evidence);
  const recovery = judgeRecovery(claim, evidence, spans);
  const ledger = judgeLedger(claim, read);
  const invariants = judgeInvariants(evidence, read);

  const findings = [
    ...judgeRun(claim, evidence),
    ...judgeFaults(claim, evidence),
    ...judgeLoad(claim, evidence, spans),
    ...judgeObjectives(claim, evidence, spans),
    ...recovery.findings,
    ...ledger.findings,
    ...invariants.findings,
    ...judgeJobs(claim, evidence),
  ];
  return verdictOf(claim, evidence, findings, {
    recovery: recovery.measure,
    ledger: { ...ledger.count, invariantsBroken: invariants.broken },
  });
}

function verdictOf(
  claim: Claim,
  evidence: Evidence,
  findings: Verdict['findings'],
  measured: Partial<Pick<Verdict, 'recovery' | 'ledger'>>,
): Verdict {
  const header = evidence.journal.find((line) => line.kind === 'header')?.header;
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
