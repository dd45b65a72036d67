// The mechanism by the faults that use it: a limit of a Redis, whose file may keep what was set, and read_only of a MariaDB, which forgets it.
import { expect, test } from 'vitest';
import { fakeCluster, fakeContainer, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach, viewRows } from '../../tests/fakes/reach.ts';
import { fakeRedis, redisTarget } from '../../tests/fakes/redis.ts';
import { galeraReadOnly } from '../galera/read-only.ts';
import { memoryLimit } from '../redis/memory-limit.ts';
import { tooFewReplicas } from '../redis/too-few-replicas.ts';
import { undoableFrom } from '../registry.ts';
import { type SettingTicket, settingTicketSchema } from './server-setting.ts';

const fault = memoryLimit('cache');
const set = '1048583';

function world() {
  const fake = fakeRedis();
  const cluster = fakeCluster({ pods: fake.pods });
  const reach = fakeReach({ target: redisTarget, redis: fake.redis, cluster });
  const master = fake.nodes['cache-0'];
  if (!master) throw new Error('the fake has no cache-0');
  const restart = (config: Record<string, string>) => {
    master.config = { ...master.config, ...config };
    const index = cluster.podList.findIndex(({ name }) => name === 'cache-0');
    cluster.podList[index] = fakePod({
      namespace: 'erp',
      name: 'cache-0',
      containers: [fakeContainer({ name: 'redis', id: 'another' })],
    });
  };
  const vanish = () => cluster.podList.splice(0, 1);
  return { ...fake, cluster, reach, master, restart, vanish };
}

test('the ticket has the value from before, and of which process', async () => {
  const { reach, log } = world();
  const ticket = await fault.prepare(reach);
  expect(ticket).toEqual({
    runId: 'rtest',
    targets: [{ namespace: 'erp', name: 'cache-0' }],
    life: 'uid-cache-0 container-ca',
    before: '67108864',
    set,
    counters: { refused: 0, evicted: 0 },
  });
  expect(settingTicketSchema.parse(JSON.parse(JSON.stringify(ticket)))).toEqual(ticket);
  expect(await fault.targets(reach)).toEqual(ticket.targets);
  expect(log).toEqual([]);
});

test('it lands, holds, is put back once, and leaves nothing', async () => {
  const { reach, log, master } = world();
  const ticket = await fault.prepare(reach);
  expect((await fault.landed(ticket, reach)).is).toBe('no');
  await fault.inject(ticket, reach);
  expect(await fault.landed(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { maxmemory: set, before: '67108864' },
  });
  expect((await fault.holding?.(ticket, reach))?.is).toBe('yes');
  expect(await fault.residue(ticket, reach)).toEqual({
    is: 'dirty',
    left: [`maxmemory of cache-0 is ${set}, was 67108864`],
  });
  await fault.undo(ticket, reach);
  await fault.undo(ticket, reach);
  expect(master.config.maxmemory).toBe('67108864');
  expect(log).toEqual([`cache-0 CONFIG SET maxmemory ${set}`, 'cache-0 CONFIG SET maxmemory 67108864']);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  expect((await fault.holding?.(ticket, reach))?.is).toBe('no');
});

test('undo before inject, and of what somebody else has set since, changes nothing', async () => {
  const { reach, log, master } = world();
  const ticket = await fault.prepare(reach);
  await fault.undo(ticket, reach);
  expect(log).toEqual([]);
  await fault.inject(ticket, reach);
  master.config.maxmemory = '5';
  await fault.undo(ticket, reach);
  expect(master.config.maxmemory).toBe('5');
  expect((await fault.residue(ticket, reach)).is).toBe('clean');
  expect((await fault.holding?.(ticket, reach))?.is).toBe('no');
});

test('inject refuses what somebody has set since it was recorded, and a server that was started anew', async () => {
  const { reach, log, master, restart } = world();
  const ticket = await fault.prepare(reach);
  master.config.maxmemory = set;
  await expect(fault.inject(ticket, reach)).rejects.toThrow(
    `maxmemory of cache-0 is ${set} and was 67108864 when it was recorded; nothing was changed`,
  );
  restart({ maxmemory: '67108864' });
  await expect(fault.inject(ticket, reach)).rejects.toThrow('was started anew since it was recorded');
  expect(log).toEqual([]);
});

test('an undo that could not write the file is done again, although the value is back already', async () => {
  const { reach, log, redis, master } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  master.role = 'slave';
  const { ask } = redis;
  let full = true;
  redis.ask = async (group, node, command) => {
    if (full && command[1] === 'REWRITE') throw new Error('ERR Rewriting config file: No space left on device');
    return ask(group, node, command);
  };
  await expect(fault.undo(ticket, reach)).rejects.toThrow('No space left');
  expect(master.config.maxmemory).toBe('67108864');
  expect(await fault.residue(ticket, reach)).toEqual({
    is: 'dirty',
    left: [`maxmemory of cache-0 may still be ${set} in the server’s own file`],
  });
  full = false;
  await fault.undo({ ...ticket }, reach);
  expect(log.at(-1)).toBe('cache-0 CONFIG REWRITE');
});

