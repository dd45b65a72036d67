// Ctrl-C at any moment: the fault is undone, the evidence kept, exit 130; and a killed suite's tickets can be taken back from elsewhere.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';
import { playUntil as playScenarioUntil, program } from './play-until.ts';
import { type Ran, run } from './shakedown.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'shakedown-interrupt-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const playUntil = (says: string, signal: NodeJS.Signals): Promise<Ran> =>
  playScenarioUntil(scratch, 'galera-writer-crash', says, (suite) => suite.kill(signal));

async function journal(): Promise<readonly { kind: string; step?: string; ended?: string; reason?: string }[]> {
  const text = await readFile(join(scratch, 'latest/galera-writer-crash/journal.ndjson'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const ofTheSuite = (kind: string) =>
  kubectl([
    'get',
    kind,
    '--namespace',
    'shakedown',
    '--selector',
    'app.kubernetes.io/managed-by=shakedown',
    '--output',
    'name',
  ]);

it.each([
  ['before anything is injected', 'steady state', 'SIGINT', false],
  ['while the fault is prepared', 'preparing', 'SIGINT', undefined],
  ['while the fault is held', 'holding', 'SIGTERM', true],
] as const)('%s: undone, kept, 130', async (_when, says, signal, injected) => {
  const ran = await playUntil(says, signal);
  expect(ran.code, ran.stderr).toBe(130);
  const answer = JSON.parse(ran.stdout);
  expect(answer).toMatchObject({ outcome: 'inconclusive', exitCode: 130, runs: [{ ended: 'aborted', residue: [] }] });
  const lines = await journal();
  expect(lines.at(-1)).toMatchObject({ kind: 'ended', ended: 'aborted', reason: expect.stringContaining(signal) });
  const steps = lines.flatMap(({ kind, step }) => (kind === 'step' ? [step] : []));
  if (injected !== undefined) expect(steps.includes('injected')).toBe(injected);
  if (steps.includes('prepared')) expect(steps).toContain('undone');
  expect(await ofTheSuite('configmaps,pods')).toBe('');
  expect(await readdir(join(scratch, 'latest'))).toContain('readiness.html');
});

it('a suite that was killed leaves a ticket; the next run refuses, the guardian undoes, and undo tells of it', async () => {
  const killed = await playUntil('holding', 'SIGKILL');
  expect(killed.code).toBe(null);
  expect(await ofTheSuite('configmaps')).toContain('shakedown-ticket');
  const [node, main] = program;
  const next = await run(node, [main, 'run', 'control', '--runs', join(scratch, 'next')], scratch);
  expect(next.code, next.stdout + next.stderr).toBe(2);
  // Seen in the middle of it, or a moment after.
  expect(next.stderr).toMatch(/the guardian is undoing what it left|just ended; try again/);
  await until('the guardian tells what it did', 60_000, async () => {
    const kept = await ofTheSuite('configmaps');
    return (kept.includes('shakedown-guardian-r') && !kept.includes('ticket')) || kept;
  });
  const undo = (...args: string[]) => run(node, [main, 'undo', ...args], scratch);
  const first = await undo(join(scratch, 'latest'));
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/the guardian .* ended run r[\w-]+ .*1 undone, nothing left/);
  const second = await undo('--all');
  expect(second.code).toBe(0);
  expect(second.stdout).toContain('nothing to undo');
  expect(await ofTheSuite('configmaps,pods')).toBe('');
  const judged = await run(node, [main, 'judge', join(scratch, 'latest')], scratch);
  expect(judged.code).toBe(2);
  expect(judged.stdout).toContain('the run was cut off');
});
