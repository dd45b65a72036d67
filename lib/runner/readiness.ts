// The gate's answer: a conjunction. The worst run counts, what was not run counts against it, and a dirty target beats all.
import type { Instant } from '../model/evidence.ts';
import type { Residue } from '../model/fault.ts';
import type { Readiness } from '../model/readiness.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';
import { exitCodes, type Outcome, type RunRecord, severity } from '../model/verdict.ts';
import { platformsOwn } from './platforms-own.ts';

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
  const controls = new Set(of.scenarios.flatMap(({ claim }) => (claim.faults.length === 0 ? [claim.name] : [])));
  const platform = platformsOwn(records, (scenario) => controls.has(scenario));
  return {
    schema: 'shakedown.readiness/1',
    target: { name: of.target.name, environment: of.target.environment.class },
    startedAt: new Date(of.startedAt).toISOString(),
    endedAt: new Date(of.endedAt).toISOString(),
    suite: of.suite,
    commit: of.commit,
    outcome: outcomeOf(played),
    exitCode: exitCodeOf(played, of.interrupted),
    ...(platform.own.length > 0 ? { platform: platform.own.map((one) => ({ ...one, alsoIn: [...one.alsoIn] })) } : {}),
    runs: records.map((record) => ({
      scenario: record.verdict.scenario,
      hypothesis: hypotheses.get(record.header.scenario) ?? '',
      outcome: record.verdict.outcome,
      ended: record.ended,
      recovery: { ...record.verdict.recovery },
      ledger: { ...record.verdict.ledger },
      findings: platform.findingsOf(record).map((finding) => ({ ...finding })),
      residue: record.residue.flatMap(leftOf),
      folder: record.folder,
    })),
    skipped: skipped.map((one) => ({ ...one })),
    untested: of.untested.map(({ claim }) => ({ scenario: claim.name, hypothesis: claim.hypothesis })),
  };
}

/** Nothing run is nothing known. */
export function outcomeOf({ records, skipped }: Played): Outcome {
  if (records.length === 0) return 'inconclusive';
  const worst = records
    .map(({ verdict }) => verdict.outcome)
    .reduce((worse, next) => (severity[next] > severity[worse] ? next : worse));
  return skipped.length > 0 && worst === 'passed' ? 'inconclusive' : worst;
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
