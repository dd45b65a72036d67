// What the self-test is made of: healthy evidence, which the judge must let pass, and defects, each of which must turn exactly its own checks
// of one healthy run. A defect that turns nothing was missed; one that turns more was not understood, which is a false alarm.
import type { PrometheusObjective } from '../lib/model/claim.ts';
import type { Evidence } from '../lib/model/evidence.ts';
import type { Outcome } from '../lib/model/verdict.ts';
import type { ObjectiveRule } from '../lib/promql/check-objective.ts';
import type { RecordedName, RunFolderFiles } from './recorded.ts';

export const families = ['app', 'platform', 'observation', 'load', 'fault', 'alerts'] as const;
export type Family = (typeof families)[number];

/** Evidence that must pass: a recorded run, or one with something in it that is no defect. */
export interface Healthy {
  readonly name: string;
  readonly of: RecordedName;
  /** What there is in it that a hasty judge would call a defect. Pure. */
  readonly with?: (evidence: Evidence) => Evidence;
}

interface Seeded {
  /** Unique in its family, kebab-case. */
  readonly name: string;
  /** One sentence: what is wrong. */
  readonly seeds: string;
}

export interface Turning extends Seeded {
  /** The healthy twin, by name. */
  readonly on: string;
  /** By check: what it must come to. */
  readonly turns: Readonly<Record<string, Exclude<Outcome, 'passed'>>>;
  /** Checks that can't help but turn or fall silent as well, each with the reason. They must, or the list is wrong. */
  readonly besides?: Readonly<Record<string, string>>;
  /** Checks that turn in one run and not in another, each with the reason. Of evidence that is always the same there is none. */
  readonly may?: Readonly<Record<string, string>>;
}

export type Defect =
  | (Turning & { readonly spoil: (evidence: Evidence) => Evidence })
  | (Turning & { readonly spoilFiles: (files: RunFolderFiles) => RunFolderFiles })
  /** Refused before anything is played; the one beside it is accepted. */
  | (Seeded & {
      readonly refuses: Partial<PrometheusObjective>;
      /** By all of these rules, and no other. */
      readonly by: readonly ObjectiveRule[];
      readonly accepts: Partial<PrometheusObjective>;
    });
