// Shape of k6.config.ts: load in business units. Only types here: lib/load checks the values and hands k6 what it made of them.
import type { Journey } from './claim.ts';

export interface LoadProfile {
  /** Technicians at work at the same time; each has a token of their own. */
  readonly technicians: number;
  /** What one technician does in an hour. */
  readonly perTechnicianHour: Readonly<Record<Journey, number>>;
}

export interface LoadConfig {
  readonly profiles: Readonly<Record<string, LoadProfile>>;
  /** The longest stall of the target that must be survived without a dropped iteration: virtual users = rate × (usual duration + this). */
  readonly stallBudgetMs: number;
  /** Client-side time-out of one request; above it a write is unknown. */
  readonly requestTimeoutMs: number;
  /** Usual duration of one iteration, p99, for Little's law. */
  readonly usualDurationMs: number;
  /** Slower answers are bad events, ms. */
  readonly goodWithinMs: Readonly<Record<Journey, number>>;
  /** More virtual users than this are refused: the machine that makes the load could not carry them, and its shortage would look like the target's. */
  readonly virtualUsersMax: number;
  readonly barcodes: {
    /** Zipf exponent over the pool: 0 is uniform, about 1 is a stockroom. */
    readonly skew: number;
    /** Share of scans of a code that does not exist, 0..1. */
    readonly missRatio: number;
  };
  /** Share of writes that go as draft and then submit instead of both in one request, 0..1. */
  readonly twoStepRatio: number;
  readonly seed: number;
}
