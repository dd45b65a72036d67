import { expect, test } from 'vitest';
import { type FakeCluster, fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { addPod, changePod, endpointSlice, fakeDeployment, rawPod } from '../../tests/fakes/workload.ts';
import { undoableFrom } from '../registry.ts';
import { podsDeleteForced as forced, podsDeleteGraceful as graceful } from './delete.ts';

const labels = { tier: 'web' };

function world() {
  const { pods, objects } = fakeDeployment('web', labels);
  const cluster = fakeCluster({
    pods,
    objects: [...objects, endpointSlice('site', ['uid-web-1', 'uid-web-2']), endpointSlice('empty', [])],
  });
  return { cluster, reach: fakeReach({ cluster }) };
}

const lead = (cluster: FakeCluster, uids: readonly string[]) =>
  cluster.objects.set('EndpointSlice erp/site-x', endpointSlice('site', uids));

test('one ready pod is chosen, the same that targets names, and the ticket knows it by its UID', async () => {
  const { cluster, reach } = world();
  changePod(cluster, 'web-1', { deleting: true });
  expect(await forced.targets(reach)).toEqual([{ namespace: 'erp', name: 'web-2' }]);
  const ticket = await forced.prepare(reach);
  expect(ticket).toEqual({
    runId: 'rtest',
    targets: [{ namespace: 'erp', name: 'web-2' }],
    uid: 'uid-web-2',
    kubernetesNode: 'kubernetes-node-2',
    selector: 'tier=web',
    before: { uids: ['uid-web-1', 'uid-web-2'], ready: 1, services: ['site'] },
  });
  expect(cluster.log).toEqual([]);
  expect(undoableFrom({ fault: forced.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) })).toMatchObject({
    fault: forced,
    ticket,
  });
});

test('prepare refuses when no pod is ready, and when nobody would make the pod again', async () => {
  const { cluster, reach } = world();
  const [first] = cluster.podList;
  if (!first) throw new Error('no pod');
  cluster.objects.set('Pod erp/web-1', rawPod(first));
  await expect(forced.prepare(reach)).rejects.toThrow('web-1 has no controller');
  for (const name of ['web-1', 'web-2']) changePod(cluster, name, { ready: false });
  await expect(forced.prepare(reach)).rejects.toThrow('no ready pod of web in erp (tier=web), of 2 there');
});

test('by force it lands when the pod is gone; a pod that is only ending has not landed', async () => {
  const { cluster, reach } = world();
  const ticket = await forced.prepare(reach);
  expect((await forced.landed(ticket, reach)).is).toBe('no');
  changePod(cluster, 'web-1', { deleting: true });
  expect((await forced.landed(ticket, reach)).is).toBe('no');
  expect((await graceful.landed(ticket, reach)).is).toBe('yes');
  changePod(cluster, 'web-1', { deleting: false });
  await forced.inject(ticket, reach);
  expect(cluster.log).toEqual(['remove Pod erp/web-1']);
  expect(await forced.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { uid: 'uid-web-1', gone: true } });
});

test('a pod of the same name with another UID is not ours: inject leaves it, landed knows that ours is gone', async () => {
  const { cluster, reach } = world();
  const ticket = await graceful.prepare(reach);
  changePod(cluster, 'web-1', { uid: 'another' });
  await expect(graceful.inject(ticket, reach)).rejects.toThrow('another pod of that name; nothing was deleted');
  expect(cluster.log).toEqual([]);
  expect(await graceful.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { nowThere: 'another' } });
});

test('inject deletes nothing that is ending or gone already', async () => {
  const { cluster, reach } = world();
  const ticket = await graceful.prepare(reach);
  changePod(cluster, 'web-1', { deleting: true });
  await expect(graceful.inject(ticket, reach)).rejects.toThrow('ending already');
  cluster.podList.splice(0, 1);
  await expect(graceful.inject(ticket, reach)).rejects.toThrow('gone already');
});

test('effect wants the old pod out of service, a new one on its way, and no Service that leads to the old one', async () => {
  const { cluster, reach } = world();
  const ticket = await graceful.prepare(reach);
  const effect = async () => (await graceful.effect(ticket, reach)).is;
  expect(await effect()).toBe('no');
  changePod(cluster, 'web-1', { deleting: true });
  lead(cluster, ['uid-web-2']);
  expect(await effect()).toBe('no');
  addPod(cluster, { name: 'web-3', labels, ready: false });
  expect(await effect()).toBe('yes');
  lead(cluster, ['uid-web-1', 'uid-web-2']);
  expect(await effect()).toBe('no');
});

test('a pod that hangs long after its grace is residue; one that is still within it is not', async () => {
  const { cluster, reach } = world();
  const ticket = await graceful.prepare(reach);
  const [pod] = cluster.podList;
  const endsAt = (ms: number) => {
    const raw = rawPod(pod as never) as { metadata: object };
    const deletionTimestamp = new Date(reach.now() + ms).toISOString();
    cluster.objects.set('Pod erp/web-1', { ...raw, metadata: { ...raw.metadata, deletionTimestamp } } as never);
  };
  endsAt(5_000);
  expect(await graceful.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  endsAt(-60_000);
  expect(await graceful.residue(ticket, reach)).toEqual({
    is: 'dirty',
    left: ['pod erp/web-1 was deleted and still is there 60 s after its grace'],
  });
});

test('with the API out of reach nothing is claimed', async () => {
  const { cluster, reach } = world();
  const ticket = await forced.prepare(reach);
  cluster.down = new Error('API out of reach');
  for (const look of [forced.landed, forced.effect, forced.residue]) {
    expect((await look(ticket, reach)).is).toBe('cannot-tell');
  }
  await expect(forced.inject(ticket, reach)).rejects.toThrow('API out of reach');
});
