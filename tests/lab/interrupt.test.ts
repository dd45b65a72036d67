// Ctrl-C at any moment: the fault is undone, the evidence kept, exit 130; and a killed suite's tickets can be taken back from elsewhere.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';
import { type Ran, repo, run } from './shakedown.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'shakedown-interrupt-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const program = [process.execPath, join(repo, 'cli/main.ts')] as const;

/** Plays the crash, and sends the signal as soon as the progress says what is waited for. */
function playUntil(says: string, signal: NodeJS.Signals): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const [node, main] = program;
    const child = spawn(node, [main, 'run', 'galera-writer-crash', '--json', '--runs', scratch], {
      cwd: repo,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr, sent] = ['', '', false];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      if (sent || !stderr.includes(says)) return;
      sent = true;
      child.kill(signal);
    });
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

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

it('a suite that was killed leaves a ticket, which undo takes back, twice, from another folder', async () => {
  const killed = await playUntil('holding', 'SIGKILL');
  expect(killed.code).toBe(null);
  expect(await ofTheSuite('configmaps')).toContain('shakedown-ticket');
  const [node, main] = program;
  const undo = (...args: string[]) => run(node, [main, 'undo', ...args], scratch);
  const first = await undo(join(scratch, 'latest'));
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain('undone, nothing left');
  const second = await undo('--all');
  expect(second.code).toBe(0);
  expect(second.stdout).toContain('nothing to undo');
  expect(await ofTheSuite('configmaps,pods')).toBe('');
  const judged = await run(node, [main, 'judge', join(scratch, 'latest')], scratch);
  expect(judged.code).toBe(2);
  expect(judged.stdout).toContain('the run was cut off');
});
