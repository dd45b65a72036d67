// The names that RQ 1.15 gives its keys, so that what watches an ERPNext's queues can watch these: queues, jobs, registries, workers.

/** Of the bench's path in the official image, as every queue's name begins. */
export const bench = 'home-frappe-frappe-bench';

export const queueNames = ['short', 'default', 'long'] as const;
export type QueueName = (typeof queueNames)[number];

export const isQueueName = (name: string): name is QueueName => (queueNames as readonly string[]).includes(name);

/** What a job's hash calls its `origin`. */
export const originOf = (queue: QueueName): string => `${bench}:${queue}`;

export const jobPrefix = 'rq:job:';

export const keys = {
  queues: 'rq:queues',
  workers: 'rq:workers',
  queue: (queue: QueueName) => `rq:queue:${originOf(queue)}`,
  job: (id: string) => `${jobPrefix}${id}`,
  /** Sorted by when the job counts as abandoned, unless its worker is heard of before. */
  wip: (queue: QueueName) => `rq:wip:${originOf(queue)}`,
  finished: (queue: QueueName) => `rq:finished:${originOf(queue)}`,
  failed: (queue: QueueName) => `rq:failed:${originOf(queue)}`,
  workersOf: (queue: QueueName) => `rq:workers:${originOf(queue)}`,
  worker: (name: string) => `rq:worker:${name}`,
  cleaning: (queue: QueueName) => `rq:clean_registries:${originOf(queue)}`,
} as const;
