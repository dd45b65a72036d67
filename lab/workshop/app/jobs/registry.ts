// What workers say of themselves, and what they find out about each other: who is alive by its heartbeat, and whose job was given up.
import type { Redis } from 'ioredis';
import { failuresMax, failureTtlSeconds, timestamp } from './job.ts';
import { isQueueName, jobPrefix, keys, originOf, type QueueName, queueNames } from './keys.ts';
import { cleanScript } from './scripts.ts';

/** Workers are heard of this often, and count as dead when three beats are missing. */
export const beatMs = 5_000;
const aliveMs = 4 * beatMs;
/** A job whose worker was not heard of for so long is abandoned; RQ waits for 90 s. */
export const leaseSeconds = aliveMs / 1000;
/** The hash outlives its worker by so much, as in RQ. */
const workerTtlSeconds = 480;
const goneTtlSeconds = 60;

export interface WorkerCard {
  readonly name: string;
  readonly queues: readonly QueueName[];
  readonly birth: string;
}

/** Says that the worker is there. All of it each time: the Redis that is master now may not have heard of it. */
export async function beat(redis: Redis, { name, queues, birth }: WorkerCard): Promise<void> {
  const key = keys.worker(name);
  const commands = redis.multi().sadd(keys.workers, key);
  for (const queue of queues) commands.sadd(keys.workersOf(queue), key);
  const fields = {
    birth,
    last_heartbeat: timestamp(),
    queues: queues.map(originOf).join(','),
    pid: String(process.pid),
    hostname: process.env.HOSTNAME ?? '',
    version: '1.15.1',
  };
  commands.hset(key, fields).expire(key, workerTtlSeconds);
  await exec(commands);
}

export async function sayGone(redis: Redis, { name, queues }: WorkerCard): Promise<void> {
  const key = keys.worker(name);
  const commands = redis.multi().srem(keys.workers, key);
  for (const queue of queues) commands.srem(keys.workersOf(queue), key);
  await exec(commands.hset(key, { death: timestamp(), state: 'idle' }).expire(key, goneTtlSeconds));
}

export interface SeenWorker {
  readonly name: string;
  readonly queues: readonly QueueName[];
  readonly alive: boolean;
  readonly fields: Readonly<Record<string, string>>;
}

export async function readWorkers(redis: Redis): Promise<SeenWorker[]> {
  const members = await redis.smembers(keys.workers);
  const workers = await Promise.all(members.map((key) => redis.hgetall(key)));
  return workers.flatMap((fields, index) => {
    const beatAt = Date.parse(fields.last_heartbeat ?? '');
    if (Number.isNaN(beatAt)) return [];
    const queues = (fields.queues ?? '').split(',').flatMap((origin) => {
      const name = origin.split(':').at(-1) ?? '';
      return isQueueName(name) ? [name] : [];
    });
    const name = (members[index] ?? '').replace('rq:worker:', '');
    return [{ name, queues, alive: Date.now() - beatAt < aliveMs, fields }];
  });
}

export interface Cleaned {
  readonly queue: QueueName;
  readonly givenUp: readonly string[];
}

/** One worker does it in each interval, whichever comes first. Workers whose hash has run out are forgotten. */
export async function cleanRegistries(redis: Redis, everySeconds: number): Promise<Cleaned[]> {
  const cleaned: Cleaned[] = [];
  for (const queue of queueNames) {
    const lock = await redis.set(keys.cleaning(queue), '1', 'PX', everySeconds * 1000 - 500, 'NX');
    if (lock === null) continue;
    const now = Date.now() / 1000;
    const scriptKeys = [keys.wip(queue), keys.finished(queue), keys.failed(queue)];
    const givenUp = await redis.eval(
      cleanScript,
      scriptKeys.length,
      ...scriptKeys,
      jobPrefix,
      String(now),
      timestamp(),
      String(Math.round(now) + failureTtlSeconds),
      String(failureTtlSeconds),
      `rq.exceptions.AbandonedJob: Moved to FailedJobRegistry, due to AbandonedJobError, at ${timestamp()}`,
      String(failuresMax),
    );
    cleaned.push({ queue, givenUp: givenUp as string[] });
    await forgetGone(redis, queue);
  }
  return cleaned;
}

async function forgetGone(redis: Redis, queue: QueueName): Promise<void> {
  for (const set of [keys.workers, keys.workersOf(queue)])
    for (const member of await redis.smembers(set))
      if ((await redis.exists(member)) === 0) await redis.srem(set, member);
}

async function exec(commands: { exec(): Promise<[Error | null, unknown][] | null> }): Promise<void> {
  const failed = (await commands.exec())?.find(([error]) => error !== null)?.[0];
  if (failed) throw failed;
}
