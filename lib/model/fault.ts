// A fault is a deliberate bounded change and its reversal. One file in chaos/ holds one fault, undo under inject.
import type { Instant } from './evidence.ts';
import type { Reach } from './reach.ts';

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

export interface Fault<T extends Ticket = Ticket> {
  readonly name: string;
  readonly version: number;
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
