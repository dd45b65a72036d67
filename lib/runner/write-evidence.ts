// Evidence that is not the journal: NDJSON flushed to disk, and whole files that appear at once or not at all.
import { open, rename, writeFile } from 'node:fs/promises';

export async function appendLines(file: string, lines: readonly unknown[]): Promise<void> {
  const handle = await open(file, 'a');
  try {
    await handle.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}.part`;
  await writeFile(part, text, { flush: true });
  await rename(part, file);
}
