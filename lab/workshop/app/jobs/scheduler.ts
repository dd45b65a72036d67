// Looks every so often for work that is due and queues it, once each however often it looks. It says when it looked last, in its metrics
// and in the database, whether or not anything was due.
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../log.ts';
import { readMaintenance } from '../maintenance.ts';
import { readSetting, writeSetting } from '../site-settings.ts';
import type { Workshop } from '../workshop.ts';
import { runScheduledJobMethod } from './method-names.ts';
import { enqueue } from './queue.ts';
import { dueMethods } from './scheduled-jobs.ts';

const lastTick = 'scheduler_last_tick';

export interface Scheduler {
  run(): Promise<void>;
  stop(): void;
  ready(): boolean;
  hangs(): string | undefined;
}

const administrator = { name: 'Administrator' };

export function createScheduler(workshop: Workshop): Scheduler {
  const { config, metrics } = workshop;
  const stopping = new AbortController();
  const tickMs = config.schedulerTickSeconds * 1000;
  let roundAt = Date.now();
  let ticked = false;
  return {
    async run() {
      log('info', 'scheduling', { tickSeconds: config.schedulerTickSeconds });
      while (!stopping.signal.aborted) {
        const began = Date.now();
        let pauseMs = tickMs;
        roundAt = began;
        try {
          await tick(workshop);
          metrics.schedulerTick(began / 1000);
          ticked = true;
        } catch (error) {
          log('warning', 'the scheduler could not look', {
            reason: error instanceof Error ? error.message : String(error),
          });
          // It looks again soon.
          pauseMs = Math.min(tickMs, 2_000);
        }
        await sleep(Math.max(100, began + pauseMs - Date.now()), undefined, { signal: stopping.signal }).catch(
          () => {},
        );
      }
    },
    stop: () => stopping.abort(),
    ready: () => ticked,
    hangs: () => (Date.now() - roundAt > tickMs + 120_000 ? 'the tick' : undefined),
  };
}

/** In maintenance nothing is queued, but the tick counts. */
async function tick(workshop: Workshop): Promise<void> {
  const { database } = workshop;
  if ((await readMaintenance(database)) === 'off')
    for (const method of await dueMethods(database)) {
      const wanted = { queue: 'default', method: runScheduledJobMethod, kwargs: { job_type: method } } as const;
      const id = await enqueue(workshop, administrator, { ...wanted, onlyOne: `scheduled_job::${method}` });
      if (id) log('info', 'scheduled', { job: id });
    }
  await writeSetting(database, lastTick, String(Math.round(Date.now() / 1000)));
}

/** Frappe's own word for it when nobody ticks. */
export async function schedulerStatus(workshop: Workshop): Promise<'Active' | 'Inactive' | 'Process Not Found'> {
  if ((await readMaintenance(workshop.database)) !== 'off') return 'Inactive';
  const at = Number((await readSetting(workshop.database, lastTick)) ?? 0);
  return Date.now() / 1000 - at > 120 ? 'Process Not Found' : 'Active';
}

/** The setting alone, whether or not anybody ticks. */
export async function schedulerActivity({ database }: Workshop): Promise<'active' | 'inactive'> {
  return (await readMaintenance(database)) === 'off' ? 'active' : 'inactive';
}
