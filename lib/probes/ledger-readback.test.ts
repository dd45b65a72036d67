import { expect, test } from 'vitest';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { answerSnapshot, kept } from '../../tests/fakes/snapshot.ts';
import type { LedgerLine } from '../model/evidence.ts';
import type { SnapshotQuery, SqlRow } from '../model/reach.ts';
import {
  documentsQuery,
  movedQuery,
  readLedger as readAndKeep,
  readStockBefore,
  stockQuery,
} from './ledger-readback.ts';

/** All that it keeps, in a list. */
const readLedger = (
  reach: Parameters<typeof readAndKeep>[0],
  { acknowledged = [] }: { readonly acknowledged?: readonly string[] } = {},
): Promise<LedgerLine[]> => kept((keep) => readAndKeep(reach, { acknowledged, keep }));

const nodes = ['galera-0', 'galera-1', 'galera-2'];

const document = (marker: string, name = `MAT-${marker}`): SqlRow[] => [
  { marker, name, docstatus: 1, item: 'I1', warehouse: 'Stores - W', qty: -2 },
  { marker, name, docstatus: 1, item: 'I2', warehouse: 'Stores - W', qty: 5 },
];
const draft = (marker: string): SqlRow[] => [
  { marker, name: `MAT-${marker}`, docstatus: 0, item: null, warehouse: null, qty: null },
];
const stock: SqlRow[] = [{ item: 'I1', ledger_sum: 3, bin: 3, last_running: 3, running_min: 0 }];

/** `documents` tells what a node has at its nth reading, from 0. */
function world(documents: (node: string, reading: number) => readonly SqlRow[]) {
  const readings = new Map<string, number>();
  const values: unknown[] = [];
  const reach = fakeReach({
    nodes,
    sql: (node, sql, given) => {
      if (sql === stockQuery) return stock;
      values.push(given);
      const reading = readings.get(node) ?? 0;
      readings.set(node, reading + 1);
      return documents(node, reading);
    },
  });
  return { reach, values };
}

const rounds = (lines: Awaited<ReturnType<typeof readLedger>>) =>
  Math.max(...lines.map((line) => (line.kind === 'read' ? line.round : 0)));
const found = (lines: Awaited<ReturnType<typeof readLedger>>, node: string, round: number) =>
  lines.flatMap((line) =>
    line.kind === 'document' && line.document.node === node && line.document.round === round
      ? [line.document.marker]
      : [],
  );

test('when all is there at once, one round says so on every node, and the stock follows', async () => {
  const { reach, values } = world(() => [...document('rtest-issue-1'), ...draft('rtest-issue-2')]);
  const lines = await readLedger(reach, { acknowledged: ['rtest-issue-1'] });
  expect(rounds(lines)).toBe(0);
  expect(lines.filter((line) => line.kind === 'read').map(({ node, what }) => `${node} ${what}`)).toEqual([
    ...nodes.map((node) => `${node} documents`),
    ...nodes.map((node) => `${node} stock-after`),
  ]);
  const [first, second] = lines.flatMap((line) => (line.kind === 'document' ? [line.document] : []));
  expect(first).toMatchObject({
    node: 'galera-0',
    marker: 'rtest-issue-1',
    docstatus: 1,
    lines: [
      { item: 'I1', warehouse: 'Stores - W', qty: -2 },
      { item: 'I2', warehouse: 'Stores - W', qty: 5 },
    ],
  });
  expect(second).toMatchObject({ marker: 'rtest-issue-2', docstatus: 0, lines: [] });
  expect(lines.filter((line) => line.kind === 'stock')).toHaveLength(3);
  expect(values[0]).toEqual(['rtest-%']);
});

test('what comes late on one node is found in a later round, and both rounds are on record', async () => {
  const { reach } = world((node, reading) => (node === 'galera-2' && reading < 3 ? [] : document('rtest-issue-1')));
  const lines = await readLedger(reach, { acknowledged: ['rtest-issue-1'] });
  expect(rounds(lines)).toBe(4);
  expect(found(lines, 'galera-2', 0)).toEqual([]);
  expect(found(lines, 'galera-2', 3)).toEqual(['rtest-issue-1']);
  expect(found(lines, 'galera-0', 4)).toEqual(['rtest-issue-1']);
});

test('what one node has and another has not is looked for again, although nobody acknowledged it', async () => {
  const { reach } = world((node, reading) => (node === 'galera-1' || reading > 0 ? document('rtest-issue-9') : []));
  expect(rounds(await readLedger(reach))).toBe(2);
});

