import { expect, test } from 'vitest';
import type { Json } from '../../lib/model/fault.ts';
import { fakeCluster, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { endpointSlice, fakeDeployment } from '../../tests/fakes/workload.ts';
import { undoableFrom } from '../registry.ts';
import { connectionsTo, denyDatabaseProxy as fault } from './deny-policy.ts';
import { enterScript, findScript } from './pod-namespace.ts';

const fromWeb = [{ from: [{ podSelector: { matchLabels: { tier: 'web' } } }] }];

const policy = (name: string, spec: object): Json =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'erp', name, uid: `uid-${name}`, generation: 1, resourceVersion: '1' },
    spec: { policyTypes: ['Ingress'], ...spec },
  }) as unknown as Json;

/** Web pods, and proxies that one policy is made for; another policy selects all pods. */
function world(proxySelector = 'tier=proxy') {
  const [web, proxy] = [fakeDeployment('web', { tier: 'web' }), fakeDeployment('proxy', { tier: 'proxy' })];
  const proxies = proxy.pods.map((pod, index) => ({ ...pod, ip: `10.0.0.${index + 1}` }));
  const cluster = fakeCluster({
    pods: [...web.pods, ...proxies],
    objects: [
      ...web.objects,
      ...proxy.objects,
      endpointSlice('database', ['uid-proxy-1', 'uid-proxy-2']),
      endpointSlice('empty', []),
      { kind: 'Service', metadata: { namespace: 'erp', name: 'database' }, spec: { clusterIP: '10.96.0.7' } },
      policy('proxy', { podSelector: { matchLabels: { tier: 'proxy' } }, ingress: fromWeb }),
      policy('metrics', { podSelector: {}, ingress: [{ ports: [{ port: 9180 }] }] }),
      policy('web', { podSelector: { matchLabels: { tier: 'web' } }, ingress: fromWeb }),
      policy('nothing', { podSelector: {} }),
    ],
  });
  /** What is answered to a new connection, by door. */
  const doors: Record<string, string> = { '10.0.0.1:3306': '0 open 300', '10.0.0.2:3306': '0 open 300' };
  const seen = { sockets: '0 0 10.0.1.1:40000 10.96.0.7:3306\n0 0 10.0.1.1:40001 10.0.9.9:6379\n' };
  cluster.exec = async (_pod, command) => {
    const says = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' });
    if (command[2] === findScript) return says('namespace 4026532000 41 gateway 10.0.1.254\n');
    if (command[2] !== enterScript) throw new Error(`no such script: ${command[2]?.slice(0, 60)}`);
    if (command[7]?.startsWith('ss ')) return says(`in\n${seen.sockets}`);
    const tried = command.slice(10).map((to) => {
      const [code, ...rest] = (doors[to] ?? '').split(' ');
      return `${code} ${to} ${rest.join(' ')}\n`;
    });
    return says(`in\n${tried.join('')}`);
  };
  const target = { ...fakeTarget, databaseProxy: { namespace: 'erp', selector: proxySelector, replicasMin: 2 } };
  const spec = (name: string) =>
    (cluster.objects.get(`NetworkPolicy erp/${name}`) as unknown as { spec: Record<string, Json> } | undefined)?.spec;
  const helpers = () => cluster.podList.filter(({ namespace }) => namespace === 'shakedown');
  return { cluster, reach: fakeReach({ cluster, target }), doors, seen, spec, helpers };
}

const shut = (doors: Record<string, string>, how = '124') => {
  for (const door of Object.keys(doors)) doors[door] = how;
};

