// Operations in columns: ten million of them as objects take gigabytes, here they take eight bytes each. They are read in blocks of plain
// numbers, as they came or in the order of sending, and the same operations give the same answers in whatever order they came.
import { type Journey, journeys } from '../model/claim.ts';
import type { Drop, Instant, Operation } from '../model/evidence.ts';

/** What an operation is beside its times, in one byte: the journey's place in the list, and four flags. */
export const journeyBits = 0b0000_1111;
export const goodBit = 0b0001_0000;
/** There was an answer: its HTTP status is above 0. */
export const answeredBit = 0b0010_0000;
export const writeBit = 0b0100_0000;

export const journeyCode = (journey: Journey): number => journeys.indexOf(journey);
export const journeyAt = (code: number): Journey => journeys[code & journeyBits] as Journey;

/** A mask of journeys, one bit each. */
export const maskOf = (some: readonly Journey[]): number =>
  some.reduce((mask, journey) => mask | (1 << journeyCode(journey)), 0);
export const isInMask = (mask: number, code: number): boolean => (mask & (1 << (code & journeyBits))) !== 0;

/** Valid until the next one is asked for: the arrays are used again. */
export interface Block {
  readonly count: number;
  readonly sentAt: Float64Array;
  /** NaN where neither an answer nor a time-out was seen. */
  readonly durationMs: Float64Array;
  readonly code: Uint8Array;
}

export interface Range {
  /** Blocks that may hold something that was sent in [from, to) and ended at `endsFrom` or later. */
  readonly from?: Instant;
  readonly to?: Instant;
  readonly endsFrom?: Instant;
}

export interface OperationTable {
  readonly count: number;
  /** Undefined without any. */
  readonly firstSentAt: Instant | undefined;
  readonly lastSentAt: Instant | undefined;
  /** In no order; blocks without anything of the range are left out, the others come whole. */
  blocks(range?: Range): Iterable<Block>;
  /** In the order of sending. */
  inOrder(range?: Range): Iterable<Block>;
}

export interface OperationTableBuilder {
  add(sentAt: Instant, durationMs: number, code: number): void;
  done(): OperationTable;
}

/** At a thousand a second half a minute, whose milliseconds fit into two bytes. */
const blockRows = 1 << 15;

export const codeOf = ({ journey, good, status, write }: Operation): number =>
  journeyCode(journey) | (good ? goodBit : 0) | (status > 0 ? answeredBit : 0) | (write ? writeBit : 0);

/** Numbers as offsets from their smallest, as narrow as they fit without losing anything. */
interface Packed {
  readonly base: number;
  readonly values: Float64Array | Uint32Array | Uint16Array | Uint8Array;
  /** Stands for NaN; undefined where there is none, or where NaN is itself. */
  readonly none?: number;
}

interface Chunk {
  readonly count: number;
  readonly sentAt: Packed;
  readonly durationMs: Packed;
  readonly code: Uint8Array;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Infinity when one never ended. */
  readonly lastEnd: Instant;
}

type Filling = Block & { count: number };

const newBlock = (rows: number): Filling => ({
  count: 0,
  sentAt: new Float64Array(rows),
  durationMs: new Float64Array(rows),
  code: new Uint8Array(rows),
});

const twiceAsLarge = (block: Block): Filling => {
  const larger = newBlock(Math.min(blockRows, 2 * block.code.length));
  larger.sentAt.set(block.sentAt);
  larger.durationMs.set(block.durationMs);
  larger.code.set(block.code);
  larger.count = block.count;
  return larger;
};

