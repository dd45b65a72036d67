// The gate's answer: a conjunction. The worst run counts, what was not run counts against it, and a dirty target beats all.
import type { Instant } from '../model/evidence.ts';
import type { Residue } from '../model/fault.ts';
import type { Readiness } from '../model/readiness.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';
import { exitCodes, type Outcome, type RunRecord, severity, type Verdict } from '../model/verdict.ts';

export interface Played {
  readonly records: readonly RunRecord[];
  readonly skipped: readonly { readonly scenario: string; readonly reason: string }[];
}

export function assembleReadiness(
  played: Played,
  of: {
    readonly target: Target;
    readonly suite: string;
    readonly scenarios: readonly Scenario[];
    readonly untested: readonly Scenario[];
    readonly startedAt: Instant;
    readonly endedAt: Instant;
    readonly commit: string;
    readonly interrupted: boolean;
  },
): Readiness {
  const { records, skipped } = played;
  const hypotheses = new Map(of.scenarios.map(({ claim }) => [claim.name, claim.hypothesis]));
  return {
    schema: 'shakedown.readiness/1',
    target: { name: of.target.name, environment: of.target.environment.class },
    startedAt: new Date(of.startedAt).toISOString(),
    endedAt: new Date(of.endedAt).toISOString(),
    suite: of.suite,
    commit: of.commit,
    outcome: outcomeOf(played),
    exitCode: exitCodeOf(played, of.interrupted),
    runs: records.map(({ header, verdict, ended, residue, folder }) => ({
      scenario: verdict.scenario,
      hypothesis: hypotheses.get(header.scenario) ?? '',
      outcome: verdict.outcome,
      ended,
      recovery: { ...verdict.recovery },
      ledger: { ...verdict.ledger },
      findings: verdict.findings.map((finding) => ({ ...finding })),
      residue: residue.flatMap(leftOf),
      folder,
    })),
    skipped: skipped.map((one) => ({ ...one })),
    untested: of.untested.map(({ claim }) => ({ scenario: claim.name, hypothesis: claim.hypothesis })),
  };
}

/**
 * The same gate by other verdicts of its runs, by their folders: as they were judged again. A run without one stays as it is. What was left
 * dirty stays so, and so does an interruption.
 */
export function withVerdicts(readiness: Readiness, verdicts: ReadonlyMap<string, Verdict>): Readiness {
  const runs = readiness.runs.map((run) => {
    const verdict = verdicts.get(run.folder);
    if (!verdict) return run;
    const { outcome, recovery, ledger, findings } = verdict;
    const told = findings.map((finding) => ({ ...finding }));
    return { ...run, outcome, recovery: { ...recovery }, ledger: { ...ledger }, findings: told };
  });
  const outcome = worstOutcome(
    runs.map((run) => run.outcome),
    readiness.skipped.length > 0,
  );
  const { exitCode: before } = readiness;
  const kept = before === exitCodes.dirty || before === exitCodes.interrupted;
  return { ...readiness, runs, outcome, exitCode: kept ? before : exitCodeOfOutcome(outcome) };
}

/** Nothing run is nothing known. */
export const outcomeOf = ({ records, skipped }: Played): Outcome =>
  worstOutcome(
    records.map(({ verdict }) => verdict.outcome),
    skipped.length > 0,
  );

function worstOutcome(outcomes: readonly Outcome[], skipped: boolean): Outcome {
  return outcomes.reduce<Outcome>(
    (worse, next) => (severity[next] > severity[worse] ? next : worse),
    outcomes.length === 0 || skipped ? 'inconclusive' : 'passed',
  );
}

export function exitCodeOf(played: Played, interrupted: boolean): number {
  if (played.records.some(isDirty)) return exitCodes.dirty;
  if (interrupted) return exitCodes.interrupted;
  return exitCodeOfOutcome(outcomeOf(played));
}

export function exitCodeOfOutcome(outcome: Outcome): number {
  return { passed: exitCodes.ready, inconclusive: exitCodes.inconclusive, failed: exitCodes.notReady }[outcome];
}

export const isDirty = (record: RunRecord): boolean => record.residue.some(({ is }) => is !== 'clean');

function leftOf({ is, left }: Residue): readonly string[] {
  if (is === 'clean') return [];
  return left.length > 0 ? left : [is === 'dirty' ? 'something was left, it is not said what' : 'nobody can tell'];
}
