// One worker: it takes a job, runs it, says how it ended, and takes the next. On SIGTERM it finishes the job that it has. Redis may go and
// come back as another master meanwhile: taking and ending are tried again until they are answered, and neither counts twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../log.ts';
import { Refusal } from '../refusals.ts';
import type { Workshop } from '../workshop.ts';
import { failuresMax, failureTtlSeconds, type Job, readJob, timestamp } from './job.ts';
import { jobPrefix, keys } from './keys.ts';
import { runJob } from './methods.ts';
import { beat, beatMs, cleanRegistries, leaseSeconds, sayGone, type WorkerCard } from './registry.ts';
import { endScript, holdScript, takeScript } from './scripts.ts';

/** How often an idle worker looks; a script can't wait for a job to come, as BLPOP does. */
const idleMs = 200;
const waitMsMax = 3_000;
/** One that has not come round its loop for so long hangs; each single step is bounded by less. */
const roundMsMax = 30_000;
const stopMsMax = 10_000;
const rememberedMax = 1_000;

export interface Worker {
  /** Ends when the worker was told to stop and its job is done. Throws JobTimeout when a job would not end: its process has to. */
  run(): Promise<void>;
  stop(): void;
  /** Has been in touch with Redis. */
  ready(): boolean;
  /** Undefined while all is well, else what hangs. */
  hangs(): string | undefined;
}

/** A job took longer than it may. Whatever it still does must end with this process, as with RQ's work horse. */
export class JobTimeout extends Error {}

interface Ending {
  readonly status: 'finished' | 'failed';
  readonly excInfo: string;
  readonly seconds: number;
  readonly timeout?: JobTimeout;
}

