import { describe, expect, test } from 'vitest';
import type { Json } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { fakeCluster, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeNodePower } from '../../tests/fakes/node-power.ts';
import { fakeReach, viewRows } from '../../tests/fakes/reach.ts';
import { faults, undoableFrom } from '../registry.ts';
import { networkCut, networkCutOf } from './network-cut.ts';
import { nodeAwayTicketSchema } from './node-away.ts';
import { powerLoss } from './power-loss.ts';

type View = Parameters<typeof viewRows>[0] | 'silent';

const numbers = [0, 1, 2];
const kubernetesNodes = numbers.map((number) => `node-${number}`);

const nodeObject = (name: string, status: string): Json => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { namespace: '', name },
  status: { conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-11-23T12:00:00Z' }] },
});
const leaseObject = (name: string, renewTime: string): Json => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace: 'kube-node-lease', name },
  spec: { renewTime },
});

/** A Galera node on each of three Kubernetes nodes; galera-1 on node-1 has the app's connections. */
function world() {
  const views: Record<string, View> = { 'galera-0': {}, 'galera-1': { appConnections: 12 }, 'galera-2': {} };
  const cluster = fakeCluster({
    pods: numbers.map((number) =>
      fakePod({
        namespace: 'erp',
        name: `galera-${number}`,
        labels: { tier: 'mariadb' },
        kubernetesNode: `node-${number}`,
      }),
    ),
    objects: kubernetesNodes.flatMap((name) => [nodeObject(name, 'True'), leaseObject(name, '12:00:00')]),
  });
  const nodePower = fakeNodePower(kubernetesNodes);
  const sql = (node: string) => {
    const view = views[node];
    if (view === undefined || view === 'silent') throw new Error('connection refused');
    return viewRows(view);
  };
  const reach = fakeReach({ cluster, nodePower, sql });
  const ready = (name: string, status: string) => void cluster.objects.set(`Node /${name}`, nodeObject(name, status));
  /** The kubelet's Lease is renewed at each look from that time on. */
  const beating = (name: string, fromMs: number) => {
    const { get } = cluster;
    const began = reach.now();
    cluster.get = async (ref) =>
      ref.kind === 'Lease' && ref.name === name && reach.now() - began >= fromMs
        ? leaseObject(name, String(reach.now()))
        : get(ref);
  };
  return { reach, cluster, nodePower, views, ready, beating };
}

/** As the guardian in the cluster sees it: it can't ask the supervisor of the machines. */
function fromInside({ nodePower: _, ...reach }: Reach): Reach {
  return reach;
}

const known = (fault: { name: string; version: number }, ticket: unknown) => {
  const read = undoableFrom({ fault: fault.name, version: fault.version, ticket: JSON.parse(JSON.stringify(ticket)) });
  if ('problem' in read) throw new Error(read.problem);
  return read;
};

