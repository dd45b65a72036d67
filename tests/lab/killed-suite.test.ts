// The suite dies in the middle of its faults, one for each way to undo: the guardian alone takes them back, also when one of its pods dies
// in the same moment; and without a guardian `shakedown undo` does, from another folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';
import type { Reach, TargetSnapshot } from '../../lib/model/reach.ts';
import { takeSnapshot } from '../../lib/probes/target-snapshot.ts';
import { takeGuardianReports } from '../../lib/runner/guardian.ts';
import { leaseDurationMs } from '../../lib/runner/lease.ts';
import { asBefore, type HangingSuite, hangIn, keptInTarget, openLab } from '../faults/hanging-suite.ts';
import { oneOfEachUndo } from '../faults/one-of-each-undo.ts';
import { repo, run } from './shakedown.ts';

let reach: Reach & AsyncDisposable;
let before: TargetSnapshot;
let suite: HangingSuite | undefined;
let elsewhere: string;

const guardians = (replicas: number) =>
  kubectl(['scale', 'deployment', 'shakedown-guardian', '--namespace', 'shakedown', `--replicas=${replicas}`]);
const undo = () => run(process.execPath, [join(repo, 'cli/main.ts'), 'undo'], elsewhere);

beforeAll(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), 'shakedown-elsewhere-'));
  reach = await openLab();
  before = await takeSnapshot(reach);
});
afterEach(async () => {
  await suite?.kill();
  suite = undefined;
  expect(await undo()).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await guardians(2);
  await kubectl(['rollout', 'status', 'deployment/shakedown-guardian', '--namespace', 'shakedown', '--timeout=60s']);
  await reach[Symbol.asyncDispose]();
  await rm(elsewhere, { recursive: true, force: true });
});

it('the guardian alone takes back one fault of each kind, though one of its pods dies in the same moment', async () => {
  suite = await hangIn(oneOfEachUndo);
  expect(await keptInTarget(reach)).toEqual(expect.arrayContaining([`shakedown-ticket-${suite.runId}-1`]));
  const pods = await reach.cluster.pods('shakedown', 'app.kubernetes.io/name=shakedown-guardian');
  await Promise.all([
    suite.kill(),
    kubectl(['delete', 'pod', pods[0]?.name ?? '', '--namespace', 'shakedown', '--grace-period=0', '--force']),
  ]);
  const { runId } = suite;
  await until('the guardian tells what it did', leaseDurationMs + 120_000, async () => {
    const kept = await keptInTarget(reach);
    return kept.includes(`shakedown-guardian-${runId}`) || kept.join(', ');
  });
  const report = (await takeGuardianReports(reach.cluster, 'shakedown')).find((one) => one.runId === runId);
  expect(report?.undone.flatMap(({ left }) => left)).toEqual([]);
  expect(report?.undone.map(({ fault }) => fault).sort()).toEqual([...oneOfEachUndo].sort());
  await asBefore(reach, before, 90_000);
  await until('nothing of the run is left', 30_000, async () => {
    const kept = await keptInTarget(reach);
    return kept.length === 0 || kept.join(', ');
  });
});

it('without a guardian, undo from another folder takes all back, and says so twice', async () => {
  await guardians(0);
  suite = await hangIn(oneOfEachUndo);
  await suite.kill();
  const first = await undo();
  expect(first.code, first.stdout + first.stderr).toBe(0);
  expect(first.stdout.match(/undone, nothing left/g)).toHaveLength(oneOfEachUndo.length);
  await asBefore(reach, before, 90_000);
  expect(await keptInTarget(reach)).toEqual([]);
  expect((await undo()).stdout).toContain('nothing to undo');
});
