// A file's lines as bytes, one after the other, without ever holding more than one of them. What no line of ours can be (endless, or not
// text) is told with its place and never handed on, whatever size it has.
import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';

/** The longest line that is read: an answer of Prometheus over a night has a few megabytes. */
export const lineBytesMax = 64 * 1024 * 1024;

const chunkBytes = 1 << 18;
const lineFeed = 0x0a;

export interface LineReader {
  /** A whole line lies in bytes from `from` to `to`, without its line feed; valid only during the call. Throws what is wrong with it. */
  line(bytes: Buffer, from: number, to: number): void;
  /** A line that can't be read; `number` counts from 1, `at` is the offset of its first byte. */
  bad(what: string, number: number, at: number): void;
}

export interface LinesRead {
  readonly lines: number;
  /** Bytes of a last line that has no line feed: nobody knows what would have followed. */
  readonly cutOff: boolean;
}

/** Throws what reading the file throws. */
export async function readLines(path: string, reader: LineReader, maxBytes: number = lineBytesMax): Promise<LinesRead> {
  const file = await open(path, 'r');
  try {
    // A line that goes on is moved to the front, and the buffer grows when it is one line all over.
    let buffer = Buffer.allocUnsafe(chunkBytes);
    let [held, number, at, skipped] = [0, 0, 0, 0];
    for (;;) {
      const { bytesRead } = await file.read(buffer, held, buffer.length - held, null);
      if (bytesRead === 0) break;
      const end = held + bytesRead;
      let from = 0;
      let search = held;
      for (;;) {
        const to = buffer.indexOf(lineFeed, search);
        if (to === -1 || to >= end) break;
        number += 1;
        const bytes = skipped + to - from;
        if (bytes > maxBytes) reader.bad(tooLong(bytes, maxBytes), number, at);
        else one(reader, buffer, from, to, number, at);
        skipped = 0;
        at += bytes + 1;
        from = to + 1;
        search = from;
      }
      held = end - from;
      if (skipped > 0 || held > maxBytes) {
        skipped += held;
        held = 0;
      } else if (from > 0) buffer.copy(buffer, 0, from, end);
      else if (end === buffer.length) {
        const larger = Buffer.allocUnsafe(2 * buffer.length);
        buffer.copy(larger, 0, 0, end);
        buffer = larger;
      }
    }
    if (skipped > 0) reader.bad(tooLong(skipped, maxBytes), number + 1, at);
    return { lines: number, cutOff: held > 0 };
  } finally {
    await file.close();
  }
}

function one(reader: LineReader, buffer: Buffer, from: number, to: number, number: number, at: number): void {
  try {
    reader.line(buffer, from, to);
  } catch (error) {
    reader.bad(error instanceof Error ? error.message : String(error), number, at);
  }
}

const tooLong = (bytes: number, maxBytes: number): string =>
  `${bytes} bytes without a line feed, at most ${maxBytes} are read`;

/** Text of a line. Bytes that are no UTF-8 are told, not replaced: a name with a replacement character in it is another name. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  const line = bytes.subarray(from, to);
  if (!isUtf8(line)) throw new Error('it is not UTF-8');
  return line.toString('utf8');
}