test('another process undoes from the ticket alone', async () => {
  const { reach, master } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  const found = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
  if ('problem' in found) throw new Error(found.problem);
  await found.fault.undo(found.ticket, reach);
  expect(master.config.maxmemory).toBe('67108864');
});

test('a server that was started anew has forgotten it, unless its file kept our very value', async () => {
  const forgot = world();
  const ticket = await fault.prepare(forgot.reach);
  await fault.inject(ticket, forgot.reach);
  forgot.restart({ maxmemory: '67108864' });
  expect((await fault.holding?.(ticket, forgot.reach))?.is).toBe('no');
  await fault.undo(ticket, forgot.reach);
  expect(forgot.log).toHaveLength(1);
  expect((await fault.residue(ticket, forgot.reach)).is).toBe('clean');

  const kept = world();
  await fault.inject(ticket, kept.reach);
  kept.restart({ maxmemory: set });
  expect((await fault.holding?.(ticket, kept.reach))?.is).toBe('no');
  expect((await fault.residue(ticket, kept.reach)).is).toBe('dirty');
  await fault.undo(ticket, kept.reach);
  expect(kept.master.config.maxmemory).toBe('67108864');
});

test('after the role moved it is put back where it was set, and in the file that Sentinel had written', async () => {
  const { reach, log, nodes, master } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  master.role = 'slave';
  (nodes['cache-1'] as { role: string }).role = 'master';
  await fault.undo(ticket, reach);
  expect(log.slice(1)).toEqual(['cache-0 CONFIG SET maxmemory 67108864', 'cache-0 CONFIG REWRITE']);
});

test('a pod that is away may come back with it in its file; one that is silent has to be asked again: both count as unknown', async () => {
  const gone = world();
  const ticket = await fault.prepare(gone.reach);
  gone.vanish();
  await expect(fault.undo(ticket, gone.reach)).rejects.toThrow('cache-0 does not run');
  expect(await fault.residue(ticket, gone.reach)).toMatchObject({
    is: 'cannot-tell',
    left: [expect.stringContaining('cache-0 does not run')],
  });
  expect((await fault.landed(ticket, gone.reach)).is).not.toBe('yes');

  const silent = world();
  await fault.inject(ticket, silent.reach);
  silent.master.silent = 'connection refused';
  await expect(fault.undo(ticket, silent.reach)).rejects.toThrow('connection refused');
  expect(await fault.residue(ticket, silent.reach)).toEqual({
    is: 'cannot-tell',
    left: ['maxmemory of cache-0: connection refused'],
  });
  expect((await fault.landed(ticket, silent.reach)).is).toBe('cannot-tell');
  const down = world();
  down.cluster.down = new Error('no API server');
  expect((await fault.residue(ticket, down.reach)).is).toBe('cannot-tell');
});

test('prepare refuses what could not be seen to land, and roles that are not clear', async () => {
  const already = world();
  already.master.config.maxmemory = set;
  await expect(fault.prepare(already.reach)).rejects.toThrow(`maxmemory of cache-0 is ${set} already`);
  const two = world();
  (two.nodes['cache-1'] as { role: string }).role = 'master';
  await expect(fault.prepare(two.reach)).rejects.toThrow('cache-0 master, cache-1 master, cache-2 slave');
  const silent = world();
  (silent.nodes['cache-2'] as { silent?: string }).silent = 'timed out';
  await expect(fault.prepare(silent.reach)).rejects.toThrow('cache-2 can’t be asked (timed out)');
  const none = world();
  none.cluster.podList.splice(0, 1);
  await expect(fault.prepare(none.reach)).rejects.toThrow('no running container redis in cache-0');
  await expect(fault.prepare(fakeReach())).rejects.toThrow('has no Redis cache');
});

test('its effect is what the master refused or threw out since, not what it did before', async () => {
  const { reach, master } = world();
  master.refused.OOM = 7;
  const ticket = await fault.prepare(reach);
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  master.evicted = 3;
  expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'yes', evidence: { refused: 0, evicted: 3 } });
  master.evicted = 0;
  master.refused.OOM = 9;
  expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'yes', evidence: { refused: 2 } });
  // Started anew: it counts from nought.
  master.refused.OOM = 1;
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  master.silent = 'timed out';
  expect((await fault.effect(ticket, reach)).is).toBe('cannot-tell');
});

test('a queue that would throw out jobs is left alone', async () => {
  const { reach, nodes } = world();
  const queue = memoryLimit('queue');
  expect(await queue.prepare(reach)).toMatchObject({ targets: [{ name: 'queue-0' }] });
  (nodes['queue-0'] as { config: Record<string, string> }).config['maxmemory-policy'] = 'allkeys-lru';
  await expect(queue.prepare(reach)).rejects.toThrow('would throw out jobs');
});

