// Texts as numbers. Markers and documents are a few beginnings with a running number behind them, so that a million of them are a million
// pairs of small numbers; whatever else comes is kept as it is.

export interface TextPair {
  /** The text up to its number, in the dictionary. */
  readonly prefix: number;
  /** `noNumber` when it ends in none. */
  readonly number: number;
}

export const noNumber = 0xffff_ffff;

/** More digits than this belong to the beginning: the number stays one of 32 bits. */
const digitsMax = 9;

/**
 * Where the running number of a text begins. Leading zeros belong to the beginning, so that both together are the text again and no two
 * texts are the same pair. `isDigit` and `isZero` are asked of places in the text.
 */
export function numberBegins(
  from: number,
  to: number,
  isDigit: (at: number) => boolean,
  isZero: (at: number) => boolean,
): number {
  let begins = to;
  while (begins > from && to - begins < digitsMax && isDigit(begins - 1)) begins -= 1;
  while (begins < to - 1 && isZero(begins)) begins += 1;
  return begins;
}

export interface Texts {
  code(text: string): number;
  text(code: number): string;
  pairOf(text: string): TextPair;
  textOf(prefix: number, number: number): string;
}

export function texts(): Texts {
  const codes = new Map<string, number>();
  const all: string[] = [];
  const code = (text: string): number => {
    const known = codes.get(text);
    if (known !== undefined) return known;
    codes.set(text, all.length);
    return all.push(text) - 1;
  };
  return {
    code,
    text: (one) => all[one] ?? '',
    pairOf(text) {
      const begins = numberBegins(
        0,
        text.length,
        (at) => text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39,
        (at) => text.charCodeAt(at) === 0x30,
      );
      return {
        prefix: code(text.slice(0, begins)),
        number: begins === text.length ? noNumber : Number(text.slice(begins)),
      };
    },
    textOf: (prefix, number) => (all[prefix] ?? '') + (number === noNumber ? '' : String(number)),
  };
}
