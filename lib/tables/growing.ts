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

/** Rows that were never set hold 0. */
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

export const float64Column = (): Column => column(() => new Float64Array(pageRows));
export const uint32Column = (): Column => column(() => new Uint32Array(pageRows));
export const uint16Column = (): Column => column(() => new Uint16Array(pageRows));
export const uint8Column = (): Column => column(() => new Uint8Array(pageRows));
