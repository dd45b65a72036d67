import { expect, test } from 'vitest';
import { type FakeClusterOptions, fakeCluster, fakeContainer, fakePod } from '../../tests/fakes/cluster.ts';
import { type FakeAnswers, fakeReach, viewRows } from '../../tests/fakes/reach.ts';
import { undoableFrom } from '../registry.ts';
import { galeraWriterCrash as fault } from './writer-crash.ts';

type View = Parameters<typeof viewRows>[0] | 'silent';

const idOf = (number: number) => String(number).repeat(64);

/** Three Galera nodes on three Kubernetes nodes; galera-1 has the app's connections. */
function world(changes: { views?: Record<string, View>; cluster?: FakeClusterOptions; answers?: FakeAnswers } = {}) {
  const views: Record<string, View> = {
    'galera-0': {},
    'galera-1': { appConnections: 12 },
    'galera-2': {},
    ...changes.views,
  };
  const numbers = [0, 1, 2];
  const cluster = fakeCluster({
    pods: numbers.map((number) =>
      fakePod({
        namespace: 'erp',
        name: `galera-${number}`,
        labels: { tier: 'mariadb' },
        kubernetesNode: `kubernetes-node-${number}`,
        containers: [fakeContainer({ name: 'mariadb', id: idOf(number) })],
      }),
    ),
    processes: Object.fromEntries(
      numbers.map((number) => [
        `kubernetes-node-${number}`,
        [{ pid: 40 + number, startTicks: '777', state: 'S', command: 'mariadbd', containerId: idOf(number) }],
      ]),
    ),
    ...changes.cluster,
  });
  const reach = fakeReach({
    cluster,
    sql: (node) => {
      const view = views[node];
      if (view === undefined || view === 'silent') throw new Error('connection refused');
      return viewRows(view);
    },
    ...changes.answers,
  });
  const end = (exitCode: number, id = idOf(1)) => {
    const index = cluster.podList.findIndex((pod) => pod.name === 'galera-1');
    cluster.podList[index] = fakePod({
      namespace: 'erp',
      name: 'galera-1',
      labels: { tier: 'mariadb' },
      kubernetesNode: 'kubernetes-node-1',
      containers: [
        fakeContainer({
          name: 'mariadb',
          id: idOf(9),
          restarts: 1,
          lastTerminated: { id, exitCode, finishedAt: 5, reason: 'Error' },
        }),
      ],
    });
  };
  return { reach, cluster, views, end };
}

const helpers = (cluster: ReturnType<typeof fakeCluster>) =>
  cluster.podList.filter((pod) => pod.namespace === 'shakedown');

test('the writer is found by the app’s connections, not by its number, and the ticket says what was there', async () => {
  const { reach, cluster } = world();
  const ticket = await fault.prepare(reach);
  expect(ticket).toEqual({
    runId: 'rtest',
    targets: [{ namespace: 'erp', name: 'galera-1' }],
    helper: { namespace: 'shakedown', name: 'shakedown-signal-galera-1-rtest' },
    process: { containerId: idOf(1), pid: 41, startTicks: '777' },
    podUid: 'uid-galera-1',
    restarts: 0,
    view: { confId: 7, size: 3, stateUuid: 'uuid-1' },
  });
  expect(helpers(cluster).map((pod) => pod.kubernetesNode)).toEqual(['kubernetes-node-1']);
  expect(cluster.log.filter((line) => line.startsWith('kill'))).toEqual([]);
});

test.each<[string, Record<string, View>, string]>([
  ['no node has the app’s connections', { 'galera-1': {} }, 'no writer'],
  ['two nodes have them', { 'galera-2': { appConnections: 1 } }, 'more than one writer'],
  ['a node can’t be asked', { 'galera-2': 'silent' }, 'galera-2 can’t be asked (connection refused)'],
])('prepare refuses and leaves nothing when %s', async (_name, views, says) => {
  const { reach, cluster } = world({ views });
  await expect(fault.prepare(reach)).rejects.toThrow(says);
  expect(helpers(cluster)).toEqual([]);
});

