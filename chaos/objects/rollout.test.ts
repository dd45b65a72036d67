import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { addPod, changePod, fakeDeployment, ownedBy } from '../../tests/fakes/workload.ts';
import { rolloutNeverReady as fault } from './rollout.ts';

const labels = { tier: 'web' };

function world(spec: object = {}) {
  const { pods, objects } = fakeDeployment('web', labels, spec);
  const cluster = fakeCluster({ pods, objects });
  const template = () =>
    (cluster.objects.get('Deployment erp/web') as unknown as { spec: { template: { spec: unknown } } }).spec.template
      .spec;
  /** What the Deployment's controller makes of the new template. */
  const rollOut = (owner = 'web', gate = 'shakedown.dev/never-rtest') => {
    cluster.objects.set(`ReplicaSet erp/${owner}-new`, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        namespace: 'erp',
        name: `${owner}-new`,
        labels,
        ownerReferences: [ownedBy('apps/v1', 'Deployment', owner)],
      },
      spec: { template: { spec: { readinessGates: [{ conditionType: gate }] } } },
    });
    addPod(cluster, { name: `${owner}-new-1`, labels, ready: false });
  };
  return { cluster, reach: fakeReach({ cluster }), template, rollOut };
}

test('a gate that nobody opens is added to those that are there, and taken away with the ReplicaSet that came of it', async () => {
  const mine = { conditionType: 'example.com/warm' };
  const { cluster, reach, template, rollOut } = world({ template: { spec: { readinessGates: [mine] } } });
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect(template()).toEqual({ readinessGates: [mine, { conditionType: 'shakedown.dev/never-rtest' }] });
  rollOut();
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
  expect(await fault.residue(ticket, reach)).toMatchObject({
    is: 'dirty',
    left: [
      expect.stringContaining('readinessGates'),
      expect.any(String),
      'ReplicaSet erp/web-new has the readiness gate of this run',
    ],
  });
  await fault.undo(ticket, reach);
  await fault.undo(ticket, reach);
  expect(template()).toEqual({ readinessGates: [mine] });
  expect(cluster.log.filter((line) => line.startsWith('remove'))).toEqual(['remove ReplicaSet erp/web-new']);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('only ReplicaSets of that Deployment and that run are removed', async () => {
  const { cluster, reach, rollOut } = world();
  const ticket = await fault.prepare(reach);
  rollOut('web', 'shakedown.dev/never-rother');
  rollOut('another');
  await fault.undo(ticket, reach);
  expect(cluster.log).toEqual([]);
});

test('effect: a new pod whose containers are all ready and that is not; an unready container would be something else', async () => {
  const { cluster, reach, rollOut } = world();
  const ticket = await fault.prepare(reach);
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  await fault.inject(ticket, reach);
  rollOut();
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { oldPodsReady: 2, oldPodsReadyBefore: 2 },
  });
  const [container] = cluster.podList.at(-1)?.containers ?? [];
  changePod(cluster, 'web-new-1', { containers: [{ ...(container as never as object), ready: false } as never] });
  expect((await fault.effect(ticket, reach)).is).toBe('no');
});

test('a new pod that became ready ends the hold', async () => {
  const { cluster, reach, rollOut } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  rollOut();
  expect((await fault.holding?.(ticket, reach))?.is).toBe('yes');
  changePod(cluster, 'web-new-1', { ready: true });
  expect((await fault.holding?.(ticket, reach))?.is).toBe('no');
});

test('a ReplicaSet is not removed before the controller has read the old template: it would make it again', async () => {
  const { cluster, reach, rollOut } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  rollOut();
  const object = cluster.objects.get('Deployment erp/web') as unknown as object;
  cluster.objects.set('Deployment erp/web', { ...object, status: { observedGeneration: 1 } } as never);
  await expect(fault.undo(ticket, reach)).rejects.toThrow(
    'the controller of Deployment erp/web has read it: not within',
  );
  expect(cluster.objects.has('ReplicaSet erp/web-new')).toBe(true);
});

test('prepare refuses a Deployment that is paused', async () => {
  await expect(fault.prepare(world({ paused: true }).reach)).rejects.toThrow('Deployment erp/web is paused');
});
