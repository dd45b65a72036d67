// Waiting for something to become so. A wait that fails says what it last saw, since that is what the reader needs next.

export interface Wait<T> {
  /** Reads as a sentence: `galera-1 is Synced`. */
  readonly what: string;
  readonly withinMs: number;
  readonly everyMs?: number;
  /** Must have a time-out of its own. A read that throws is a look that saw nothing: the wait goes on. */
  readonly read: () => Promise<T> | T;
  readonly until: (value: T) => boolean;
  /** How a value reads in the failure; JSON by default. */
  readonly show?: (value: T) => string;
  readonly signal?: AbortSignal;
  readonly sleep?: (ms: number) => Promise<void>;
  /** Milliseconds, from any start; must not jump. */
  readonly now?: () => number;
}

export class WaitFailed extends Error {
  override readonly name = 'WaitFailed';
}

/** Returns the first value that `until` accepts. Reads at least once, and once more when the time is over. */
export async function waitUntil<T>(wait: Wait<T>): Promise<T> {
  const { what, withinMs, everyMs = 250, read, until, show = showJson, signal } = wait;
  const now = wait.now ?? (() => performance.now());
  const sleep = wait.sleep ?? ((ms: number) => sleepFor(ms, signal));
  const began = now();
  for (;;) {
    signal?.throwIfAborted();
    // Asked before the look: a look that ends after the deadline still counts when it began before.
    const over = now() - began >= withinMs;
    let seen: string;
    let cause: unknown;
    try {
      const value = await read();
      if (until(value)) return value;
      seen = `last seen: ${show(value)}`;
    } catch (error) {
      signal?.throwIfAborted();
      cause = error;
      seen = `the last look failed: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (over) throw new WaitFailed(`${what}: not within ${withinMs} ms, ${seen}`, { cause });
    await sleep(Math.max(0, Math.min(everyMs, withinMs - (now() - began))));
  }
}

const showJson = (value: unknown) => (JSON.stringify(value) ?? String(value)).slice(0, 500);

function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
