// A set of markers or documents: a byte for each that is a beginning with a running number, and whatever else as it is.
import { type Column, uint8Column } from './growing.ts';
import { noNumber, texts } from './texts.ts';

export interface TextSet {
  readonly size: number;
  add(text: string): void;
}

/** A column is as long as its greatest number: one beyond this is kept as text, or it alone would fill the memory. */
const numberMax = 1 << 24;

export function textSet(): TextSet {
  const { pairOf } = texts();
  const numbers = new Map<number, Column>();
  const others = new Set<string>();
  let size = 0;
  return {
    get size() {
      return size + others.size;
    },
    add(text) {
      const { prefix, number } = pairOf(text);
      if (number === noNumber || number > numberMax) return void others.add(text);
      let column = numbers.get(prefix);
      if (!column) {
        column = uint8Column();
        numbers.set(prefix, column);
      }
      if (column.at(number) === 1) return;
      column.set(number, 1);
      size += 1;
    },
  };
}
