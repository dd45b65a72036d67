// The scripts run for real, with files of the test in place of those in the helper's memory.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RealHelper, realHelper } from '../../tests/fakes/real-helper.ts';
import { endInjectScript, injecting } from './inject-script.ts';

let real: RealHelper;
beforeEach(async () => {
  real = await realHelper();
});
afterEach(() => real.end());

const inject = (script: string, ...args: readonly string[]) => real.run(['sh', '-c', injecting(script), 'sh', ...args]);
const end = () => real.run(['sh', '-c', endInjectScript]);
const there = (name: string) =>
  access(join(real.folder, name)).then(
    () => true,
    () => false,
  );

test('a script runs as it would by itself: its arguments, its words, its exit code', async () => {
  expect(await inject(`echo "it's $1"; exit 3`, 'so')).toMatchObject({ exitCode: 3, stdout: "it's so\n" });
  expect(await there('inject')).toBe(false);
});

test('one that still runs is ended with what it started, before anything is taken back', async () => {
  const injected = inject('sh -c "sleep 1.5; touch $1/late" & echo > "$1/began"; wait; touch "$1/late"', real.folder);
  await expect.poll(() => there('began')).toBe(true);
  expect(await end()).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await injected).exitCode).not.toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await there('late')).toBe(false);
});

test('one that begins after undo puts nothing in', async () => {
  expect(await end()).toMatchObject({ exitCode: 0 });
  expect(await inject('touch "$1/late"', real.folder)).toMatchObject({
    exitCode: 9,
    stderr: expect.stringContaining('undo has begun'),
  });
  expect(await there('late')).toBe(false);
  expect(await end()).toMatchObject({ exitCode: 0 });
});

test('a process that has its id by now is none of ours', async () => {
  const stranger = await real.start(undefined);
  await real.run(['sh', '-c', `echo "${stranger.pid} 1" >/dev/shm/inject`]);
  expect(await end()).toMatchObject({ exitCode: 0 });
  expect(await real.run(['sh', '-c', `kill -0 ${stranger.pid}`])).toMatchObject({ exitCode: 0 });
});
