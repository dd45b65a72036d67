import { expect, test } from 'vitest';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { fakeRedis, redisTarget, sentinelView } from '../../tests/fakes/redis.ts';
import { sentinelProbes } from './sentinels.ts';

function world() {
  const { redis, sentinels } = fakeRedis();
  return { sentinels, reach: () => fakeReach({ target: redisTarget, redis }) };
}
const { epoch, master } = sentinelProbes('cache');
const says = (name: string, view: Record<string, string>, all: ReturnType<typeof world>) => {
  const sentinel = all.sentinels[name];
  if (sentinel) sentinel.view.cache = view;
};

test('the master is whom most Sentinels name, and the epoch the newest that any has', async () => {
  const all = world();
  expect(await master.read(all.reach())).toMatchObject({ value: 0, seen: expect.stringContaining('cache-0.') });
  expect(await epoch.read(all.reach())).toMatchObject({ value: 4 });
  says('sentinel-1', sentinelView('cache-2', 5), all);
  // One has heard of it: it was noticed, and nobody has moved yet.
  expect(await epoch.read(all.reach())).toMatchObject({ value: 5 });
  expect(await master.read(all.reach())).toMatchObject({ value: 0 });
  says('sentinel-0', sentinelView('cache-2', 5), all);
  expect(await master.read(all.reach())).toMatchObject({ value: 2 });
});

test('a silent Sentinel is none of most, and without most of them there is no master to tell', async () => {
  const all = world();
  const silence = (name: string) => {
    const sentinel = all.sentinels[name];
    if (sentinel) sentinel.silent = 'refused';
  };
  silence('sentinel-0');
  expect(await master.read(all.reach())).toMatchObject({ value: 0 });
  silence('sentinel-1');
  expect(await master.read(all.reach())).toMatchObject({ missing: expect.stringContaining('1 of 3 Sentinels answer') });
  expect(await epoch.read(all.reach())).toMatchObject({ value: 4 });
  silence('sentinel-2');
  for (const probe of [epoch, master])
    expect(await probe.read(all.reach())).toMatchObject({ missing: 'no Sentinel answers' });
});

test('a target without Sentinels is no target without a failover', async () => {
  await expect(master.read(fakeReach())).rejects.toThrow('no Sentinels that watch the cache');
});
