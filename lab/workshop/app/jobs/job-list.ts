// Jobs as Frappe shows them: of every queue, what waits, what is worked on and what is over.
import type { Workshop } from '../workshop.ts';
import { type Job, readJob } from './job.ts';
import { isQueueName, keys, queueNames } from './keys.ts';
import { queueRefusal } from './queue.ts';

/** Newest first. Filters are by `queue` and `status`. */
export async function listJobs(
  workshop: Workshop,
  filters: ReadonlyMap<string, readonly string[]>,
): Promise<Record<string, unknown>[]> {
  const { queue: redis } = workshop;
  const queues = filters.get('queue')?.filter(isQueueName) ?? queueNames;
  try {
    const ids = await Promise.all(
      queues.flatMap((queue) => [
        redis.lrange(keys.queue(queue), 0, -1),
        ...[keys.wip(queue), keys.finished(queue), keys.failed(queue)].map((registry) =>
          redis.zrange(registry, '0', '-1'),
        ),
      ]),
    );
    const jobs = await Promise.all([...new Set(ids.flat())].map((id) => read(workshop, id)));
    const statuses = filters.get('status');
    return jobs
      .flatMap((job) => (job && (!statuses || statuses.includes(job.status)) ? [job] : []))
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
      .map(toDocument);
  } catch (error) {
    throw queueRefusal(error);
  }
}

export async function findJob(workshop: Workshop, id: string): Promise<Record<string, unknown> | undefined> {
  try {
    const job = await read(workshop, id);
    return job && toDocument(job);
  } catch (error) {
    throw queueRefusal(error);
  }
}

async function read({ queue: redis }: Workshop, id: string): Promise<Job | undefined> {
  return readJob(id, await redis.hgetall(keys.job(id)));
}

function toDocument(job: Job): Record<string, unknown> {
  const { call } = job;
  const started = Date.parse(job.startedAt);
  const ended = Date.parse(job.endedAt);
  const timeTaken = Number.isNaN(started) || Number.isNaN(ended) ? '' : (ended - started) / 1000;
  const created = asFrappe(job.createdAt);
  return {
    name: job.id,
    job_id: job.id,
    queue: job.queue,
    job_name: call.method,
    status: job.status,
    started_at: asFrappe(job.startedAt),
    ended_at: asFrappe(job.endedAt),
    time_taken: timeTaken,
    exc_info: job.excInfo ?? null,
    arguments: JSON.stringify({ ...call, event: null, is_async: true, job_name: call.method }, null, 1),
    timeout: job.timeoutSeconds,
    creation: created,
    modified: created,
    _comment_count: 0,
    owner: call.user,
    modified_by: call.user,
  };
}

/** `2026-11-23 06:55:30.254206+00:00` */
export const asFrappe = (at: string): string => at.replace('T', ' ').replace('Z', '+00:00');
