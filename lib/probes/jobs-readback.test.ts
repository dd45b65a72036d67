import { expect, test } from 'vitest';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import type { Redis } from '../model/reach.ts';
import { type Target, targetSchema } from '../model/target.ts';
import { jobsQuery, readJobs } from './jobs-readback.ts';

const jobs = { table: 'tabJob', documentField: 'document_name', idField: 'job_id', queues: ['bench:short'] };
const target: Target = targetSchema.parse({
  ...fakeTarget,
  site: { ...fakeTarget.site, jobs },
  redis: { ...fakeTarget.redis, queue: { namespace: 'erp', selector: 'tier=queue' } },
});

type Queued = readonly [id: string, state: string, data: string, why: string];
const jobOf = (document: string, state: string, why = ''): Queued => [
  `id-${document}`,
  state,
  JSON.stringify({ kwargs: { doc: { document_name: document } } }),
  why,
];

interface World {
  /** Documents with the ids of their rows, at a node's nth reading; throws when it is silent. */
  readonly rows: (node: string, reading: number) => Readonly<Record<string, readonly string[]>>;
  readonly queue?: (reading: number) => readonly Queued[];
  readonly roles?: Readonly<Record<string, string>>;
}

function world({ rows, queue = () => [], roles = { 'queue-0': 'slave', 'queue-1': 'master' } }: World) {
  const readings = new Map<string, number>();
  const asked: string[] = [];
  const next = (of: string) => {
    const reading = readings.get(of) ?? 0;
    readings.set(of, reading + 1);
    return reading;
  };
  const redis: Redis = {
    groups: ['queue'],
    nodes: async () => Object.keys(roles),
    async ask(_group, node, command) {
      if (command[0] === 'ROLE') return [roles[node], 0];
      asked.push(`${node} ${command[0]} ${command.slice(2).join(' ')}`);
      return queue(next('queue'));
    },
  };
  const reach = fakeReach({
    target,
    redis,
    sql: (node, sql, values) => {
      expect(sql).toBe(jobsQuery(jobs, target.site.markerField));
      expect(values).toEqual(['rtest-%']);
      return Object.entries(rows(node, next(node))).flatMap(([document, ids]) =>
        (ids.length > 0 ? ids : [null]).map((job) => ({ marker: `rtest-${document}`, document, job })),
      );
    },
  });
  return { reach, asked, began: reach.now() };
}

type Lines = Awaited<ReturnType<typeof readJobs>>;
const rowsOn = (lines: Lines, node: string) =>
  Object.fromEntries(
    lines.flatMap((line) =>
      line.kind === 'job-rows' && line.rows.node === node ? [[line.rows.document, line.rows.jobs]] : [],
    ),
  );
const ends = (lines: Lines) =>
  lines.flatMap((line) =>
    line.kind === 'jobs-read' ? [`${line.of} ${line.from}${line.error ? `: ${line.error}` : ''}`] : [],
  );

test('a target that says nothing of jobs has none', async () => {
  expect(await readJobs(fakeReach())).toEqual([]);
});

test('when every job left its row, one look says so, of each Galera node and of the queue’s master', async () => {
  const { reach, asked, began } = world({ rows: () => ({ D1: ['a'], D2: ['b', 'b'] }) });
  const lines = await readJobs(reach);
  expect(rowsOn(lines, 'galera-2')).toEqual({ D1: ['a'], D2: ['b', 'b'] });
  expect(ends(lines)).toEqual(['rows galera-0', 'rows galera-1', 'rows galera-2', 'queue queue-1']);
  expect(asked).toEqual(['queue-1 EVAL 0 bench:short']);
  expect(reach.now()).toBe(began);
});

test('a backlog is waited for, and failed jobs are not', async () => {
  const { reach, began } = world({
    rows: (_node, reading) => ({ D1: reading < 20 ? [] : ['a'], D2: [] }),
    queue: (reading) => [
      ...(reading < 20 ? [jobOf('D1', 'waiting')] : []),
      jobOf('D2', 'failed', 'Traceback\n  there\nDeadlock found'),
    ],
  });
  const lines = await readJobs(reach);
  expect(rowsOn(lines, 'galera-0')).toEqual({ D1: ['a'], D2: [] });
  expect(lines.filter((line) => line.kind === 'queued-job')).toEqual([
    { kind: 'queued-job', queued: { document: 'D2', job: 'id-D2', state: 'failed', why: 'Deadlock found' } },
  ]);
  expect(reach.now() - began).toBe(20_000);
});

test('a backlog that never ends is told as one after a minute', async () => {
  const { reach, began } = world({ rows: () => ({ D1: [] }), queue: () => [jobOf('D1', 'started')] });
  const lines = await readJobs(reach);
  expect(lines).toContainEqual({ kind: 'queued-job', queued: { document: 'D1', job: 'id-D1', state: 'started' } });
  expect(reach.now() - began).toBe(60_000);
});

test('a job that is nowhere gets eight seconds, in which a worker may end what it has in hand', async () => {
  const late = world({ rows: (_node, reading) => ({ D1: reading < 5 ? [] : ['a'] }) });
  expect(rowsOn(await readJobs(late.reach), 'galera-0')).toEqual({ D1: ['a'] });
  const never = world({ rows: () => ({ D1: [] }) });
  expect(rowsOn(await readJobs(never.reach), 'galera-0')).toEqual({ D1: [] });
  expect(never.reach.now() - never.began).toBe(8_000);
});

test('documents that are booked while the reading goes on are not counted, nor are other jobs of the queue', async () => {
  const { reach } = world({
    rows: (_node, reading) => ({ D1: reading < 2 ? [] : ['a'], ...(reading > 0 ? { [`later-${reading}`]: [] } : {}) }),
    queue: (reading) => [
      ...(reading < 2 ? [jobOf('D1', 'waiting')] : []),
      jobOf('later-1', 'waiting'),
      ['report', 'waiting', '{"kwargs":{}}', ''],
      ['pickled', 'waiting', '\u0078\u009c...', ''],
    ],
  });
  const lines = await readJobs(reach);
  expect(rowsOn(lines, 'galera-1')).toEqual({ D1: ['a'] });
  expect(lines.filter((line) => line.kind === 'queued-job')).toEqual([]);
});

test('a node or a queue that stays silent is said, after a minute of asking again', async () => {
  const node = world({
    rows: (name) => {
      if (name === 'galera-1') throw new Error('connection refused');
      return { D1: ['a'] };
    },
  });
  expect(ends(await readJobs(node.reach))).toContain('rows galera-1: connection refused');
  expect(node.reach.now() - node.began).toBe(60_000);
  const split = world({ rows: () => ({ D1: ['a'] }), roles: { 'queue-0': 'master', 'queue-1': 'master' } });
  expect(ends(await readJobs(split.reach)).at(-1)).toContain(
    'wanted one master of the queue, saw queue-0 master, queue-1 master',
  );
  const back = world({
    rows: (name, reading) => {
      if (name === 'galera-1' && reading < 3) throw new Error('connection refused');
      return { D1: ['a'] };
    },
  });
  expect(ends(await readJobs(back.reach)).join()).not.toContain('refused');
});
