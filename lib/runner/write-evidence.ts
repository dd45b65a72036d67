// Evidence that is not the journal: NDJSON flushed to disk, and whole files that appear at once or not at all.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

export async function appendLines(file: string, lines: readonly unknown[]): Promise<void> {
  const handle = await open(file, 'a');
  try {
    await handle.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So much may wait for the disk before whoever writes has to. */
const waitingBytesMax = 1 << 20;

export interface LineFile {
  /** Waits only while the disk is behind. Throws what went wrong with earlier lines, too. */
  append(lines: readonly unknown[]): Promise<void>;
  /** On disk when it is done. */
  close(): Promise<void>;
}

/** For lines that come for minutes, and may be millions. */
export function openLines(file: string): LineFile {
  const stream = createWriteStream(file, { flags: 'a', flush: true, highWaterMark: waitingBytesMax });
  const over = finished(stream);
  over.catch(() => {}); // told by whoever appends or closes next
  return {
    async append(lines) {
      if (lines.length === 0) return;
      if (stream.destroyed) return await over;
      const hasRoom = stream.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      if (!hasRoom) await Promise.race([once(stream, 'drain'), over]);
    },
    async close() {
      stream.end();
      await over;
    },
  };
}

export async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}.part`;
  await writeFile(part, text, { flush: true });
  await rename(part, file);
}
