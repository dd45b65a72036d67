// Putting a job into a queue. Whoever is asked for just that says so when it fails; where the work itself is done and committed, a job that
// could not be queued is only told to the log, and is lost: Frappe does the same (enqueue_after_commit).
import { log } from '../log.ts';
import { Refusal } from '../refusals.ts';
import type { User, Workshop } from '../workshop.ts';
import { fieldsOfNew, jobIdOf, resultTtlDefault, timeoutSecondsOf } from './job.ts';
import { keys, type QueueName } from './keys.ts';
import { enqueueScript } from './scripts.ts';

export interface Wanted {
  readonly queue: QueueName;
  readonly method: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly timeoutSeconds?: number;
  readonly resultTtlSeconds?: number;
  /** Of jobs with one id there is one at a time: the second is not queued while the first waits or runs. */
  readonly onlyOne?: string;
}

/** The job's id, or undefined when there is one of that id already. Throws the refusal that Frappe answers with. */
export async function enqueue(
  { queue: redis, config, metrics }: Workshop,
  user: Pick<User, 'name'>,
  wanted: Wanted,
): Promise<string | undefined> {
  const { queue, method, kwargs, onlyOne } = wanted;
  const { timeoutSeconds = timeoutSecondsOf[queue], resultTtlSeconds = resultTtlDefault } = wanted;
  const id = jobIdOf(config.siteHost, onlyOne);
  const call = { site: config.siteHost, user: user.name, method, kwargs };
  const scriptKeys = [keys.queues, keys.queue(queue), keys.job(id), keys.finished(queue), keys.failed(queue)];
  try {
    const added = await redis.eval(
      enqueueScript,
      scriptKeys.length,
      ...scriptKeys,
      id,
      onlyOne === undefined ? '0' : '1',
      ...fieldsOfNew(queue, call, { timeoutSeconds, resultTtlSeconds }),
    );
    if (added === 0) return undefined;
    metrics.jobEnqueued(queue, 'enqueued');
    return id;
  } catch (error) {
    metrics.jobEnqueued(queue, 'refused');
    throw queueRefusal(error);
  }
}

/** For work that is committed already. */
export async function enqueueAfterCommit(
  workshop: Workshop,
  user: Pick<User, 'name'>,
  wanted: Wanted,
  about: string,
): Promise<void> {
  try {
    await enqueue(workshop, user, wanted);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log('warning', 'a job was not queued', { method: wanted.method, queue: wanted.queue, about, reason });
  }
}

/** What redis-py says of it; whatever else went wrong on the way there counts as no connection. */
export function queueRefusal(error: unknown): Refusal {
  const text = error instanceof Error ? error.message : String(error);
  const answered = /^(OOM|NOREPLICAS|READONLY|MISCONF|LOADING|ERR)\b/.test(text);
  if (answered) return new Refusal({ status: 500, excType: 'ResponseError', module: 'redis.exceptions', text });
  return new Refusal({
    status: 500,
    excType: 'ConnectionError',
    module: 'redis.exceptions',
    text: 'Error 111 connecting to the queue. Connection refused.',
  });
}
