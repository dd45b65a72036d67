import { expect, test } from 'vitest';
import { fakeCluster, fakeContainer, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import type { Pod } from '../model/reach.ts';
import { readyPods, restarts, unreadyPods } from './tiers.ts';

const web = (name: string, over: Partial<Pod> = {}) =>
  fakePod({ namespace: 'erp', name, labels: { tier: 'web' }, ready: true, ...over });
const world = (...pods: Pod[]) => fakeReach({ cluster: fakeCluster({ pods }) });

test('a pod that is going is neither ready nor waited for', async () => {
  const reach = world(web('a'), web('b', { deleting: true }), web('c', { ready: false }));
  expect(await readyPods('web').read(reach)).toMatchObject({ value: 1 });
  expect(await unreadyPods('web').read(reach)).toMatchObject({ value: 1 });
});

test('a tier whose pods are all gone has none that is ready', async () => {
  expect(await readyPods('web').read(world())).toMatchObject({ value: 0 });
  expect(await unreadyPods('web').read(world())).toMatchObject({ value: 0 });
});

test('restarts are counted over all containers', async () => {
  const container = (count: number) => fakeContainer({ name: `c${count}`, id: `c${count}`, restarts: count });
  const reach = world(web('a', { containers: [container(1), container(2)] }), web('b', { containers: [container(4)] }));
  expect(await restarts('web').read(reach)).toMatchObject({ value: 7 });
});

test('a tier that the target does not have is missing, not empty', async () => {
  expect(await restarts('worker-short').read(world())).toMatchObject({
    missing: expect.stringContaining('worker-short'),
  });
});
