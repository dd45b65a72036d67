import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { fakeRedis, redisTarget, sentinelView } from '../../tests/fakes/redis.ts';
import { orderedFailover, orderedFailoverTicketSchema } from './ordered-failover.ts';

const fault = orderedFailover('cache');

function world(site: () => number = () => 200) {
  const fake = fakeRedis();
  const cluster = fakeCluster({ pods: fake.pods });
  const reach = fakeReach({ target: redisTarget, redis: fake.redis, cluster, http: () => ({ status: site() }) });
  const views = () => Object.values(fake.sentinels).map(({ view }) => view);
  const see = (change: Record<string, string>, of: readonly number[] = [0, 1, 2]) => {
    for (const n of of) {
      const { view } = fake.sentinels[`sentinel-${n}`] as (typeof fake.sentinels)[string];
      view.cache = { ...view.cache, ...change };
    }
  };
  /** As far as the nodes and the Sentinels named are concerned. */
  const move = (seenBy: readonly number[] = [0, 1, 2]) => {
    (fake.nodes['cache-0'] as { role: string }).role = 'slave';
    (fake.nodes['cache-2'] as { role: string }).role = 'master';
    see(sentinelView('cache-2', 5), seenBy);
  };
  return { ...fake, reach, cluster, views, see, move };
}

test('the ticket has the old master, the Sentinel that is asked, and the epoch', async () => {
  const { reach, see, log } = world();
  see({ 'config-epoch': '6' }, [1]);
  const ticket = await fault.prepare(reach);
  expect(orderedFailoverTicketSchema.parse(ticket)).toEqual({
    runId: 'rtest',
    targets: [{ namespace: 'erp', name: 'cache-0' }],
    sentinel: 'sentinel-0',
    configEpoch: 6,
  });
  expect(await fault.targets(reach)).toEqual(ticket.targets);
  expect(log).toEqual([]);
});

test('it has landed when the Sentinel carries it out, or has', async () => {
  const { reach, move, log } = world();
  const ticket = await fault.prepare(reach);
  expect((await fault.landed(ticket, reach)).is).toBe('no');
  await fault.inject(ticket, reach);
  expect(log).toEqual(['sentinel-0 SENTINEL FAILOVER cache']);
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { answer: 'OK', inProgress: true } });
  move();
  // Another process has the ticket alone.
  expect(await fault.landed({ ...ticket }, reach)).toMatchObject({
    is: 'yes',
    evidence: { answer: null, inProgress: false, configEpoch: { before: 4, now: 5 }, anotherMaster: 'cache-2' },
  });
});

test('it has had its effect when all Sentinels name the one new master and the site answers', async () => {
  const { reach, move } = world();
  const ticket = await fault.prepare(reach);
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  move();
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: {
      oldMaster: 'cache-0',
      site: 200,
      sentinels: [{ master: 'cache-2', configEpoch: 5 }, { master: 'cache-2' }, { master: 'cache-2' }],
    },
  });
});

test('one Sentinel that names the old master, two masters, or a site that does not answer is no effect', async () => {
  const behind = world();
  const ticket = await fault.prepare(behind.reach);
  behind.move([0, 2]);
  expect((await fault.effect(ticket, behind.reach)).is).toBe('no');

  const split = world();
  split.move();
  (split.nodes['cache-0'] as { role: string }).role = 'master';
  expect((await fault.effect(ticket, split.reach)).is).toBe('no');

  const down = world(() => 502);
  down.move();
  expect(await fault.effect(ticket, down.reach)).toMatchObject({ is: 'no', evidence: { site: 502 } });
});

test('a node or a Sentinel that can not be asked leaves the effect open', async () => {
  const { reach, move, sentinels } = world();
  const ticket = await fault.prepare(reach);
  move();
  (sentinels['sentinel-1'] as { silent?: string }).silent = 'timed out';
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'cannot-tell',
    evidence: { sentinels: [{}, { error: 'timed out' }, {}] },
  });
  expect(await fault.residue(ticket, reach)).toEqual({
    is: 'cannot-tell',
    left: ['whether sentinel-1 still carries out a failover: timed out'],
  });
});

test('a master that is announced by address is told by its pod', async () => {
  const { reach, see } = world();
  see({ ip: '198.18.1.0' });
  expect((await fault.prepare(reach)).targets).toEqual([{ namespace: 'erp', name: 'cache-0' }]);
});

test('a failover too soon after the last one is waited out, and refused when that takes too long', async () => {
  const soon = world();
  soon.see({ 'role-reported-time': '4000' }, [2]);
  const began = soon.reach.now();
  const asked = soon.redis.ask;
  Object.assign(soon.redis, {
    ask: async (...args: Parameters<typeof asked>) => {
      if (soon.reach.now() - began >= 6_000) soon.see({ 'role-reported-time': '10000' }, [2]);
      return asked(...args);
    },
  });
  expect((await fault.prepare(soon.reach)).sentinel).toBe('sentinel-0');
  expect(soon.reach.now() - began).toBe(6_000);

  const late = world();
  late.see({ 'role-reported-time': '4000', 'failover-timeout': '180000' });
  await expect(fault.prepare(late.reach)).rejects.toThrow(
    'sentinel-0 knows cache-0 as master for 4 s only, and spaces failovers by 180 s',
  );
});

test('a Sentinel in tilt mode would not act: that is waited out too', async () => {
  const { reach, sentinels } = world();
  (sentinels['sentinel-1'] as { tilt?: boolean }).tilt = true;
  const began = reach.now();
  await expect(fault.prepare(reach)).rejects.toThrow('sentinel-1 is in tilt mode');
  expect(reach.now() - began).toBe(40_000);
});

test('Sentinels that are silent, or see the master down, refuse it at once', async () => {
  const silent = world();
  (silent.sentinels['sentinel-2'] as { silent?: string }).silent = 'timed out';
  const began = silent.reach.now();
  await expect(fault.prepare(silent.reach)).rejects.toThrow('sentinel-2 can’t be asked (timed out)');
  expect(silent.reach.now()).toBe(began);
  const down = world();
  down.see({ flags: 'master,s_down' }, [1]);
  await expect(fault.prepare(down.reach)).rejects.toThrow('sentinel-1 says master,s_down of it');
  const stranger = world();
  stranger.see({ ip: 'elsewhere.example' });
  await expect(fault.prepare(stranger.reach)).rejects.toThrow('takes elsewhere.example for the master');
  await expect(fault.prepare(fakeReach())).rejects.toThrow('has no Redis cache');
});

test('undo moves no role back, and what is left is a failover that is not over', async () => {
  const { reach, move, log } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  await fault.undo(ticket, reach);
  expect(await fault.residue(ticket, reach)).toEqual({
    is: 'dirty',
    left: ['sentinel-0 still carries out a failover of cache'],
  });
  move();
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  expect(log).toHaveLength(1);
});
