import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { fakeRedis, redisTarget } from '../../tests/fakes/redis.ts';
import { pauseTicketSchema, pauseWrites } from './pause.ts';

const fault = pauseWrites('queue', 20_000);

function world() {
  const fake = fakeRedis();
  const cluster = fakeCluster({ pods: fake.pods });
  const reach = fakeReach({ target: redisTarget, redis: fake.redis, cluster });
  const master = fake.nodes['queue-0'];
  if (!master) throw new Error('the fake has no queue-0');
  return { ...fake, cluster, reach, master };
}

test('writes wait, reads are answered, and unpausing leaves nothing', async () => {
  const { reach, log } = world();
  const ticket = await fault.prepare(reach);
  expect(pauseTicketSchema.parse(ticket)).toEqual({
    runId: 'rtest',
    targets: [{ namespace: 'erp', name: 'queue-0' }],
    serverRunId: 'run-queue-0',
    pauseMs: 20_000,
  });
  expect((await fault.landed(ticket, reach)).is).toBe('no');
  await fault.inject(ticket, reach);
  expect(await fault.landed(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { write: 'waits', sameServer: true },
  });
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'dirty', left: ['writes on queue-0 wait'] });
  await fault.undo(ticket, reach);
  await fault.undo(ticket, reach);
  expect(log).toEqual(['queue-0 CLIENT PAUSE 20000 WRITE', 'queue-0 CLIENT UNPAUSE', 'queue-0 CLIENT UNPAUSE']);
  expect((await fault.residue(ticket, reach)).is).toBe('clean');
});

test('a pause that ended early, or with its server, does not hold', async () => {
  const { reach, master, log } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  master.paused = false;
  expect((await fault.holding?.(ticket, reach))?.is).toBe('no');
  master.paused = true;
  master.runId = 'another';
  expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'no', evidence: { sameServer: false } });
  // That one was not paused by us.
  await fault.undo(ticket, reach);
  expect(log).toHaveLength(1);
  expect((await fault.residue(ticket, reach)).is).toBe('clean');
});

test('its effect is that others wait: neither our own question nor the Sentinels’ messages', async () => {
  const { reach, master } = world();
  const ticket = await fault.prepare(reach);
  master.clients = ['id=1 flags=b cmd=publish user=default', 'id=2 flags=N cmd=evalsha'];
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  master.clients.push('id=3 flags=b cmd=eval user=default');
  expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'yes', evidence: { waiting: 1, commands: ['eval'] } });
});

test('a pod that is gone took it along; a silent one is asked again, and counts as unknown', async () => {
  const { reach, master, cluster } = world();
  const ticket = await fault.prepare(reach);
  master.silent = 'timed out';
  await expect(fault.undo(ticket, reach)).rejects.toThrow('timed out');
  expect((await fault.residue(ticket, reach)).is).toBe('cannot-tell');
  expect((await fault.landed(ticket, reach)).is).toBe('cannot-tell');
  expect((await fault.effect(ticket, reach)).is).toBe('cannot-tell');
  cluster.podList.splice(0, cluster.podList.length);
  await fault.undo(ticket, reach);
  expect((await fault.residue(ticket, reach)).is).toBe('clean');
});

test('a write that is late and not held back by the server is no pause', async () => {
  const { reach, redis } = world();
  const ticket = await fault.prepare(reach);
  const asked = redis.ask;
  Object.assign(redis, {
    ask: (...args: Parameters<typeof asked>) =>
      args[2][0] === 'PUBLISH' ? new Promise(() => undefined) : asked(...args),
  });
  expect(await fault.landed(ticket, reach)).toMatchObject({
    is: 'cannot-tell',
    evidence: { error: expect.stringContaining('nor says that it holds one back') },
  });
});

test('one that somebody else has paused is not paused again', async () => {
  const { reach, master } = world();
  master.paused = true;
  await expect(fault.prepare(reach)).rejects.toThrow('a write on queue-0 waits before anything was paused');
});
