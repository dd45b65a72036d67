// The self-test as its user runs it: what it prints, what it keeps, and that a changed judge is another judge.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { judgeHash } from '../../../cli/selftest.ts';
import { selftestSchema } from '../../../lib/model/selftest.ts';
import { selftestOf } from '../../fixtures/selftest.ts';
import { repo } from '../../lab/shakedown.ts';
import { copiedCheckout, scratchFolder, shakedownIn, unreachableTarget } from './command.ts';

let folder: string;
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const kept = async () => selftestSchema.parse(JSON.parse(await readFile(join(folder, 'runs/selftest.json'), 'utf8')));

it('prints one line as JSON, and keeps the counts for gates', async () => {
  const ran = await shakedownIn(folder, ['selftest', '--json']);
  expect(ran.code).toBe(0);
  const { caught, missed, falseAlarms, controls, tier } = JSON.parse(ran.stdout);
  expect({ missed, falseAlarms, tier }).toEqual({ missed: [], falseAlarms: [], tier: 'fast' });
  expect(caught.length).toBeGreaterThanOrEqual(40);
  expect(controls).toBeGreaterThanOrEqual(20);
  expect(await kept()).toMatchObject({ caught: caught.length, controls, missed: [], falseAlarms: [] });
});

it('a judge whose rule was weakened is found out: exit 1, and each defect that it misses is named', async () => {
  const copy = await copiedCheckout(folder);
  await cp(join(repo, 'package-lock.json'), join(copy, 'package-lock.json'));
  const rule = join(copy, 'lib/judge/invariants.ts');
  const text = await readFile(rule, 'utf8');
  await writeFile(rule, text.replace('if (!sameQuantity(after.bin, sum))', 'if (after.bin > sum)'));
  const ran = await shakedownIn(folder, ['selftest'], {}, copy);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toContain('missed: app/serves-stale-stock');
  expect((await kept()).missed).toEqual(['app/serves-stale-stock']);
  expect((await kept()).of).not.toBe(await judgeHash());
});

it('a gate makes it where there is none of this very judge, and only there', async () => {
  const target = await unreachableTarget(folder);
  const play = async () => (await shakedownIn(folder, ['run', 'control', '--target', target])).stderr;
  await mkdir(join(folder, 'runs'));
  await writeFile(join(folder, 'runs/selftest.json'), JSON.stringify(selftestOf()));
  expect(await play()).toContain('self-test');
  const made = await kept();
  expect(made.of).toBe(await judgeHash());
  expect(await play()).not.toContain('self-test');
  expect(await kept()).toEqual(made);
});
