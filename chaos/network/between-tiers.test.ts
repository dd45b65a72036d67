// Partition, refusal and loss between a pod with a real network namespace and a tier that is served on the other side of its cable.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../lib/model/fault.ts';
import { fakePod } from '../../tests/fakes/cluster.ts';
import { canMakeNamespaces, type PodNetwork, podNetwork } from '../../tests/fakes/pod-network.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { undoableFrom } from '../registry.ts';
import { type Aim, aimed } from './aim.ts';
import type { BetweenTiersTicket } from './between-tiers.ts';
import { networkLoss } from './loss.ts';
import { networkPartition } from './partition.ts';
import { networkReject } from './reject.ts';
import { parseAttempts, parseConnections } from './try-connection.ts';

const toRedis: Aim = { from: 'web', to: 'redis.cache' };

test('where a connection was tried is told with how it ended, once for each try', () => {
  const said = [
    '124 10.0.0.1:3306 ',
    '0 10.0.0.2:3306 open 812',
    '7 10.0.0.3:3306 bash: connect: Connection refused bash: line 3: /dev/tcp/10.0.0.3/3306: Connection refused',
    '0 10.0.0.2:3306 open 400 201512',
    '7 10.0.0.4:3306 bash: connect: No route to host',
  ].join('\n');
  const to = ['10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'].map((one) => `${one}:3306`);
  expect(parseAttempts(said, to)).toEqual([
    { to: to[0], outcome: 'timed out' },
    { to: to[1], outcome: 'open', connectMs: 0.8 },
    { to: to[2], outcome: 'open', connectMs: 0.4, answerMs: 201.5 },
    { to: to[3], outcome: 'refused' },
    { to: to[4], outcome: 'failed', why: 'bash: connect: No route to host' },
    { to: to[5], outcome: 'failed', why: 'said nothing' },
  ]);
  expect(parseConnections('0      0        198.18.1.1:40000 198.18.1.2:6379 \n\n')).toEqual(['198.18.1.2:6379']);
});