test('prepare refuses when there is no Galera node at all', async () => {
  const { reach } = world({ answers: { nodes: [] } });
  await expect(fault.prepare(reach)).rejects.toThrow('no node at all');
});

test.each([
  ['no such process', []],
  [
    'the process is in another container',
    [{ pid: 41, startTicks: '777', state: 'S', command: 'mariadbd', containerId: idOf(2) }],
  ],
  [
    'there are two of them',
    [41, 42].map((pid) => ({ pid, startTicks: '777', state: 'S', command: 'mariadbd', containerId: idOf(1) })),
  ],
])('prepare takes its helper back when %s', async (_name, table) => {
  const { reach, cluster } = world();
  cluster.processes.set('kubernetes-node-1', table);
  await expect(fault.prepare(reach)).rejects.toThrow('wanted exactly one');
  expect(helpers(cluster)).toEqual([]);
});

test('prepare refuses when the writer moves while the helper starts', async () => {
  const { reach, cluster, views } = world();
  const { create } = cluster;
  cluster.create = async (object) => {
    views['galera-1'] = {};
    views['galera-2'] = { appConnections: 12 };
    return create(object);
  };
  await expect(fault.prepare(reach)).rejects.toThrow('the choice moved from galera-1 to galera-2');
  expect(helpers(cluster)).toEqual([]);
});

test('it lands: the process is gone, before the kubelet has noticed and after', async () => {
  const { reach, cluster, end } = world();
  const ticket = await fault.prepare(reach);
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no', evidence: { process: { state: 'S' } } });
  await fault.inject(ticket, reach);
  expect(cluster.log).toContain('kill mariadbd 41 on kubernetes-node-1');
  expect(await fault.landed(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { process: { pid: 41, gone: true }, goneAfterMs: 12, container: { samePod: true, ended: null } },
  });
  end(137);
  // As another process would see it: the ticket comes from JSON, and inject's own memory is not there.
  const read = undoableFrom({
    fault: fault.name,
    version: fault.version,
    ticket: JSON.parse(JSON.stringify(ticket)),
  });
  if ('problem' in read) throw new Error(read.problem);
  expect(await read.fault.landed(read.ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { container: { restartsSince: 1, ended: { exitCode: 137 } } },
  });
});

test('the end of another container is not taken for ours', async () => {
  const { reach, end } = world();
  const ticket = await fault.prepare(reach);
  end(137, idOf(5));
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no', evidence: { container: { ended: null } } });
});

test('inject kills no stranger: neither one with a recycled pid nor when the process is gone already', async () => {
  for (const table of [
    [{ pid: 41, startTicks: '999', state: 'S', command: 'mariadbd', containerId: idOf(1) }],
    [{ pid: 41, startTicks: '777', state: 'S', command: 'mariadbd', containerId: idOf(2) }],
    [],
  ]) {
    const { reach, cluster } = world();
    const ticket = await fault.prepare(reach);
    cluster.processes.set('kubernetes-node-1', table);
    await expect(fault.inject(ticket, reach)).rejects.toThrow('nothing was sent');
    expect(cluster.log.filter((line) => line.startsWith('kill'))).toEqual([]);
  }
});

