// The port to the load generator. The runner starts the load, listens to it and stops it, or passes it on to the next run; k6 is behind it.
import type { Drop, GeneratorAccount, Instant, Operation, PlannedLoad } from './evidence.ts';

export interface LoadRequest {
  readonly profile: string;
  readonly runId: string;
  readonly seed: number;
  /** Where samples.ndjson and k6.log are written. */
  readonly folder: string;
  /** Upper bound, over all runs that share the load; the runner usually stops it before. */
  readonly durationMsMax: number;
}

/** How one run's stretch of the load went. */
export interface LoadAccount {
  /** What went wrong, in words; empty when all went as asked. */
  readonly problem: string;
  /** User and system time of the generator's process in the run's stretch, read a quarter of a second before its end at the latest. */
  readonly processorSeconds: number;
  readonly generator?: GeneratorAccount;
}

export interface LoadEnd extends LoadAccount {
  /** Null when it was ended by a signal. */
  readonly exitCode: number | null;
  readonly signal?: string;
}

export type LoadEvent =
  | { readonly kind: 'operation'; readonly operation: Operation }
  | { readonly kind: 'drop'; readonly drop: Drop };

/** The load as one run has it. */
export interface RunningLoad {
  /** Everything of the run so far is replayed to a new listener. Returns the way to stop listening. */
  listen(listener: (event: LoadEvent) => void): () => void;
  /** From now on everything is also kept for the next run, whose steady state it may be. A second mark takes the place of the first. */
  mark(): void;
  /**
   * From the very call on whatever is started is the next run's. Resolves when all that this run has under way is answered, after at most
   * `graceMs`: what is missing then is its problem. Wants a mark.
   */
  passOn(runId: string, graceMs: number): Promise<PassedOn>;
  /** Asks it to finish, waits for answers under way at most `graceMs`, then kills. Idempotent. */
  stop(graceMs: number): Promise<LoadEnd>;
  readonly ended: Promise<LoadEnd>;
}

/** A load that goes on beyond a run: somebody must take it over or stop it. */
export interface PassedOn extends LoadAccount {
  /** Since when it is the next run's. */
  readonly at: Instant;
  /** Gives the next run its load, with samples.ndjson in its folder: everything since the mark. Once. Throws when it can't be written. */
  takeOver(folder: string): RunningLoad;
  stop(graceMs: number): Promise<LoadEnd>;
  readonly ended: Promise<LoadEnd>;
}

export interface LoadDriver {
  plan(profile: string): PlannedLoad;
  /** Throws when the generator can't be started. */
  start(request: LoadRequest): Promise<RunningLoad>;
}
