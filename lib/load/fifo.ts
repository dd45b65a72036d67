// The pipe through which k6's points come. To its standard output k6 writes only when 4 KiB are full, and a k6 that is killed takes them
// along; to a named file, which a FIFO is, it writes each point at once.
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Fifo {
  readonly path: string;
  readonly socket: Socket;
  /** Once the writer is gone: resolves when all that it wrote was read. */
  drain(): Promise<void>;
  discard(): void;
}

export async function openFifo(path: string): Promise<Fifo> {
  await promisify(execFile)('mkfifo', ['-m', '0600', path]);
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // Our own writing end keeps the reader from seeing an end before k6 has opened its own.
  let writing: number | undefined = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: reading, readable: true, writable: false });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const letGo = () => {
    if (writing !== undefined) closeSync(writing);
    writing = undefined;
  };
  return {
    path,
    socket,
    async drain() {
      letGo();
      // Ends at once, unless somebody else has opened the FIFO too.
      await Promise.race([closed, later(5_000, undefined, { ref: false })]);
    },
    discard() {
      letGo();
      socket.destroy();
    },
  };
}
