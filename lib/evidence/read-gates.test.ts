import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { start } from '../../tests/fixtures/evidence.ts';
import { writeGate } from '../../tests/fixtures/write-gate.ts';
import { compareGates } from '../judge/compare-gates.ts';
import { foldersMax, readEarlierGates, readGate } from './read-gates.ts';

const dayMs = 86_400_000;
const day = (days: number) => start + days * dayMs;
let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'shakedown-gates-'));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

/** What is earlier than a gate that is written last, with the same reasons counted together. */
async function earlier(own?: string) {
  const folder = own ?? (await writeGate(runs, { startedAt: day(100) }));
  const gate = await readGate(folder);
  const { gates, leftOut } = await readEarlierGates(runs, gate, folder);
  return { gates, leftOut: compareGates(gate, gates, leftOut).leftOut };
}

test('a gate is read with its figures and with what makes them comparable', async () => {
  const gate = await readGate(await writeGate(runs, { startedAt: day(0), p95Ms: 61 }));
  expect(gate).toMatchObject({ startedAt: day(0), suite: 'smoke', target: { name: 'lab' }, leftOut: [] });
  const [run] = gate.runs;
  expect(run).toMatchObject({
    scenario: 'galera-writer-crash',
    outcome: 'passed',
    ended: 'completed',
    claim: { judgeVersion: 1, faults: ['galera/writer-crash'], recovery: { recoveryMsMax: 30_000 } },
    load: { profile: 'gate', ratesPerSecond: { 'barcode-lookup': 20 }, leftOut: [] },
  });
  expect(run?.measured).toContainEqual({ check: 'scans-p95', phase: 'after', value: 61 });
  expect(run?.claim.objectives.map(({ name }) => name)).toEqual(['scans-good', 'scans-p95']);
});

test('earlier gates are those of the same target and suite that began before', async () => {
  await writeGate(runs, { startedAt: day(98), p95Ms: 41 });
  await writeGate(runs, { startedAt: day(99), p95Ms: 42 });
  await writeGate(runs, { startedAt: day(97), over: { target: { name: 'staging', environment: 'staging' } } });
  await writeGate(runs, { startedAt: day(96), over: { suite: 'full' } });
  await writeGate(runs, { startedAt: day(101) });
  await writeGate(runs, { startedAt: day(9) });
  await symlink('nowhere', join(runs, 'latest'));
  await mkdir(join(runs, 'notes'));
  const { gates, leftOut } = await earlier();
  expect(gates.map(({ startedAt }) => startedAt)).toEqual([day(99), day(98)]);
  expect(leftOut).toEqual([
    { what: 'folders', reason: 'no gate by their name', count: 1 },
    { what: 'gates', reason: 'later than this one', count: 1 },
    { what: 'gates', reason: 'of another suite', count: 1 },
    { what: 'gates', reason: 'of another target', count: 1 },
    { what: 'gates', reason: 'older than 90 days', count: 1 },
  ]);
});

test('a folder of runs that is not there has no gates', async () => {
  const own = await writeGate(runs, { startedAt: day(0) });
  expect(await readEarlierGates(join(runs, 'nowhere'), await readGate(own), own)).toEqual({ gates: [], leftOut: [] });
});

test.each([
  ['cut off', (folder: string) => truncate(join(folder, 'readiness.json'), 900), 'readiness.json cut off, or no JSON'],
  ['missing', (folder: string) => rm(join(folder, 'readiness.json')), 'readiness.json missing, or not readable'],
  [
    'of another version',
    (folder: string) => writeFile(join(folder, 'readiness.json'), '{"schema":"shakedown.readiness/2"}'),
    'readiness.json of another version',
  ],
  [
    'not what it says',
    (folder: string) => writeFile(join(folder, 'readiness.json'), '{"schema":"shakedown.readiness/1","runs":7}'),
    'readiness.json not understood',
  ],
  ['huge', (folder: string) => truncate(join(folder, 'readiness.json'), 5 << 20), 'readiness.json of more than 4 MiB'],
  [
    'a pipe that nobody writes to',
    async (folder: string) => {
      await rm(join(folder, 'readiness.json'));
      execFileSync('mkfifo', [join(folder, 'readiness.json')]);
    },
    'readiness.json missing, or not readable',
  ],
])('a readiness.json that is %s is left out, and the next gate is read', async (_what, spoil, reason) => {
  await writeGate(runs, { startedAt: day(98) });
  await spoil(await writeGate(runs, { startedAt: day(99) }));
  const { gates, leftOut } = await earlier();
  expect(gates.map(({ startedAt }) => startedAt)).toEqual([day(98)]);
  expect(leftOut).toEqual([{ what: 'gates', reason, count: 1 }]);
});

