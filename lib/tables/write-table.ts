// Every marker of a run in one row: what was sent under it, how it was answered, and later what was found. A marker of the samples and
// one of the ledger are the same two small numbers, so both meet in the row without a text being kept or compared.
import type { Instant, Operation, Write, WriteOutcome } from '../model/evidence.ts';
import { nearbyColumn, uint8Column, uint32Column } from './growing.ts';
import { journeyAt, journeyCode } from './operation-table.ts';
import { noNumber, type Texts, texts } from './texts.ts';

type Lines = Write['lines'];
type Line = Lines[number];
type Wrote = Operation & { readonly write: Write };

/** Lines of documents as numbers: most are one of few, an item, a place and a quantity. */
export interface LinePool {
  /** The same line has the same code. */
  code(line: Line): number;
  line(code: number): Line;
  /** One reference for a list of lines; 0 for none. */
  keep(codes: readonly number[]): number;
  /** The list is not wanted after all. */
  forget(reference: number): void;
  codesOf(reference: number): readonly number[];
  linesOf(reference: number): Lines;
}

const listBit = 0x8000_0000;

export function linePool(): LinePool {
  const codes = new Map<string, number>();
  const lines: Line[] = [];
  /** Length, then the codes. */
  const lists = uint32Column();
  let end = 0;
  const codesOf = (reference: number): readonly number[] => {
    if (reference === 0) return [];
    if (reference < listBit) return [reference - 1];
    const at = reference - listBit;
    return Array.from({ length: lists.at(at) }, (_, index) => lists.at(at + 1 + index));
  };
  return {
    code({ item, warehouse, qty }) {
      const key = JSON.stringify([item, warehouse, qty]);
      const known = codes.get(key);
      if (known !== undefined) return known;
      codes.set(key, lines.length);
      return lines.push({ item, warehouse, qty }) - 1;
    },
    line: (code) => lines[code] as Line,
    keep(some) {
      const [only] = some;
      if (only === undefined) return 0;
      if (some.length === 1) return only + 1;
      const at = end;
      lists.set(end++, some.length);
      for (const code of some) lists.set(end++, code);
      return listBit + at;
    },
    forget(reference) {
      const at = reference - listBit;
      if (at >= 0 && at + 1 + lists.at(at) === end) end = at;
    },
    codesOf,
    linesOf: (reference) => codesOf(reference).map((code) => lines[code] as Line),
  };
}

/** A write as numbers. */
export interface WriteRow {
  readonly prefix: number;
  readonly number: number;
  readonly journey: number;
  readonly sentAt: Instant;
  /** NaN without an answer. */
  readonly durationMs: number;
  readonly outcome: number;
  readonly cancelled: number;
  /** Of the document; both 0 without one. */
  readonly document: { readonly prefix: number; readonly number: number } | undefined;
  readonly lines: number;
}

const outcomes: readonly (WriteOutcome | undefined)[] = [undefined, 'acknowledged', 'refused', 'unknown'];
export const outcomeCode = (outcome: WriteOutcome): number => outcomes.indexOf(outcome);
export const acknowledgedCode = 1;
const cancellings: readonly Write['cancelled'][] = [undefined, 'acknowledged', 'unknown'];
export const cancelledCode = (cancelled: Write['cancelled']): number => cancellings.indexOf(cancelled);

// State of a row: outcome in two bits, then what became of a cancelling, by the answer and as it was sent.
const outcomeBits = 0b0000_0011;
const cancelledShift = 2;
const sentCancelledShift = 4;
const wasSent = 0b0100_0000;
const wasAnswered = 0b1000_0000;
// Kind of a row: the journey, and two flags.
const hasDocument = 0b0100_0000;
/** More than one request carried the marker: they stand in `several`. */
const isSeveral = 0b1000_0000;

export interface WriteTable {
  readonly texts: Texts;
  readonly pool: LinePool;
  /** Every marker that was heard of, also from the ledger alone. */
  each(visit: (row: number, prefix: number, number: number) => void): void;
  /** Whether anything was sent under it. */
  wrote(row: number): boolean;
  /** What was sent under the marker, requests that share it put together; undefined when nothing was. */
  write(row: number, marker: string): Write | undefined;
  /** 0 when nothing was sent, or several requests were. */
  outcome(row: number): number;
  cancelled(row: number): number;
  lines(row: number): number;
  documentIs(row: number, prefix: number, number: number): boolean;
  document(row: number): { readonly prefix: number; readonly number: number };
  /** When the write was acknowledged; NaN when it was not, or when several requests share the marker. */
  acknowledgedAt(row: number): Instant;
  /** Requests under the marker, one for nearly every one; an operation that had no end has NaN for a duration. */
  eachRequest(
    row: number,
    visit: (outcome: number, journey: number, sentAt: Instant, durationMs: number) => void,
  ): void;
}

export interface WriteTableBuilder {
  readonly texts: Texts;
  readonly pool: LinePool;
  /** A write is about to go out. */
  sent(row: WriteRow): void;
  /** An operation that wrote; without an answer its duration is NaN. */
  answered(row: WriteRow): void;
  /** A marker that the ledger knows. */
  rowFor(prefix: number, number: number): number;
  /** `unanswered` is told each write that was sent and of which nothing more was heard. */
  done(unanswered: (journey: number, sentAt: Instant) => void): WriteTable;
}

