// A scenario has two halves: the claim is plain JSON, the play is functions.
import type { Claim } from './claim.ts';
import type { Reading } from './evidence.ts';
import type { Fault, Proof } from './fault.ts';
import type { Reach } from './reach.ts';

/** Something that must hold before a run may start, told apart from what the run is to show. */
export interface Guard {
  readonly name: string;
  check(reach: Reach): Promise<{ readonly is: Proof['is']; readonly seen: string }>;
}

/** Sampled from before the load until after it; each reading is a line of the journal. */
export interface Probe {
  readonly series: string;
  readonly everyMs: number;
  read(reach: Reach): Promise<Reading>;
}

export interface FaultStep {
  // biome-ignore lint/suspicious/noExplicitAny: a timeline mixes faults whose tickets differ
  readonly fault: Fault<any>;
  /** Counted from its landing, or from its effect when `effectWithinMs` is given. */
  readonly holdMs: number;
  /** For a fault whose effect comes in its own time, as a certificate expires: it is held until then, at most this long, and `holdMs` more. */
  readonly effectWithinMs?: number;
}

export type TimelineStep = FaultStep | { readonly waitMs: number };

export interface Play {
  /** A profile of k6.config.ts. */
  readonly load: string;
  readonly steadyMs: number;
  readonly timeline: readonly TimelineStep[];
  /** Recovery is waited for at most this long after undo; then the phase after begins. */
  readonly recoveryWaitMs: number;
  /** How long recovery usually takes, for the forecast alone. */
  readonly usualRecoveryMs?: number;
  /** What must hold again, beside that users are well, before the phase after begins. When it never does, that phase's objectives judge. */
  readonly settledWhen?: readonly Guard[];
  readonly afterMs: number;
  readonly probes: readonly Probe[];
}

export type Suite = 'smoke' | 'nightly' | 'full';

export interface Scenario {
  readonly claim: Claim;
  readonly play: Play;
  readonly guards: readonly Guard[];
  /** The smallest suite that it belongs to; larger ones contain it. */
  readonly suite: Suite;
  /** When it is played on the embedded lab: `core` when it needs neither alerts nor network policies nor a certificate that expires. Else all of the lab comes up. */
  readonly lab?: 'core';
}
