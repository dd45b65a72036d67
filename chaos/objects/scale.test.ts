import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { fakeDeployment } from '../../tests/fakes/workload.ts';
import { scaleWebToOne as fault, scaleShortWorkersAway } from './scale.ts';

function world() {
  const { pods, objects } = fakeDeployment('web', { tier: 'web' });
  const cluster = fakeCluster({ pods, objects });
  const replicas = () => (cluster.objects.get('Deployment erp/web') as { spec: { replicas: number } }).spec.replicas;
  return { cluster, reach: fakeReach({ cluster }), replicas };
}

test('the Deployment is found by the owners of the tier’s pods, scaled, and scaled back', async () => {
  const { cluster, reach, replicas } = world();
  expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'web' }]);
  const ticket = await fault.prepare(reach);
  expect(ticket).toMatchObject({ replicas: 1, podsBefore: 2, change: { fields: [{ before: 2, wanted: 1 }] } });
  await fault.inject(ticket, reach);
  expect(replicas()).toBe(1);
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  cluster.podList.splice(0, 1);
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { podsBefore: 2, pods: 1, ready: 1 },
  });
  expect((await fault.residue(ticket, reach)).is).toBe('dirty');
  await fault.undo(ticket, reach);
  expect(replicas()).toBe(2);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('an autoscaler that fights back ends the hold', async () => {
  const { cluster, reach } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect((await fault.holding?.(ticket, reach))?.is).toBe('yes');
  await cluster.patch(
    { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'erp', name: 'web' },
    { spec: { replicas: 3 } },
  );
  expect((await fault.holding?.(ticket, reach))?.is).toBe('no');
});

test('prepare refuses a tier that the target has not, one without pods, and pods of two Deployments', async () => {
  const { cluster, reach } = world();
  await expect(scaleShortWorkersAway.prepare(reach)).rejects.toThrow('fake has no worker-short');
  const canary = fakeDeployment('canary', { tier: 'web' });
  for (const object of canary.objects) {
    const { kind, metadata } = object as unknown as { kind: string; metadata: { name: string } };
    cluster.objects.set(`${kind} erp/${metadata.name}`, object);
  }
  await expect(fault.prepare(reach)).rejects.toThrow('belong to Deployment erp/web, Deployment erp/canary; wanted one');
  cluster.objects.clear();
  await expect(fault.prepare(reach)).rejects.toThrow('0 pods of web in erp (tier=web) belong to nothing');
});
