// What the command does without a cluster: list, judge evidence again, and say in one line what can't be reached.
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { repo } from '../../lab/shakedown.ts';
import { scratchFolder, shakedownIn, unreachableTarget } from './command.ts';

const example = join(repo, 'examples/lost-writes');
let folder: string;
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('lists the scenarios as one array', async () => {
  const ran = await shakedownIn(folder, ['list', '--json']);
  expect(ran.code).toBe(0);
  const listed = JSON.parse(ran.stdout) as Record<string, string>[];
  expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(['control', 'galera-writer-crash']));
  for (const each of listed) expect(Object.keys(each).sort()).toEqual(['hypothesis', 'name', 'suite']);
});

it('judges the example to the same bytes anywhere: not ready, lost markers named', async () => {
  await cp(example, join(folder, 'moved'), { recursive: true });
  const here = await shakedownIn(repo, ['judge', example, '--json']);
  const there = await shakedownIn(folder, ['judge', 'moved', '--json']);
  expect(here.code).toBe(1);
  expect(there.code).toBe(1);
  expect(there.stdout).toBe(here.stdout);
  const verdict = JSON.parse(here.stdout);
  expect(verdict.ledger.lost).toBeGreaterThan(0);
  const lost = verdict.findings.find(({ check }: { check: string }) => check === 'ledger.lost');
  expect(lost.examples).toHaveLength(Math.min(10, verdict.ledger.lost));
  // What the run itself concluded is what anybody concludes from its evidence.
  expect(await readFile(join(example, 'galera-writer-crash/verdict.json'), 'utf8')).toBe(here.stdout);
});

it.each(['journal.ndjson', 'samples.ndjson', 'ledger.ndjson'])(
  'a run folder whose %s is cut off in the middle of a line is never passed, and says where',
  async (file) => {
    const run = join(folder, 'galera-writer-crash');
    await cp(join(example, 'galera-writer-crash'), run, { recursive: true });
    const { length } = await readFile(join(run, file));
    await truncate(join(run, file), Math.floor(length * 0.6));
    const ran = await shakedownIn(folder, ['judge', run, '--json']);
    const verdict = JSON.parse(ran.stdout);
    const files = verdict.findings.find(({ check }: { check: string }) => check === 'run.files');
    expect(files.outcome).toBe('inconclusive');
    expect(files.says).toContain(file);
    expect(ran.code).toBeGreaterThan(0);
    expect(verdict.outcome).not.toBe('passed');
  },
);

it('what is no run folder is told, and nothing is judged', async () => {
  await writeFile(join(folder, 'note.txt'), 'not a run');
  for (const path of ['nowhere', folder]) {
    const ran = await shakedownIn(folder, ['judge', path]);
    expect(ran.code).toBe(64);
    expect(ran.stderr).toContain('not a run folder');
  }
});

it('an API server out of reach is inconclusive, told in one line', async () => {
  const file = await unreachableTarget(folder);
  const ran = await shakedownIn(folder, ['run', 'control', '--target', file], { SHAKEDOWN_K6: await fakeK6(folder) });
  expect(ran.code).toBe(2);
  expect(ran.stderr.trim().split('\n').at(-1)).toMatch(/127\.0\.0\.1:9.*Next: /);
});

it('a k6 that is not there is told before the target is asked', async () => {
  const file = await unreachableTarget(folder);
  const ran = await shakedownIn(folder, ['run', 'control', '--target', file], { SHAKEDOWN_K6: '/nowhere/k6' });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain('no usable k6');
  expect(ran.stderr).toContain('SHAKEDOWN_K6');
});

it('an undo without a cluster says that it could not look', async () => {
  const file = await unreachableTarget(folder);
  const ran = await shakedownIn(folder, ['undo', '--target', file]);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain('127.0.0.1:9');
});

/** Says the version that the suite asks for first; it is never asked for more here. */
async function fakeK6(place: string): Promise<string> {
  const file = join(place, 'k6');
  await writeFile(file, '#!/bin/sh\necho "k6 v2.2.0"\n', { mode: 0o755 });
  return file;
}
