import { expect, test } from 'vitest';
import { claimOf, evidenceOf, nodes } from '../../tests/fixtures/evidence.ts';
import type { Claim } from '../model/claim.ts';
import type { Evidence, JobRows, LedgerLine, QueuedJob } from '../model/evidence.ts';
import { tablesOf } from '../tables/run-tables.ts';
import { judgeJobs } from './jobs.ts';
import { judge } from './judge.ts';

const rule = { lostMax: 2, failedMax: 0, duplicatedMax: 0 } as const;
const claim = claimOf({ jobs: rule });
const bare = evidenceOf(claim);
const documents = new Map(
  bare.ledger.flatMap((line) => (line.kind === 'document' ? [[line.document.name, line.document.marker]] : [])),
);
const [first = '', second = '', third = ''] = [...documents.keys()];
const owed = documents.size;
const documentsOf = (bare.ledger.at(-1) as { at: number }).at + 1_000;
const end = (of: 'rows' | 'queue', from: string): LedgerLine => ({
  kind: 'jobs-read',
  of,
  from,
  documentsOf,
  at: documentsOf + 100,
});

/** Each document's job left one row on each Galera node, and the queue is empty. */
const whole: Evidence = {
  ...bare,
  ledger: [
    ...bare.ledger,
    ...nodes.flatMap((node) => [
      ...[...documents].map(
        ([document, marker]): LedgerLine => ({
          kind: 'job-rows',
          rows: { node, marker, document, jobs: [`erp::${document}`] },
        }),
      ),
      end('rows', node),
    ]),
    end('queue', 'redis-queue-0'),
  ],
};

const withLedger = (
  change: (line: LedgerLine) => LedgerLine | undefined,
  more: readonly LedgerLine[] = [],
): Evidence => ({
  ...whole,
  ledger: [...whole.ledger.flatMap((line) => change(line) ?? []), ...more],
});
/** Other rows of one document, on the nodes named. */
const rowsOf = (
  changes: Readonly<Record<string, readonly string[]>>,
  on: readonly string[] = nodes,
  more: readonly LedgerLine[] = [],
) =>
  withLedger((line) => {
    if (line.kind !== 'job-rows' || !on.includes(line.rows.node)) return line;
    const jobs = changes[line.rows.document];
    return jobs ? { ...line, rows: { ...line.rows, jobs } satisfies JobRows } : line;
  }, more);
const queued = (document: string, state: QueuedJob['state'], why?: string): LedgerLine => ({
  kind: 'queued-job',
  queued: { document, job: `erp::${document}`, state, ...(why ? { why } : {}) },
});
const unread = (of: 'rows' | 'queue', from: string) =>
  withLedger((line) =>
    line.kind === 'jobs-read' && line.of === of && line.from === from ? { ...line, error: 'connection refused' } : line,
  );
const unreadQueueOf = (evidence: Evidence): Evidence => ({
  ...evidence,
  ledger: evidence.ledger.map((line) =>
    line.kind === 'jobs-read' && line.of === 'queue' ? { ...line, error: 'two masters' } : line,
  ),
});

const findings = (evidence: Evidence, of: Claim = claim) => judgeJobs(of, tablesOf(evidence));
const outcomes = (evidence: Evidence, of: Claim = claim) =>
  Object.fromEntries(findings(evidence, of).map(({ check, outcome }) => [check.replace('jobs.', ''), outcome]));
const says = (evidence: Evidence, check: string) => findings(evidence).find((one) => one.check === check);
const all = { read: 'passed', accounted: 'passed', twice: 'passed', failed: 'passed', lost: 'passed' };

test('when each document’s job left one row on each node, all is accounted for', () => {
  expect(outcomes(whole)).toEqual(all);
  expect(says(whole, 'jobs.accounted')?.says).toBe(`${owed} owed = ${owed} done + 0 failed + 0 waiting + 0 lost.`);
});

test('the verdict has what was found of jobs', () => {
  const checks = judge(claim, whole).findings.map(({ check }) => check);
  expect(checks).toEqual(expect.arrayContaining(findings(whole).map(({ check }) => check)));
  expect(judge(claim, rowsOf({ [first]: ['a', 'a'] })).outcome).toBe('failed');
});

test('a claim that counts no jobs says nothing of them', () => {
  expect(findings(whole, claimOf())).toEqual([]);
});

test('jobs that no row and no queue knows of are lost: as many as the policy allows pass, one more fails', () => {
  const two = rowsOf({ [first]: [], [second]: [] });
  expect(outcomes(two)).toEqual(all);
  expect(says(two, 'jobs.lost')).toMatchObject({ measured: 2, bound: '≤ 2' });
  expect(says(two, 'jobs.accounted')?.says).toContain(
    `${owed} owed = ${owed - 2} done + 0 failed + 0 waiting + 2 lost`,
  );
  const three = rowsOf({ [first]: [], [second]: [], [third]: [] });
  expect(outcomes(three)).toEqual({ ...all, lost: 'failed' });
  expect(says(three, 'jobs.lost')?.examples).toEqual(expect.arrayContaining([expect.stringContaining(first)]));
});