test('policies made for the tier alone lose their rules, others stay; undo puts all back and takes away what was made', async () => {
  const { reach, spec, helpers } = world();
  const ticket = await fault.prepare(reach);
  expect(ticket).toMatchObject({
    targets: [
      { namespace: 'erp', name: 'proxy-1' },
      { namespace: 'erp', name: 'proxy-2' },
    ],
    kept: ['metrics'],
    doors: ['10.0.0.1:3306', '10.0.0.2:3306'],
    openBefore: ['10.0.1.1:40000'],
  });
  expect(ticket.narrowed.map(({ object }) => object.name)).toEqual(['proxy']);
  expect(spec('shakedown-deny')).toBeUndefined();
  await fault.inject(ticket, reach);
  expect(spec('shakedown-deny')).toEqual({ podSelector: { matchLabels: { tier: 'proxy' } }, policyTypes: ['Ingress'] });
  expect(spec('proxy')).not.toHaveProperty('ingress');
  expect(spec('web')).toMatchObject({ ingress: fromWeb });
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
  expect((await fault.residue(ticket, reach)).left).toHaveLength(4);
  const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
  if ('problem' in read) throw new Error(read.problem);
  await read.fault.undo(read.ticket, reach);
  await read.fault.undo(read.ticket, reach);
  expect(spec('shakedown-deny')).toBeUndefined();
  expect(spec('proxy')).toMatchObject({ ingress: fromWeb });
  expect(helpers()).toEqual([]);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('effect is a new connection that is refused or dropped at every pod; open ones are told beside it', async () => {
  const { reach, doors, seen } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  doors['10.0.0.1:3306'] = '124';
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  doors['10.0.0.2:3306'] = '7 bash: connect: Connection refused';
  seen.sockets = '0 45 10.0.1.1:40000 10.96.0.7:3306\n';
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: {
      newConnections: { '10.0.0.1:3306': 'timed out', '10.0.0.2:3306': 'refused' },
      pooled: { before: 1, stillOpen: 1, waitingForAnAnswer: 1, siteAnswers: '200' },
      otherPoliciesOfTheSamePods: ['metrics'],
    },
  });
  shut(doors, '126 bash: not found');
  expect((await fault.effect(ticket, reach)).is).toBe('cannot-tell');
});

test('a policy that somebody put back, or took away, ends the hold', async () => {
  const { cluster, reach } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect((await fault.holding?.(ticket, reach))?.is).toBe('yes');
  cluster.objects.delete('NetworkPolicy erp/shakedown-deny');
  expect((await fault.holding?.(ticket, reach))?.is).toBe('no');
});

test('undo takes away only a policy that carries the run’s label', async () => {
  const { cluster, reach, spec } = world();
  const ticket = await fault.prepare(reach);
  cluster.objects.set('NetworkPolicy erp/shakedown-deny', policy('shakedown-deny', {}));
  await expect(fault.inject(ticket, reach)).rejects.toThrow('already exists');
  await fault.undo(ticket, reach);
  expect(spec('shakedown-deny')).toBeDefined();
  expect(spec('proxy')).toMatchObject({ ingress: fromWeb });
});

test('one part of undo that fails does not keep the others', async () => {
  const { cluster, reach, spec, helpers } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  cluster.patch = async () => {
    throw new Error('no answer');
  };
  await expect(fault.undo(ticket, reach)).rejects.toThrow('no answer');
  expect(spec('shakedown-deny')).toBeUndefined();
  expect(helpers()).toEqual([]);
  expect((await fault.residue(ticket, reach)).is).toBe('dirty');
});

test('prepare refuses, and takes its helper back, when the way is shut already', async () => {
  const { reach, doors, helpers } = world();
  shut(doors);
  await expect(fault.prepare(reach)).rejects.toThrow("can't reach 10.0.0.1:3306 (timed out)");
  expect(helpers()).toEqual([]);
});

test('prepare refuses a target without that tier, and a selector that no policy can be made of', async () => {
  await expect(fault.prepare(fakeReach({ cluster: fakeCluster() }))).rejects.toThrow('fake has no databaseProxy');
  await expect(fault.prepare(world('tier in (proxy)').reach)).rejects.toThrow("can't be made of the selector");
});

test('with the API out of reach nothing is claimed', async () => {
  const { cluster, reach } = world();
  const ticket = await fault.prepare(reach);
  cluster.down = new Error('API out of reach');
  for (const look of [fault.landed, fault.residue]) expect((await look(ticket, reach)).is).toBe('cannot-tell');
  await expect(fault.undo(ticket, reach)).rejects.toThrow();
});

test('pods that only differ in what a controller writes on them are of one tier', async () => {
  const { cluster, reach } = world();
  const labels = { tier: 'proxy', 'pod-template-hash': 'x' };
  cluster.podList.push(fakePod({ namespace: 'erp', name: 'proxy-3', labels, ready: false, ip: '10.0.0.3' }));
  expect((await fault.prepare(reach)).narrowed).toHaveLength(1);
});

test('connections by the addresses that lead to the tier, also over a socket of both families', () => {
  const said = `0      0      198.19.3.32:34762  198.18.66.83:3306
0      12     [::ffff:198.19.3.32]:34764  [::ffff:198.18.66.83]:3306
0      0      198.19.3.32:5000   198.18.66.84:3306
`;
  expect(connectionsTo(said, ['198.18.66.83'])).toEqual([
    { local: '198.19.3.32:34762', unacknowledged: false },
    { local: '[::ffff:198.19.3.32]:34764', unacknowledged: true },
  ]);
});
