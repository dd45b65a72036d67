// What one run leaves to the next when both want the same load: the load itself, which never pauses, and the first part of the next one's
// steady state, which is this one's phase `after`. Nothing is left by a run that did not end well.
import type { Instant, JournalEntry } from '../model/evidence.ts';
import type { PassedOn } from '../model/load-driver.ts';
import type { Probe } from '../model/scenario.ts';
import type { RunRecord } from '../model/verdict.ts';
import type { Moment } from './clock.ts';

/** The next run, as far as the one before it has to know it. */
export interface NextRun {
  /** Its run id, should it take the load over; another one when it does not, for some markers may bear this one already. */
  readonly runId: string;
  /** What it looks at: from the shared steady state on. */
  readonly probes: readonly Probe[];
  /** For so long it, and those that share after it, may want the load. */
  readonly wantedMsMax: number;
}

export interface Handover {
  /** Of the run that leaves it. */
  readonly runId: string;
  readonly nextRunId: string;
  /** When its phase `after` began. */
  readonly steady: Moment;
  readonly readings: readonly SharedReading[];
  readonly load: PassedOn;
}

export interface SharedReading {
  readonly entry: JournalEntry;
  readonly seen: Moment & { readonly at: Instant };
}

/** Why the end of this run is no steady state for another one; undefined when it is. */
export function notToBeShared({ ended, residue, verdict }: RunRecord): string | undefined {
  if (ended !== 'completed') return `the run was ${ended}`;
  if (residue.some(({ is }) => is !== 'clean')) return 'the target is not clean';
  const red = verdict.findings.find(
    ({ outcome, phase, check }) =>
      outcome !== 'passed' && (phase === 'after' || check.startsWith('load.') || check.startsWith('run.')),
  );
  return red?.says;
}
