// Evidence as the judge reads it: what there may be millions of stands in columns. `tablesOf` makes them of evidence that is at hand as
// objects, lib/evidence makes them from the files; both put every operation and document through the same builders.
import type { Drop, Evidence, FoundDocument, LedgerLine, Operation, Recorded, Write } from '../model/evidence.ts';
import { type Books, booksBuilder, type DocumentRow } from './books-table.ts';
import {
  addDrop,
  codeOf,
  type DropSums,
  dropsOf,
  journeyCode,
  type OperationTable,
  operationTableBuilder,
  writeBit,
} from './operation-table.ts';
import {
  cancelledCode,
  outcomeCode,
  type WriteRow,
  type WriteTable,
  type WriteTableBuilder,
  writeTableBuilder,
} from './write-table.ts';

export interface SampleTables {
  readonly operations: OperationTable;
  /** Those of one journey and moment are one; in order of time. */
  readonly drops: readonly Drop[];
  readonly writes: WriteTable;
  /** Whose tokens were used, by number; empty for older samples. */
  readonly technicians: ReadonlySet<number>;
}

export interface RunTables extends SampleTables, Recorded {
  /** All of the ledger but its documents, which stand in the books. */
  readonly ledger: readonly LedgerLine[];
  /** Of each Galera node, by name. */
  readonly books: readonly Books[];
}

export function tablesOf(evidence: Evidence | RunTables): RunTables {
  if ('books' in evidence) return evidence;
  const { claim, journal, ranges, damaged, manifest } = evidence;
  const samples = sampleTablesBuilder();
  for (const operation of evidence.operations) samples.operation(operation);
  for (const drop of evidence.drops) samples.drop(drop);
  const built = samples.done();
  const ledger = evidence.ledger.filter(({ kind }) => kind !== 'document');
  const books = booksBuilder(ledger, samples.writes, built.writes);
  for (const line of evidence.ledger)
    if (line.kind === 'document') books.document(documentRow(samples.writes, line.document));
  return { claim, journal, ranges, damaged, manifest, ...built, ledger, books: books.done() };
}

export interface SampleTablesBuilder {
  readonly writes: WriteTableBuilder;
  operation(operation: Operation): void;
  /** The same as numbers; `technician` is NaN when it is not told, `write` is there when it wrote. */
  operationRow(sentAt: number, durationMs: number, code: number, technician: number, write: WriteRow | undefined): void;
  sent(operation: Operation & { readonly write: Write }): void;
  sentRow(write: WriteRow): void;
  drop(drop: Drop): void;
  done(): SampleTables;
}

export function sampleTablesBuilder(): SampleTablesBuilder {
  const operations = operationTableBuilder();
  const writes = writeTableBuilder();
  const drops: DropSums = new Map();
  const technicians = new Set<number>();
  const operationRow: SampleTablesBuilder['operationRow'] = (sentAt, durationMs, code, technician, write) => {
    operations.add(sentAt, durationMs, code);
    if (!Number.isNaN(technician)) technicians.add(technician);
    if (write) writes.answered(write);
  };
  return {
    writes,
    operationRow,
    operation(operation) {
      const { sentAt, durationMs = Number.NaN, technician = Number.NaN, write } = operation;
      const row = write ? writeRow(writes, operation, write) : undefined;
      operationRow(sentAt, durationMs, codeOf(operation), technician, row);
    },
    sentRow: writes.sent,
    sent: (operation) => writes.sent(writeRow(writes, operation, operation.write)),
    drop: ({ at, journey, count }) => addDrop(drops, at, journey, count),
    done() {
      // A write that was sent and of which nothing more was heard is an operation too: its outcome is unknown.
      const table = writes.done((journey, sentAt) => operations.add(sentAt, Number.NaN, journey | writeBit));
      return { operations: operations.done(), drops: dropsOf(drops), writes: table, technicians };
    },
  };
}

function writeRow({ texts, pool }: WriteTableBuilder, operation: Operation, write: Write): WriteRow {
  return {
    ...texts.pairOf(write.marker),
    journey: journeyCode(operation.journey),
    sentAt: operation.sentAt,
    durationMs: operation.durationMs ?? Number.NaN,
    outcome: outcomeCode(write.outcome),
    cancelled: cancelledCode(write.cancelled),
    document: write.document === undefined ? undefined : texts.pairOf(write.document),
    lines: pool.keep(write.lines.map((line) => pool.code(line))),
  };
}

export const documentRow = (
  { texts, pool }: WriteTableBuilder,
  { node, round, marker, name, docstatus, lines }: FoundDocument,
): DocumentRow => ({
  node,
  round,
  ...texts.pairOf(marker),
  name: texts.pairOf(name),
  docstatus,
  lines: lines.map((line) => pool.code(line)),
});