const pageBits = 8;
const inPage = (1 << pageBits) - 1;

export function writeTableBuilder(): WriteTableBuilder {
  const words = texts();
  const pool = linePool();
  /** Row + 1 by number, in pages, for each beginning of a marker; of one that ends in no number by itself. */
  const index: (Map<number, Uint32Array> | undefined)[] = [];
  const withoutNumber = uint32Column();
  const sentAt = nearbyColumn();
  const durationMs = nearbyColumn();
  const state = uint8Column();
  const kind = uint8Column();
  const lines = uint32Column();
  const documentPrefix = uint32Column();
  const documentNumber = uint32Column();
  const several = new Map<number, { readonly sent: Wrote[]; readonly answered: Wrote[] }>();
  let rows = 0;

  function rowFor(prefix: number, number: number): number {
    const found = indexed(prefix, number);
    if (found > 0) return found - 1;
    rows += 1;
    if (number === noNumber) withoutNumber.set(prefix, rows);
    else {
      index[prefix] ??= new Map();
      const page = index[prefix].get(number >>> pageBits) ?? new Uint32Array(1 << pageBits);
      index[prefix].set(number >>> pageBits, page);
      page[number & inPage] = rows;
    }
    state.set(rows - 1, 0);
    return rows - 1;
  }

  const indexed = (prefix: number, number: number): number =>
    number === noNumber ? withoutNumber.at(prefix) : (index[prefix]?.get(number >>> pageBits)?.[number & inPage] ?? 0);

  const wroteOf = (row: WriteRow): Wrote => ({
    journey: journeyAt(row.journey),
    sentAt: row.sentAt,
    ...(Number.isNaN(row.durationMs) ? {} : { durationMs: row.durationMs }),
    good: false,
    status: 0,
    write: {
      marker: words.textOf(row.prefix, row.number),
      outcome: outcomes[row.outcome] as WriteOutcome,
      ...(row.document ? { document: words.textOf(row.document.prefix, row.document.number) } : {}),
      lines: pool.linesOf(row.lines),
      ...cancelledOf(row.cancelled),
    },
  });

  const rowOfColumns = (row: number, { prefix, number }: WriteRow): WriteRow => ({
    prefix,
    number,
    journey: kind.at(row),
    sentAt: sentAt.at(row),
    durationMs: durationMs.at(row),
    outcome: state.at(row) & outcomeBits,
    cancelled: (state.at(row) >>> cancelledShift) & outcomeBits,
    document:
      kind.at(row) & hasDocument ? { prefix: documentPrefix.at(row), number: documentNumber.at(row) } : undefined,
    lines: lines.at(row),
  });

  /** What the columns hold of the marker goes where there is room for more than one. */
  function toSeveral(row: number, like: WriteRow) {
    const known = several.get(row);
    if (known) return known;
    const now = state.at(row);
    const held = rowOfColumns(row, like);
    const both = {
      sent: now & wasSent ? [wroteOf(asSent(held, (now >>> sentCancelledShift) & outcomeBits))] : [],
      answered: now & wasAnswered ? [wroteOf(held)] : [],
    };
    several.set(row, both);
    kind.set(row, isSeveral);
    state.set(row, 0);
    return both;
  }

  const asSent = (row: WriteRow, cancelled: number): WriteRow => ({
    ...row,
    durationMs: Number.NaN,
    outcome: outcomeCode('unknown'),
    cancelled,
    document: undefined,
  });

  const sameRequest = (row: number, { sentAt: at, journey, lines: reference }: WriteRow): boolean =>
    sentAt.at(row) === at && (kind.at(row) & 0b1111) === journey && sameLines(pool, lines.at(row), reference);

  return {
    texts: words,
    pool,
    rowFor,
    sent(one) {
      const row = rowFor(one.prefix, one.number);
      const now = state.at(row);
      if (kind.at(row) & isSeveral || now & wasSent || (now & wasAnswered && !sameRequest(row, one))) {
        toSeveral(row, one).sent.push(wroteOf(one));
        return;
      }
      if (now & wasAnswered) {
        pool.forget(one.lines);
        state.set(row, now | wasSent | (one.cancelled << sentCancelledShift));
        return;
      }
      sentAt.set(row, one.sentAt);
      durationMs.set(row, Number.NaN);
      kind.set(row, one.journey);
      lines.set(row, one.lines);
      state.set(row, wasSent | one.outcome | (one.cancelled << cancelledShift) | (one.cancelled << sentCancelledShift));
    },
    answered(one) {
      const row = rowFor(one.prefix, one.number);
      const now = state.at(row);
      if (kind.at(row) & isSeveral || now & wasAnswered || (now & wasSent && !sameRequest(row, one))) {
        toSeveral(row, one).answered.push(wroteOf(one));
        return;
      }
      sentAt.set(row, one.sentAt);
      durationMs.set(row, one.durationMs);
      // What was sent is kept as it came first: it is the same list.
      if (now & wasSent) pool.forget(one.lines);
      else lines.set(row, one.lines);
      kind.set(row, one.journey | (one.document ? hasDocument : 0));
      if (one.document) {
        documentPrefix.set(row, one.document.prefix);
        documentNumber.set(row, one.document.number);
      }
      const before = now & (wasSent | (outcomeBits << sentCancelledShift));
      state.set(row, before | wasAnswered | one.outcome | (one.cancelled << cancelledShift));
    },
    done(unanswered) {
      const requests = new Map<number, readonly Wrote[]>();
      for (const [row, { sent, answered }] of several) {
        // The answers belong to the earliest sendings.
        const left = inOrder(sent).slice(answered.length);
        for (const one of left) unanswered(journeyCode(one.journey), one.sentAt);
        requests.set(row, inOrder([...answered, ...left]));
      }
      for (let row = 0; row < rows; row++)
        if ((state.at(row) & (wasSent | wasAnswered)) === wasSent) unanswered(kind.at(row) & 0b1111, sentAt.at(row));
      return table(requests);
    },
  };

  function table(requests: ReadonlyMap<number, readonly Wrote[]>): WriteTable {
    const single = (row: number, marker: string): Write | undefined => {
      const outcome = outcomes[state.at(row) & outcomeBits];
      if (outcome === undefined) return undefined;
      return {
        marker,
        outcome,
        ...(kind.at(row) & hasDocument
          ? { document: words.textOf(documentPrefix.at(row), documentNumber.at(row)) }
          : {}),
        lines: pool.linesOf(lines.at(row)),
        ...cancelledOf((state.at(row) >>> cancelledShift) & outcomeBits),
      };
    };
    return {
      texts: words,
      pool,

      each(visit) {
        for (const [prefix, pages] of index.entries())
          for (const [page, places] of pages ?? [])
            for (let place = 0; place < places.length; place++) {
              const row = places[place] as number;
              if (row > 0) visit(row - 1, prefix, (page << pageBits) | place);
            }
        for (let prefix = 0; prefix < withoutNumber.length; prefix++) {
          const row = withoutNumber.at(prefix);
          if (row > 0) visit(row - 1, prefix, noNumber);
        }
      },
      wrote: (row) => (state.at(row) & outcomeBits) !== 0 || requests.has(row),
      write(row, marker) {
        const all = requests.get(row);
        return all ? all.map(({ write }) => write).reduce(together) : single(row, marker);
      },
      outcome: (row) => state.at(row) & outcomeBits,
      cancelled: (row) => (state.at(row) >>> cancelledShift) & outcomeBits,
      lines: (row) => lines.at(row),
      documentIs: (row, prefix, number) =>
        (kind.at(row) & hasDocument) !== 0 && documentNumber.at(row) === number && documentPrefix.at(row) === prefix,
      document: (row) => ({ prefix: documentPrefix.at(row), number: documentNumber.at(row) }),
      acknowledgedAt: (row) =>
        (state.at(row) & outcomeBits) === acknowledgedCode ? sentAt.at(row) + durationMs.at(row) : Number.NaN,
      eachRequest(row, visit) {
        const outcome = state.at(row) & outcomeBits;
        if (outcome > 0) visit(outcome, kind.at(row) & 0b1111, sentAt.at(row), durationMs.at(row));
        for (const one of requests.get(row) ?? [])
          visit(outcomeCode(one.write.outcome), journeyCode(one.journey), one.sentAt, one.durationMs ?? Number.NaN);
      },
    };
  }
}

