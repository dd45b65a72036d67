// What Prometheus sees of the workshop. Label values come from fixed sets (routes are templates), so the number of series stays bounded.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolState } from './database/pool.ts';
import { type DefectName, defectNames } from './defects.ts';

// The tail matters more than the middle here: a fault is seen as seconds, a cached scan as milliseconds.
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface Metrics {
  readonly registry: Registry;
  request(route: string, method: string, status: number, seconds: number): void;
  /** A word to realtime about a written document, and whether Redis took it. */
  announced(event: string, result: 'sent' | 'failed'): void;
  scan(cache: 'hit' | 'miss' | 'unavailable', seconds: number): void;
  inventoryUpdate(seconds: number): void;
  transactionRetry(): void;
  /** What became of asking for a job. */
  jobEnqueued(queue: string, outcome: 'enqueued' | 'refused'): void;
  /** How a job ended. */
  job(queue: string, status: 'finished' | 'failed' | 'abandoned'): void;
  schedulerTick(atSeconds: number): void;
}

export function createMetrics(poolState: () => PoolState, chosen: readonly DefectName[]): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'workshop_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets,
    registers,
  });
  const scans = new Histogram({
    name: 'workshop_scan_duration_seconds',
    help: 'Looking a barcode up, by what the cache had.',
    labelNames: ['cache'],
    buckets,
    registers,
  });
  const announcements = new Counter({
    name: 'workshop_realtime_announced_total',
    help: 'Events about written documents, by whether the queue’s Redis took them.',
    labelNames: ['event', 'result'],
    registers,
  });
  const updates = new Histogram({
    name: 'workshop_inventory_update_seconds',
    help: 'One stock transaction, from its begin to its commit.',
    buckets,
    registers,
  });
  const retries = new Counter({
    name: 'workshop_transaction_retries_total',
    help: 'Transactions begun again after a deadlock or a failed certification.',
    registers,
  });
  const enqueued = new Counter({
    name: 'workshop_jobs_enqueued_total',
    help: 'Jobs that this pod asked to be queued, and those that could not be.',
    labelNames: ['queue', 'outcome'],
    registers,
  });
  const jobs = new Counter({
    name: 'workshop_jobs_total',
    help: 'Jobs by how they ended: finished, failed, or given up because their worker was gone.',
    labelNames: ['queue', 'status'],
    registers,
  });
  let tick: Gauge | undefined;
  new Gauge({
    name: 'workshop_db_pool_connections',
    help: 'Database connections in use and idle, and requests waiting for one.',
    labelNames: ['state'],
    registers,
    collect() {
      const state = poolState();
      this.set({ state: 'used' }, state.used);
      this.set({ state: 'idle' }, state.idle);
      this.set({ state: 'waiting' }, state.waiting);
    },
  });
  const defect = new Gauge({
    name: 'workshop_defect_active',
    help: '1 when this fault is built in on purpose.',
    labelNames: ['defect'],
    registers,
  });
  for (const name of defectNames) defect.set({ defect: name }, chosen.includes(name) ? 1 : 0);
  return {
    registry,
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    announced: (event, result) => announcements.inc({ event, result }),
    scan: (cache, seconds) => scans.observe({ cache }, seconds),
    inventoryUpdate: (seconds) => updates.observe(seconds),
    transactionRetry: () => retries.inc(),
    jobEnqueued: (queue, outcome) => enqueued.inc({ queue, outcome }),
    job: (queue, status) => jobs.inc({ queue, status }),
    schedulerTick(atSeconds) {
      // Not there before the first: a gauge without labels would begin at 0, which is a time too.
      tick ??= new Gauge({
        name: 'workshop_scheduler_last_tick_timestamp_seconds',
        help: 'When the scheduler last looked for work that is due, whether or not there was any.',
        registers,
      });
      tick.set(atSeconds);
    },
  };
}
