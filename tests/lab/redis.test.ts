// The Redis groups are what they say: a failover that the Sentinels are asked for moves the master, and all is whole again by itself.
import { expect, it } from 'vitest';
import { readTargetFile } from '../../cli/target-file.ts';
import { until } from '../../lab/step.ts';
import { openReach } from '../../lib/clients/reach.ts';
import { readRedis, redisProblems } from '../../lib/probes/redis.ts';

it.each(['cache', 'queue'] as const)('%s fails over to a replica, and comes back whole', async (group) => {
  const target = await readTargetFile(process.env.SHAKEDOWN_LAB ?? '');
  await using reach = await openReach(target, { runId: 'redis-test', seed: 1, signal: AbortSignal.timeout(180_000) });
  const { redis } = reach;
  if (!redis) throw new Error('no Redis in reach');
  const masterNow = async () => {
    const { nodes } = await readRedis(redis, target);
    return nodes.filter((node) => node.group === group && node.is.role === 'master').map(({ node }) => node);
  };
  const whole = async () => {
    const problems = redisProblems(await readRedis(redis, target), target);
    return problems.length === 0 || problems.join('; ');
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
