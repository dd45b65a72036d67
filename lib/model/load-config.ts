// Shape of k6.config.ts: load in business units. Only types here: lib/load checks the values and hands k6 what it made of them.
import type { Journey } from './claim.ts';

export interface LoadProfile {
  /** Technicians at work at the same time; each has a token of their own. */
  readonly technicians: number;
  /** What one technician does in an hour; a journey that is not named is not played. */
  readonly perTechnicianHour: Readonly<Partial<Record<Journey, number>>>;
  /** When it is more or less than that. Left out: the same all the time. */
  readonly shifts?: readonly Shift[];
  /** A few items that are in everybody's hands: this share of all picks goes to the first `count` of the pool, beside the skew. */
  readonly hotItems?: { readonly count: number; readonly ratio: number };
}

/** A while in which technicians do more or less of something. Where two overlap, their factors multiply. */
export interface Shift {
  readonly name: string;
  /** Since the load began. */
  readonly fromMs: number;
  readonly lastsMs: number;
  /** Inside of it, at its beginning and again at its end: the factor is reached and left evenly over this long. Left out: at once. */
  readonly rampMs?: number;
  /** One factor for everything that is played, or for single journeys. */
  readonly times: number | Readonly<Partial<Record<Journey, number>>>;
}

export interface LoadConfig {
  readonly profiles: Readonly<Record<string, LoadProfile>>;
  /** The longest stall of the target that must be survived without a dropped iteration: virtual users = rate × (usual duration + this). */
  readonly stallBudgetMs: number;
  /** Client-side time-out of one request; above it a write is unknown. */
  readonly requestTimeoutMs: number;
  /** Usual duration of one iteration, p99, for Little's law. */
  readonly usualDurationMs: number;
  /** Slower answers are bad events, ms. Wanted of each journey that a profile plays. */
  readonly goodWithinMs: Readonly<Partial<Record<Journey, number>>>;
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
