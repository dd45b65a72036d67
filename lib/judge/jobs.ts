// Each submitted document owes one background job. At the end each of them was done, failed where an operator sees it, waits, or is lost;
// none ran twice. Lost is what no row and no queue knows of, so a place that was not read keeps it open.
import type { Claim, JobsRule } from '../model/claim.ts';
import type { JobRows, QueuedJob } from '../model/evidence.ts';
import type { Finding, Outcome } from '../model/verdict.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { acknowledgedCode } from '../tables/write-table.ts';
import { compareText, examplesOf } from './findings.ts';
import { counted } from './numbers.ts';
import { eachOwnWrite } from './own-writes.ts';

/** Documents by how their job ended, each with a line that says what was seen where. */
interface Account {
  readonly owed: number;
  readonly done: number;
  readonly twice: readonly string[];
  /** Done, and handed out again: it may yet run twice. */
  readonly again: readonly string[];
  /** A row on some Galera nodes and not on others. */
  readonly differ: readonly string[];
  readonly failed: readonly string[];
  readonly waiting: readonly string[];
  readonly lost: readonly string[];
}

interface Looked {
  /** Galera nodes whose rows were read to the end. */
  readonly nodes: readonly string[];
  readonly queue: boolean;
  readonly problems: readonly string[];
}

/** None where the claim counts no jobs. */
export function judgeJobs({ jobs: rule, ledger }: Claim, evidence: RunTables): readonly Finding[] {
  if (!rule) return [];
  const looked = lookedAt(evidence, ledger.nodes);
  const account = accountOf(evidence, looked);
  return [
    judgeReading(account, looked, ledger.nodes),
    judgeAccount(account, looked, missedWrites(evidence)),
    judgeTwice(account, looked, rule),
    judgeFailed(account, looked, rule),
    judgeLost(account, looked, rule),
  ];
}

const nothing = 'Of no document the jobs were counted.';

/** Without all places read, what was not seen may be anywhere. */
const isWhole = ({ owed }: Account, { problems }: Looked): boolean => problems.length === 0 && owed > 0;

/** Nothing bad was seen, which is as good as the look was. */
const cleanIf = (whole: boolean): Outcome => (whole ? 'passed' : 'inconclusive');

function judgeReading(account: Account, looked: Looked, nodesMin: number): Finding {
  const { nodes, problems } = looked;
  const on = `on ${counted(nodes.length, 'Galera node')} and in the queue`;
  const good = account.owed === 0 ? nothing : `The jobs of ${counted(account.owed, 'document')} were looked for ${on}.`;
  return {
    check: 'jobs.read',
    outcome: cleanIf(isWhole(account, looked)),
    says: problems.length > 0 ? `Jobs could not be counted everywhere: ${problems.join('; ')}.` : good,
    measured: nodes.length,
    bound: `≥ ${nodesMin}`,
    unit: 'nodes',
  };
}

function judgeAccount(account: Account, looked: Looked, missed: readonly string[]): Finding {
  const { owed, done, differ, failed, waiting, lost } = account;
  const sum = `${owed} owed = ${done} done + ${failed.length} failed + ${waiting.length} waiting + ${lost.length} lost`;
  const says = (): string => {
    if (differ.length > 0) return `The Galera nodes do not agree on ${counted(differ.length, 'job')}: ${sum}.`;
    if (owed === 0) return nothing;
    if (missed.length > 0)
      return `${sum}; but ${counted(missed.length, 'acknowledged write has', 'acknowledged writes have')} no submitted document whose job could be looked for.`;
    return looked.queue ? `${sum}.` : `${sum}, where the queue was not read and what is missing may still wait.`;
  };
  const closed = waiting.length === 0 && missed.length === 0;
  return {
    check: 'jobs.accounted',
    outcome: differ.length > 0 ? 'failed' : cleanIf(isWhole(account, looked) && closed),
    says: says(),
    measured: waiting.length + differ.length,
    bound: '= 0',
    unit: 'jobs open',
    ...withExamples([...differ, ...waiting, ...missed]),
  };
}

function judgeTwice(account: Account, looked: Looked, { duplicatedMax }: JobsRule): Finding {
  const { owed, twice, again } = account;
  const says = (): string => {
    if (twice.length > 0) return `${counted(twice.length, 'job')} of ${owed} ran more than once.`;
    if (again.length > 0) return `${counted(again.length, 'job is', 'jobs are')} done and in the queue again.`;
    return owed === 0 ? nothing : `No job ran twice, of the jobs of ${counted(owed, 'document')}.`;
  };
  return {
    check: 'jobs.twice',
    outcome: twice.length > duplicatedMax ? 'failed' : cleanIf(isWhole(account, looked) && again.length === 0),
    says: says(),
    measured: twice.length,
    bound: `= ${duplicatedMax}`,
    unit: 'jobs',
    ...withExamples([...twice, ...again]),
  };
}

function judgeFailed(account: Account, looked: Looked, { failedMax }: JobsRule): Finding {
  const { owed, failed } = account;
  return {
    check: 'jobs.failed',
    outcome: failed.length > failedMax ? 'failed' : cleanIf(isWhole(account, looked)),
    says:
      owed === 0 ? nothing : `${counted(failed.length, 'job')} of ${owed} failed, as the registry of failed jobs says.`,
    measured: failed.length,
    bound: `≤ ${failedMax}`,
    unit: 'jobs',
    ...withExamples(failed),
  };
}

