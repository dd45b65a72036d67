// What was concluded, and how it is told to people and machines.
import type { Ended, Instant, RunHeader } from './evidence.ts';
import type { Residue } from './fault.ts';

export type Outcome = 'passed' | 'inconclusive' | 'failed';

/** Bad before worse; a larger number is worse. */
export const severity: Readonly<Record<Outcome, number>> = { passed: 0, inconclusive: 1, failed: 2 };

export interface Finding {
  /** Which check speaks: an objective's name, `ledger.lost`, `fault.landed`, … */
  readonly check: string;
  readonly outcome: Outcome;
  /** One sentence: what was seen and what was wanted, with numbers and units. */
  readonly says: string;
  readonly measured?: number;
  readonly bound?: string;
  readonly unit?: string;
  readonly phase?: string;
  /** Examples, at most 20: lost markers, gaps, … */
  readonly examples?: readonly string[];
  /** What it is made of, by fault or by Galera node. */
  readonly parts?: readonly Readonly<Record<string, string | number>>[];
}

/** Null: it never came (then censoredMs says for how long it was looked for), or nobody could look. */
export interface Measure {
  readonly ms: number | null;
  readonly resolutionMs: number;
  readonly censoredMs?: number;
}

/** Inject → good again and staying; of several faults the longest. Null as well when there was no fault. */
export interface RecoveryMeasure extends Measure {
  /** In the order in which they were injected. Not in older verdicts. */
  readonly faults?: readonly FaultRecovery[];
}

export interface FaultRecovery extends Measure {
  readonly fault: string;
  /** From the run's first inject to this one. */
  readonly injectedMs: number;
  readonly detected?: StageMeasure;
  readonly failedOver?: StageMeasure;
  readonly second?: SecondOpinion;
  /** What it cost, by objective of users. */
  readonly budget?: readonly BudgetCost[];
}

/** Its resolution: for how long nobody had looked when it was first seen. */
export interface StageMeasure extends Measure {
  /** The series, or the alert. */
  readonly by: string;
  /** From inject to where its clock starts; 0 unless it starts with the fault's effect. */
  readonly fromMs: number;
}

/** What the ingress counted of the same. */
export type SecondOpinion =
  | (Measure & {
      readonly is: 'agrees' | 'disagrees';
      readonly scrapeMs: number;
      /** Later than users by so much; negative when earlier. Null when one of both never saw it. */
      readonly laterMs: number | null;
    })
  | { readonly is: 'none'; readonly why: string };

/** Of an objective over the share of good events, for one fault: from inject to the end of recovery, or the next inject. */
export interface BudgetCost {
  readonly objective: string;
  readonly bad: number;
  /** Events that were to be served in that time: sent, or dropped. */
  readonly planned: number;
  /** Bad events that the objective allows in 30 days at the planned rate. */
  readonly budget: number;
  /** bad / budget */
  readonly share: number;
  /** As long as all were bad. */
  readonly outageMs: number;
  /** bad / planned against what is allowed: at 1 the budget lasts 30 days. */
  readonly burnRate: number;
  readonly windowMs: number;
}

export interface LedgerCount {
  readonly sent: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly unknownPresent: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly refusedButFound: number;
  readonly neverSent: number;
  readonly stale: number;
  /** Stock invariants that do not hold, counted over nodes, items and warehouses. */
  readonly invariantsBroken: number;
}

/** Of a run of which nothing was read. */
export const noLedger: LedgerCount = {
  sent: 0,
  acknowledged: 0,
  refused: 0,
  unknown: 0,
  unknownPresent: 0,
  lost: 0,
  duplicated: 0,
  refusedButFound: 0,
  neverSent: 0,
  stale: 0,
  invariantsBroken: 0,
};

export interface Verdict {
  readonly judgeVersion: 1;
  readonly scenario: string;
  readonly runId: string;
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
  readonly recovery: RecoveryMeasure;
  readonly ledger: LedgerCount;
}

/** How it went is not what it showed is not what it left. Written as run.json. */
export interface RunRecord {
  readonly header: RunHeader;
  readonly ended: Ended;
  readonly reason?: string;
  readonly endedAt: Instant;
  readonly verdict: Verdict;
  readonly residue: readonly Residue[];
  /** Folder of the run, relative to the gate's. */
  readonly folder: string;
}

/** Exit codes of every verb that judges. Dirty beats all. */
export const exitCodes = {
  ready: 0,
  notReady: 1,
  inconclusive: 2,
  dirty: 3,
  usage: 64,
  internal: 70,
  interrupted: 130,
} as const;
