// Three Galera nodes, of which the writer's pod has a real network namespace; SQL is in memory.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakePod } from '../../tests/fakes/cluster.ts';
import { canMakeNamespaces, type PodNetwork, podNetwork } from '../../tests/fakes/pod-network.ts';
import { fakeReach, viewRows } from '../../tests/fakes/reach.ts';
import { undoableFrom } from '../registry.ts';
import { galeraWriterPartition as fault } from './writer-partition.ts';

type View = Parameters<typeof viewRows>[0] | 'silent';

describe.skipIf(!canMakeNamespaces)('with a network of its own', () => {
  let network: PodNetwork;
  beforeEach(async () => {
    network = await podNetwork();
  });
  afterEach(() => network.end());

  /** galera-1 has the app's connections; its peers are at 198.18.1.2 and 198.18.1.3. */
  function world(changes: Record<string, View> = {}) {
    const views: Record<string, View> = {
      'galera-0': {},
      'galera-1': { appConnections: 12 },
      'galera-2': {},
      ...changes,
    };
    const [real] = network.cluster.podList.splice(0, 1);
    if (!real) throw new Error('no pod');
    const labels = { tier: 'mariadb' };
    network.cluster.podList.push(
      fakePod({ namespace: 'erp', name: 'galera-0', labels, ip: '198.18.1.2' }),
      { ...real, name: 'galera-1', labels },
      fakePod({ namespace: 'erp', name: 'galera-2', labels, ip: '198.18.1.3' }),
    );
    const reach = fakeReach({
      cluster: network.cluster,
      sql: (node) => {
        const view = views[node];
        if (view === undefined || view === 'silent') throw new Error('connection refused');
        return viewRows(view);
      },
    });
    return { reach, cluster: network.cluster, views };
  }

  // Long enough for an answer on a busy machine: only packets that are dropped take all of it.
  const connect = (port: number) => network.run(`timeout 2 bash -c "exec 3<>/dev/tcp/198.18.1.2/${port}"`);

  test('the writer is cut off on the group’s ports, and on no other; all is back after undo', async () => {
    const { reach, cluster } = world();
    expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'galera-1' }]);
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({
      targets: [{ namespace: 'erp', name: 'galera-1' }],
      view: { confId: 7, size: 3, stateUuid: 'uuid-1' },
      place: { inode: network.inode, mark: 'shakedown-rtest-partition-galera-1' },
      rules: [{ direction: 'in', peers: ['198.18.1.2', '198.18.1.3'] }, { direction: 'out' }],
    });
    expect(JSON.stringify(ticket).length).toBeLessThan(2_000);
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no', evidence: { lines: 0 } });
    await expect(connect(4567)).rejects.toThrow('refused');

    await fault.inject(ticket, reach);
    // Two jumps, and for each of two peers and two directions a line for new and one for established connections.
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { lines: 10 } });
    await expect(connect(4567)).rejects.toThrow('exit 124');
    await expect(connect(3306)).rejects.toThrow('refused');
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'yes', evidence: { samePod: true } });

    // As another process would: the ticket comes from JSON.
    const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
    if ('problem' in read) throw new Error(read.problem);
    expect(await read.fault.landed(read.ticket, reach)).toMatchObject({ is: 'yes' });
    await read.fault.undo(read.ticket, reach);
    await read.fault.undo(read.ticket, reach);
    await expect(connect(4567)).rejects.toThrow('refused');
    expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map(({ name }) => name)).toEqual(['galera-0', 'galera-1', 'galera-2']);
  });

  test('a pod that was replaced does not hold, although the old one’s rules are still there', async () => {
    const { reach, cluster } = world();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    cluster.podList[1] = { ...(cluster.podList[1] as (typeof cluster.podList)[number]), uid: 'another' };
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'no', evidence: { samePod: false, lines: 10 } });
  });

  test.each<[string, Record<string, View>, string]>([
    ['nothing has changed yet', {}, 'no'],
    [
      'the writer lost its majority, the others go on, the app has moved',
      {
        'galera-0': { size: 2 },
        'galera-1': { component: 'non-Primary', size: 1 },
        'galera-2': { size: 2, appConnections: 9 },
      },
      'yes',
    ],
    [
      'the app is still on the writer',
      {
        'galera-0': { size: 2 },
        'galera-1': { component: 'non-Primary', size: 1, appConnections: 1 },
        'galera-2': { size: 2, appConnections: 9 },
      },
      'no',
    ],
    [
      'the writer still believes in its majority',
      { 'galera-0': { size: 2 }, 'galera-1': {}, 'galera-2': { size: 2, appConnections: 9 } },
      'no',
    ],
    [
      'a node can’t be asked',
      { 'galera-0': { size: 2 }, 'galera-1': 'silent', 'galera-2': { size: 2, appConnections: 9 } },
      'cannot-tell',
    ],
  ])('effect when %s', async (_name, after, is) => {
    const { reach, views } = world();
    await network.serve(4567);
    await network.keepConnection(4567);
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    // What Galera does all the time: it tries to connect anew.
    await connect(4567).catch(() => undefined);
    Object.assign(views, after);
    expect((await fault.effect(ticket, reach)).is).toBe(is);
  });

  test.each<[string, Record<string, View>, string]>([
    ['no node has the app’s connections', { 'galera-1': {} }, 'no writer'],
    ['the group has only two nodes left', { 'galera-1': { appConnections: 1, size: 2 } }, 'wanted three nodes or more'],
    ['the writer has no majority', { 'galera-1': { appConnections: 1, component: 'non-Primary' } }, 'is non-Primary'],
  ])('prepare refuses and leaves nothing when %s', async (_name, views, says) => {
    const { reach, cluster } = world(views);
    await expect(fault.prepare(reach)).rejects.toThrow(says);
    expect(cluster.podList.map(({ name }) => name)).toEqual(['galera-0', 'galera-1', 'galera-2']);
  });

  test('prepare refuses when the writer moves while the helper starts', async () => {
    const { reach, cluster, views } = world();
    const { create } = cluster;
    cluster.create = async (object) => {
      views['galera-1'] = {};
      views['galera-2'] = { appConnections: 12 };
      return create(object);
    };
    await expect(fault.prepare(reach)).rejects.toThrow('the writer moved from galera-1 to galera-2');
    expect(cluster.podList.map(({ name }) => name)).toEqual(['galera-0', 'galera-1', 'galera-2']);
  });

  test('with the API out of reach nothing is claimed, and undo fails aloud', async () => {
    const { reach, cluster } = world();
    const ticket = await fault.prepare(reach);
    cluster.down = new Error('API out of reach');
    for (const look of [fault.landed, fault.effect, fault.holding]) {
      expect(await look?.(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
    }
    expect(await fault.residue(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
    await expect(fault.undo(ticket, reach)).rejects.toThrow('API out of reach');
  });
});
