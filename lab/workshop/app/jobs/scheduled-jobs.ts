// What is due again and again, as rows of tabScheduled Job Type. The scheduler queues what is due; running it is a worker's work, and writes
// down when that was.
import { sessionSeconds } from '../auth.ts';
import type { Database, Row } from '../database/database.ts';
import type { Workshop } from '../workshop.ts';

interface ScheduledJob {
  readonly method: string;
  readonly frequency: Frequency;
  run(database: Database): Promise<unknown>;
}

type Frequency = 'All' | 'Hourly';

/** `All` is Frappe's word for every four minutes. */
const secondsOf: Readonly<Record<Frequency, number>> = { All: 240, Hourly: 3600 };
const notificationsKeptDays = 180;
/** At most so many rows at once, since Galera certifies a transaction as a whole. */
const rowsMax = 1_000;

export const scheduledJobs: readonly ScheduledJob[] = [
  {
    method: 'frappe.sessions.clear_expired_sessions',
    frequency: 'All',
    run: (database) =>
      deleteAll(database, `DELETE FROM tabSessions WHERE lastupdate < NOW(6) - INTERVAL ${sessionSeconds} SECOND`),
  },
  {
    method: 'frappe.core.doctype.log_settings.log_settings.run_log_clean_up',
    frequency: 'Hourly',
    run: (database) =>
      deleteAll(
        database,
        `DELETE FROM \`tabNotification Log\` WHERE creation < NOW(6) - INTERVAL ${notificationsKeptDays} DAY`,
      ),
  },
];

export async function seedScheduledJobs(database: Database): Promise<void> {
  for (const { method, frequency } of scheduledJobs)
    await database.change(
      `INSERT IGNORE INTO \`tabScheduled Job Type\` (name, owner, modified_by, creation, modified, method, frequency)
       VALUES (?, 'Administrator', 'Administrator', NOW(6), NOW(6), ?, ?)`,
      [nameOf(method), method, frequency],
    );
}

/** The methods that are due by the database's clock; one that never ran is. */
export async function dueMethods(database: Database): Promise<string[]> {
  const rows = await database.rows<Row>(
    `SELECT method, frequency, TIMESTAMPDIFF(SECOND, last_execution, NOW(6)) AS age
     FROM \`tabScheduled Job Type\` WHERE stopped = 0 ORDER BY method`,
  );
  return rows.flatMap(({ method, frequency, age }) => {
    const known = scheduledJobs.some((job) => job.method === method);
    const seconds = secondsOf[frequency as Frequency];
    return known && (age === null || Number(age) >= seconds) ? [String(method)] : [];
  });
}

/** Looks again whether it is due: the scheduler may have looked just before the one before was done. */
export async function runScheduledJob({ database }: Workshop, method: string): Promise<void> {
  const job = scheduledJobs.find((one) => one.method === method);
  if (!job) throw new Error(`workshop/jobs: there is no scheduled job ${method}`);
  const { affectedRows } = await database.change(
    `UPDATE \`tabScheduled Job Type\` SET last_execution = NOW(6) WHERE method = ?
     AND (last_execution IS NULL OR TIMESTAMPDIFF(SECOND, last_execution, NOW(6)) >= ?)`,
    [method, secondsOf[job.frequency]],
  );
  if (affectedRows > 0) await job.run(database);
}

async function deleteAll(database: Database, statement: string): Promise<void> {
  for (;;) {
    const { affectedRows } = await database.change(`${statement} LIMIT ${rowsMax}`);
    if (affectedRows < rowsMax) return;
  }
}

/** `log_settings.run_log_clean_up`, as Frappe names these rows. */
const nameOf = (method: string): string => method.split('.').slice(-2).join('.');
