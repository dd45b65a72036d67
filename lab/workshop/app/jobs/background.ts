// The processes behind the web tier, `workshop worker` and `workshop schedule`: what they have in common is a port that tells Prometheus
// what is, and the kubelet whether they hang. Neither asks whether Redis or the database answers: a restart would not bring them back.
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { log } from '../log.ts';
import type { Workshop } from '../workshop.ts';
import { exportQueueFigures } from './figures.ts';
import { timestamp } from './job.ts';
import { isQueueName, type QueueName } from './keys.ts';
import { createScheduler } from './scheduler.ts';
import { createWorker, JobTimeout } from './worker.ts';

interface Background {
  run(): Promise<void>;
  stop(): void;
  ready(): boolean;
  hangs(): string | undefined;
}

/** `short,default`: in this order a worker looks. Undefined for a list with a name that is no queue. */
export function readQueues(list: string): readonly QueueName[] | undefined {
  const names = list.split(',').map((name) => name.trim());
  const queues = names.filter(isQueueName);
  return queues.length === names.length ? [...new Set(queues)] : undefined;
}

export async function runWorker(workshop: Workshop, queues: readonly QueueName[]): Promise<void> {
  const card = { name: randomUUID().replaceAll('-', ''), queues, birth: timestamp() };
  try {
    await runBehindPort(workshop, createWorker(workshop, card));
  } catch (error) {
    if (!(error instanceof JobTimeout)) throw error;
    log('error', error.message);
    // The job's connection goes with the process, and its transaction with the connection.
    process.exit(1);
  }
}

export async function runScheduler(workshop: Workshop): Promise<void> {
  await runBehindPort(workshop, createScheduler(workshop));
}

async function runBehindPort(workshop: Workshop, background: Background): Promise<void> {
  exportQueueFigures(workshop.metrics.registry, workshop.queue);
  const server = createPort(workshop, background);
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      log('info', 'stopping', { signal });
      background.stop();
    });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(workshop.config.metricsPort, resolve);
  });
  try {
    await background.run();
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function createPort({ metrics }: Workshop, background: Background): Server {
  return createServer((request, response) => {
    const path = request.url ?? '/';
    if (path === '/metrics') {
      metrics.registry
        .metrics()
        .then((text) => response.setHeader('Content-Type', metrics.registry.contentType).end(text))
        .catch(() => response.destroy());
      return;
    }
    const wrong =
      path === '/alive' ? background.hangs() : path === '/ready' ? (background.ready() ? undefined : 'not yet') : path;
    response.writeHead(wrong === undefined ? 200 : path === wrong ? 404 : 503).end(`${wrong ?? 'well'}\n`);
  });
}
