// The port to the load generator. The runner starts the load, listens to it and stops it; k6 is behind it.
import type { Drop, GeneratorAccount, Operation, PlannedLoad } from './evidence.ts';

export interface LoadRequest {
  readonly profile: string;
  readonly runId: string;
  readonly seed: number;
  /** Where samples.ndjson and k6.log are written. */
  readonly folder: string;
  /** Upper bound; the runner usually stops the load before. */
  readonly durationMsMax: number;
}

export interface LoadEnd {
  /** Null when it was ended by a signal. */
  readonly exitCode: number | null;
  readonly signal?: string;
  /** What the exit code means, in words; empty when it ended as asked. */
  readonly problem: string;
  /** User and system time of the generator's process, read a quarter of a second before its end at the latest. */
  readonly processorSeconds: number;
  readonly generator?: GeneratorAccount;
}

export type LoadEvent =
  | { readonly kind: 'operation'; readonly operation: Operation }
  | { readonly kind: 'drop'; readonly drop: Drop };

export interface RunningLoad {
  /** Everything so far is replayed to a new listener. Returns the way to stop listening. */
  listen(listener: (event: LoadEvent) => void): () => void;
  /** Asks it to finish, waits for answers under way at most `graceMs`, then kills. Idempotent. */
  stop(graceMs: number): Promise<LoadEnd>;
  readonly ended: Promise<LoadEnd>;
}

export interface LoadDriver {
  plan(profile: string): PlannedLoad;
  /** Throws when the generator can't be started. */
  start(request: LoadRequest): Promise<RunningLoad>;
}
