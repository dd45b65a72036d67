// For each Stock Entry that is submitted a job writes one row to tabNotification Log. It is there to be counted: a document without a row
// is a job that was lost, one with two a job that ran twice. A queue may hand a job out again, to another worker too, when its Redis has failed
// over: the row's name is made of the job and the user, so that the second time finds the row there.
import { createHash } from 'node:crypto';
import { duplicateKey } from '../database/failures.ts';
import { tableOf } from '../database/schema.ts';
import { insertRows } from '../database/write-rows.ts';
import { log } from '../log.ts';
import type { User, Workshop } from '../workshop.ts';
import type { Job } from './job.ts';
import { notificationMethod } from './method-names.ts';
import { enqueueAfterCommit } from './queue.ts';

/** A job takes 2.7 kB of Redis. Kept for ten minutes like others, those of forty submits a second would fill the lab's 64 MB. */
const resultTtlSeconds = 60;
const table = tableOf('tabNotification Log');

/** Called when the submit is committed; never fails it. */
export async function notifySubmitted(workshop: Workshop, user: User, documentName: string): Promise<void> {
  const doc = {
    type: 'Alert',
    document_type: 'Stock Entry',
    document_name: documentName,
    subject: `Stock Entry ${documentName} submitted`,
    from_user: user.name,
  };
  const kwargs = { doc, users: [user.name] };
  const wanted = { queue: 'short', method: notificationMethod, kwargs, resultTtlSeconds } as const;
  await enqueueAfterCommit(workshop, user, wanted, documentName);
}

export async function makeNotification({ database, defects }: Workshop, job: Job): Promise<void> {
  if (defects.strikes('lose-jobs')) return;
  const { doc, users } = job.call.kwargs as { doc: Record<string, string>; users: readonly string[] };
  try {
    await database.transaction(async (session) => {
      const [row] = await session.rows('SELECT NOW(6) AS at');
      const at = String(row?.at);
      const stamp = { creation: at, modified: at, owner: job.call.user, modified_by: job.call.user };
      const rows = users.map((user) => ({
        ...Object.fromEntries(table.columns.map(({ name, default: value }) => [name, value])),
        ...doc,
        ...stamp,
        name: rowNameOf(job, user),
        for_user: user,
        custom_job_id: job.id,
      }));
      await insertRows(session, table.name, rows);
    });
  } catch (error) {
    // All rows of a job are written at once, so one that is there says that all are.
    if (duplicateKey(error)?.key !== 'PRIMARY') throw error;
    log('info', 'a job was handed out again, and is done already', { job: job.id });
  }
}

const rowNameOf = ({ id }: Job, user: string): string =>
  createHash('sha256').update(`${id} ${user}`).digest('hex').slice(0, 32);
