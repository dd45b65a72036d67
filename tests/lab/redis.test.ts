// The Redis groups are what they say: a failover that the Sentinels are asked for moves the master, and all is whole again by itself.
import { expect, it } from 'vitest';
import { readTargetFile } from '../../cli/target-file.ts';
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';
import { openReach } from '../../lib/clients/reach.ts';
import { readRedis, redisProblems } from '../../lib/probes/redis.ts';

const openRedis = async () => {
  const target = await readTargetFile(process.env.SHAKEDOWN_LAB ?? '');
  const reach = await openReach(target, { runId: 'redis-test', seed: 1, signal: AbortSignal.timeout(180_000) });
  const { redis } = reach;
  if (!redis) throw new Error('no Redis in reach');
  const whole = async () => {
    const problems = redisProblems(await readRedis(redis, target), target);
    return problems.length === 0 || problems.join('; ');
  };
  return { target, reach, redis, whole };
};

it.each(['cache', 'queue'] as const)('%s fails over to a replica, and comes back whole', async (group) => {
  const { target, redis, whole, reach: opened } = await openRedis();
  await using reach = opened;
  const masterNow = async () => {
    const { nodes } = await readRedis(redis, target);
    return nodes.filter((node) => node.group === group && node.is.role === 'master').map(({ node }) => node);
  };
  await until('both groups are whole', 60_000, whole);
  const before = await masterNow();
  expect(before).toHaveLength(1);
  await redis.ask('sentinel', 'redis-sentinel-0', ['SENTINEL', 'FAILOVER', group]);
  await until('the master moved', 60_000, async () => {
    const now = await masterNow();
    return (now.length === 1 && now[0] !== before[0]) || `master ${now.join(', ') || 'none'}`;
  });
  await until('both groups are whole again', 60_000, whole);
  const scan = await reach.http.get('/api/method/ping');
  expect(scan.status).toBe(200);
});

const log = '/data/redis/appendonlydir';
it.each([
  [
    'a log that ends in zeros, as a power loss leaves it',
    `for file in ${log}/*.incr.aof; do head -c 4096 /dev/zero >>$file; done`,
    'it was cut there',
  ],
  ['a log that is beyond mending', `for file in ${log}/*.aof ${log}/*.rdb; do echo no >$file; done`, 'all comes from'],
])('a replica of the queue comes back from %s', async (_what, damage, says) => {
  const { target, redis, whole, reach } = await openRedis();
  await using _closed = reach;
  await until('both groups are whole', 60_000, whole);
  const { nodes } = await readRedis(redis, target);
  const pod = nodes.find(({ group, is }) => group === 'queue' && is.role === 'replica')?.node ?? '';
  const inPod = (command: string) =>
    kubectl(['exec', '--namespace', 'erp', pod, '--container', 'redis', '--', 'sh', '-c', command]);
  await inPod(damage);
  // The connection goes with the server.
  await redis.ask('queue', pod, ['SHUTDOWN', 'NOSAVE']).catch(() => undefined);
  await until(`${pod} says so`, 60_000, async () => {
    const said = await kubectl(['logs', '--namespace', 'erp', pod, '--container', 'redis']).catch(String);
    return said.includes(says) || said.slice(0, 200);
  });
  await until('both groups are whole again', 60_000, whole);
  expect(await redis.ask('queue', pod, ['DBSIZE'])).toBeGreaterThan(0);
});
