// A fault is a deliberate bounded change and its reversal. One file in chaos/ holds one fault, undo under inject.
import type { Instant } from './evidence.ts';
import type { Reach } from './reach.ts';
import type { Target } from './target.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Three-valued, because a check that could not look must not count as a look that found nothing. */
export interface Proof {
  readonly is: 'yes' | 'no' | 'cannot-tell';
  readonly at: Instant;
  readonly evidence: Json;
}

/** `cannot-tell` counts as dirty. */
export interface Residue {
  readonly is: 'clean' | 'dirty' | 'cannot-tell';
  /** What is left, one line each, with where it is. */
  readonly left: readonly string[];
}

/** One thing that a fault touches: a pod, a process, a rule. Blast radius is counted in these. */
export interface FaultTarget {
  readonly namespace: string;
  readonly name: string;
}

/** What undo needs, and nothing secret: it is written to the journal and into the cluster before inject. At most 64 KiB as JSON. */
export interface Ticket {
  readonly runId: string;
  readonly targets: readonly FaultTarget[];
}

/** Rights in the target's Kubernetes API, as a rule of a Role (or, without a namespace, of a ClusterRole) has them. */
export interface Right {
  /** Undefined for what has no namespace, such as Kubernetes nodes. */
  readonly namespace?: string;
  /** '' is the core group. */
  readonly apiGroup: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only these objects. `create` and `list` can't be bounded so. */
  readonly names?: readonly string[];
}

/** What a fault needs beside what each run needs (lib/model/rights.ts): `undo` is also what the guardian is given. */
export interface Rights {
  readonly inject: readonly Right[];
  readonly undo: readonly Right[];
}

export interface Fault<T extends Ticket = Ticket> {
  /** `<domain>/<what>`; stays for ever, since tickets and evidence carry it. */
  readonly name: string;
  readonly version: number;
  /** For the plan, one phrase each: what is aimed at, what is done to it, and what takes it back. */
  readonly plan: { readonly aim: string; readonly change: string; readonly undo: string };
  rights(target: Target): Rights;
  /** What prepare would choose at this moment. Reads only. */
  targets(reach: Reach): Promise<readonly FaultTarget[]>;
  /** Reads what is there, chooses targets, arms helpers. Changes nothing that a user could feel. */
  prepare(reach: Reach): Promise<T>;
  inject(ticket: T, reach: Reach): Promise<void>;
  /** Direct: the process, rule or object itself. */
  landed(ticket: T, reach: Reach): Promise<Proof>;
  /** What it did to the system, with the time at which it was seen. */
  effect(ticket: T, reach: Reach): Promise<Proof>;
  /** Sampled through the hold, for faults that last. */
  holding?(ticket: T, reach: Reach): Promise<Proof>;
  /** Idempotent; right when inject never ran, half ran, or was undone. Takes back what we put in; getting well is recovery. */
  undo(ticket: T, reach: Reach): Promise<void>;
  residue(ticket: T, reach: Reach): Promise<Residue>;
}