export function operationTableBuilder(): OperationTableBuilder {
  const chunks: Chunk[] = [];
  let filling = newBlock(256);
  let sorted = newBlock(0);
  let count = 0;

  function seal(): void {
    if (filling.count === 0) return;
    if (sorted.code.length < filling.count) sorted = newBlock(filling.count);
    chunks.push(chunkOf(filling, sorted));
    filling.count = 0;
  }

  return {
    add(sentAt, durationMs, code) {
      const row = filling.count;
      if (row === filling.code.length) filling = twiceAsLarge(filling);
      filling.sentAt[row] = sentAt;
      // Never −0: it would sort before 0 in one place and with it in another.
      filling.durationMs[row] = durationMs + 0;
      filling.code[row] = code;
      filling.count = row + 1;
      count += 1;
      if (filling.count === blockRows) seal();
    },
    done() {
      seal();
      return tableOf(chunks, count);
    },
  };
}

function tableOf(unsorted: readonly Chunk[], count: number): OperationTable {
  const chunks = [...unsorted].sort((a, b) => a.firstAt - b.firstAt);
  const within = ({ from, to, endsFrom }: Range) =>
    chunks.filter(
      (chunk) =>
        (from === undefined || chunk.lastAt >= from) &&
        (to === undefined || chunk.firstAt < to) &&
        (endsFrom === undefined || chunk.lastEnd >= endsFrom),
    );
  return {
    count,
    firstSentAt: chunks[0]?.firstAt,
    lastSentAt:
      chunks.length === 0 ? undefined : chunks.reduce((last, { lastAt }) => Math.max(last, lastAt), -Infinity),
    *blocks(range = {}) {
      const some = within(range);
      const block = newBlock(largest(some));
      for (const chunk of some) {
        block.count = chunk.count;
        unpack(chunk.sentAt, chunk.count, block.sentAt);
        unpack(chunk.durationMs, chunk.count, block.durationMs);
        block.code.set(chunk.code);
        yield block;
      }
    },
    *inOrder(range = {}) {
      yield* merged(within(range));
    },
  };
}

/** Sorted by the time of sending; what was sent at the same time stays as it came. */
function chunkOf(filled: Block, sorted: Filling): Chunk {
  const { count } = filled;
  const order = orderOf(filled.sentAt, count);
  let lastEnd = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < count; row++) {
    const from = order[row] as number;
    const [sentAt, durationMs] = [filled.sentAt[from] as number, filled.durationMs[from] as number];
    sorted.sentAt[row] = sentAt;
    sorted.durationMs[row] = durationMs;
    sorted.code[row] = filled.code[from] as number;
    const end = Number.isNaN(durationMs) ? Number.POSITIVE_INFINITY : sentAt + durationMs;
    if (end > lastEnd) lastEnd = end;
  }
  return {
    count,
    sentAt: packed(sorted.sentAt, count),
    durationMs: packed(sorted.durationMs, count),
    code: sorted.code.slice(0, count),
    firstAt: sorted.sentAt[0] as number,
    lastAt: sorted.sentAt[count - 1] as number,
    lastEnd,
  };
}

function orderOf(times: Float64Array, count: number): ArrayLike<number> {
  let [least, most, whole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (let row = 0; row < count; row++) {
    const time = times[row] as number;
    if (time < least) least = time;
    if (time > most) most = time;
    if (!Number.isInteger(time)) whole = false;
  }
  if (!whole || (most - least + 1) * blockRows > Number.MAX_SAFE_INTEGER)
    return Uint32Array.from({ length: count }, (_, row) => row).sort(
      (a, b) => (times[a] as number) - (times[b] as number) || a - b,
    );
  // Whole milliseconds: the row fits under the time in one number, and numbers sort without a comparison of our own.
  const keys = new Float64Array(count);
  for (let row = 0; row < count; row++) keys[row] = ((times[row] as number) - least) * blockRows + row;
  keys.sort();
  for (let row = 0; row < count; row++) keys[row] = (keys[row] as number) % blockRows;
  return keys;
}

function packed(values: Float64Array, count: number): Packed {
  let [least, most, exact, missing] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true, false];
  for (let row = 0; row < count; row++) {
    const value = values[row] as number;
    if (Number.isNaN(value)) missing = true;
    else {
      if (value < least) least = value;
      if (value > most) most = value;
      if (!Number.isSafeInteger(value)) exact = false;
    }
  }
  // One more than the largest stands for NaN.
  const top = most >= least ? most - least + (missing ? 1 : 0) : 0;
  if (!exact || top >= 2 ** 32) return { base: 0, values: values.slice(0, count) };
  const base = most >= least ? least : 0;
  const none = missing ? top : undefined;
  const narrow = top < 256 ? new Uint8Array(count) : top < 65_536 ? new Uint16Array(count) : new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const value = values[row] as number;
    narrow[row] = Number.isNaN(value) ? top : value - base;
  }
  return { base, values: narrow, ...(none === undefined ? {} : { none }) };
}

