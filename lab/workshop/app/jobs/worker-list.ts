// Workers as Frappe shows them. One that died without a word stays until its hash runs out, as in RQ.
import type { Workshop } from '../workshop.ts';
import { asFrappe } from './job-list.ts';
import { originOf } from './keys.ts';
import { queueRefusal } from './queue.ts';
import { readWorkers, type SeenWorker } from './registry.ts';

export async function listWorkers({ queue: redis }: Workshop): Promise<Record<string, unknown>[]> {
  try {
    return (await readWorkers(redis)).map(toDocument);
  } catch (error) {
    throw queueRefusal(error);
  }
}

/** Share of a worker's life, in percent, that it was at work. */
export function utilization({ fields }: SeenWorker): number {
  const lifeSeconds = (Date.parse(fields.last_heartbeat ?? '') - Date.parse(fields.birth ?? '')) / 1000;
  return lifeSeconds > 0 ? (Number(fields.total_working_time ?? 0) / lifeSeconds) * 100 : 0;
}

function toDocument(worker: SeenWorker): Record<string, unknown> {
  const { name, queues, fields } = worker;
  const [birth, heard] = [asFrappe(fields.birth ?? ''), asFrappe(fields.last_heartbeat ?? '')];
  return {
    name,
    queue: queues.map(originOf).join(', '),
    queue_type: queues.join(','),
    worker_name: name,
    status: fields.state ?? 'idle',
    pid: Number(fields.pid),
    current_job_id: fields.current_job || null,
    last_heartbeat: heard,
    birth_date: birth,
    successful_job_count: Number(fields.successful_job_count ?? 0),
    failed_job_count: Number(fields.failed_job_count ?? 0),
    total_working_time: Number(fields.total_working_time ?? 0),
    _comment_count: 0,
    modified: heard,
    creation: birth,
    utilization_percent: utilization(worker),
  };
}
