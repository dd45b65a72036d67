// What a report draws of one run: evidence boiled down to series and tables. Derived, never judged from.
import type { Silence } from './alertmanager.ts';
import type { Claim, Phase } from './claim.ts';
import type { Ended, Instant, RunHeader, StepName } from './evidence.ts';
import type { Proof } from './fault.ts';
import type { Verdict } from './verdict.ts';

/** Reading and booking differ by an order of magnitude, so they are never drawn as one; what takes several steps is neither. */
export type OperationKind = 'scan' | 'write' | 'other';

export interface RunView {
  readonly claim: Claim;
  readonly verdict: Verdict;
  /** Absent when the journal lost it. */
  readonly header?: RunHeader;
  readonly ended?: Ended;
  readonly reason?: string;
  readonly from: Instant;
  readonly to: Instant;
  /** Zero of the time axis: first inject, or the start of a run without a fault. */
  readonly zero: Instant;
  readonly phases: readonly { readonly phase: Phase; readonly from: Instant; readonly to: Instant }[];
  readonly faults: readonly { readonly fault: string; readonly from: Instant; readonly to: Instant }[];
  readonly steps: readonly {
    readonly fault: string;
    readonly step: StepName;
    readonly at: Instant;
    readonly proof?: Proof;
    readonly error?: string;
  }[];
  readonly guards: readonly { readonly name: string; readonly is: Proof['is']; readonly seen: string }[];
  readonly notes: readonly { readonly at: Instant; readonly text: string }[];
  /** Alerts that fired while the run went on; undefined when Prometheus could not be asked, or was not (older runs). */
  readonly alerts?: readonly AlertPeriod[];
  /** Undefined when nobody looked at Alertmanager: an older run. */
  readonly alertmanager?: AlertmanagerView;
  readonly numbers: readonly PhaseNumbers[];
  /** All journeys in the steady phase as one; undefined when nothing was answered in it. */
  readonly steady?: SteadyLoad;
  readonly binMs: number;
  readonly bins: readonly Bin[];
  /** Single operations, thinned out when there are too many to draw; bad ones go last. */
  readonly dots: readonly {
    readonly at: Instant;
    readonly ms: number;
    readonly kind: OperationKind;
    readonly good: boolean;
  }[];
  /** Every how many operations have a dot. */
  readonly dotsOneOf: number;
  readonly drops: readonly { readonly at: Instant; readonly count: number }[];
}

/** One alert as Prometheus had it firing, on any replica: from the first evaluation to the last one. Older runs know it to their steps. */
export interface AlertPeriod {
  readonly alert: string;
  readonly severity: string;
  /** Its other labels, `name=value`, in order. */
  readonly of: string;
  readonly from: Instant;
  readonly to: Instant;
  /** It fired when we began to look, or still when we ended: how long it did is not known. */
  readonly before: boolean;
  readonly still: boolean;
  /** Why Alertmanager called nobody about it, when it held it back at each look that had it. */
  readonly heldBack?: string;
}

export interface AlertmanagerView {
  readonly looks: number;
  /** Looks that told nothing, and why the first one didn't. */
  readonly missing: number;
  readonly why?: string;
  /** Active at any look. */
  readonly silences: readonly Silence[];
}

/** Every `binMs` from `from` on, also where nothing happened. */
export interface Bin {
  readonly at: Instant;
  readonly good: number;
  readonly bad: number;
  readonly dropped: number;
  /** p95 of the answered operations by kind; undefined without any. */
  readonly p95: Readonly<Partial<Record<OperationKind, number>>>;
}

export interface SteadyLoad {
  readonly seconds: number;
  readonly answered: number;
  /** Good, and all that should have been: not answered and dropped count as bad. */
  readonly good: number;
  readonly planned: number;
  /** From sending to the end of the answer, ms, of what was answered. */
  readonly latencyMs: Readonly<Record<'min' | 'mean' | 'p50' | 'p90' | 'p95' | 'max', number>>;
}

export interface PhaseNumbers {
  readonly phase: Phase;
  readonly kind: OperationKind;
  readonly sent: number;
  readonly good: number;
  readonly dropped: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}