test('without the queue nobody can tell whether what left no row is lost or waits', () => {
  const three = rowsOf({ [first]: [], [second]: [], [third]: [] });
  expect(outcomes(unreadQueueOf(three))).toEqual({
    read: 'inconclusive',
    accounted: 'inconclusive',
    twice: 'inconclusive',
    failed: 'inconclusive',
    lost: 'inconclusive',
  });
});

test('two rows of one job are a job that ran twice, and so are two jobs of one document', () => {
  for (const jobs of [
    [`erp::${first}`, `erp::${first}`],
    [`erp::${first}`, 'erp::another'],
  ]) {
    const twice = rowsOf({ [first]: jobs });
    expect(outcomes(twice)).toEqual({ ...all, twice: 'failed' });
  }
  expect(says(rowsOf({ [first]: ['a', 'a'] }), 'jobs.twice')?.examples?.[0]).toContain('2 rows of job a on galera-0');
  // Also when only one node has it so.
  expect(outcomes(rowsOf({ [first]: ['a', 'a'] }, ['galera-2'])).twice).toBe('failed');
});

test('twice is seen although something else could not be read, but that nothing ran twice is not', () => {
  expect(outcomes(unreadQueueOf(rowsOf({ [first]: ['a', 'a'] }))).twice).toBe('failed');
  expect(outcomes(unread('rows', 'galera-1')).twice).toBe('inconclusive');
});

test('a job that is done and in the queue again may yet run twice', () => {
  const again = rowsOf({}, nodes, [queued(first, 'waiting')]);
  expect(outcomes(again)).toEqual({ ...all, twice: 'inconclusive' });
});

test('a job that waits or is under way after the drain is open: neither done nor lost', () => {
  for (const state of ['waiting', 'started'] as const) {
    const open = rowsOf({ [first]: [] }, nodes, [queued(first, state)]);
    expect(outcomes(open)).toEqual({ ...all, accounted: 'inconclusive' });
    expect(says(open, 'jobs.accounted')?.says).toContain('1 waiting + 0 lost');
  }
});

test('a failed job is failed and not lost, and is told with its reason', () => {
  const failed = rowsOf({ [first]: [] }, nodes, [queued(first, 'failed', 'OperationalError: gone away')]);
  expect(outcomes(failed)).toEqual({ ...all, failed: 'failed' });
  expect(says(failed, 'jobs.failed')?.examples?.[0]).toContain('gone away');
  expect(outcomes(failed, claimOf({ jobs: { ...rule, failedMax: 1 } }))).toEqual(all);
  // Given up by its worker's lease, and done all the same.
  expect(outcomes(rowsOf({}, nodes, [queued(first, 'failed')]))).toEqual(all);
});

test('a row on some Galera nodes and not on others is no account', () => {
  const differ = rowsOf({ [first]: [] }, ['galera-2']);
  expect(outcomes(differ)).toEqual({ ...all, accounted: 'failed' });
  expect(says(differ, 'jobs.accounted')?.examples?.[0]).toContain('none on galera-2');
  // A node that was not read says nothing: it can't differ.
  const silent = unread('rows', 'galera-2');
  expect(outcomes(silent)).toMatchObject({ read: 'inconclusive', accounted: 'inconclusive', lost: 'inconclusive' });
});

test('nothing read is nothing known, however empty the queue', () => {
  const none = {
    read: 'inconclusive',
    accounted: 'inconclusive',
    twice: 'inconclusive',
    failed: 'inconclusive',
    lost: 'inconclusive',
  };
  expect(outcomes(bare)).toEqual(none);
  expect(says(bare, 'jobs.read')?.says).toContain('site.jobs');
  expect(outcomes(withLedger((line) => (line.kind === 'job-rows' ? undefined : line)))).toEqual(none);
  expect(outcomes(withLedger((line) => (line.kind === 'jobs-read' && line.of === 'queue' ? undefined : line)))).toEqual(
    none,
  );
});

test('an acknowledged write without a document that owes a job leaves the account open; one of later does not', () => {
  const without = withLedger((line) => (line.kind === 'job-rows' && line.rows.document === first ? undefined : line));
  expect(outcomes(without)).toEqual({ ...all, accounted: 'inconclusive' });
  const later: Evidence = {
    ...without,
    operations: without.operations.map((one) =>
      one.write?.marker === documents.get(first) ? { ...one, sentAt: documentsOf + 1 } : one,
    ),
  };
  expect(outcomes(later)).toEqual(all);
});

test('writes of the run whose load was taken over are that run’s to account for', () => {
  const before = 'rsynthetic-01';
  const evidence: Evidence = {
    ...whole,
    journal: whole.journal.map((line) =>
      line.kind === 'header' ? { ...line, header: { ...line.header, steadyOf: before } } : line,
    ),
    operations: whole.operations.map((one, index) =>
      one.write && index < 40 ? { ...one, write: { ...one.write, marker: `${before}-issue-${index}` } } : one,
    ),
  };
  expect(outcomes(evidence)).toEqual(all);
});
