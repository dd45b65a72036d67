// Ways to change one thing in evidence and leave the rest: what defects and healthy variants are written with. All pure.
import type { Phase } from '../lib/model/claim.ts';
import type {
  Evidence,
  Instant,
  JournalLine,
  LedgerLine,
  Operation,
  QueuedJob,
  RangeResponse,
  StepName,
  Write,
} from '../lib/model/evidence.ts';
import type { Json, Proof } from '../lib/model/fault.ts';
import { isMarkerOf } from '../lib/model/run-ids.ts';

/** Return undefined to take a line away. */
export const journal = (evidence: Evidence, change: (line: JournalLine) => JournalLine | undefined): Evidence => ({
  ...evidence,
  journal: evidence.journal.flatMap((line) => change(line) ?? []),
});

export const ledger = (
  evidence: Evidence,
  change: (line: LedgerLine) => LedgerLine | readonly LedgerLine[] | undefined,
): Evidence => ({ ...evidence, ledger: evidence.ledger.flatMap((line) => change(line) ?? []) });

export const operations = (evidence: Evidence, change: (operation: Operation) => Operation | undefined): Evidence => ({
  ...evidence,
  operations: evidence.operations.flatMap((operation) => change(operation) ?? []),
});

/** The answers to one question. */
export const ranges = (
  evidence: Evidence,
  objective: string,
  change: (range: RangeResponse) => RangeResponse | undefined,
): Evidence => ({
  ...evidence,
  ranges: evidence.ranges.flatMap((range) => (range.objective === objective ? (change(range) ?? []) : [range])),
});

type Step = Extract<JournalLine, { kind: 'step' }>;

/** The steps of that name, the comparison of the whole target left out. */
export const step = (evidence: Evidence, name: StepName, change: (line: Step) => JournalLine | undefined): Evidence =>
  journal(evidence, (line) =>
    line.kind === 'step' && line.step === name && line.fault !== 'target' ? change(line) : line,
  );

export const proof = (evidence: Evidence, name: StepName, is: Proof['is'], seen: Json = {}): Evidence =>
  step(evidence, name, (line) => ({ ...line, proof: { is, at: line.proof?.at ?? line.at, evidence: seen } }));

export const guard = (evidence: Evidence, name: string, is: Proof['is'], seen: string): Evidence =>
  journal(evidence, (line) => (line.kind === 'guard' && line.name === name ? { ...line, is, seen } : line));

/** Readings of a series in a phase. */
export const readings = (
  evidence: Evidence,
  series: string,
  phase: Phase,
  change: (line: Extract<JournalLine, { kind: 'reading' }>) => JournalLine | undefined,
): Evidence => {
  const { from, to } = spanOf(evidence, phase);
  return journal(evidence, (line) =>
    line.kind === 'reading' && line.series === series && line.at >= from && line.at < to ? change(line) : line,
  );
};

/** A finding has to do with a phase by its time: it ends where the next one begins, and the last one with the load. */
export function spanOf(
  { journal, operations }: Evidence,
  phase: Phase,
): { readonly from: Instant; readonly to: Instant } {
  const begun = journal.filter((line) => line.kind === 'phase');
  const index = begun.findIndex((line) => line.phase === phase);
  return {
    from: begun[index]?.at ?? Number.POSITIVE_INFINITY,
    to: begun[index + 1]?.at ?? (operations.at(-1)?.sentAt ?? 0) + 1,
  };
}

/** A header that says something else. */
export const header = (evidence: Evidence, change: (header: Header) => Header): Evidence =>
  journal(evidence, (line) => (line.kind === 'header' ? { ...line, header: change(line.header) } : line));
type Header = Extract<JournalLine, { kind: 'header' }>['header'];

/** How the load ended. */
export const loadEnd = (
  evidence: Evidence,
  change: (line: Extract<JournalLine, { kind: 'load' }>) => JournalLine,
): Evidence =>
  journal(evidence, (line) =>
    line.kind === 'load' && (line.event === 'stopped' || line.event === 'passed-on') ? change(line) : line,
  );

/** Acknowledged bookings of this run that were sent from the fault on (or, without one, in `after`), the first of them. */
export function bookings(evidence: Evidence, count: number): readonly Write[] {
  const runId = evidence.journal.find((line) => line.kind === 'header')?.header.runId ?? '';
  const { from } = spanOf(evidence, evidence.claim.faults.length > 0 ? 'fault' : 'after');
  const found = evidence.operations.flatMap(({ journey, sentAt, write }) =>
    write?.outcome === 'acknowledged' &&
    sentAt >= from &&
    isMarkerOf(runId, write.marker) &&
    (journey === 'goods-receipt' || journey === 'parts-issue')
      ? [write]
      : [],
  );
  if (found.length < count) throw new Error(`${evidence.claim.name}: ${found.length} bookings, wanted ${count}`);
  return found.slice(0, count);
}