function unpack({ base, values, none }: Packed, count: number, into: Float64Array): void {
  for (let row = 0; row < count; row++) into[row] = base + (values[row] as number);
  if (none === undefined) return;
  for (let row = 0; row < count; row++) if (values[row] === none) into[row] = Number.NaN;
}

const largest = (chunks: readonly Chunk[]): number => chunks.reduce((most, { count }) => Math.max(most, count), 0);

/** Where in a chunk the merge stands. */
interface Run {
  readonly chunk: Chunk;
  row: number;
  at: Instant;
}

/**
 * Chunks overlap by what was under way when one of them was full, so a merge of those that have begun is nearly a copy; lines in any
 * order make them overlap all, and it still holds one place in each.
 */
function* merged(chunks: readonly Chunk[]): Generator<Block> {
  const block = newBlock(largest(chunks));
  const open: Run[] = [];
  let next = 0;
  for (;;) {
    const waiting = chunks[next];
    if (waiting && (open.length === 0 || waiting.firstAt < (open[0] as Run).at)) {
      insert(open, { chunk: waiting, row: 0, at: waiting.firstAt });
      next += 1;
      continue;
    }
    const first = open[0];
    if (!first) break;
    // Up to here no other chunk has anything earlier.
    const until = Math.min(open[1]?.at ?? Number.POSITIVE_INFINITY, chunks[next]?.firstAt ?? Number.POSITIVE_INFINITY);
    const { chunk } = first;
    const { sentAt, durationMs, code, count } = chunk;
    let { row, at } = first;
    do {
      block.sentAt[block.count] = at;
      const ms = durationMs.values[row] as number;
      block.durationMs[block.count] = ms === durationMs.none ? Number.NaN : durationMs.base + ms;
      block.code[block.count] = code[row] as number;
      block.count += 1;
      row += 1;
      if (row < count) at = sentAt.base + (sentAt.values[row] as number);
      if (block.count === block.code.length) {
        yield block;
        block.count = 0;
      }
    } while (row < count && at <= until);
    open.shift();
    if (row < count) {
      first.row = row;
      first.at = at;
      insert(open, first);
    }
  }
  if (block.count > 0) yield block;
}

/** Behind those of the same time. */
function insert(open: Run[], run: Run): void {
  let [low, high] = [0, open.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((open[middle] as Run).at <= run.at) low = middle + 1;
    else high = middle;
  }
  open.splice(low, 0, run);
}

/** Drops, those of one journey and moment as one, in order of time. */
export function sortedDrops(drops: readonly Drop[]): readonly Drop[] {
  const sums = new Map<Journey, Map<Instant, number>>();
  for (const { at, journey, count } of drops) addDrop(sums, at, journey, count);
  return dropsOf(sums);
}

export type DropSums = Map<Journey, Map<Instant, number>>;

export function addDrop(sums: DropSums, at: Instant, journey: Journey, count: number): void {
  const own = sums.get(journey) ?? new Map<Instant, number>();
  sums.set(journey, own);
  own.set(at, (own.get(at) ?? 0) + count);
}

export const dropsOf = (sums: DropSums): readonly Drop[] =>
  [...sums]
    .flatMap(([journey, own]) => [...own].map(([at, count]): Drop => ({ at, journey, count })))
    .sort((a, b) => a.at - b.at || journeyCode(a.journey) - journeyCode(b.journey));