test('a master that asks for more replicas than there are refuses writes, and says so in its own count', async () => {
  const { reach, nodes, log } = world();
  const readOnly = tooFewReplicas('queue');
  const ticket = await readOnly.prepare(reach);
  await readOnly.inject(ticket, reach);
  (nodes['queue-0'] as { refused: Record<string, number> }).refused.NOREPLICAS = 4;
  expect(await readOnly.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { refused: 4, word: 'NOREPLICAS' },
  });
  await readOnly.undo(ticket, reach);
  expect(log).toEqual(['queue-0 CONFIG SET min-replicas-to-write 97', 'queue-0 CONFIG SET min-replicas-to-write 1']);
});

test('the rights of undo are those to reach the very group, with its password', () => {
  expect(fault.rights(redisTarget).undo).toContainEqual({
    namespace: 'erp',
    apiGroup: '',
    resources: ['secrets'],
    verbs: ['get'],
    names: ['redis-cache'],
  });
  expect(galeraReadOnly.rights(redisTarget).undo).toContainEqual(
    expect.objectContaining({ resources: ['secrets'], names: ['database-faults'] }),
  );
});

/** Three Galera nodes; the app is on galera-1. */
function galera(changes: { deny?: (node: string) => Error | undefined; faultUser?: boolean } = {}) {
  const readOnly: Record<string, string | number> = { 'galera-0': 0, 'galera-1': 0, 'galera-2': 0 };
  const app: Record<string, number> = { 'galera-1': 12 };
  const sent: string[] = [];
  const cluster = fakeCluster({
    pods: Object.keys(readOnly).map((name) =>
      fakePod({ namespace: 'erp', name, containers: [fakeContainer({ name: 'mariadb', id: `container-${name}` })] }),
    ),
  });
  const { faultCredentials: _, ...withoutFaultUser } = redisTarget.mariadb;
  const reach = fakeReach({
    target: changes.faultUser === false ? { ...redisTarget, mariadb: withoutFaultUser } : redisTarget,
    cluster,
    sql: (node, sql) => {
      if (sql.startsWith('SELECT @@GLOBAL.read_only')) return [{ value: readOnly[node] ?? 0 }];
      if (sql.startsWith('SET GLOBAL read_only = ')) {
        sent.push(`${node} ${sql}`);
        readOnly[node] = sql.endsWith('ON') ? 1 : 0;
        return [];
      }
      if (sql.startsWith('DELETE')) {
        throw (
          changes.deny?.(node) ??
          new Error(
            readOnly[node] === 1
              ? 'ER_OPTION_PREVENTS_STATEMENT The MariaDB server is running with the --read-only option'
              : "ER_TABLEACCESS_DENIED_ERROR DELETE command denied to user 'reader'",
          )
        );
      }
      return viewRows({ appConnections: app[node] ?? 0 });
    },
  });
  return { reach, cluster, readOnly, app, sent };
}

test('the writer is made read-only and back, and only it', async () => {
  const { reach, sent } = galera();
  const ticket: SettingTicket = await galeraReadOnly.prepare(reach);
  expect(ticket).toMatchObject({ targets: [{ name: 'galera-1' }], before: 'OFF', set: 'ON' });
  expect((await galeraReadOnly.effect(ticket, reach)).is).toBe('no');
  await galeraReadOnly.inject(ticket, reach);
  expect((await galeraReadOnly.landed(ticket, reach)).is).toBe('yes');
  expect(await galeraReadOnly.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { ordinaryWrite: 'refused: read-only', appConnections: { 'galera-0': 0, 'galera-1': 12, 'galera-2': 0 } },
  });
  await galeraReadOnly.undo(ticket, reach);
  expect(sent).toEqual(['galera-1 SET GLOBAL read_only = ON', 'galera-1 SET GLOBAL read_only = OFF']);
  expect((await galeraReadOnly.residue(ticket, reach)).is).toBe('clean');
});

test('a MariaDB that was started anew is left alone, even when it is read-only: that is its own setting then', async () => {
  const { reach, cluster, sent, readOnly } = galera();
  const ticket = await galeraReadOnly.prepare(reach);
  await galeraReadOnly.inject(ticket, reach);
  const index = cluster.podList.findIndex(({ name }) => name === 'galera-1');
  cluster.podList[index] = fakePod({
    namespace: 'erp',
    name: 'galera-1',
    containers: [fakeContainer({ name: 'mariadb', id: 'another' })],
  });
  readOnly['galera-1'] = 1;
  await galeraReadOnly.undo(ticket, reach);
  expect(sent).toHaveLength(1);
  expect((await galeraReadOnly.residue(ticket, reach)).is).toBe('clean');
  expect((await galeraReadOnly.holding?.(ticket, reach))?.is).toBe('no');
});

test('without a user who may change it nothing is prepared, and without the app nobody can tell an effect', async () => {
  await expect(galeraReadOnly.prepare(galera({ faultUser: false }).reach)).rejects.toThrow('faultCredentials');
  const { reach, app } = galera({ deny: () => new Error('connection lost') });
  const ticket = await galeraReadOnly.prepare(reach);
  expect((await galeraReadOnly.effect(ticket, reach)).is).toBe('cannot-tell');
  app['galera-1'] = 0;
  const idle = galera();
  idle.app['galera-1'] = 0;
  expect((await galeraReadOnly.effect(ticket, idle.reach)).is).toBe('cannot-tell');
});