const cancelledOf = (code: number): Pick<Write, 'cancelled'> => {
  const cancelled = cancellings[code];
  return cancelled ? { cancelled } : {};
};

export function sameLines(pool: LinePool, a: number, b: number): boolean {
  if (a === b) return true;
  if (a < listBit || b < listBit) return false;
  const [ours, theirs] = [pool.codesOf(a), pool.codesOf(b)];
  return ours.length === theirs.length && ours.every((code, at) => code === theirs[at]);
}

/** By time; where that is the same, by content, so that the order of lines in a file decides nothing. */
const inOrder = (some: readonly Wrote[]): readonly Wrote[] =>
  [...some].sort(
    (a, b) =>
      a.sentAt - b.sentAt ||
      (a.durationMs ?? Number.POSITIVE_INFINITY) - (b.durationMs ?? Number.POSITIVE_INFINITY) ||
      compareText(JSON.stringify(a.write), JSON.stringify(b.write)),
  );

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Several requests under one marker: the last clear answer holds, and where they contradict each other nobody knows. */
function together(before: Write, next: Write): Write {
  const outcome = next.outcome === 'acknowledged' || next.outcome === before.outcome ? next.outcome : 'unknown';
  const document = next.document ?? before.document;
  const cancelled = next.cancelled ?? before.cancelled;
  return {
    marker: next.marker,
    outcome,
    lines: next.lines.length > 0 ? next.lines : before.lines,
    ...(document ? { document } : {}),
    ...(cancelled ? { cancelled } : {}),
  };
}
