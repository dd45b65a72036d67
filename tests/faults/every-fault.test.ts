// Each fault of the registry, on the lab: its undo is right before anything was injected and when it is asked twice; and when the suite is
// killed in the middle, the guardian alone takes it back, and without a guardian `shakedown undo` does, from another folder, also when the
// helper pod died too. Takes half an hour: `npm test -- faults`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faults } from '../../chaos/registry.ts';
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';
import { managedBy, partLabel } from '../../lib/model/labels.ts';
import type { Reach, TargetSnapshot } from '../../lib/model/reach.ts';
import { guards } from '../../lib/probes/guards.ts';
import { takeSnapshot } from '../../lib/probes/target-snapshot.ts';
import { takeGuardianReports } from '../../lib/runner/guardian.ts';
import { leaseDurationMs } from '../../lib/runner/lease.ts';
import { repo, run } from '../lab/shakedown.ts';
import { asBefore, type HangingSuite, hangIn, keptInTarget, openLab } from './hanging-suite.ts';

let reach: Reach & AsyncDisposable;
let before: TargetSnapshot;
let suite: HangingSuite | undefined;
let elsewhere: string;

const undo = () => run(process.execPath, [join(repo, 'cli/main.ts'), 'undo'], elsewhere);
const guardians = async (replicas: number) => {
  const where = ['deployment/shakedown-guardian', '--namespace', 'shakedown'];
  await kubectl(['scale', ...where, `--replicas=${replicas}`]);
  await kubectl(['rollout', 'status', ...where, '--timeout=90s']);
};

/** A fault begins on a target that is whole, as in a run. */
const whole = () =>
  until('every guard holds', 240_000, async () => {
    for (const { name, check } of guards) {
      if (name === 'guardian-watches' || name === 'no-unfinished-run') continue;
      const { is, seen } = await check(reach);
      if (is !== 'yes') return `${name}: ${seen}`;
    }
    return true;
  });

beforeAll(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), 'shakedown-elsewhere-'));
  reach = await openLab();
});
beforeEach(async () => {
  await whole();
  before = await takeSnapshot(reach);
});
afterEach(async () => {
  await suite?.kill();
  suite = undefined;
  expect(await undo()).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await guardians(2);
  await reach[Symbol.asyncDispose]();
  await rm(elsewhere, { recursive: true, force: true });
});

describe.each(faults.map(({ fault }) => [fault.name, fault] as const))('%s', (name, fault) => {
  it('can be undone before it was injected, and twice', async () => {
    const ticket = await fault.prepare(reach);
    expect(ticket.targets.length).toBeGreaterThan(0);
    await fault.undo(ticket, reach);
    await fault.undo(ticket, reach);
    expect(await fault.residue(ticket, reach)).toMatchObject({ is: 'clean' });
    await asBefore(reach, before, 60_000);
  });

  it('is taken back by the guardian alone', async () => {
    await guardians(2);
    suite = await hangIn([name]);
    await suite.kill();
    const { runId } = suite;
    await until('the guardian tells what it did', leaseDurationMs + 120_000, async () => {
      const kept = await keptInTarget(reach);
      return kept.includes(`shakedown-guardian-${runId}`) || kept.join(', ');
    });
    const report = (await takeGuardianReports(reach.cluster, 'shakedown')).find((one) => one.runId === runId);
    expect(report?.undone).toMatchObject([{ fault: name, left: [] }]);
    await asBefore(reach, before, 120_000);
  });

  it('is taken back by undo from another folder, though its helper pod is gone too', async () => {
    await guardians(0);
    suite = await hangIn([name]);
    await suite.kill();
    const { namespace } = reach.target.suite;
    for (const { name: helper } of await reach.cluster.pods(
      namespace,
      `${managedBy.key}=${managedBy.value},${partLabel}=helper`,
    ))
      await reach.cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name: helper }, { graceSeconds: 0 });
    const first = await undo();
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect(first.stdout).toContain('undone, nothing left');
    await asBefore(reach, before, 120_000);
    expect((await undo()).stdout).toContain('nothing to undo');
  });
});
