// The run's diary, written before the world is changed: each line is on disk before the next thing happens.
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Instant, JournalEntry, JournalLine } from '../model/evidence.ts';
import type { Clock, Moment } from './clock.ts';

export interface Journal {
  /**
   * Returns when the line is written. Throws JournalFailure; after one, nothing more is written and every call throws it again.
   * It was seen now, a little earlier, or at a moment known by both clocks, which may be before the journal began.
   */
  write(entry: JournalEntry, seen?: Instant | Moment): void;
  /** Undefined while all is well. */
  readonly failure: JournalFailure | undefined;
  close(): void;
}

/** The evidence can't be kept any more, so the run must end: without a diary there is no pass. */
export class JournalFailure extends Error {
  override readonly name = 'JournalFailure';
}

/** The file operations under the journal; a test makes them fail. */
export interface JournalFile {
  append(text: string): void;
  /** Returns when what was appended would survive the process and the machine. */
  flush(): void;
  close(): void;
}

export function openJournal(file: string, clock: Clock, open: (file: string) => JournalFile = openFile): Journal {
  const began = clock.mono();
  const disk = open(file);
  let failure: JournalFailure | undefined;
  let closed = false;
  return {
    get failure() {
      return failure;
    },
    write(entry, seen = clock.now()) {
      if (failure) throw failure;
      if (closed) return; // a probe that answered after the end: too late to be evidence
      const { at, mono } = typeof seen === 'number' ? { at: seen, mono: clock.mono() } : seen;
      const line: JournalLine = { at, mono: Math.round((mono - began) * 1000) / 1000, ...entry };
      try {
        disk.append(`${JSON.stringify(line)}\n`);
        // Readings come many a second and prove nothing by themselves; the next step line flushes them too.
        if (entry.kind !== 'reading') disk.flush();
      } catch (cause) {
        failure = new JournalFailure(
          `${file}: can't be written: ${(cause as Error).message}. The run ends here. Next: free the disk and run again`,
          { cause },
        );
        throw failure;
      }
    },
    close() {
      if (closed) return;
      closed = true;
      disk.close();
    },
  };
}

function openFile(file: string): JournalFile {
  const fd = openSync(file, 'ax');
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder); // so that the file's name survives too
  closeSync(folder);
  let length = 0;
  return {
    append(text) {
      const bytes = Buffer.from(text);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written);
      } catch (error) {
        if (written > 0) ftruncateSync(fd, length); // half a line would make the good ones before it look damaged
        throw error;
      }
      length += bytes.length;
    },
    flush: () => fdatasyncSync(fd),
    close: () => closeSync(fd),
  };
}