const run = 'galera-writer-crash';
test.each([
  [
    'a claim that is cut off',
    (folder: string) => truncate(join(folder, run, 'claim.json'), 50),
    'claim.json cut off, or no JSON',
  ],
  [
    'a claim of nothing',
    (folder: string) => writeFile(join(folder, run, 'claim.json'), '[]'),
    'claim.json not understood',
  ],
  [
    'objectives that are none',
    (folder: string) =>
      writeFile(
        join(folder, run, 'claim.json'),
        '{"hypothesis":"","judgeVersion":1,"faults":[],"recovery":null,"objectives":[{"source":"k6","phases":7}]}',
      ),
    'claim.json not understood',
  ],
  [
    'a journal that is cut off in its first line',
    (folder: string) => truncate(join(folder, run, 'journal.ndjson'), 50),
    'journal.ndjson cut off',
  ],
  [
    'a journal that begins with something else',
    (folder: string) => writeFile(join(folder, run, 'journal.ndjson'), '{"kind":"note"}\n'),
    'journal.ndjson not understood',
  ],
  ['no folder', (folder: string) => rm(join(folder, run), { recursive: true }), 'claim.json missing, or not readable'],
])('a run with %s is left out of its gate', async (_what, spoil, reason) => {
  await spoil(await writeGate(runs, { startedAt: day(99) }));
  const { gates, leftOut } = await earlier();
  expect(gates.map(({ runs: read }) => read)).toEqual([[]]);
  expect(leftOut).toEqual([{ what: 'runs', reason, count: 1 }]);
});

test.each(['../../etc', '/etc', '..', '.', '', 'a/b'])('a run whose folder is %j is not followed', async (folder) => {
  const own = await writeGate(runs, { startedAt: day(100) });
  const { readiness } = { readiness: await import(join(own, 'readiness.json'), { with: { type: 'json' } }) };
  const [first] = readiness.default.runs;
  await writeGate(runs, { startedAt: day(99), over: { runs: [{ ...first, folder }] } });
  const { gates, leftOut } = await earlier(own);
  expect(gates.map(({ runs: read }) => read)).toEqual([[]]);
  expect(leftOut).toEqual([{ what: 'runs', reason: 'their folder lies elsewhere', count: 1 }]);
});

test('a copy of a gate is no second night, and a copy of this one is no night before', async () => {
  const one = await writeGate(runs, { startedAt: day(99) });
  await cp(one, join(runs, `${basename(one)}-2`), { recursive: true });
  const own = await writeGate(runs, { startedAt: day(100) });
  await cp(own, join(runs, `${basename(own)}-2`), { recursive: true });
  const { gates, leftOut } = await earlier(own);
  expect(gates).toHaveLength(1);
  expect(leftOut).toEqual([{ what: 'gates', reason: 'copies of another', count: 2 }]);
});

test('names of a hostile folder are only ever opened, and never told', async () => {
  await mkdir(join(runs, '20261124-013000-\u001b[2J<script>'), { recursive: true });
  await mkdir(join(runs, '99991231-000000-gate'));
  const { gates, leftOut } = await earlier();
  expect(gates).toEqual([]);
  expect(leftOut).toEqual([
    { what: 'gates', reason: 'later than this one', count: 1 },
    { what: 'gates', reason: 'readiness.json missing, or not readable', count: 1 },
  ]);
});

test('of thousands of folders the newest are looked at, and the others counted', async () => {
  const hidden = await writeGate(runs, { startedAt: day(20) });
  for (let index = 0; index < 2_000; index++)
    await mkdir(join(runs, `20270101-${String(index).padStart(6, '0')}-gate`));
  const { gates, leftOut } = await earlier();
  expect(gates).toEqual([]);
  expect(leftOut).toEqual([
    { what: 'folders', reason: 'not looked at, being older', count: 2_001 - foldersMax },
    { what: 'gates', reason: 'readiness.json missing, or not readable', count: foldersMax },
  ]);
  // It would have been one, had it been looked for.
  expect((await readGate(hidden)).runs).toHaveLength(1);
});

test('what is no gate is told as that', async () => {
  await expect(readGate(join(runs, 'nowhere'))).rejects.toThrow(/readiness\.json.*missing, or not readable.*Next: /s);
});