test('what is lost is looked for during ten seconds, no longer', async () => {
  const { reach } = world(() => []);
  const began = reach.now();
  const lines = await readLedger(reach, { acknowledged: ['rtest-issue-1'] });
  expect(rounds(lines)).toBe(11);
  expect(reach.now() - began).toBe(10_000);
});

test('two documents under one marker are both told', async () => {
  const { reach } = world(() => [...document('rtest-issue-1', 'MAT-1'), ...document('rtest-issue-1', 'MAT-2')]);
  expect(found(await readLedger(reach), 'galera-0', 0)).toEqual(['rtest-issue-1', 'rtest-issue-1']);
});

test('a node that is silent at first is read once it answers', async () => {
  const { reach } = world((node, reading) => {
    if (node === 'galera-1' && reading < 20) throw new Error('connection refused');
    return document('rtest-issue-1');
  });
  const lines = await readLedger(reach, { acknowledged: ['rtest-issue-1'] });
  expect(rounds(lines)).toBe(21);
  expect(lines).toContainEqual({
    kind: 'read',
    node: 'galera-1',
    round: 0,
    at: expect.any(Number),
    what: 'documents',
    error: 'connection refused',
  });
  expect(found(lines, 'galera-1', 20)).toEqual(['rtest-issue-1']);
});

test('only who lacks something is read again, and everybody in the last round', async () => {
  const { reach } = world((node, reading) =>
    node === 'galera-2' && reading < 2
      ? document('rtest-issue-1')
      : [...document('rtest-issue-1'), ...document('rtest-issue-2')],
  );
  const lines = await readLedger(reach, { acknowledged: ['rtest-issue-1', 'rtest-issue-2'] });
  const roundsOf = (node: string) =>
    lines.flatMap((line) =>
      line.kind === 'read' && line.node === node && line.what === 'documents' ? [line.round] : [],
    );
  expect([roundsOf('galera-0'), roundsOf('galera-2')]).toEqual([
    [0, 3],
    [0, 1, 2, 3],
  ]);
  expect(found(lines, 'galera-2', 1)).toEqual(['rtest-issue-1']);
  expect(found(lines, 'galera-0', 3)).toEqual(['rtest-issue-1', 'rtest-issue-2']);
});

test('documents go where they are kept before all are read, and what fails there ends the reading', async () => {
  const many = Array.from({ length: 2_500 }, (_, number) => document(`rtest-issue-${number}`)).flat();
  const { reach } = world(() => many);
  const sizes: number[] = [];
  await readAndKeep(reach, { keep: async (lines) => void sizes.push(lines.length) });
  expect(sizes.filter((size) => size >= 1_000)).toHaveLength(2 * nodes.length);
  const full = () => Promise.reject(new Error('no space left on device'));
  await expect(readAndKeep(reach, { keep: full })).rejects.toThrow('no space left on device');
});

test('a node that stays silent is never told as read', async () => {
  const { reach } = world((node) => {
    if (node === 'galera-1') throw new Error('connection refused');
    return document('rtest-issue-1');
  });
  const began = reach.now();
  const lines = await readLedger(reach);
  expect(reach.now() - began).toBe(60_000);
  const reads = lines.filter((line) => line.kind === 'read' && line.node === 'galera-1' && line.what === 'documents');
  expect(reads.every((line) => 'error' in line)).toBe(true);
});

test('a number that is none makes the whole reading an error, not a zero', async () => {
  const { reach } = world(() => [
    { marker: 'rtest-1', name: 'M', docstatus: 1, item: 'I1', warehouse: 'W', qty: null },
  ]);
  const lines = await readLedger(reach);
  expect(lines.some((line) => line.kind === 'document')).toBe(false);
  expect(lines[0]).toMatchObject({ kind: 'read', error: 'column qty is null, not a number' });
});

test('the stock before is read on every node; a node that can’t be read says so', async () => {
  const reach = fakeReach({
    nodes,
    sql: (node) => {
      if (node === 'galera-2') throw new Error('connection refused');
      return stock;
    },
  });
  const lines = await readStockBefore(reach);
  expect(lines[0]).toEqual({
    kind: 'stock',
    level: {
      node: 'galera-0',
      when: 'before',
      at: expect.any(Number),
      item: 'I1',
      warehouse: 'Stores - W',
      ledgerSum: 3,
      bin: 3,
      lastRunning: 3,
      runningMin: 0,
    },
  });
  expect(lines.at(-1)).toMatchObject({
    kind: 'read',
    node: 'galera-2',
    what: 'stock-before',
    error: 'connection refused',
  });
});