describe.each([
  [powerLoss, 'power' as const],
  [networkCut, 'link' as const],
])('$name', (fault, what) => {
  test('aims at the Kubernetes node of the writer, and says what was there before', async () => {
    const { reach, nodePower } = world();
    expect(await fault.targets(reach)).toEqual([{ namespace: '', name: 'node-1' }]);
    const ticket = await fault.prepare(reach);
    expect(ticket).toEqual({
      runId: 'rtest',
      targets: [{ namespace: '', name: 'node-1' }],
      unheardMsMax: 15_000,
      galera: { nodes: ['galera-1'], writer: 'galera-1', view: { confId: 7, size: 3, stateUuid: 'uuid-1' } },
    });
    expect(nodeAwayTicketSchema.parse(ticket)).toEqual(ticket);
    expect(nodePower.log).toEqual([]);
  });

  test('lands, and every look tells the supervisor that we are still here', async () => {
    const { reach, nodePower } = world();
    const ticket = await fault.prepare(reach);
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no' });
    await fault.inject(ticket, reach);
    expect(nodePower.log).toEqual([`${what} of node-1 off for 15000`]);
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes' });
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'yes' });
    await fault.effect(ticket, reach);
    expect(nodePower.log.slice(1)).toEqual(Array(3).fill(`hold ${what} of node-1`));
  });

  test('a node that the supervisor switched on again meanwhile is not held any more', async () => {
    const { reach, nodePower } = world();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    nodePower.unheard('node-1', what);
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'no' });
    nodePower.down = new Error('no supervisor');
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
  });

  test('has its effect when Kubernetes misses it, Galera went on without it, and the app works on one survivor', async () => {
    const { reach, views, ready } = world();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    views['galera-1'] = 'silent';
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });
    views['galera-0'] = { confId: 8, size: 2, appConnections: 5 };
    views['galera-2'] = { confId: 8, size: 2 };
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });
    ready('node-1', 'Unknown');
    expect(await fault.effect(ticket, reach)).toMatchObject({
      is: 'yes',
      evidence: { kubernetes: { status: 'Unknown' }, galera: { before: { nodes: ['galera-1'] } } },
    });
    views['galera-2'] = { confId: 8, size: 2, appConnections: 1 };
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });
    views['galera-2'] = 'silent';
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
  });

  test('undo switches it on, also twice, also before inject', async () => {
    const { reach, nodePower } = world();
    const ticket = await fault.prepare(reach);
    await fault.undo(ticket, reach);
    expect(nodePower.log).toEqual([]);
    await fault.inject(ticket, reach);
    expect(await fault.residue(ticket, reach)).toMatchObject({ is: 'dirty' });
    const { fault: read, ticket: raw } = known(fault, ticket);
    await read.undo(raw, reach);
    await read.undo(raw, reach);
    expect(nodePower.log.filter((line) => line.endsWith(' on'))).toEqual([`${what} of node-1 on`]);
    expect(await read.residue(raw, reach)).toEqual({ is: 'clean', left: [] });
  });

  test('who can’t ask the supervisor waits until the kubelet is heard of again: Ready alone may be old', async () => {
    const { reach, beating, ready } = world();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    const began = reach.now();
    beating('node-1', 20_000);
    const inside = fromInside(reach);
    await fault.undo(ticket, inside);
    expect(reach.now() - began).toBeGreaterThanOrEqual(20_000);
    expect(reach.now() - began).toBeLessThan(25_000);
    expect(await fault.residue(ticket, inside)).toEqual({ is: 'clean', left: [] });
    ready('node-1', 'Unknown');
    expect(await fault.residue(ticket, inside)).toMatchObject({ is: 'cannot-tell' });
  });

  test('a node that does not come back is not called undone, and the error says what to do', async () => {
    const { reach, nodePower } = world();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    const began = reach.now();
    await expect(fault.undo(ticket, fromInside(reach))).rejects.toThrow(
      /kubelet is heard of: not within 45000 ms, last seen: Ready, .*Next: shakedown undo on the machine of its supervisor/,
    );
    expect(reach.now() - began).toBeLessThan(50_000);
    nodePower.down = new Error('the supervisor is gone');
    await expect(fault.undo(ticket, reach)).rejects.toThrow('undo not complete: the supervisor is gone');
  });
});

test('what is cut off goes on, and what is without power does not', async () => {
  const { reach, nodePower } = world();
  const ticket = await networkCut.prepare(reach);
  await nodePower.off('node-1', 'power', 15_000);
  expect(await powerLoss.landed(ticket, reach)).toMatchObject({ is: 'yes' });
  // A node without power has a dead cable too; that is not what was meant.
  expect(await networkCut.landed(ticket, reach)).not.toMatchObject({ is: 'yes' });
});

test('a node without the writer can be meant, and both are undone by the same name', async () => {
  const { reach } = world();
  const other = networkCutOf('not-the-writer');
  const { targets, galera } = await other.prepare(reach);
  expect(targets).toEqual([{ namespace: '', name: 'node-2' }]);
  expect(galera).toMatchObject({ nodes: ['galera-2'], writer: 'galera-1' });
  expect(other.name).toBe(networkCut.name);
  expect(faults.map((one) => one.fault)).toContain(networkCut);
});

test('prepare refuses where nobody can switch machines, a node that is not well, and one that takes the majority along', async () => {
  const { reach, nodePower, ready, cluster } = world();
  await expect(powerLoss.prepare(fromInside(reach))).rejects.toThrow('nobody can switch the machines of fake');
  await expect(powerLoss.inject(await powerLoss.prepare(reach), fromInside(reach))).rejects.toThrow('nodePower');
  ready('node-1', 'Unknown');
  await expect(powerLoss.prepare(reach)).rejects.toThrow('not Ready (Unknown) already');
  ready('node-1', 'True');
  await nodePower.off('node-1', 'link', 15_000);
  await expect(powerLoss.prepare(reach)).rejects.toThrow('network off');
  await nodePower.on('node-1', 'link');
  for (const [index, pod] of cluster.podList.entries())
    cluster.podList[index] = { ...pod, kubernetesNode: pod.name === 'galera-0' ? 'node-0' : 'node-1' };
  await expect(powerLoss.prepare(reach)).rejects.toThrow('2 of 3 Galera nodes run on node-1');
});
