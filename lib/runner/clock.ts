// Time as an argument: tests hand in a clock on which ten minutes take a millisecond.
import type { Instant } from '../model/evidence.ts';

export interface Clock {
  now(): Instant;
  /** Monotonic milliseconds from an arbitrary start. */
  mono(): number;
  /** Rejects with the signal's reason as soon as it is aborted, also when it was before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One moment by both clocks. */
export interface Moment {
  readonly at: Instant;
  readonly mono: number;
}

export const momentOf = (clock: Clock): Moment => ({ at: clock.now(), mono: clock.mono() });

export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

/** A promise that took longer than it may. The work itself may still go on: whoever catches this must not assume that it stopped. */
export class Overdue extends Error {
  override readonly name = 'Overdue';
}

/** Waits for the work at most `withinMs`. */
export async function within<T>(clock: Clock, what: string, withinMs: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(withinMs, timer.signal).then(() => {
    throw new Overdue(`${what}: not over after ${withinMs} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
