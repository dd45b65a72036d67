// One write, from the request to the rows: what a run folder has on record of a marker, and what that comes to.
import type { Claim, Journey, Phase } from './claim.ts';
import type {
  Drop,
  FoundDocument,
  Instant,
  JournalLine,
  LedgerLine,
  Operation,
  RangeResponse,
  Write,
} from './evidence.ts';
import type { Exchange } from './exchanges.ts';
import type { AlertPeriod } from './run-view.ts';
import type { Outcome } from './verdict.ts';

/** A write as its sample has it, with what nothing is judged by. */
export type TracedWrite = Operation & {
  readonly write: Write;
  /** The technician's login name. */
  readonly user?: string;
  readonly virtualUser?: number;
  /** Empty in older samples. */
  readonly exchanges: readonly Exchange[];
  /** k6's words for what went wrong below HTTP. */
  readonly error?: string;
};

/** All that a run folder has on record of one marker and of the moment of its sending; little, however long the run was. */
export interface MarkerTrace {
  readonly marker: string;
  readonly claim: Claim;
  readonly journal: readonly JournalLine[];
  /** In order of time; empty when it is not on record as sent. */
  readonly writes: readonly TracedWrite[];
  /** Of everybody else, within this long before and after the first sending. */
  readonly aroundMs: number;
  readonly around: readonly Operation[];
  readonly drops: readonly Drop[];
  /** Its documents and jobs, the stock of its items, and which reads came to their end. */
  readonly ledger: readonly LedgerLine[];
  /** Documents of other markers under the name that was acknowledged for this one. */
  readonly namesakes: readonly FoundDocument[];
  /** When which alert fired. */
  readonly ranges: readonly RangeResponse[];
  readonly damaged: readonly { readonly file: string; readonly what: string }[];
}

/** What the judge makes of one write. The first seven are held against the target, or keep the run from passing. */
export type WriteWord =
  | 'lost'
  | 'duplicated'
  | 'refused-but-found'
  | 'other-lines'
  | 'members-disagree'
  | 'never-sent'
  | 'cannot-tell'
  | 'unknown-and-there'
  | 'unknown-and-absent'
  | 'refused'
  | 'stale'
  | 'once';

export interface Explanation {
  readonly schema: 'shakedown.explanation/1';
  readonly marker: string;
  readonly run: {
    readonly folder: string;
    readonly scenario: string;
    readonly runId: string;
    readonly target?: string;
  };
  readonly word: WriteWord;
  readonly outcome: Outcome;
  /** The judge's own words for it. */
  readonly says: readonly string[];
  readonly requests: readonly ExplainedRequest[];
  readonly member: {
    /** Undefined when nothing on record names it. */
    readonly name?: string;
    /** The app's own answer, or the probe's reading that was in force. */
    readonly by: 'answer' | 'reading' | 'nobody';
    readonly says: string;
  };
  readonly found: readonly FoundOnMember[];
  readonly namesakes: readonly string[];
  readonly stock: readonly StockOfPlace[];
  /** Undefined when it is not on record as sent: then there is no moment to tell of. */
  readonly moment?: Moment;
  /** What the folder doesn't say, and why. */
  readonly gaps: readonly string[];
}

export interface ExplainedRequest {
  readonly journey: Journey;
  /** Of the journey, from 0; undefined when the marker doesn't tell. */
  readonly iteration?: number;
  /** Login name. */
  readonly technician?: string;
  readonly virtualUser?: number;
  readonly sentAt: Instant;
  readonly answeredAt?: Instant;
  readonly status: number;
  readonly excType?: string;
  readonly good: boolean;
  readonly outcome: Write['outcome'];
  /** Why it counts as that. */
  readonly why: string;
  readonly document?: string;
  readonly lines: Write['lines'];
  readonly exchanges: readonly Exchange[];
}

export interface FoundOnMember {
  readonly node: string;
  /** Rounds that were read to the end, with the times of the first and the last of them. */
  readonly rounds: number;
  readonly from?: Instant;
  readonly to?: Instant;
  readonly error?: string;
  /** The first such round that had it. */
  readonly firstSeen?: { readonly round: number; readonly at: Instant };
  /** Of the last such round. */
  readonly documents: readonly Pick<FoundDocument, 'name' | 'docstatus' | 'lines'>[];
  /** Ids of the rows that its background job left. */
  readonly jobs: readonly string[];
}

export interface StockOfPlace {
  readonly item: string;
  readonly warehouse: string;
  /** By Galera member: sum of the ledger and what the bin says, before the load and after it. */
  readonly members: readonly {
    readonly node: string;
    readonly before?: { readonly ledger: number; readonly bin: number };
    readonly after?: { readonly ledger: number; readonly bin: number };
  }[];
}

/** What the system was when it was sent. */
export interface Moment {
  readonly at: Instant;
  readonly phase?: Phase;
  /** When the answer came in another one: what was under way at inject counts as the fault's. */
  readonly answeredIn?: Phase;
  /** Faults that had been injected and not undone. */
  readonly faults: readonly string[];
  /** The inject that was nearest to the answer, or to the sending where there was none; negative when it came before. */
  readonly inject?: { readonly fault: string; readonly on: string; readonly msAfter: number };
  readonly timeline: readonly MomentEvent[];
  readonly readings: readonly {
    readonly series: string;
    readonly agoMs: number;
    readonly value?: number;
    readonly missing?: string;
    readonly seen?: string;
  }[];
  /** Undefined when no replica of Prometheus told. */
  readonly alerts?: readonly AlertPeriod[];
  readonly around: {
    readonly withinMs: number;
    readonly good: number;
    readonly bad: number;
    readonly dropped: number;
    readonly writes: Readonly<Record<Write['outcome'], number>>;
  };
}

export interface MomentEvent {
  /** Since the sending; negative before it. */
  readonly ms: number;
  readonly kind: 'phase' | 'step' | 'reading' | 'alert' | 'own';
  readonly says: string;
}
