// What was seen. Evidence is recorded first and judged later; a gap is evidence too.
import type { Claim, Journey, Phase } from './claim.ts';
import type { Json, Proof } from './fault.ts';
import type { ManifestCheck } from './manifest.ts';

/** Epoch milliseconds. A duration's name ends in its unit instead: holdMs. */
export type Instant = number;

export type Reading = (
  | { readonly at: Instant; readonly value: number }
  | { readonly at: Instant; readonly missing: string }
) & {
  /** What it was boiled down from, where more is judged or shown; a text names which ones: who is writer, or master. Of a gap, what those said who answered. */
  readonly seen?: Json;
};

export type StepName = 'prepared' | 'injected' | 'landed' | 'effect' | 'holding' | 'undone' | 'undo-failed' | 'residue';

/** Stands where a fault's name does in the `residue` step that compares the whole target with what it was before the run. */
export const wholeTarget = 'target';

/**
 * A line of journal.ndjson, appended and flushed before the next thing happens. `mono` is monotonic milliseconds since the run began;
 * negative in what was seen before it, in the steady state that the run shares with the one before.
 */
export type JournalLine = { readonly at: Instant; readonly mono: number } & JournalEntry;
export type JournalEntry =
  | { readonly kind: 'header'; readonly header: RunHeader }
  | { readonly kind: 'guard'; readonly name: string; readonly is: Proof['is']; readonly seen: string }
  /** `of`: the run in whose time the phase began. */
  | { readonly kind: 'phase'; readonly phase: Phase; readonly of?: string }
  | {
      readonly kind: 'step';
      readonly fault: string;
      /** The proof of `residue` is that something was left: `no` is clean; its evidence is {residue: Residue['is'], left}. */
      readonly step: StepName;
      /** The fault's version, on `prepared`: whoever undoes from the ticket must know it. */
      readonly version?: number;
      /** On `prepared`: the fault lasts, so it must be on record that it was looked at while it was held. Not in older runs. */
      readonly lasts?: boolean;
      readonly proof?: Proof;
      readonly ticket?: Json;
      readonly error?: string;
    }
  | {
      readonly kind: 'reading';
      readonly series: string;
      readonly value?: number;
      readonly seen?: Json;
      readonly missing?: string;
    }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'load';
      /** A load that several runs share goes from one to the next: `taken-over` stands for started, `passed-on` for stopped. */
      readonly event: 'started' | 'stopped' | 'taken-over' | 'passed-on';
      readonly exitCode?: number | null;
      readonly detail?: string;
      readonly processorSeconds?: number;
      /** The generator's own account of itself, for its self-check; not in older runs. */
      readonly generator?: GeneratorAccount;
    }
  | { readonly kind: 'ended'; readonly ended: Ended; readonly reason?: string };

/** What the load generator used and how long it was busy, by its own clock and the kernel's. */
export interface GeneratorAccount {
  /** How many processors it could use. */
  readonly processors: number;
  /** Most processor seconds that it used in any window of this length. */
  readonly busiest: { readonly windowMs: number; readonly processorSeconds: number };
  /** Iterations that came to their end, and the seconds that virtual users spent in them, as k6 itself measured it. */
  readonly iterations: number;
  readonly iterationSeconds: number;
}

export type Ended = 'completed' | 'aborted' | 'crashed';

export interface RunHeader {
  readonly schema: 'shakedown.run/1';
  readonly scenario: string;
  /** Unique among runs of the target; the prefix of every marker that the run's load writes. */
  readonly runId: string;
  readonly startedAt: Instant;
  readonly seed: number;
  readonly target: { readonly name: string; readonly environment: string };
  readonly commit: string;
  /** Software versions by name: node, k6, kubernetes, mariadb, shakedown. */
  readonly versions: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, Json>>;
  /** The load as it was planned, for the generator's self-check. */
  readonly load: PlannedLoad;
  /** The command that repeats the run. */
  readonly repeat: string;
  /**
   * The run before, whose phase `after` is the beginning of this run's steady state: samples and readings of it stand in this run's files
   * too. Its writes carry its own markers; they are operations here, and accounted for there.
   */
  readonly steadyOf?: string;
}