test('a marker field is quoted, and one that could break out is refused', () => {
  expect(documentsQuery('custom_client_marker')).toContain('e.`custom_client_marker` LIKE ?');
  expect(() => documentsQuery('x` OR 1=1 -- ')).toThrow('not a column');
});

test('the stock of a second warehouse is read on each node too, and one that can not be read is told', async () => {
  const asked: unknown[] = [];
  let broken = false;
  const base = fakeReach({
    nodes,
    sql: (_node, _sql, given) => {
      asked.push(given?.[0]);
      if (broken && given?.[0] === 'Dock - W') throw new Error('gone');
      return stock;
    },
  });
  const site = { ...base.target.site, warehouse: 'Stores - W', dockWarehouse: 'Dock - W' };
  const reach = { ...base, target: { ...base.target, site } };
  const lines = await readStockBefore(reach);
  expect(asked.sort()).toEqual([...nodes.map(() => 'Dock - W'), ...nodes.map(() => 'Stores - W')]);
  expect(lines.flatMap((line) => (line.kind === 'stock' ? [line.level.warehouse] : [])).sort()).toEqual(asked);
  expect(lines.filter((line) => line.kind === 'read').length).toBe(3);
  broken = true;
  const half = await readStockBefore(reach);
  expect(half.every((line) => line.kind === 'read' && line.error === 'gone')).toBe(true);
});

/** A run of a session, and every look at a node in one transaction. */
function inSession(runId: string, moved: readonly SqlRow[], broken: (sql: string) => boolean = () => false) {
  const looks: (readonly SnapshotQuery[])[] = [];
  const base = fakeReach({ nodes: ['galera-0'] });
  const reach = {
    ...base,
    runId,
    sql: {
      ...base.sql,
      snapshot: (_: string, queries: (typeof looks)[number]) => {
        looks.push(queries);
        return answerSnapshot(queries, ({ sql }) => {
          if (broken(sql)) throw new Error('gone');
          return sql === stockQuery
            ? stock
            : sql === movedQuery('custom_client_marker')
              ? moved
              : document(`${runId}-issue-1`);
        });
      },
    },
  };
  return { reach, looks };
}
const movedRow = (side: number): SqlRow => ({ side, item: 'I1', warehouse: 'Stores - W', qty: -3, documents: 2 });

test('documents, stock and what others moved are of one moment, and it is said whose they were', async () => {
  const { reach, looks } = inSession('rabc-02', [movedRow(-1), movedRow(0), movedRow(1)]);
  const lines = await readLedger(reach, { acknowledged: ['rabc-02-issue-1'] });
  expect(looks.length).toBe(1);
  const asked = new Map(looks[0]?.map(({ sql, values }) => [sql, values]));
  expect(asked.get(documentsQuery('custom_client_marker'))).toEqual(['rabc-02-%']);
  // SUBSTRING('rabc-02-issue-1', 6) begins with the run's number.
  expect(asked.get(movedQuery('custom_client_marker'))).toEqual([6, 2, 'rabc-%']);
  expect(lines.flatMap((line) => (line.kind === 'moved' ? [line.moved] : []))).toEqual(
    (['earlier', 'own', 'later'] as const).map((whose) => ({
      node: 'galera-0',
      when: 'after',
      at: expect.any(Number),
      whose,
      item: 'I1',
      warehouse: 'Stores - W',
      qty: -3,
      documents: 2,
    })),
  );
});

test('before the run the same is read without documents, and a run of no session asks for nobody else', async () => {
  const { reach, looks } = inSession('rabc-02', [movedRow(0)]);
  const lines = await readStockBefore(reach);
  expect(lines.map((line) => line.kind)).toEqual(['stock', 'moved', 'read']);
  expect(looks[0]?.map(({ sql }) => sql)).toEqual([stockQuery, movedQuery('custom_client_marker')]);
  const single = inSession('rtest', []);
  await readStockBefore(single.reach);
  expect(single.looks[0]?.map(({ sql }) => sql)).toEqual([stockQuery]);
});

test('where one part can not be read nothing of that look counts', async () => {
  const { reach } = inSession('rabc-02', [], (sql) => sql === movedQuery('custom_client_marker'));
  const lines = await readStockBefore(reach);
  expect(lines).toMatchObject([{ kind: 'read', what: 'stock-before', error: 'gone' }]);
});
