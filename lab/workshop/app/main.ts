// The workshop: a small stand-in for an ERPNext site that keeps a car workshop's stockroom. `workshop web` serves it, `workshop migrate`
// makes its tables and stock. It is there to be broken; lab/workshop/DEVIATIONS.md tells where it differs from the real thing.
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
import { log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { openRedis } from './open-redis.ts';
import type { Workshop } from './workshop.ts';

const usage = 'usage: workshop web|migrate (settings come from the environment)';
// Below the 30 s that Kubernetes waits before it kills.
const drainMsMax = 25_000;

async function main(command: string | undefined): Promise<number> {
  if (command !== 'web' && command !== 'migrate') {
    log('error', usage);
    return 64;
  }
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
    defects: chooseDefects(command === 'web' ? config.defects : []),
  };
  if (command === 'web') await serve(config, workshop);
  else {
    const started = performance.now();
    await migrate(workshop);
    log('info', 'migrated', { ms: Math.round(performance.now() - started) });
  }
  await end(workshop, pool);
  return 0;
}

async function serve(config: Config, workshop: Workshop): Promise<void> {
  const web = createWebServer(workshop);
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
  await allCommitted();
  metrics.close();
  metrics.closeAllConnections();
}

async function end(workshop: Workshop, pool: Pool): Promise<void> {
  workshop.cache.close();
  workshop.queue.disconnect();
  await pool.close();
}

main(process.argv[2]).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    log('error', error instanceof Error ? error.message : String(error), {
      stack: error instanceof Error && !(error instanceof ConfigMistakes) ? error.stack : undefined,
    });
    process.exit(error instanceof ConfigMistakes ? 64 : 70);
  },
);
