// What the run without any fault shows too is the platform's own defect: it is reported apart, and no fault of another run is blamed for it.
// It takes nothing back: a build that loses writes in peace is not ready either.
import type { Finding, RunRecord } from '../model/verdict.ts';

export interface PlatformsOwn extends Pick<Finding, 'check' | 'outcome' | 'says'> {
  /** Scenarios of the same gate that show it with a fault. */
  readonly alsoIn: readonly string[];
}

export type ToldFinding = Finding & { readonly platformsOwn?: true };

const tooWithoutFault = "Without any fault the control shows this check open too: it is the platform's own.";

/** `isControl` says of a scenario by name whether it has no fault. */
export function platformsOwn(
  records: readonly RunRecord[],
  isControl: (scenario: string) => boolean,
): {
  readonly own: readonly PlatformsOwn[];
  readonly findingsOf: (record: RunRecord) => readonly ToldFinding[];
} {
  const open = ({ verdict }: RunRecord) => verdict.findings.filter(({ outcome }) => outcome !== 'passed');
  const controls = records.filter(({ header }) => isControl(header.scenario));
  const others = records.filter(({ header }) => !isControl(header.scenario));
  // A control that was cut off, or whose load was too little, says something of itself and nothing of the platform.
  const shown = controls.flatMap((record) => open(record).filter(({ outcome }) => outcome === 'failed'));
  const checks = new Set(shown.map(({ check }) => check));
  return {
    own: shown.map(({ check, outcome, says }) => ({
      check,
      outcome,
      says,
      alsoIn: others
        .filter((record) => open(record).some((finding) => finding.check === check))
        .map(({ verdict }) => verdict.scenario),
    })),
    findingsOf: (record) =>
      isControl(record.header.scenario)
        ? record.verdict.findings
        : record.verdict.findings.map((finding) =>
            finding.outcome !== 'passed' && checks.has(finding.check)
              ? { ...finding, says: `${finding.says} ${tooWithoutFault}`, platformsOwn: true }
              : finding,
          ),
  };
}