function judgeLost(account: Account, looked: Looked, { lostMax }: JobsRule): Finding {
  const { owed, lost } = account;
  const many = `${counted(lost.length, 'job')} of ${owed} ${lost.length === 1 ? 'is' : 'are'}`;
  const seen = looked.queue
    ? `${many} neither done nor in the queue.`
    : `${many} not done, and the queue was not read.`;
  // What no row tells of may still wait in a queue that nobody read.
  const tooMany: Outcome = looked.queue ? 'failed' : 'inconclusive';
  return {
    check: 'jobs.lost',
    outcome: lost.length > lostMax ? tooMany : cleanIf(isWhole(account, looked)),
    says: owed === 0 ? nothing : seen,
    measured: lost.length,
    bound: `≤ ${lostMax}`,
    unit: 'jobs',
    ...withExamples(lost),
  };
}

function lookedAt({ ledger }: RunTables, nodesWanted: number): Looked {
  const reads = ledger.flatMap((line) => (line.kind === 'jobs-read' ? [line] : []));
  if (reads.length === 0)
    return { nodes: [], queue: false, problems: ['nobody looked (does the target file have site.jobs?)'] };
  const good = (of: 'rows' | 'queue') => reads.filter((read) => read.of === of && read.error === undefined);
  const nodes = [...new Set(good('rows').map(({ from }) => from))].sort(compareText);
  const queue = good('queue').length > 0;
  const errors = reads.flatMap(({ from, error }) => (error === undefined ? [] : [`${from}: ${error}`]));
  const fewer = nodes.length < nodesWanted ? [`${nodes.length} of ${nodesWanted} Galera nodes read`] : [];
  const unread = queue || errors.length > 0 ? [] : ['the queue was not read'];
  return { nodes, queue, problems: [...errors, ...fewer, ...unread] };
}

function accountOf({ ledger }: RunTables, { nodes }: Looked): Account {
  const rows = new Map<string, JobRows[]>();
  const queued = new Map<string, QueuedJob[]>();
  for (const line of ledger) {
    if (line.kind === 'job-rows' && nodes.includes(line.rows.node)) add(rows, line.rows.document, line.rows);
    if (line.kind === 'queued-job') add(queued, line.queued.document, line.queued);
  }
  const account = {
    owed: rows.size,
    done: 0,
    twice: [] as string[],
    again: [] as string[],
    differ: [] as string[],
    failed: [] as string[],
    waiting: [] as string[],
    lost: [] as string[],
  };
  for (const [document, of] of [...rows].sort(([a], [b]) => compareText(a, b))) {
    const jobsOn = (node: string) => of.find((one) => one.node === node)?.jobs ?? [];
    const having = nodes.filter((node) => jobsOn(node).length > 0);
    const inQueue = queued.get(document) ?? [];
    const open = inQueue.find(({ state }) => state !== 'failed');
    const failure = inQueue.find(({ state }) => state === 'failed');
    const about = `${document} (${of[0]?.marker ?? ''})`;
    if (having.length > 0) {
      account.done += 1;
      const most = [...nodes].sort((a, b) => jobsOn(b).length - jobsOn(a).length)[0] ?? '';
      if (jobsOn(most).length > 1) account.twice.push(`${about}: ${twiceText(jobsOn(most))} on ${most}`);
      if (having.length < nodes.length)
        account.differ.push(`${about}: a row on ${having.join(', ')}, none on ${without(nodes, having).join(', ')}`);
      if (open) account.again.push(`${about}: done, and ${open.job} ${stateText(open)}`);
    } else if (open) account.waiting.push(`${about}: ${open.job} ${stateText(open)}`);
    else if (failure)
      account.failed.push(`${about}: ${failure.job} failed${failure.why ? `: ${failure.why.slice(0, 160)}` : ''}`);
    else account.lost.push(`${about}: no row, and no job in the queue`);
  }
  return account;
}

/** Acknowledged before the documents were looked up, and yet not among them. */
function missedWrites(run: RunTables): readonly string[] {
  const { ledger, writes } = run;
  const since = ledger.reduce(
    (least, line) => (line.kind === 'jobs-read' ? Math.min(least, line.documentsOf) : least),
    Number.POSITIVE_INFINITY,
  );
  if (since === Number.POSITIVE_INFINITY) return [];
  const seen = new Set(ledger.flatMap((line) => (line.kind === 'job-rows' ? [line.rows.marker] : [])));
  const missed: string[] = [];
  eachOwnWrite(run, (row, prefix, number) => {
    let early = false;
    writes.eachRequest(row, (outcome, _, sentAt, durationMs) => {
      early ||= outcome === acknowledgedCode && sentAt + (durationMs || 0) < since;
    });
    if (!early) return;
    const marker = writes.texts.textOf(prefix, number);
    if (!seen.has(marker)) missed.push(`${marker}: acknowledged, and no submitted document`);
  });
  return missed.sort(compareText);
}

const twiceText = (jobs: readonly string[]): string => {
  const different = new Set(jobs).size;
  return different === 1 ? `${jobs.length} rows of job ${jobs[0]}` : `${jobs.length} rows of ${different} jobs`;
};

const stateText = ({ state }: QueuedJob): string => (state === 'started' ? 'is under way' : 'waits');

const without = (all: readonly string[], some: readonly string[]) => all.filter((one) => !some.includes(one));

const withExamples = (all: readonly string[]) => (all.length > 0 ? { examples: examplesOf(all) } : {});

function add<T>(into: Map<string, T[]>, key: string, value: T): void {
  const known = into.get(key);
  if (known) known.push(value);
  else into.set(key, [value]);
}