export const write = (
  evidence: Evidence,
  markers: readonly Pick<Write, 'marker'>[],
  change: (write: Write) => Write,
): Evidence => {
  const asked = new Set(markers.map(({ marker }) => marker));
  return operations(evidence, (operation) =>
    operation.write && asked.has(operation.write.marker) ? { ...operation, write: change(operation.write) } : operation,
  );
};

/** The documents of some writes. */
export const documents = (
  evidence: Evidence,
  of: readonly Write[],
  change: (line: Extract<LedgerLine, { kind: 'document' }>) => readonly LedgerLine[],
): Evidence => {
  const asked = new Set(of.map(({ marker }) => marker));
  return ledger(evidence, (line) =>
    line.kind === 'document' && asked.has(line.document.marker) ? change(line) : line,
  );
};

/** The books as they are when these writes had moved their stock so many times more. */
export function stockMoved(evidence: Evidence, of: readonly Write[], times: number): Evidence {
  const moved = new Map<string, number>();
  for (const { lines } of of)
    for (const { item, warehouse, qty } of lines) {
      const place = `${item}|${warehouse}`;
      moved.set(place, (moved.get(place) ?? 0) + qty * times);
    }
  return ledger(evidence, (line) => {
    if (line.kind !== 'stock' || line.level.when !== 'after') return line;
    const { level } = line;
    const more = moved.get(`${level.item}|${level.warehouse}`) ?? 0;
    return {
      ...line,
      level: {
        ...level,
        ledgerSum: level.ledgerSum + more,
        bin: level.bin + more,
        lastRunning: level.lastRunning + more,
      },
    };
  });
}

type JobRowsLine = Extract<LedgerLine, { kind: 'job-rows' }>;

/** The rows of one document whose job was done, on every Galera node. */
export function jobRows(evidence: Evidence, change: (had: readonly string[]) => readonly string[]): Evidence {
  const document = doneIn(evidence);
  return ledger(evidence, (line) =>
    line.kind === 'job-rows' && line.rows.document === document
      ? { ...line, rows: { ...line.rows, jobs: change(line.rows.jobs) } }
      : line,
  );
}

/** The same job left no row and is in the queue instead. */
export function jobIs(evidence: Evidence, state: QueuedJob['state']): Evidence {
  const document = doneIn(evidence);
  const queued: LedgerLine = { kind: 'queued-job', queued: { document, job: `job-of-${document}`, state } };
  const without = jobRows(evidence, () => []);
  return { ...without, ledger: [...without.ledger, queued] };
}

function doneIn({ claim, ledger }: Evidence): string {
  const done = ledger.find((line): line is JobRowsLine => line.kind === 'job-rows' && line.rows.jobs.length > 0);
  if (!done) throw new Error(`${claim.name}: no job was done`);
  return done.rows.document;
}

/** One level of stock after the run, of an item whose books balance. */
export function oneLevel(
  evidence: Evidence,
  change: (level: Extract<LedgerLine, { kind: 'stock' }>['level']) => Extract<LedgerLine, { kind: 'stock' }>['level'],
): Evidence {
  let done = false;
  return ledger(evidence, (line) => {
    if (done || line.kind !== 'stock' || line.level.when !== 'after') return line;
    done = true;
    return { ...line, level: change(line.level) };
  });
}

/** Each value of an answer, by its time; undefined takes it away. */
export const values = (
  range: RangeResponse,
  change: (at: Instant, text: string) => string | undefined,
): RangeResponse => {
  const response = range.response as unknown as Matrix;
  const result = response.data.result.map(({ metric, values }) => ({
    metric,
    values: values.flatMap(([seconds, text]): Matrix['data']['result'][number]['values'] => {
      const other = change(seconds * 1000, text);
      return other === undefined ? [] : [[seconds, other]];
    }),
  }));
  return { ...range, response: { ...response, data: { ...response.data, result } } as unknown as Json };
};

export interface Matrix {
  readonly status: 'success';
  readonly data: {
    readonly resultType: 'matrix';
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

/** An answer to another question, over the times that the run was asked for, from each replica. */
export function answers(
  evidence: Evidence,
  asked: { readonly objective: string; readonly query: string },
  series: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly at: (step: Instant) => string | undefined;
  }[],
): readonly RangeResponse[] {
  const replicas = new Map(evidence.ranges.map((range) => [range.replica, range]));
  return [...replicas.values()].map(({ replica, from, to, stepMs }) => {
    const steps = Array.from({ length: Math.floor((to - from) / stepMs) + 1 }, (_, step) => from + step * stepMs);
    const result = series.flatMap(({ metric, at }) => {
      const values = steps.flatMap((step): (readonly [number, string])[] => {
        const text = at(step);
        return text === undefined ? [] : [[step / 1000, text]];
      });
      return values.length > 0 ? [{ metric, values }] : [];
    });
    const response: Matrix = { status: 'success', data: { resultType: 'matrix', result } };
    return { ...asked, replica, ofReplicas: replicas.size, from, to, stepMs, response: response as unknown as Json };
  });
}
