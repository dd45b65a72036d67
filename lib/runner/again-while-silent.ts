// What puts the target in order, or looks whether it is, is asked again while nobody answers: an API server that is away for half a minute must
// not leave a fault in place that its own time would have taken back.
import { Problem } from '../errors.ts';
import type { Clock } from './clock.ts';

const againAfterMs = 2_000;

/** For work that may be done twice. Throws the last error once `withinMs` is over; what is an answer, even a refusal, at once. */
export async function againWhileSilent<T>(clock: Clock, withinMs: number, work: () => Promise<T>): Promise<T> {
  const until = clock.mono() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const silent = error instanceof Problem && error.kind === 'target-unusable' && error.code === undefined;
      if (!silent || clock.mono() + againAfterMs >= until) throw error;
      await clock.sleep(againAfterMs);
    }
  }
}
