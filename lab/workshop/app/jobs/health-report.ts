// The System Health Report: one look at all that the site stands on. Each look queues a job to see whether anybody takes it. What can't be
// asked is told in a message and left empty; only a database that is away fails the whole.
import { may } from '../doctypes.ts';
import { notPermitted } from '../refusals.ts';
import type { User, Workshop } from '../workshop.ts';
import { findJob } from './job-list.ts';
import { keys, queueNames } from './keys.ts';
import { pingMethod } from './method-names.ts';
import { enqueue, queueRefusal } from './queue.ts';
import { readWorkers, type SeenWorker } from './registry.ts';
import { schedulerStatus } from './scheduler.ts';
import { utilization } from './worker-list.ts';

const report = 'System Health Report';
const tablesShown = 5;

/** The body of the answer. */
export async function healthReport(workshop: Workshop, user: User): Promise<Record<string, unknown>> {
  const messages: string[] = [];
  const step = async <T>(name: string, look: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await look();
    } catch (error) {
      const text = queueRefusal(error).fields.text ?? '';
      const message = `System Health check step <strong>${name}</strong> failed: ${text}`;
      messages.push(JSON.stringify({ message, title: 'Message', indicator: 'red', alert: 1 }));
      return otherwise;
    }
  };
  const jobs = await step('Background Jobs', () => backgroundJobs(workshop, user), {
    total_background_workers: 0,
    background_jobs_check: 'failed',
    background_workers: [],
    queue_status: [],
  });
  const { background_workers, queue_status, ...jobFields } = jobs;
  const cache = await step('Cache', () => workshop.cache.size(), { keys: 0, memory: '' });
  const data = {
    name: report,
    ...jobFields,
    scheduler_status: await schedulerStatus(workshop),
    ...(await databaseFields(workshop)),
    cache_keys: cache.keys,
    cache_memory_usage: cache.memory,
    ...(await siteFields(workshop)),
    doctype: report,
    failing_scheduled_jobs: [],
    top_db_tables: await largestTables(workshop),
    top_errors: [],
    background_workers,
    queue_status,
  };
  return messages.length > 0 ? { data, _server_messages: JSON.stringify(messages) } : { data };
}

/** What became of the job that a report queued. */
export async function jobStatus(workshop: Workshop, user: User, id: unknown): Promise<unknown> {
  if (!may(user, ['System Manager'])) throw notPermitted(user.name, 'RQ Job', 'other');
  return (await findJob(workshop, String(id ?? '')))?.status ?? null;
}

async function backgroundJobs(workshop: Workshop, user: User): Promise<Record<string, unknown>> {
  const { queue: redis } = workshop;
  const id = await enqueue(workshop, user, { queue: 'default', method: pingMethod, kwargs: {} });
  const workers = await readWorkers(redis);
  const waiting = await Promise.all(queueNames.map((queue) => redis.llen(keys.queue(queue))));
  const kinds = Map.groupBy(workers, ({ queues }) => queues.join(','));
  return {
    total_background_workers: workers.length,
    background_jobs_check: 'queued',
    test_job_id: id,
    background_workers: [...kinds].map(([queues, alike], at) =>
      child('background_workers', 'System Health Report Workers', at, { queues, ...sumOf(alike) }),
    ),
    queue_status: queueNames.map((queue, at) =>
      child('queue_status', 'System Health Report Queue', at, { queue, pending_jobs: waiting[at] }),
    ),
  };
}

function sumOf(workers: readonly SeenWorker[]): Record<string, number> {
  const sum = (of: (worker: SeenWorker) => number) => workers.reduce((total, worker) => total + of(worker), 0);
  return {
    count: workers.length,
    utilization: sum(utilization) / workers.length,
    failed_jobs: sum(({ fields }) => Number(fields.failed_job_count ?? 0)),
  };
}

async function databaseFields({ database, config }: Workshop): Promise<Record<string, unknown>> {
  const [server] = await database.rows(
    'SELECT VERSION() AS version, @@innodb_buffer_pool_size AS pool, @@log_bin AS binlog',
  );
  const [size] = await database.rows(
    'SELECT SUM(data_length + index_length) / 1048576 AS megabytes FROM information_schema.tables WHERE table_schema = ?',
    [config.database.name],
  );
  return {
    database: 'mariadb',
    database_version: String(server?.version),
    db_storage_usage: Number(size?.megabytes ?? 0),
    bufferpool_size: String(server?.pool),
    binary_logging: Number(server?.binlog) === 1 ? 'ON' : 'OFF',
  };
}

async function siteFields({ database }: Workshop): Promise<Record<string, unknown>> {
  const [files] = await database.rows(
    'SELECT SUM(IF(is_private, 0, file_size)) / 1048576 AS open, SUM(IF(is_private, file_size, 0)) / 1048576 AS closed FROM tabFile',
  );
  const [users] = await database.rows(
    'SELECT COUNT(*) AS total, SUM(creation > NOW(6) - INTERVAL 30 DAY) AS fresh FROM tabUser',
  );
  const [sessions] = await database.rows('SELECT COUNT(*) AS total FROM tabSessions');
  const active = await database.rows(
    'SELECT user, MAX(lastupdate) AS at FROM tabSessions GROUP BY user ORDER BY at DESC LIMIT 10',
  );
  return {
    public_files_size: Number(files?.open ?? 0),
    private_files_size: Number(files?.closed ?? 0),
    // Nothing of these is kept here.
    onsite_backups: 0,
    backups_size: 0,
    total_users: Number(users?.total ?? 0),
    new_users: Number(users?.fresh ?? 0),
    failed_logins: 0,
    active_sessions: Number(sessions?.total ?? 0),
    last_10_active_users: active.map(({ user }) => user).join('\n'),
    total_outgoing_emails: 0,
    pending_emails: 0,
    failed_emails: 0,
    handled_emails: 0,
    unhandled_emails: 0,
    total_errors: 0,
  };
}

async function largestTables({ database, config }: Workshop): Promise<Record<string, unknown>[]> {
  const tables = await database.rows(
    `SELECT table_name AS name, ROUND((data_length + index_length) / 1048576, 2) AS megabytes
     FROM information_schema.tables WHERE table_schema = ? ORDER BY data_length + index_length DESC LIMIT ${tablesShown}`,
    [config.database.name],
  );
  return tables.map(({ name, megabytes }, at) =>
    child('top_db_tables', 'System Health Report Tables', at, { table: name, size: Number(megabytes) }),
  );
}

const child = (field: string, doctype: string, at: number, values: Record<string, unknown>) => ({
  docstatus: 0,
  idx: at + 1,
  ...values,
  parent: report,
  parentfield: field,
  parenttype: report,
  doctype,
  __islocal: 1,
});