test.each<[string, Record<string, View>, string]>([
  ['nothing has changed yet', {}, 'no'],
  [
    'the survivors left it behind and the app is on one of them',
    { 'galera-0': { confId: 8, size: 2 }, 'galera-1': 'silent', 'galera-2': { confId: 8, size: 2, appConnections: 9 } },
    'yes',
  ],
  [
    'it is back already, which two changes of the view show',
    { 'galera-0': { confId: 9 }, 'galera-1': { confId: 9 }, 'galera-2': { confId: 9, appConnections: 9 } },
    'yes',
  ],
  [
    'the app has not reconnected',
    { 'galera-0': { confId: 8, size: 2 }, 'galera-1': 'silent', 'galera-2': { confId: 8, size: 2 } },
    'no',
  ],
  [
    'the app is split over two survivors',
    {
      'galera-0': { confId: 8, size: 2, appConnections: 1 },
      'galera-1': 'silent',
      'galera-2': { confId: 8, size: 2, appConnections: 9 },
    },
    'no',
  ],
  [
    'the survivors are another cluster',
    {
      'galera-0': { confId: 8, size: 2, stateUuid: 'uuid-2' },
      'galera-1': 'silent',
      'galera-2': { confId: 8, size: 2, stateUuid: 'uuid-2', appConnections: 9 },
    },
    'no',
  ],
  [
    'the survivors are out of the primary component',
    {
      'galera-0': { confId: '18446744073709551615', size: 1, component: 'non-Primary' },
      'galera-1': 'silent',
      'galera-2': { confId: '18446744073709551615', size: 1, component: 'non-Primary', appConnections: 9 },
    },
    'no',
  ],
  [
    'a survivor can’t be asked',
    { 'galera-0': 'silent', 'galera-1': 'silent', 'galera-2': { confId: 8, size: 2, appConnections: 9 } },
    'cannot-tell',
  ],
])('effect when %s', async (_name, after, is) => {
  const { reach, views } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  Object.assign(views, after);
  expect((await fault.effect(ticket, reach)).is).toBe(is);
});

test('undo is right before inject, after it, twice, and half done; residue follows it', async () => {
  for (const inject of [true, false]) {
    const { reach, cluster } = world();
    const ticket = await fault.prepare(reach);
    if (inject) await fault.inject(ticket, reach);
    expect(await fault.residue(ticket, reach)).toEqual({
      is: 'dirty',
      left: ['helper pod shakedown/shakedown-signal-galera-1-rtest'],
    });
    await fault.undo(ticket, reach);
    await fault.undo(ticket, reach);
    expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map((pod) => pod.name)).toEqual(['galera-0', 'galera-1', 'galera-2']);
  }
});

test('with the API out of reach nothing is claimed, and undo fails aloud', async () => {
  const { reach, cluster } = world();
  const ticket = await fault.prepare(reach);
  cluster.down = new Error('API out of reach');
  reach.sql.nodes = async () => {
    throw new Error('API out of reach');
  };
  const seen = { evidence: { error: 'API out of reach' } };
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'cannot-tell', ...seen });
  expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'cannot-tell', ...seen });
  expect(await fault.residue(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
  await expect(fault.undo(ticket, reach)).rejects.toThrow('API out of reach');
});

test('what inject saw stands, although the API can’t be asked for the container', async () => {
  const { reach, cluster } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  cluster.down = new Error('API out of reach');
  expect(await fault.landed(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { process: { gone: true }, container: { unknown: 'API out of reach' } },
  });
});

test('a ticket is small and holds no secret', async () => {
  const { reach } = world();
  const ticket = JSON.stringify(await fault.prepare(reach));
  expect(ticket.length).toBeLessThan(2_000);
  expect(ticket).not.toMatch(/password|token|secret/i);
});

test('an app that connects for each request is found too, by looking more than once', async () => {
  const looks: Record<string, number> = {};
  const { reach } = world({
    answers: {
      sql: (node) => {
        looks[node] = (looks[node] ?? 0) + 1;
        return viewRows({ appConnections: node === 'galera-1' && looks[node] % 5 === 0 ? 1 : 0 });
      },
    },
  });
  expect((await fault.prepare(reach)).targets).toEqual([{ namespace: 'erp', name: 'galera-1' }]);
});

test('the registry knows faults by name and version, and says why it can’t undo', async () => {
  const { reach } = world();
  const ticket = JSON.parse(JSON.stringify(await fault.prepare(reach)));
  expect(undoableFrom({ fault: fault.name, version: 1, ticket })).toMatchObject({ fault, ticket });
  expect(undoableFrom({ fault: fault.name, version: 2, ticket })).toMatchObject({
    problem: expect.stringContaining('version 2 is not known here (only 1)'),
  });
  expect(undoableFrom({ fault: 'network/unheard-of', version: 1, ticket })).toMatchObject({
    problem: expect.stringContaining('no fault network/unheard-of here'),
  });
  expect(undoableFrom({ fault: fault.name, version: 1, ticket: { ...ticket, helper: null } })).toMatchObject({
    problem: expect.stringContaining('helper'),
  });
});
