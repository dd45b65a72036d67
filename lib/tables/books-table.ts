// What each Galera node has under every marker. Nearly all documents are what was acknowledged, word for word: of those one byte is kept.
// Whatever differs is kept whole, so nothing is concluded here: that is the judge's.
import type { FoundDocument, Instant, LedgerLine } from '../model/evidence.ts';
import { float64Column, uint8Column, uint16Column, uint32Column } from './growing.ts';
import { acknowledgedCode, cancelledCode, type WriteTable, type WriteTableBuilder } from './write-table.ts';

export type Found = Pick<FoundDocument, 'name' | 'docstatus' | 'lines'>;

export interface Round {
  readonly round: number;
  readonly at: Instant;
}

/** One Galera node's documents, by the last round that was read to the end; only such a round shows that something is absent. */
export interface Books {
  readonly node: string;
  /** False when no round was read to the end: then nothing is known of any marker. */
  readonly read: boolean;
  /** The first round that was read to the end. */
  readonly firstRound?: Round;
  readonly error?: string;
  /** Of one document that is named as acknowledged: submitted with the very lines that were sent, or cancelled as it was to be. */
  asAcknowledged(row: number): 'submitted' | 'cancelled' | undefined;
  documents(row: number): readonly Found[];
  /** The first round that had the marker. */
  firstSeen(row: number): Round | undefined;
}

/** A document as numbers, of a node and a round by themselves. */
export interface DocumentRow {
  readonly node: string;
  readonly round: number;
  /** Of the marker. */
  readonly prefix: number;
  readonly number: number;
  readonly name: { readonly prefix: number; readonly number: number };
  readonly docstatus: number;
  readonly lines: readonly number[];
}

export interface BooksBuilder {
  document(row: DocumentRow): void;
  done(): readonly Books[];
}

type Read = Extract<LedgerLine, { readonly kind: 'read' }>;

const none = 0;
const asSent = 1;
const takenBack = 2;
const other = 3;

/** `lines` are all of the ledger that are no documents: they tell which rounds were read to the end. */
export function booksBuilder(lines: readonly LedgerLine[], sent: WriteTableBuilder, writes: WriteTable): BooksBuilder {
  const nodes = new Map<string, ReturnType<typeof booksOf>>();
  const names = new Set(lines.flatMap((line) => (line.kind === 'read' ? [line.node] : [])));
  for (const node of [...names].sort(compareText)) nodes.set(node, booksOf(node, lines, sent, writes));
  return {
    // A node of which nothing was read to the end shows nothing.
    document: (row) => nodes.get(row.node)?.take(row),
    done: () => [...nodes.values()].map(({ books }) => books),
  };
}

function booksOf(node: string, lines: readonly LedgerLine[], sent: WriteTableBuilder, writes: WriteTable) {
  const reads = lines.filter(
    (line): line is Read => line.kind === 'read' && line.node === node && line.what === 'documents',
  );
  const rounds = roundsOf(reads);
  const [firstRound, lastRound] = [rounds[0], rounds.at(-1)];
  const error = [...reads].sort(byRound).findLast((read) => read.error !== undefined)?.error;
  const placeOf = new Map(rounds.map(({ round }, place) => [round, place]));

  const state = uint8Column();
  /** Place of the first round + 1; only where there were several. */
  const first = uint16Column();
  // Documents that are not as acknowledged: a list for each row.
  const heads = uint32Column();
  const nexts = uint32Column();
  const namePrefix = uint32Column();
  const nameNumber = uint32Column();
  const docstatus = float64Column();
  const moved = uint32Column();

  function keep(row: number, one: Pick<DocumentRow, 'name' | 'docstatus'>, lines: number): void {
    nexts.push(heads.at(row));
    namePrefix.push(one.name.prefix);
    nameNumber.push(one.name.number);
    docstatus.push(one.docstatus);
    moved.push(lines);
    heads.set(row, nexts.length);
    state.set(row, other);
  }

  const acknowledged = (row: number) => ({ name: writes.document(row), docstatus: state.at(row) === asSent ? 1 : 2 });
  const acknowledgedLines = (row: number) => (state.at(row) === asSent ? writes.lines(row) : 0);

  function stateOf(row: number, one: DocumentRow): number {
    if (writes.outcome(row) !== acknowledgedCode || !writes.documentIs(row, one.name.prefix, one.name.number))
      return other;
    const wanted = writes.lines(row);
    const cancelled = writes.cancelled(row);
    if (one.docstatus === 1 && cancelled !== cancelledCode('acknowledged'))
      return sameSet(writes.pool.codesOf(wanted), one.lines) ? asSent : other;
    return one.docstatus === 2 && cancelled !== 0 && wanted !== 0 && one.lines.length === 0 ? takenBack : other;
  }

  return {
    take(one: DocumentRow): void {
      const place = placeOf.get(one.round);
      if (place === undefined) return;
      const row = sent.rowFor(one.prefix, one.number);
      if (rounds.length > 1) {
        const before = first.at(row);
        if (before === 0 || place + 1 < before) first.set(row, place + 1);
      }
      if (one.round !== lastRound?.round) return;
      const now = state.at(row);
      const next = now === none ? stateOf(row, one) : other;
      if (next !== other) {
        state.set(row, next);
        return;
      }
      if (now === asSent || now === takenBack) keep(row, acknowledged(row), acknowledgedLines(row));
      keep(row, one, writes.pool.keep(one.lines));
    },
    books: {
      node,
      read: lastRound !== undefined,
      ...(firstRound ? { firstRound } : {}),
      ...(error === undefined ? {} : { error }),
      asAcknowledged: (row) =>
        state.at(row) === asSent ? 'submitted' : state.at(row) === takenBack ? 'cancelled' : undefined,
      documents(row) {
        if (state.at(row) === none) return [];
        const foundOf = (name: DocumentRow['name'], docstatus: number, lines: number): Found => ({
          name: writes.texts.textOf(name.prefix, name.number),
          docstatus,
          lines: writes.pool.linesOf(lines),
        });
        if (state.at(row) !== other) {
          const { name, docstatus } = acknowledged(row);
          return [foundOf(name, docstatus, acknowledgedLines(row))];
        }
        const all: Found[] = [];
        for (let at = heads.at(row); at > 0; at = nexts.at(at - 1)) {
          const name = { prefix: namePrefix.at(at - 1), number: nameNumber.at(at - 1) };
          all.push(foundOf(name, docstatus.at(at - 1), moved.at(at - 1)));
        }
        return all.sort((a, b) => compareText(a.name, b.name) || a.docstatus - b.docstatus);
      },
      firstSeen(row) {
        if (rounds.length > 1) return rounds[first.at(row) - 1];
        return state.at(row) === none ? undefined : firstRound;
      },
    } satisfies Books as Books,
  };
}

/** Those that were read to the end, in order. */
function roundsOf(reads: readonly Read[]): readonly Round[] {
  const ended = new Map<number, Instant>();
  for (const { round, at, error } of reads)
    if (error === undefined) ended.set(round, Math.max(at, ended.get(round) ?? Number.NEGATIVE_INFINITY));
  return [...ended].map(([round, at]) => ({ round, at })).sort(byRound);
}

/** Of few codes, without one that comes twice; whatever else is compared by sums. */
function sameSet(wanted: readonly number[], found: readonly number[]): boolean {
  if (wanted.length === 0 || wanted.length !== found.length) return false;
  return wanted.every((code, at) => found.includes(code) && wanted.indexOf(code) === at);
}

const byRound = (a: Round, b: Round): number => a.round - b.round || a.at - b.at;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
