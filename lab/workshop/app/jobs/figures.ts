// What Prometheus is told of the queues. Asked of Redis at each scrape, once for all figures: an empty queue is 0, and when Redis does not
// answer there is no series at all, rather than an old one. The names are a contract with lab/monitoring.
import type { Redis } from 'ioredis';
import { Gauge, type Registry } from 'prom-client';
import { keys, type QueueName, queueNames } from './keys.ts';
import { readWorkers } from './registry.ts';

interface Figures {
  readonly depth: number;
  /** Undefined when the job at the head can't be read. */
  readonly oldestSeconds: number | undefined;
  readonly workers: number;
}

type Asked = ReadonlyMap<QueueName, Figures> | undefined;

export function exportQueueFigures(registry: Registry, redis: Redis): void {
  let asking: Promise<Asked> | undefined;
  const ask = () => {
    asking ??= readFigures(redis)
      .catch(() => undefined)
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const gauge = (name: string, help: string, of: (figures: Figures) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['queue'],
      registers: [registry],
      async collect() {
        const asked = await ask();
        this.reset();
        for (const [queue, figures] of asked ?? []) {
          const value = of(figures);
          if (value !== undefined) this.set({ queue }, value);
        }
      },
    });
  gauge('workshop_queue_depth', 'Jobs that wait.', ({ depth }) => depth);
  gauge(
    'workshop_queue_oldest_job_age_seconds',
    'How long the job that has waited longest has waited.',
    ({ oldestSeconds }) => oldestSeconds,
  );
  gauge('workshop_workers', 'Workers that take jobs of this queue and were heard of lately.', ({ workers }) => workers);
}

async function readFigures(redis: Redis): Promise<Asked> {
  const [workers, ...queues] = await Promise.all([
    readWorkers(redis),
    ...queueNames.map(async (queue) => ({ queue, ...(await readQueue(redis, queue)) })),
  ]);
  return new Map(
    queues.map(({ queue, ...figures }) => {
      const alive = workers.filter((worker) => worker.alive && worker.queues.includes(queue));
      return [queue, { ...figures, workers: alive.length }];
    }),
  );
}

async function readQueue(redis: Redis, queue: QueueName): Promise<Pick<Figures, 'depth' | 'oldestSeconds'>> {
  const [depth, head] = await Promise.all([redis.llen(keys.queue(queue)), redis.lindex(keys.queue(queue), 0)]);
  if (depth === 0) return { depth, oldestSeconds: 0 };
  const enqueuedAt = head === null ? Number.NaN : Date.parse((await redis.hget(keys.job(head), 'enqueued_at')) ?? '');
  return { depth, oldestSeconds: Number.isNaN(enqueuedAt) ? undefined : Math.max(0, (Date.now() - enqueuedAt) / 1000) };
}
