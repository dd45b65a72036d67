// Columns of numbers that grow by whole pages: a typed array that doubles would need three times its size while it is copied, and a
// million objects cost ten times what they hold.

/** Small enough that a run of a minute costs nothing. */
const pageBits = 11;
const pageRows = 1 << pageBits;
const inPage = pageRows - 1;

export interface Column {
  readonly length: number;
  at(row: number): number;
  set(row: number, value: number): void;
  push(value: number): void;
}

type Page = Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** Rows that were never set hold 0 (in a column of nearby numbers nobody knows what). */
const column = (newPage: () => Page): Column => {
  const pages: Page[] = [];
  let length = 0;
  const reach = (row: number): Page => {
    while (pages.length <= row >>> pageBits) pages.push(newPage());
    return pages[row >>> pageBits] as Page;
  };
  return {
    get length() {
      return length;
    },
    at: (row) => pages[row >>> pageBits]?.[row & inPage] ?? 0,
    set(row, value) {
      reach(row)[row & inPage] = value;
      if (row >= length) length = row + 1;
    },
    push(value) {
      reach(length)[length & inPage] = value;
      length += 1;
    },
  };
};

/** Places in a column of 32 bits that are no offset. */
const notANumber = 0xffff_ffff;
const elsewhere = 0xffff_fffe;

/**
 * Numbers of any kind, none of them lost. Whole ones within 24 days (in milliseconds) of the first one take four bytes; the others, of
 * which there are few, are kept beside.
 */
export const nearbyColumn = (): Column => {
  const offsets = uint32Column();
  const others = new Map<number, number>();
  let base: number | undefined;
  const set = (row: number, value: number): void => {
    if (base === undefined && Number.isSafeInteger(value)) base = value - 2 ** 31;
    const offset = base === undefined || !Number.isSafeInteger(value) ? -1 : value - base;
    const fits = offset >= 0 && offset < elsewhere;
    if (!fits && !Number.isNaN(value)) others.set(row, value);
    offsets.set(row, Number.isNaN(value) ? notANumber : fits ? offset : elsewhere);
  };
  return {
    get length() {
      return offsets.length;
    },
    at(row) {
      const offset = offsets.at(row);
      if (offset === notANumber) return Number.NaN;
      return offset === elsewhere ? (others.get(row) ?? 0) : (base ?? 0) + offset;
    },
    set,
    push: (value) => set(offsets.length, value),
  };
};

export const float64Column = (): Column => column(() => new Float64Array(pageRows));
export const uint32Column = (): Column => column(() => new Uint32Array(pageRows));
export const uint16Column = (): Column => column(() => new Uint16Array(pageRows));
export const uint8Column = (): Column => column(() => new Uint8Array(pageRows));
