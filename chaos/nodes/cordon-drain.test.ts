import { expect, test } from 'vitest';
import { Problem } from '../../lib/errors.ts';
import type { Json } from '../../lib/model/fault.ts';
import { fakeCluster, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { changePod, fakeDeployment, ownedBy, rawPod } from '../../tests/fakes/workload.ts';
import { cordonDrainWeb as fault } from './cordon-drain.ts';

const node = 'kubernetes-node-1';

/** web-1 stands on the first Kubernetes node, with a pod of a DaemonSet, a Job that is over and a database; web-2 on the second. */
function world(spec: object = {}) {
  const { pods, objects } = fakeDeployment('web', { tier: 'web' });
  const more = (name: string, owner: object | undefined, phase = 'Running', namespace = 'erp') => {
    const pod = fakePod({ namespace, name, kubernetesNode: node, phase });
    return { pod, object: rawPod(pod, owner) };
  };
  const others = [
    more('agent', ownedBy('apps/v1', 'DaemonSet', 'agent')),
    more('static', ownedBy('v1', 'Node', node)),
    more('migrate', ownedBy('batch/v1', 'Job', 'migrate'), 'Succeeded'),
    more('galera-0', ownedBy('apps/v1', 'StatefulSet', 'galera')),
    more('helper', undefined, 'Running', 'shakedown'),
    more('prometheus-0', ownedBy('apps/v1', 'StatefulSet', 'prometheus'), 'Running', 'monitoring'),
  ];
  const cluster = fakeCluster({
    pods: [...pods, ...others.map(({ pod }) => pod)],
    objects: [
      ...objects,
      ...others.map(({ object }) => object),
      {
        kind: 'Node',
        metadata: { namespace: '', name: node, uid: 'uid-node', resourceVersion: '7' },
        spec: { podCIDR: '10.0.1.0/24', ...spec },
      } as never,
    ],
  });
  /** As the API does it: the pod is gone, as a pod and as an object. */
  const evicting = (budget: (pod: string, asked: number) => boolean = () => true) => {
    const asked: Record<string, number> = {};
    cluster.evict = async (namespace, name) => {
      asked[name] = (asked[name] ?? 0) + 1;
      if (!budget(name, asked[name])) return false;
      await cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name });
      return true;
    };
    return asked;
  };
  const unschedulable = () =>
    (cluster.objects.get(`Node /${node}`) as { spec: Record<string, Json> }).spec.unschedulable;
  return { cluster, reach: fakeReach({ cluster }), evicting, unschedulable };
}

test('what a drain may move is chosen: no DaemonSet, no static pod, no Job that is over, nothing outside the site’s namespaces', async () => {
  const { cluster, reach } = world();
  const ticket = await fault.prepare(reach);
  expect(ticket).toMatchObject({
    kubernetesNode: node,
    targets: [
      { namespace: '', name: node },
      { namespace: 'erp', name: 'web-1' },
      { namespace: 'erp', name: 'galera-0' },
    ],
    pods: [
      { namespace: 'erp', name: 'web-1', uid: 'uid-web-1' },
      { namespace: 'erp', name: 'galera-0', uid: 'uid-galera-0' },
    ],
  });
  expect(await fault.targets(reach)).toEqual(ticket.targets);
  expect(cluster.log).toEqual([]);
});

test('cordoned, evicted, and only uncordoned by undo', async () => {
  const { reach, evicting, unschedulable } = world();
  evicting();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect(unschedulable()).toBe(true);
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { cordoned: 'yes', evicted: 2 } });
  expect((await fault.effect(ticket, reach)).is).toBe('yes');
  expect((await fault.holding?.(ticket, reach))?.is).toBe('yes');
  await fault.undo(ticket, reach);
  expect(unschedulable()).toBeUndefined();
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('a budget is respected: asked again until it allows', async () => {
  const { reach, evicting } = world();
  const asked = evicting((_name, times) => times > 3);
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect(asked).toEqual({ 'web-1': 4, 'galera-0': 4 });
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
});

test('a budget that never allows ends inject in time, and landed names the pod that it keeps', async () => {
  const { reach, evicting } = world();
  evicting((name) => name !== 'galera-0');
  const ticket = await fault.prepare(reach);
  const began = reach.now();
  await fault.inject(ticket, reach);
  expect(reach.now() - began).toBeLessThan(30_000);
  expect(await fault.landed(ticket, reach)).toMatchObject({
    is: 'no',
    evidence: { evicted: 1, keptByBudgets: ['erp/galera-0'] },
  });
  expect((await fault.effect(ticket, reach)).is).toBe('no');
});

test('a pod that came back under its name is not evicted, and one that is gone meanwhile is no failure', async () => {
  const { cluster, reach } = world();
  const ticket = await fault.prepare(reach);
  changePod(cluster, 'galera-0', { uid: 'another' });
  cluster.evict = async () => {
    throw new Problem({ kind: 'target-unusable', what: 'x', where: 'x', seen: 'x', next: 'x', code: 404 });
  };
  await fault.inject(ticket, reach);
  cluster.evict = async () => {
    throw new Error('forbidden');
  };
  await fault.undo(ticket, reach);
  await expect(fault.inject(ticket, reach)).rejects.toThrow('forbidden');
});

test('a Kubernetes node that somebody cordoned before stays cordoned: prepare refuses it', async () => {
  const { reach, unschedulable } = world({ unschedulable: true });
  await expect(fault.prepare(reach)).rejects.toThrow('nothing would change, spec.unschedulable is true already');
  expect(unschedulable()).toBe(true);
});

test('prepare refuses a pod that nobody would make again', async () => {
  const { cluster, reach } = world();
  const bare = fakePod({ namespace: 'erp', name: 'bare', kubernetesNode: node });
  cluster.objects.set('Pod erp/bare', rawPod(bare));
  await expect(fault.prepare(reach)).rejects.toThrow('erp/bare on kubernetes-node-1 has no controller');
});
