// A job, and the hash in Redis that RQ 1.15 keeps of one. What is to be called stands in `data`; RQ has it as a zlib-compressed pickle,
// which nobody but Python reads, and here it is JSON.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { bench, isQueueName, originOf, type QueueName } from './keys.ts';

export type JobStatus = 'queued' | 'started' | 'finished' | 'failed';

export interface Call {
  readonly site: string;
  readonly user: string;
  /** The dotted name of what is called, as Frappe has it. */
  readonly method: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
}

export interface Job {
  readonly id: string;
  readonly queue: QueueName;
  readonly status: JobStatus;
  readonly timeoutSeconds: number;
  /** For so long it is kept when it has ended well. */
  readonly resultTtlSeconds: number;
  readonly createdAt: string;
  readonly enqueuedAt: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly excInfo: string | undefined;
  readonly call: Call;
}

export const timeoutSecondsOf: Readonly<Record<QueueName, number>> = { short: 300, default: 300, long: 1500 };
export const resultTtlDefault = 600;
export const failureTtlSeconds = 604_800;
export const failuresMax = 1_000;

/** `own` is an id for a job of which there shall be one at a time. */
export const jobIdOf = (site: string, own: string = randomUUID()): string => `${site}::${own}`;

/** `2026-11-23T06:55:30.254206Z`, as RQ writes times. */
export const timestamp = (at: number = Date.now()): string => new Date(at).toISOString().replace('Z', '000Z');

/** The hash of a new job, name and value in turn. */
export function fieldsOfNew(
  queue: QueueName,
  call: Call,
  { timeoutSeconds, resultTtlSeconds }: Pick<Job, 'timeoutSeconds' | 'resultTtlSeconds'>,
): string[] {
  const at = timestamp();
  return Object.entries({
    status: 'queued',
    origin: originOf(queue),
    timeout: String(timeoutSeconds),
    created_at: at,
    enqueued_at: at,
    started_at: '',
    ended_at: '',
    last_heartbeat: '',
    worker_name: '',
    result_ttl: String(resultTtlSeconds),
    failure_ttl: String(failureTtlSeconds),
    description: summaryOf(call),
    data: JSON.stringify({ ...call, job_name: call.method, event: null, is_async: true }),
    success_callback_name: '',
    failure_callback_name: 'frappe.utils.background_jobs.truncate_failed_registry',
    failure_callback_timeout: '60',
    stopped_callback_name: '',
  }).flat();
}

const callSchema = z.object({
  site: z.string(),
  user: z.string(),
  method: z.string(),
  kwargs: z.record(z.string(), z.unknown()),
});

/** Undefined for what is no job of ours: another program may have put it there. */
export function readJob(id: string, fields: Readonly<Record<string, string>>): Job | undefined {
  const queue = fields.origin?.startsWith(`${bench}:`) ? fields.origin.slice(bench.length + 1) : '';
  const call = callSchema.safeParse(parsed(fields.data));
  if (!isQueueName(queue) || !call.success) return undefined;
  return {
    id,
    queue,
    status: fields.status as JobStatus,
    timeoutSeconds: Number(fields.timeout) || timeoutSecondsOf[queue],
    resultTtlSeconds: Number(fields.result_ttl) || resultTtlDefault,
    createdAt: fields.created_at ?? '',
    enqueuedAt: fields.enqueued_at ?? '',
    startedAt: fields.started_at ?? '',
    endedAt: fields.ended_at ?? '',
    excInfo: fields.exc_info,
    call: call.data,
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function summaryOf({ method, kwargs, site, user }: Call): string {
  const shown = JSON.stringify(kwargs);
  const short = shown.length > 100 ? `${shown.slice(0, 97)}...` : shown;
  return `frappe.utils.background_jobs.execute_job(event=None, is_async=True, job_name='${method}', kwargs=${short}, method='${method}', site='${site}', user='${user}')`;
}
