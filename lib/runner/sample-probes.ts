// Asks the scenario's probes from before the load until after it. A probe that can't answer leaves a gap on record, never silence.
import type { Instant } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';
import type { Probe } from '../model/scenario.ts';
import { type Clock, within } from './clock.ts';
import type { Journal } from './journal.ts';

export interface Sampling {
  /** Ends sampling; answers under way are not waited for. */
  stop(): Promise<void>;
}

const answerMsMax = 5_000;

export function sampleProbes(
  probes: readonly Probe[],
  reach: Reach,
  journal: Pick<Journal, 'write'>,
  clock: Clock,
  /** Told when the journal can't be written. */
  fail: (error: unknown) => void,
): Sampling {
  const end = new AbortController();
  const ended = new Promise<undefined>((resolve) => end.signal.addEventListener('abort', () => resolve(undefined)));
  const loops = probes.map((probe) => sample(probe).catch(fail));
  return {
    async stop() {
      end.abort(new Error('sampling is over'));
      await Promise.all(loops);
    },
  };

  async function sample(probe: Probe): Promise<void> {
    while (!end.signal.aborted) {
      const began = clock.mono();
      await ask(probe);
      const rest = Math.max(0, probe.everyMs - (clock.mono() - began));
      if (!(await slept(rest))) return;
    }
  }

  async function ask(probe: Probe): Promise<void> {
    const askedAt: Instant = clock.now();
    const reading = await Promise.race([
      within(clock, probe.series, Math.max(answerMsMax, probe.everyMs), probe.read(reach)).catch((error: unknown) => ({
        at: askedAt,
        missing: error instanceof Error ? error.message : String(error),
      })),
      ended,
    ]);
    if (reading === undefined) return;
    const { at, ...seen } = reading;
    const finite = !('value' in seen) || Number.isFinite(seen.value);
    journal.write(
      { kind: 'reading', series: probe.series, ...(finite ? seen : { missing: 'the reading is not a finite number' }) },
      at,
    );
  }

  async function slept(ms: number): Promise<boolean> {
    try {
      await clock.sleep(ms, end.signal);
      return true;
    } catch {
      return false;
    }
  }
}
