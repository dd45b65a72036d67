// samples.ndjson as the driver writes it: append-only, and only once for a run, for a second load would use the same markers again.
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';

export function openSamples(path: string): number {
  const file = openSync(path, 'a', 0o644);
  if (fstatSync(file).size === 0) return file;
  closeSync(file);
  throw new Error(
    `load: ${path} has samples already. A run starts its load once: a second one would repeat its markers`,
  );
}

/** A write may take only part of it. */
export function writeAll(file: number, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(file, bytes));
}
