// How a gate compares with the gates before it: what is compared, and what came of it as readiness.json tells it.
import { z } from 'zod';
import type { Claim, LoadObjective, RecoveryRule } from './claim.ts';
import type { Ended, Instant, PlannedLoad } from './evidence.ts';
import type { Outcome } from './verdict.ts';

/** What is kept of a gate to compare it: one figure of each measure of each run, and what must be the same for two figures to mean the same. */
export interface GateFigures {
  readonly startedAt: Instant;
  readonly runs: readonly RunFigures[];
}

export interface RunFigures {
  readonly scenario: string;
  readonly outcome: Outcome;
  readonly ended: Ended;
  readonly recovery: { readonly ms: number | null; readonly censoredMs?: number };
  readonly measured: readonly { readonly check: string; readonly phase?: string; readonly value: number }[];
  readonly claim: Pick<Claim, 'hypothesis' | 'faults'> & {
    readonly judgeVersion: number;
    readonly objectives: readonly LoadObjective[];
    readonly recovery: RecoveryRule | null;
  };
  readonly load: Pick<PlannedLoad, 'profile' | 'ratesPerSecond' | 'shapes'> & { readonly leftOut: readonly string[] };
}

const count = z.number().int().min(0);

/**
 * `no worse`: a shift that matters is ruled out. `cannot tell`: there are gates enough, but they rule out neither. `insufficient history`:
 * too few gates for any answer.
 */
const answer = z.enum(['worse', 'cannot tell', 'insufficient history', 'no worse', 'better']);
export type Answer = z.infer<typeof answer>;

const leftOut = z.strictObject({ what: z.enum(['folders', 'gates', 'runs', 'figures']), reason: z.string(), count });
export type LeftOut = z.infer<typeof leftOut>;

const comparison = z.strictObject({
  scenario: z.string(),
  /** `recovery`, or the name of an objective. */
  measure: z.string(),
  phase: z.string().optional(),
  /** Larger is worse: milliseconds, or the share of bad events. */
  unit: z.enum(['ms', 'bad share']),
  answer,
  says: z.string(),
  /** Oldest first. The last one is this gate's, unless it has none: then all are of gates before. */
  newest: z.array(z.number()),
  earlier: z.array(z.number()),
  /** This gate's figure is beyond every earlier one, by as much as matters. */
  standsOut: z.boolean(),
  /** A smaller shift does not matter: a tenth of what the claim allows. */
  margin: z.number(),
  newestMedian: z.number().optional(),
  earlierMedian: z.number().optional(),
  /** Where the median of earlier gates lies with 95 % confidence; absent with fewer than six. */
  earlierMedianBounds: z.strictObject({ from: z.number(), to: z.number() }).optional(),
  /** Of the newest against the earlier, in the unit; `from` and `to` hold with 99 % confidence each. Absent when nothing could be tested. */
  shift: z.strictObject({ estimate: z.number(), from: z.number().optional(), to: z.number().optional() }).optional(),
  /** Cliff's delta, −1 to 1. */
  delta: z.number().optional(),
  /** Chance of figures at least so much worse, and better, when nothing has changed. */
  chance: z.strictObject({ worse: z.number(), better: z.number() }).optional(),
});
export type Comparison = z.infer<typeof comparison>;

export const historySchema = z.strictObject({
  /** `worse` when one figure is; never `no worse` while one can't be told. It decides nothing. */
  answer,
  /** Gates before this one that could be compared. */
  gates: count,
  leftOut: z.array(leftOut),
  comparisons: z.array(comparison),
});
export type History = z.infer<typeof historySchema>;