describe.skipIf(!canMakeNamespaces)('with a network of its own', () => {
  let network: PodNetwork;
  beforeEach(async () => {
    network = await podNetwork();
    network.cluster.podList.push(
      fakePod({ namespace: 'erp', name: 'redis-0', labels: { tier: 'redis' }, ip: '198.18.1.2' }),
    );
    await network.serve(6379);
  });
  afterEach(() => network.end());

  // Long enough for an answer on a busy machine: only packets that are dropped take all of it.
  const connect = (port: number) => network.run(`timeout 2 bash -c "exec 3<>/dev/tcp/198.18.1.2/${port}"`);

  test('a tier is talked to by its Services’ addresses too, but not by other Services’', async () => {
    const service = (name: string, clusterIP: string, selector: object) =>
      network.cluster.create({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'erp', name },
        spec: { clusterIP, selector },
      } as never);
    await service('redis', '198.18.9.1', { tier: 'redis' });
    await service('headless', 'None', { tier: 'redis' });
    await service('web', '198.18.9.2', { tier: 'web' });
    await service('by-hand', '198.18.9.3', {});
    const reach = fakeReach({ cluster: network.cluster });
    expect(await aimed(reach, 'network/x', toRedis)).toMatchObject({
      pod: { name: 'web-1' },
      peers: ['198.18.9.1', '198.18.1.2'],
      port: 6379,
    });
  });

  test.each<[Fault<BetweenTiersTicket>, string, number]>([
    [networkPartition(toRedis), 'exit 124', 8],
    [networkReject(toRedis), 'refused', 3],
    [networkLoss(toRedis, 0.6), '', 10],
  ])('$name: lands, is met by new and by kept connections, and is gone after undo', async (fault, fails, lines) => {
    const { cluster } = network;
    const reach = fakeReach({ cluster });
    await network.keepConnection(6379);
    expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'web-1' }]);
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({ reachable: ['198.18.1.2:6379'], pooled: 1 });
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });

    await fault.inject(ticket, reach);
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { lines } });
    if (fails) await expect(connect(6379)).rejects.toThrow(fails);
    // Loss is drawn at random: of eight first packets none is lost in one look of a thousand and more, so more than one look.
    for (let look = 1; ; look++) {
      const proof = await fault.effect(ticket, reach);
      if (proof.is !== 'yes' && look < 5) continue;
      expect(proof).toMatchObject({ is: 'yes', evidence: { pooledBefore: 1 } });
      expect((proof.evidence as { pooledPacketsMet: number }).pooledPacketsMet).toBeGreaterThan(0);
      break;
    }
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'yes' });

    const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
    if ('problem' in read) throw new Error(read.problem);
    await read.fault.undo(read.ticket, reach);
    await connect(6379);
    expect(await fault.holding?.(ticket, reach).catch(() => undefined)).toMatchObject({ is: 'cannot-tell' });
    expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map(({ name }) => name)).toEqual(['web-1', 'redis-0']);
  });

  test('what the tries themselves send is no sign of the kept connections: one that is silent has met nothing', async () => {
    const reach = fakeReach({ cluster: network.cluster });
    await network.keepConnection(6379, 60_000);
    const fault = networkLoss(toRedis, 0.6);
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({ pooled: 1 });
    await fault.inject(ticket, reach);
    for (let look = 1; look <= 3; look++) {
      expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no', evidence: { pooledPacketsMet: 0 } });
    }
    await fault.undo(ticket, reach);
  });

  test('a fault that nobody meets has no effect: a rule on another port is there, and that is all', async () => {
    const reach = fakeReach({ cluster: network.cluster });
    const fault = networkReject(toRedis);
    const ticket = await fault.prepare(reach);
    const elsewhere = { ...ticket, rules: ticket.rules.map((rule) => ({ ...rule, ports: [6380] })) };
    await fault.inject(elsewhere, reach);
    expect(await fault.landed(elsewhere, reach)).toMatchObject({ is: 'yes' });
    expect(await fault.effect(elsewhere, reach)).toMatchObject({ is: 'no' });
  });

  test.each<[string, () => void, string]>([
    ['the tier is not named', () => undefined, 'the target file names no databaseProxy'],
    [
      'no pod of the tier is ready',
      () => network.cluster.podList.splice(0, 1),
      'no ready pod of web in erp (tier=web)',
    ],
  ])('prepare says so when %s', async (_name, change, says) => {
    change();
    const reach = fakeReach({ cluster: network.cluster });
    const aim: Aim = says.includes('Proxy') ? { from: 'web', to: 'databaseProxy' } : toRedis;
    await expect(networkPartition(aim).prepare(reach)).rejects.toThrow(says);
    expect(network.cluster.podList.some(({ namespace }) => namespace === 'shakedown')).toBe(false);
  });

  test('an aim can be chosen by whoever knows better', async () => {
    const reach = fakeReach({ cluster: network.cluster });
    const chosen: Aim = {
      says: 'the first pod, on its way to the second',
      rights: () => [{ namespace: 'erp', apiGroup: '', resources: ['pods'], verbs: ['list'] }],
      choose: async ({ cluster }) => {
        const [pod, peer] = await cluster.pods('erp', '');
        if (!pod || !peer) throw new Error('no pods');
        return { pod, peers: [peer.ip], port: 6379, hello: '' };
      },
    };
    const fault = networkReject(chosen);
    expect(fault.plan.aim).toBe(chosen.says);
    expect(fault.rights(fakeTarget).inject).toHaveLength(1);
    expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'web-1' }]);
    const ticket = await fault.prepare(reach);
    expect(ticket.reachable).toEqual(['198.18.1.2:6379']);
    await fault.undo(ticket, reach);
  });

  test('prepare refuses when nobody is reached even before, and takes its helper back', async () => {
    const target = { ...fakeTarget, redis: { cache: { ...fakeTarget.redis.cache, port: 7777 } } };
    const reach = fakeReach({ cluster: network.cluster, target });
    await expect(networkReject(toRedis).prepare(reach)).rejects.toThrow(
      'erp/web-1 reaches nobody even before: 198.18.1.2:7777 refused',
    );
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1', 'redis-0']);
  });

  test('a right that is denied is told, and the helper goes', async () => {
    const reach = fakeReach({ cluster: network.cluster });
    network.cluster.list = async () => {
      throw Object.assign(new Error('services is forbidden'), { code: 403 });
    };
    await expect(networkPartition(toRedis).prepare(reach)).rejects.toThrow('services is forbidden');
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1', 'redis-0']);
  });
});
