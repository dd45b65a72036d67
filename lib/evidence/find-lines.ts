// Lines of a file that hold one of some words, without looking at the others: samples of a night have gigabytes, and who asks about one
// write wants a handful of them.
import { open } from 'node:fs/promises';

const chunkBytes = 1 << 20;
/** The longest line that is read: an answer of Prometheus over a night has a few megabytes. */
const lineBytesMax = 64 * 1024 * 1024;
const lineFeed = 0x0a;

export interface LinesFound {
  /** The last line has no line feed: nobody knows what would have followed. */
  readonly cutOff: boolean;
  /** Lines that were too long to be read. */
  readonly tooLong: number;
}

/** Each line once, in the order of the file. Throws what reading throws. */
export async function findLines(
  path: string,
  words: readonly string[],
  found: (line: string) => void,
): Promise<LinesFound> {
  const wanted = words.map((word) => Buffer.from(word));
  const file = await open(path, 'r');
  try {
    let buffer = Buffer.allocUnsafe(chunkBytes);
    let [held, tooLong] = [0, 0];
    let skipping = false;
    for (;;) {
      const { bytesRead } = await file.read(buffer, held, buffer.length - held, null);
      if (bytesRead === 0) return { cutOff: held > 0 || skipping, tooLong };
      const end = held + bytesRead;
      let from = 0;
      if (skipping) {
        const over = buffer.subarray(0, end).indexOf(lineFeed);
        if (over === -1) continue;
        skipping = false;
        from = over + 1;
      }
      const to = buffer.subarray(0, end).lastIndexOf(lineFeed) + 1;
      if (to > from) {
        eachLineWith(buffer.subarray(from, to), wanted, found);
        from = to;
      }
      held = end - from;
      if (held >= lineBytesMax) {
        tooLong += 1;
        skipping = true;
        held = 0;
      } else if (from > 0) buffer.copy(buffer, 0, from, end);
      else if (end === buffer.length) {
        const larger = Buffer.allocUnsafe(2 * buffer.length);
        buffer.copy(larger, 0, 0, end);
        buffer = larger;
      }
    }
  } finally {
    await file.close();
  }
}

/** `lines` are whole, each with its line feed. */
function eachLineWith(lines: Buffer, words: readonly Buffer[], found: (line: string) => void): void {
  const spans = new Map<number, number>();
  for (const word of words) {
    let at = lines.indexOf(word);
    while (at !== -1) {
      const to = lines.indexOf(lineFeed, at);
      spans.set(lines.lastIndexOf(lineFeed, at) + 1, to);
      at = lines.indexOf(word, to + 1);
    }
  }
  for (const [from, to] of [...spans].sort(([a], [b]) => a - b)) found(lines.toString('utf8', from, to));
}
