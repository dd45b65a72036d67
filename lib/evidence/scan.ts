// Reads bytes of JSON that has the shape our own writers and k6 give it. A scanner answers `no` to whatever it is not sure of, and the line
// is then read by JSON.parse: so it may be fast where a line is as usual, and is never the one who decides what a line means.
import { noNumber, numberBegins } from '../tables/texts.ts';

export const no = -1;

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const quote = 0x22;
const backslash = 0x5c;
const point = 0x2e;
const minus = 0x2d;

/** The place behind the pattern. */
export function skip(bytes: Uint8Array, at: number, pattern: Uint8Array): number {
  for (let index = 0; index < pattern.length; index++) if (bytes[at + index] !== pattern[index]) return no;
  return at + pattern.length;
}

/** The place of the quotation mark that ends a text; only of text that means itself, letter by letter. */
export function endOfText(bytes: Uint8Array, at: number, to: number): number {
  for (let place = at; place < to; place++) {
    const byte = bytes[place] as number;
    if (byte === quote) return place;
    if (byte < 0x20 || byte > 0x7e || byte === backslash) return no;
  }
  return no;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Digits that a number of 64 bits holds without rounding. */
const exactDigits = 15;
const powersOfTen = Array.from({ length: exactDigits + 1 }, (_, power) => 10 ** power);

/** A number as it was read last, and the place behind it. */
export interface ScannedNumber {
  value: number;
  end: number;
}

/**
 * Digits, with a point among them or without, and a minus before them or not: few enough that whole number and power of ten are both
 * exact, and their quotient is then rounded once, as JSON.parse does it. What JSON forbids (`01`, `.5`, `5.`) is left to it.
 */
export function scanNumber(bytes: Uint8Array, from: number, into: ScannedNumber): boolean {
  let at = from;
  const negative = bytes[at] === minus;
  if (negative) at += 1;
  const begins = at;
  let value = 0;
  let places = 0;
  let pointAt = no;
  for (; ; at++) {
    const byte = bytes[at] as number;
    if (isDigit(byte)) {
      value = value * 10 + (byte - 0x30);
      if (pointAt !== no) places += 1;
    } else if (byte === point && pointAt === no) pointAt = at;
    else break;
  }
  const whole = (pointAt === no ? at : pointAt) - begins;
  if (whole === 0 || whole + places > exactDigits || (pointAt !== no && places === 0)) return false;
  if (whole > 1 && bytes[begins] === 0x30) return false;
  const size = places === 0 ? value : value / (powersOfTen[places] as number);
  into.value = negative ? -size : size;
  into.end = at;
  return true;
}

/** A text as a beginning and a number (lib/tables/texts.ts). */
export interface ScannedPair {
  prefix: number;
  number: number;
}

export function scanPair(
  bytes: Uint8Array,
  from: number,
  to: number,
  prefixCode: (bytes: Uint8Array, from: number, to: number) => number,
  into: ScannedPair,
): void {
  const begins = numberBegins(
    from,
    to,
    (at) => isDigit(bytes[at] as number),
    (at) => bytes[at] === 0x30,
  );
  into.prefix = prefixCode(bytes, from, begins);
  if (begins === to) {
    into.number = noNumber;
    return;
  }
  let number = 0;
  for (let at = begins; at < to; at++) number = number * 10 + ((bytes[at] as number) - 0x30);
  into.number = number;
}
