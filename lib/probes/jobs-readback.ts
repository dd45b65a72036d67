// Counts the background jobs of the documents that the load submitted: the rows that they left, on each Galera node by itself, and what the
// queue's Redis still has. A backlog is waited for, since late is not lost. Judging is not done here.
import { messageOf } from '../errors.ts';
import type { JobRows, LedgerLine, QueuedJob } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';
import { escapeLike, quoted } from './ledger-readback.ts';

type Reads = Pick<Reach, 'sql' | 'redis' | 'target' | 'runId' | 'now' | 'sleep'>;
type Jobs = NonNullable<Reach['target']['site']['jobs']>;

const everyMs = 1_000;
/** A job takes milliseconds, and one whose worker died is given up after 20 to 30 s: a backlog that lasts longer is told as one. */
const drainMs = 60_000;
/** A job that is in no queue and left no row for this long is not late any more: a worker may have it in hand, and runs it again at once. */
const goneMs = 8_000;
/** A node that was killed and is being started again gets this long to answer at all. */
const silentMs = 60_000;

interface Reading<T> {
  readonly from: string;
  readonly at: number;
  readonly found: readonly T[];
  readonly error?: string;
}

/** Nothing when the target file does not say where jobs leave their rows. */
export async function readJobs(reach: Reads): Promise<readonly LedgerLine[]> {
  const { jobs } = reach.target.site;
  if (!jobs) return [];
  const nodes = await reach.sql.nodes();
  const documentsOf = reach.now();
  let counted: ReadonlySet<string> | undefined;
  let missing = Number.POSITIVE_INFINITY;
  let fewerAt = documentsOf;
  for (;;) {
    // The queue first: a job that leaves it meanwhile is found as a row.
    const queue = await readQueue(reach, jobs);
    const rows = await Promise.all(nodes.map((node) => readRows(reach, jobs, node)));
    // Load may go on: only the documents of the first look are counted, or there would always be a job under way.
    counted ??= new Set(rows.flatMap(({ found }) => found.map(({ document }) => document)));
    const ours = counted;
    const queued = { ...queue, found: queue.found.filter(({ document }) => ours.has(document)) };
    const left = rows.map((read) => ({ ...read, found: read.found.filter(({ document }) => ours.has(document)) }));

    const silent = [queue, ...rows].some(({ error }) => error !== undefined);
    const failed = new Set(queued.found.flatMap(({ state, document }) => (state === 'failed' ? [document] : [])));
    const open = new Set(
      left.flatMap(({ found }) =>
        found.flatMap(({ jobs: ids, document }) => (ids.length === 0 && !failed.has(document) ? [document] : [])),
      ),
    );
    const waiting = queued.found.some(({ state }) => state !== 'failed');
    const now = reach.now();
    if (open.size < missing) {
      missing = open.size;
      fewerAt = now;
    }
    const done = open.size === 0 && !waiting && !silent;
    const patienceMs = silent ? silentMs : drainMs;
    const gone = !waiting && !silent && now - fewerAt >= goneMs;
    if (done || gone || now - documentsOf >= patienceMs) {
      const end = <T>(of: 'rows' | 'queue', { from, at, error }: Reading<T>): LedgerLine => ({
        kind: 'jobs-read',
        of,
        from,
        documentsOf,
        at,
        ...(error === undefined ? {} : { error }),
      });
      return [
        ...left.flatMap((read) => [
          ...read.found.map((rows): LedgerLine => ({ kind: 'job-rows', rows })),
          end('rows', read),
        ]),
        ...queued.found.map((one): LedgerLine => ({ kind: 'queued-job', queued: one })),
        end('queue', queue),
      ];
    }
    await reach.sleep(everyMs);
  }
}

