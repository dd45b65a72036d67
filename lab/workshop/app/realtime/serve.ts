// `workshop socketio`: the realtime server and its metrics, until it is told to end.
import { createServer } from 'node:http';
import { log } from '../log.ts';
import type { Workshop } from '../workshop.ts';
import { createRealtime } from './server.ts';

/** Below the 30 s that Kubernetes waits before it kills. */
const closeMsMax = 5_000;

export async function serveRealtime(workshop: Workshop): Promise<void> {
  const { config, metrics } = workshop;
  const realtime = createRealtime(workshop);
  const beside = createServer((request, response) => {
    // Asked by the kubelet: whether this process still gets round to answering, and nothing about anybody else.
    if (request.url === '/healthz') {
      response.end('ok\n');
      return;
    }
    metrics.registry
      .metrics()
      .then((text) => response.setHeader('Content-Type', metrics.registry.contentType).end(text))
      .catch(() => response.destroy());
  });
  const stop = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.resolve(signal));
  const failed = new Promise<never>((_, reject) => {
    realtime.http.once('error', reject);
    beside.once('error', reject);
  });
  beside.listen(config.metricsPort);
  realtime.http.listen(config.socketioPort, () =>
    log('info', 'listening', { port: config.socketioPort, site: config.siteHost }),
  );
  const signal = await Promise.race([stop.promise, failed]);
  log('info', 'stopping', { signal });
  const patience = setTimeout(() => realtime.http.closeAllConnections(), closeMsMax);
  await realtime.close();
  clearTimeout(patience);
  beside.close();
  beside.closeAllConnections();
}