export interface PlannedLoad {
  readonly profile: string;
  /** Open-model arrival rate by journey, iterations per second, while no shift changes it. A journey that is not played may be left out. */
  readonly ratesPerSecond: Readonly<Partial<Record<Journey, number>>>;
  /** Of journeys whose rate changes over time; the others, and all of older runs, keep the rate above. */
  readonly shapes?: Readonly<Partial<Record<Journey, RateShape>>>;
  /** How many technicians' tokens the virtual users have among them; not in older runs. */
  readonly technicians?: number;
  /** Virtual users of each journey; older runs tell only their sum. */
  readonly virtualUsers?: Readonly<Partial<Record<Journey, number>>>;
  /** Journeys of the profile that the target has no place for, with what it lacks. */
  readonly leftOut?: readonly { readonly journey: Journey; readonly why: string }[];
  /** Longest stall of the target that the virtual users can sit out without a drop. */
  readonly stallBudgetMs: number;
  readonly virtualUsersMax: number;
}

/**
 * Arrival rate over time, from the first iteration of the load on: straight lines between the points, which are in order of time, and
 * the last rate from the last point on. Two points of the same time are a jump.
 */
export type RateShape = readonly { readonly atMs: number; readonly perSecond: number }[];

/**
 * How a write ended for the client. `acknowledged`: answered as submitted. `refused`: the answer says that no stock was moved; when it went
 * as draft and then submit, its draft (docstatus 0) may be left under its marker. `unknown` may exist.
 */
export type WriteOutcome = 'acknowledged' | 'refused' | 'unknown';

/** One operation of a virtual technician, counted as one event: one HTTP exchange, or two for a write that goes as draft and then submit. */
export interface Operation {
  readonly journey: Journey;
  /** The run that it was started for; not in older samples. */
  readonly run?: string;
  /** Whose token its virtual user has, by number; not in older samples. */
  readonly technician?: number;
  readonly sentAt: Instant;
  /** Undefined when the generator stopped before an answer or a time-out was seen. */
  readonly durationMs?: number;
  /** Within the journey's definition of a good answer (right status, right content, in time). */
  readonly good: boolean;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly excType?: string;
  readonly write?: Write;
}

export interface Write {
  /** Unique over all runs: `<runId>-<workload>-<number>`. */
  readonly marker: string;
  readonly outcome: WriteOutcome;
  /** The document's name as answered, when it was. */
  readonly document?: string;
  /** Stock movement of the document: positive into the warehouse. Of one that was taken back: what it moved before. */
  readonly lines: readonly { readonly item: string; readonly warehouse: string; readonly qty: number }[];
  /**
   * Of a document that was booked to be taken back: `acknowledged` when its cancelling was, so it must be there cancelled and move
   * nothing; `unknown` when nobody can tell whether it was cancelled. Undefined otherwise, also when the cancelling was refused.
   */
  readonly cancelled?: 'acknowledged' | 'unknown';
}

/** Iterations that k6 could not start because every virtual user was busy. */
export interface Drop {
  readonly at: Instant;
  readonly journey: Journey;
  readonly count: number;
}

/** What one Galera node says after the run: a document under its marker. Round 0 is the first look after quiescing. */
export interface FoundDocument {
  readonly node: string;
  readonly round: number;
  readonly at: Instant;
  readonly marker: string;
  readonly name: string;
  readonly docstatus: number;
  /** Sum of ledger entries of the document by item and warehouse; empty for a draft. */
  readonly lines: readonly { readonly item: string; readonly warehouse: string; readonly qty: number }[];
}

/** Stock of one item in one warehouse on one Galera node. */
export interface StockLevel {
  readonly node: string;
  readonly when: 'before' | 'after';
  readonly at: Instant;
  readonly item: string;
  readonly warehouse: string;
  readonly ledgerSum: number;
  readonly bin: number;
  /** qty_after_transaction of the entry with the newest posting_datetime, creation. */
  readonly lastRunning: number;
  readonly runningMin: number;
}

/** What one Galera node says of the background job that a submitted document owes: rows that it left, by the job's id. */
export interface JobRows {
  readonly node: string;
  readonly marker: string;
  /** Submitted; cancelled since counts as well, for the job was owed all the same. */
  readonly document: string;
  /** One id for each row: the same twice is a job that ran twice. */
  readonly jobs: readonly string[];
}