async function readRows(reach: Reads, jobs: Jobs, node: string): Promise<Reading<JobRows>> {
  try {
    const rows = await reach.sql.query(node, jobsQuery(jobs, reach.target.site.markerField), [
      `${escapeLike(`${reach.runId}-`)}%`,
    ]);
    const documents = new Map<string, JobRows & { jobs: string[] }>();
    for (const row of rows) {
      const document = String(row.document);
      const known = documents.get(document) ?? {
        node,
        marker: String(row.marker),
        document,
        jobs: [],
      };
      documents.set(document, known);
      if (row.job !== null) known.jobs.push(String(row.job));
    }
    return { from: node, at: reach.now(), found: [...documents.values()] };
  } catch (error) {
    return { from: node, at: reach.now(), found: [], error: messageOf(error) };
  }
}

/** One statement, so that documents and rows are of one moment. */
export const jobsQuery = ({ table, documentField, idField }: Jobs, markerField: string) => `
SELECT e.${quoted(markerField)} AS marker, e.name AS document, j.${quoted(idField)} AS job
  FROM \`tabStock Entry\` e
  LEFT JOIN ${quoted(table)} j ON j.${quoted(documentField)} = e.name AND j.${quoted(idField)} <> ''
 WHERE e.${quoted(markerField)} LIKE ? AND e.docstatus > 0
 ORDER BY e.name, job`;

/**
 * KEYS: none, as they are made of the queues' names, ARGV. Waiting, under way and failed in one go, or a job that moves is counted twice or
 * not at all. Gives id, state, data and the end of why it failed, job by job. Reads only.
 */
const queueScript = `
local found = {}
local function add(ids, state)
  for _, id in ipairs(ids) do
    local seen = redis.call('HMGET', 'rq:job:' .. id, 'data', 'exc_info')
    found[#found + 1] = { id, state, seen[1] or '', string.sub(seen[2] or '', -300) }
  end
end
for _, queue in ipairs(ARGV) do
  add(redis.call('LRANGE', 'rq:queue:' .. queue, 0, -1), 'waiting')
  add(redis.call('ZRANGE', 'rq:wip:' .. queue, 0, -1), 'started')
  add(redis.call('ZRANGE', 'rq:failed:' .. queue, 0, -1), 'failed')
end
return found`;

async function readQueue(reach: Reads, jobs: Jobs): Promise<Reading<QueuedJob>> {
  let from = 'queue';
  try {
    from = await masterOf(reach);
    const answer = await reach.redis?.ask('queue', from, ['EVAL', queueScript, '0', ...jobs.queues]);
    const found = (answer as [string, QueuedJob['state'], string, string][]).flatMap(([job, state, data, why]) => {
      const document = documentIn(data, jobs.documentField);
      const last = why.trim().split('\n').at(-1) ?? '';
      return document === undefined ? [] : [{ document, job, state, ...(last === '' ? {} : { why: last }) }];
    });
    return { from, at: reach.now(), found };
  } catch (error) {
    return { from, at: reach.now(), found: [], error: messageOf(error) };
  }
}

/** The one node that says of itself that it is master: a replica's queue is a copy that lags. */
async function masterOf({ redis }: Reads): Promise<string> {
  if (!redis?.groups.includes('queue')) throw new Error('the target file names no Redis for the queue');
  const nodes = await redis.nodes('queue');
  const roles = await Promise.all(
    nodes.map(async (node) => ({ node, role: ((await redis.ask('queue', node, ['ROLE'])) as unknown[])[0] })),
  );
  const [master, ...others] = roles.filter(({ role }) => role === 'master');
  if (!master || others.length > 0)
    throw new Error(
      `wanted one master of the queue, saw ${roles.map(({ node, role }) => `${node} ${role}`).join(', ') || 'no node'}`,
    );
  return master.node;
}

/** Undefined for a job about something else. */
function documentIn(data: string, documentField: string): string | undefined {
  try {
    const { kwargs } = JSON.parse(data) as { kwargs?: { doc?: Record<string, unknown> } };
    const name = kwargs?.doc?.[documentField];
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined; // another kind of job
  }
}
