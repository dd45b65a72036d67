// What a scenario claims. Plain JSON: it is copied into the run folder, and judging needs nothing else of the scenario.

/** The phases of a run, in the order in which time passes. A control run has no fault, recovery is then empty. */
export type Phase = 'steady' | 'fault' | 'recovery' | 'after';

/**
 * What users do, in the words of the workshop. The load drives one k6 workload for each. The list is all that was ever played: evidence
 * keeps the names, so none is renamed, and a run that has only some of them is as good as one that has all.
 */
export const journeys = [
  'barcode-lookup',
  'goods-receipt',
  'parts-issue',
  'stock-transfer',
  'entry-cancel',
  'job-card',
  'photo-upload',
  'session-login',
  'realtime-notice',
] as const;
export type Journey = (typeof journeys)[number];

interface Bound {
  /** Unique inside the claim, kebab-case; findings name it. */
  readonly name: string;
  readonly phases: readonly Phase[];
  readonly max?: number;
  readonly min?: number;
}

/**
 * Judged from k6's own samples, joined with the journal's phases by the time at which each operation was sent.
 * A dropped iteration is a bad event. `good-ratio` is good / (sent + dropped), 0..1; latencies are milliseconds over answered operations.
 */
export interface LoadObjective extends Bound {
  readonly source: 'k6';
  readonly journeys: readonly Journey[];
  readonly measure: 'good-ratio' | 'latency-p50-ms' | 'latency-p95-ms' | 'latency-p99-ms';
  /** Fewer operations than this in the phase: inconclusive. p95 needs at least 59, p99 at least 299 for a bound to mean something. */
  readonly samplesMin: number;
}

/**
 * Judged from Prometheus range responses of every replica, merged so that one replica's gap is filled by another; replicas that
 * contradict each other are believed neither. No series, NaN, infinity or too little coverage: inconclusive.
 */
export interface PrometheusObjective extends Bound {
  readonly source: 'prometheus';
  readonly query: string;
  readonly unit: string;
  readonly reduce: 'max' | 'min' | 'mean' | 'last';
  /** Share (0..1) of the phase's steps at which the query must have had a value. */
  readonly coverageMin: number;
  /** Values that there must be at least, beside their share. */
  readonly samplesMin?: number;
  /**
   * How several series become one. `one`: there may be one only. `each`: each must keep the bound, and be there throughout. `worst`: at each
   * step the worst of those that are there. `sum`: at each step their sum; one that is missing makes the step a gap.
   * Left out where the query gives one series by itself. In older claims: each for itself, wherever there was any.
   */
  readonly series?: 'one' | 'each' | 'worst' | 'sum';
  /**
   * A query for the start time of each process whose counters are read: `process_start_time_seconds{job="web"}`. One that begins or ends in the
   * phase takes counts with it that nobody saw, so then there is no pass.
   */
  readonly exporters?: string;
}

/** Judged from what the suite's own probes read while the run went on (journal lines of kind `reading`). */
export interface ProbeObjective extends Bound {
  readonly source: 'probe';
  readonly series: string;
  readonly unit: string;
  readonly reduce: 'max' | 'min' | 'mean' | 'last';
  readonly samplesMin: number;
}

export type Objective = LoadObjective | PrometheusObjective | ProbeObjective;

/** How the load must have gone for anything to be concluded from it. */
export interface LoadValidity {
  /** Started iterations / planned iterations in the steady phase, 0..1. */
  readonly achievedRatioMin: number;
  /** Acknowledged writes over the whole run. */
  readonly acknowledgedMin: number;
}

export interface LedgerRule {
  /** Galera nodes that must have been read. */
  readonly nodes: number;
  readonly lostMax: 0;
  readonly duplicatedMax: 0;
}

/** Of background jobs: each submitted document owes one. How many may vanish is a policy; that one runs twice is none. */
export interface JobsRule {
  /** Neither done nor failed nor waiting: a Redis failover is asynchronous and may lose what it had acknowledged. */
  readonly lostMax: number;
  readonly failedMax: number;
  readonly duplicatedMax: 0;
}

export interface RecoveryRule {
  /** First inject → start of the first good request that is followed by a good window. */
  readonly recoveryMsMax: number;
  /** Length of the window that must stay within budget. */
  readonly windowMs: number;
  /** Bad share (0..1) that the window may have. */
  readonly badRatioMax: number;
}

export interface Claim {
  readonly name: string;
  /** One falsifiable sentence with numbers; the scenario's title. */
  readonly hypothesis: string;
  /** Rules by which the evidence is judged; evidence of another version is refused, never guessed. */
  readonly judgeVersion: 1;
  /** Names of faults in the timeline; empty in a control run. Each must be proven landed, effective and gone. */
  readonly faults: readonly string[];
  readonly objectives: readonly Objective[];
  readonly load: LoadValidity;
  readonly ledger: LedgerRule;
  /** Absent where jobs are not counted. */
  readonly jobs?: JobsRule;
  /** Null in a control run. */
  readonly recovery: RecoveryRule | null;
  readonly blastRadius: { readonly namespaces: readonly string[]; readonly targetsMax: number };
  /** Guards by name; all must hold before the load starts. */
  readonly needs: readonly string[];
}