export function createWorker(workshop: Workshop, card: WorkerCard): Worker {
  const { queue: redis, metrics, config } = workshop;
  const stopping = new AbortController();
  /** How the jobs ended that this worker has had: a master that lost the news hands them out again. */
  const ended = new Map<string, Ending>();
  let current: { readonly job: Job; readonly endsBefore: number } | undefined;
  let roundAt = Date.now();
  let ready = false;
  let unanswered = false;

  async function run(): Promise<void> {
    const timers = [
      setInterval(() => void quietly(hold), beatMs),
      setInterval(() => void quietly(clean), config.registryCleanupSeconds * 1000),
    ];
    try {
      await insist(async () => {
        await beat(redis, card);
        ready = true;
      }, stopping.signal);
      if (ready) log('info', 'working', { worker: card.name, queues: card.queues.join(',') });
      while (!stopping.signal.aborted) {
        const job = await insist(take, stopping.signal);
        if (job) await perform(job);
        else await pause(idleMs);
      }
      // Told to stop while Redis owed an answer: it may have handed out a job.
      if (unanswered) {
        const job = await insist(take, AbortSignal.timeout(stopMsMax));
        if (job) await perform(job);
      }
      await quietly(() => sayGone(redis, card));
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
  }

  async function take(): Promise<Job | undefined> {
    const scriptKeys = [
      keys.worker(card.name),
      ...card.queues.flatMap((queue) => [keys.queue(queue), keys.wip(queue)]),
    ];
    const lease = leaseUntil();
    unanswered = true;
    const taken = await redis.eval(
      takeScript,
      scriptKeys.length,
      ...scriptKeys,
      card.name,
      jobPrefix,
      timestamp(),
      lease,
    );
    unanswered = false;
    if (!Array.isArray(taken)) return undefined;
    const [id, flat] = taken as [string, string[]];
    const fields = Object.fromEntries(flat.flatMap((text, at) => (at % 2 === 0 ? [[text, flat[at + 1] ?? '']] : [])));
    const job = readJob(id, fields);
    if (job) return job;
    const queue = card.queues.find((one) => fields.origin?.endsWith(`:${one}`)) ?? card.queues[0];
    if (queue)
      await end(
        { id, queue, resultTtlSeconds: 0 },
        { status: 'failed', excInfo: 'workshop/jobs: this is no job of the workshop', seconds: 0 },
      );
    return undefined;
  }

  async function perform(job: Job): Promise<void> {
    // A scheduled job has the same id each time.
    const which = `${job.id} ${job.enqueuedAt}`;
    const before = ended.get(which);
    const ending = before ?? (await attempt(job));
    remember(which, ending);
    // Not given up when told to stop: the job is done, and nobody else can say so.
    await insist(() => end(job, ending));
    current = undefined;
    if (before) return;
    metrics.job(job.queue, ending.status);
    log(ending.status === 'finished' ? 'info' : 'warning', 'job', {
      job: job.id,
      method: job.call.method,
      queue: job.queue,
      status: ending.status,
      ms: Math.round(ending.seconds * 1000),
      reason: ending.excInfo.split('\n').at(-1) || undefined,
    });
    if (ending.timeout) throw ending.timeout;
  }

  async function attempt(job: Job): Promise<Ending> {
    const started = performance.now();
    const timeoutMs = job.timeoutSeconds * 1000;
    current = { job, endsBefore: Date.now() + timeoutMs + roundMsMax };
    const patience = new AbortController();
    const late = sleep(timeoutMs, undefined, { signal: patience.signal }).then(() => {
      throw new JobTimeout(`Task exceeded maximum timeout value (${job.timeoutSeconds} seconds)`);
    });
    let excInfo = '';
    let timeout: JobTimeout | undefined;
    try {
      await Promise.race([runJob(workshop, job), late]);
    } catch (error) {
      excInfo = inWords(error);
      if (error instanceof JobTimeout) timeout = error;
    } finally {
      patience.abort();
      late.catch(() => {});
    }
    const seconds = (performance.now() - started) / 1000;
    return { status: excInfo === '' ? 'finished' : 'failed', excInfo, seconds, ...(timeout && { timeout }) };
  }

  async function end(
    { id, queue, resultTtlSeconds }: Pick<Job, 'id' | 'queue' | 'resultTtlSeconds'>,
    { status, excInfo, seconds }: Ending,
  ): Promise<void> {
    const registry = status === 'finished' ? keys.finished(queue) : keys.failed(queue);
    const ttl = status === 'finished' ? resultTtlSeconds : failureTtlSeconds;
    const scriptKeys = [keys.job(id), keys.wip(queue), registry, keys.failed(queue), keys.worker(card.name)];
    await redis.eval(
      endScript,
      scriptKeys.length,
      ...scriptKeys,
      id,
      status,
      timestamp(),
      String(Math.round(Date.now() / 1000) + ttl),
      String(ttl),
      excInfo,
      seconds.toFixed(6),
      String(status === 'finished' ? 1_000_000 : failuresMax),
    );
  }

  /** Alive, and still at its job. */
  async function hold(): Promise<void> {
    await beat(redis, card);
    if (!current) return;
    const { id, queue } = current.job;
    await redis.eval(holdScript, 2, keys.job(id), keys.wip(queue), id, timestamp(), leaseUntil());
  }

  async function clean(): Promise<void> {
    for (const { queue, givenUp } of await cleanRegistries(redis, config.registryCleanupSeconds))
      for (const id of givenUp) {
        metrics.job(queue, 'abandoned');
        log('warning', 'a job was abandoned by its worker', { job: id, queue });
      }
  }

  /** Until it is answered, with growing pauses; or, where that may be, until it is time to stop. */
  async function insist<T>(step: () => Promise<T>, until?: AbortSignal): Promise<T | undefined> {
    for (let tries = 0; !until?.aborted; tries += 1) {
      roundAt = Date.now();
      try {
        return await step();
      } catch (error) {
        if (tries === 0 && ready) log('warning', 'the queue does not answer', { reason: String(error) });
        await pause(Math.min(100 * 2 ** Math.min(tries, 6), waitMsMax), until);
      }
    }
    return undefined;
  }

  const pause = (ms: number, until: AbortSignal | undefined = stopping.signal) =>
    sleep(ms, undefined, until ? { signal: until } : {}).catch(() => {});

  function remember(which: string, ending: Ending): void {
    ended.set(which, ending);
    const [oldest] = ended.keys();
    if (ended.size > rememberedMax && oldest !== undefined) ended.delete(oldest);
  }

  return {
    run,
    stop: () => stopping.abort(),
    ready: () => ready,
    hangs() {
      const now = Date.now();
      if (current && now > current.endsBefore && now - roundAt > roundMsMax) return `the job ${current.job.id}`;
      return !current && now - roundAt > roundMsMax ? 'the loop' : undefined;
    },
  };
}

const leaseUntil = (): string => String(Math.round(Date.now() / 1000) + leaseSeconds);

/** As the last line of a traceback: who asks is told what the web tier would tell. */
function inWords(error: unknown): string {
  if (error instanceof Refusal) {
    const { excType, text, messages } = error.fields;
    return `${excType}: ${text ?? messages?.[0]?.message ?? ''}`;
  }
  if (error instanceof JobTimeout) return `rq.timeouts.JobTimeoutException: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Beats and cleaning come again soon; the log says already that Redis is away. */
async function quietly(step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch {
    // Nothing to do about it here.
  }
}