/** A job that the queue itself still has at the end. */
export interface QueuedJob {
  readonly document: string;
  readonly job: string;
  readonly state: 'waiting' | 'started' | 'failed';
  /** Last line of why it failed. */
  readonly why?: string;
}

/**
 * What documents of all runs of the session moved by one item in one warehouse, on one Galera node, at the very moment at which its stock was
 * read: the load goes on meanwhile, so others move it too. `earlier` and `later` runs, or this run's `own`.
 */
export interface MovedStock {
  readonly node: string;
  readonly when: StockLevel['when'];
  readonly at: Instant;
  readonly whose: 'earlier' | 'own' | 'later';
  readonly item: string;
  readonly warehouse: string;
  readonly qty: number;
  /** How many documents did. */
  readonly documents: number;
}

/**
 * A line of ledger.ndjson. `read` says that a node was read to the end in a round: without it, absence proves nothing.
 * The last round of a node that came to its end is the final word, and stands here whole. Earlier ones tell when something was seen first:
 * of some runs they hold only what was new in them.
 */
export type LedgerLine =
  | { readonly kind: 'document'; readonly document: FoundDocument }
  | { readonly kind: 'stock'; readonly level: StockLevel }
  | { readonly kind: 'job-rows'; readonly rows: JobRows }
  | { readonly kind: 'queued-job'; readonly queued: QueuedJob }
  | {
      /** The rows of a Galera node, or a Redis's queue, were read to the end; without it, absence proves nothing. */
      readonly kind: 'jobs-read';
      readonly of: 'rows' | 'queue';
      readonly from: string;
      /** Jobs are counted of the documents that were submitted at this time: of later ones they may be under way. */
      readonly documentsOf: Instant;
      readonly at: Instant;
      readonly error?: string;
    }
  /** Read with the stock in one transaction: none of a place is nothing moved. Not in older runs, which had the load to themselves. */
  | { readonly kind: 'moved'; readonly moved: MovedStock }
  | {
      readonly kind: 'read';
      readonly node: string;
      readonly round: number;
      readonly at: Instant;
      readonly what: 'stock-before' | 'documents' | 'stock-after';
      readonly error?: string;
    };

/** A line of prometheus.ndjson: the raw answer of one replica for one objective's query over the whole run. */
export interface RangeResponse {
  readonly objective: string;
  readonly replica: string;
  /** How many replicas the target has: one whose line is missing is missed. Not in older runs. */
  readonly ofReplicas?: number;
  readonly query: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly stepMs: number;
  /** The body of /api/v1/query_range as it came, or the reason why there is none. */
  readonly response?: Json;
  readonly error?: string;
}

/**
 * Under this name in prometheus.ndjson, in every run: which alerts fired, and when each was last evaluated, in epoch seconds: a Prometheus
 * that died goes on showing what it knew. Older runs have 1 for a value. No objective may be called so.
 */
export const alertsRange = { objective: 'alerts', query: 'timestamp(ALERTS{alertstate="firing"})' } as const;

/** Where the claim has alerts, how many fired at each step: an alert that was taken out of the answer above is missed. */
export const alertsCountRange = { objective: 'alerts-count', query: 'count(ALERTS{alertstate="firing"})' } as const;

/** Under this name in prometheus.ndjson: the answer to an objective's `exporters`. Names of objectives have no slash. */
export const exportersRange = (objective: string): string => `${objective}/exporters`;

/** What there is little of: a run of any length has it as objects. */
export interface Recorded {
  readonly claim: Claim;
  readonly journal: readonly JournalLine[];
  readonly ranges: readonly RangeResponse[];
  /** Files that were missing, cut off in the middle of a line, or could not be understood. */
  readonly damaged: readonly { readonly file: string; readonly what: string }[];
  /** Whether the files are what they were when the run ended. */
  readonly manifest: ManifestCheck;
}

/** Everything that the judge may look at. A run folder is judged in columns instead (lib/tables), which say the same. */
export interface Evidence extends Recorded {
  readonly operations: readonly Operation[];
  readonly drops: readonly Drop[];
  readonly ledger: readonly LedgerLine[];
}
