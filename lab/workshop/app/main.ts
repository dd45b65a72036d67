// The workshop: a small stand-in for an ERPNext site that keeps a car workshop's stockroom. `workshop web` serves it, `socketio` tells
// browsers what changes, `worker` and `schedule` do what nobody waits for, `migrate` makes its tables and stock. It is there to be broken;
// lab/workshop/DEVIATIONS.md tells where it differs from the real thing.
import { createServer } from 'node:http';
import { allCommitted } from './acknowledge-before-commit.ts';
import { createCache } from './cache.ts';
import { type Config, ConfigMistakes, readConfig } from './config.ts';
import { createDatabase } from './database/database.ts';
import { migrate } from './database/migrate.ts';
import { createPool, type Pool } from './database/pool.ts';
import { chooseDefects, defects } from './defects.ts';
import { openFileStore } from './files/open-file-store.ts';
import { createWebServer, drain } from './http/server.ts';
import { readQueues, runScheduler, runWorker } from './jobs/background.ts';
import type { QueueName } from './jobs/keys.ts';
import { log } from './log.ts';
import { type Maintenance, maintenanceModes, setMaintenance, watchMaintenance } from './maintenance.ts';
import { createMetrics } from './metrics.ts';
import { openRedis } from './open-redis.ts';
import { serveRealtime } from './realtime/serve.ts';
import type { Workshop } from './workshop.ts';

const usage =
  'usage: workshop web | socketio | migrate | schedule | worker --queue short,default | maintenance on|reads|off (settings come from the environment)';
const commands = ['web', 'socketio', 'migrate', 'schedule', 'worker', 'maintenance'] as const;
// Below the 30 s that Kubernetes waits before it kills.
const drainMsMax = 25_000;

async function main(words: readonly string[]): Promise<number> {
  const asked = readCommand(words);
  if (!asked) {
    log('error', usage);
    return 64;
  }
  const { command } = asked;
  const config = readConfig(process.env);
  for (const name of config.defects)
    log('warning', `DEFECT BUILT IN ON PURPOSE: ${name}`, { defect: name, does: defects[name] });
  const pool = createPool(config.database);
  const metrics = createMetrics(pool.state, config.defects);
  const workshop: Workshop = {
    config,
    metrics,
    database: createDatabase(pool, metrics.transactionRetry),
    cache: createCache(config.redisCache, config.database.name),
    queue: openRedis(config.redisQueue, 'queue'),
    files: openFileStore(config),
    // The opening stock is laid down soundly, whatever is to go wrong later.
    defects: chooseDefects(command === 'migrate' ? [] : config.defects),
  };
  if (command === 'web') await serve(config, workshop);
  else if (command === 'socketio') await serveRealtime(workshop);
  else if (command === 'worker') await runWorker(workshop, asked.queues);
  else if (command === 'schedule') await runScheduler(workshop);
  else if (command === 'maintenance') {
    await setMaintenance(workshop.database, asked.mode);
    log('info', 'maintenance mode', { mode: asked.mode });
  } else {
    const started = performance.now();
    await migrate(workshop);
    log('info', 'migrated', { ms: Math.round(performance.now() - started) });
  }
  await allCommitted();
  await end(workshop, pool);
  return 0;
}

interface Asked {
  readonly command: (typeof commands)[number];
  readonly queues: readonly QueueName[];
  readonly mode: Maintenance;
}

/** Undefined for what is no command. */
function readCommand([first, ...rest]: readonly string[]): Asked | undefined {
  const command = commands.find((one) => one === first);
  const [option, list = ''] = rest;
  const queues = command === 'worker' && option === '--queue' && rest.length === 2 ? readQueues(list) : [];
  const mode = command === 'maintenance' && rest.length === 1 ? maintenanceModes.find((one) => one === option) : 'off';
  const known =
    queues && mode && (command === 'worker' ? queues.length > 0 : command === 'maintenance' || rest.length === 0);
  return command && known ? { command, queues, mode } : undefined;
}

async function serve(config: Config, workshop: Workshop): Promise<void> {
  const maintenance = await watchMaintenance(workshop.database);
  const web = createWebServer(workshop, maintenance);
  const metrics = createServer((_, response) => {
    workshop.metrics.registry
      .metrics()
      .then((text) => response.setHeader('Content-Type', workshop.metrics.registry.contentType).end(text))
      .catch(() => response.destroy());
  });
  const stop = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.resolve(signal));
  const failed = new Promise<never>((_, reject) => {
    web.once('error', reject);
    metrics.once('error', reject);
  });
  metrics.listen(config.metricsPort);
  web.listen(config.port, () => log('info', 'listening', { port: config.port, site: config.siteHost }));
  const signal = await Promise.race([stop.promise, failed]);
  log('info', 'stopping', { signal });
  const patience = setTimeout(() => web.closeAllConnections(), drainMsMax);
  await drain(web);
  clearTimeout(patience);
  maintenance.close();
  metrics.close();
  metrics.closeAllConnections();
}

async function end(workshop: Workshop, pool: Pool): Promise<void> {
  workshop.cache.close();
  workshop.queue.disconnect();
  await pool.close();
}

main(process.argv.slice(2)).then(
  // Everything is closed by now; a time limit of a statement whose connection is gone must not keep the process for half a minute.
  (code) => process.exit(code),
  (error: unknown) => {
    log('error', error instanceof Error ? error.message : String(error), {
      stack: error instanceof Error && !(error instanceof ConfigMistakes) ? error.stack : undefined,
    });
    process.exit(error instanceof ConfigMistakes ? 64 : 70);
  },
);
