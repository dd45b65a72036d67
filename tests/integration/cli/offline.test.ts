// What the command does without a cluster: list, judge evidence again, and say in one line what can't be reached.
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { smallRun } from '../../fixtures/evidence.ts';
import { gateOf } from '../../fixtures/readiness.ts';
import { writeManifest, writeRunFolder } from '../../fixtures/write-run-folder.ts';
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

it('a byte that was changed is named, and what passed is inconclusive', async () => {
  const run = join(folder, 'run');
  await writeRunFolder(run, smallRun());
  expect((await shakedownIn(folder, ['judge', 'run'])).code).toBe(0);
  const samples = await readFile(join(run, 'samples.ndjson'), 'utf8');
  await writeFile(join(run, 'samples.ndjson'), samples.replace('"status":"500"', '"status":"200"'));
  const ran = await shakedownIn(folder, ['judge', 'run']);
  expect(ran.code).toBe(2);
  expect(ran.stdout.replaceAll(/\s+/g, ' ')).toContain('samples.ndjson: changed: its SHA-256 is');
});

it('a run of another version is refused and says by whom it can be judged; it stands in the way of no other', async () => {
  await writeRunFolder(join(folder, 'gate/a'), smallRun());
  await writeRunFolder(join(folder, 'gate/b'), smallRun());
  const later = { name: 'later', judgeVersion: 2, hypothesis: 'It is faster.', objectives: 'as a tree' };
  await writeFile(join(folder, 'gate/a/claim.json'), JSON.stringify(later));
  const ran = await shakedownIn(folder, ['judge', 'gate', '--json']);
  expect(ran.code).toBe(2);
  const [refused, judged] = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(refused).toMatchObject({ scenario: 'later', outcome: 'inconclusive', findings: [{ check: 'run.version' }] });
  expect(refused.findings[0].says).toContain('judge with the release that made the run');
  expect(judged).toMatchObject({ outcome: 'passed' });
});

it('a run before that is another one than was chained is told, and exits with 2; one that is not here is told', async () => {
  await writeRunFolder(join(folder, 'gate/control'), smallRun());
  await writeRunFolder(join(folder, 'gate/pods'), smallRun());
  const whole = await shakedownIn(folder, ['judge', 'gate/pods', '--json']);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  // The run before is changed, and given a manifest that fits.
  await writeFile(join(folder, 'gate/control/note.txt'), 'nothing was lost');
  await writeManifest(join(folder, 'gate/control'));
  const broken = await shakedownIn(folder, ['judge', 'gate/pods', '--json']);
  expect(broken.code).toBe(2);
  expect(broken.stderr).toMatch(/pods: the run before it, "control" .*, is not what it was: its manifest has SHA-256/);
  await rm(join(folder, 'gate/control'), { recursive: true });
  const alone = await shakedownIn(folder, ['judge', 'gate/pods', '--json']);
  expect(alone.code).toBe(0);
  expect(alone.stderr).toContain('is not here, so the chain ends with this one');
  // The verdict itself is of this run alone.
  expect(broken.stdout).toBe(whole.stdout);
  expect(alone.stdout).toBe(whole.stdout);
});

it('a report is never better than its evidence', async () => {
  const gate = join(folder, 'gate');
  const { readiness } = gateOf([smallRun()]);
  await writeRunFolder(join(gate, 'galera-writer-crash'), smallRun());
  await writeFile(join(gate, 'readiness.json'), JSON.stringify(readiness));
  const whole = await shakedownIn(folder, ['report', 'gate']);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  await truncate(join(gate, 'galera-writer-crash/ledger.ndjson'), 9_000);
  const changed = await shakedownIn(folder, ['report', 'gate']);
  expect(changed.code).toBe(2);
  expect(changed.stderr).toMatch(/"galera-writer-crash" is (inconclusive|failed) now/);
  expect(await readFile(join(gate, 'junit.xml'), 'utf8')).toContain('ledger.ndjson');
});

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
