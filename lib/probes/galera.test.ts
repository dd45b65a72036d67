import { expect, test } from 'vitest';
import { fakeReach, viewRows } from '../../tests/fakes/reach.ts';
import { appWriterNodes, busiestNodeShare, galeraSizeMin } from './galera.ts';

type View = Parameters<typeof viewRows>[0] | 'silent';

const world = (...views: View[]) =>
  fakeReach({
    nodes: views.map((_view, number) => `galera-${number}`),
    sql: (node) => {
      const view = views[Number(node.slice(-1))];
      if (view === undefined || view === 'silent') throw new Error('refused');
      return viewRows(view);
    },
  });

test('the size is the smallest that any node sees', async () => {
  expect(await galeraSizeMin.read(world({}, { size: 1 }, {}))).toMatchObject({ value: 1 });
  expect(await galeraSizeMin.read(world({}, {}, {}))).toMatchObject({ value: 3 });
});

test('a silent node makes a gap with its reason, and so does a cluster without nodes', async () => {
  for (const probe of [galeraSizeMin, appWriterNodes, busiestNodeShare]) {
    expect(await probe.read(world({ appConnections: 1 }, 'silent', {}))).toMatchObject({
      missing: 'galera-1: refused',
    });
    expect(await probe.read(world())).toMatchObject({ missing: 'no Galera node was found' });
  }
});

test('counts the nodes that the app works on, and the share of the busiest', async () => {
  const split = world({ appConnections: 6 }, { appConnections: 2 }, {});
  expect(await appWriterNodes.read(split)).toMatchObject({ value: 2 });
  expect(await busiestNodeShare.read(split)).toMatchObject({ value: 0.75 });
  const single = world({}, { appConnections: 8 }, {});
  expect(await appWriterNodes.read(single)).toMatchObject({ value: 1 });
  expect(await busiestNodeShare.read(single)).toMatchObject({ value: 1 });
});

test('the writer is named, also when another node is silent: then by those who answered', async () => {
  expect(await appWriterNodes.read(world({}, { appConnections: 8 }, {}))).toMatchObject({ seen: 'galera-1' });
  expect(await appWriterNodes.read(world('silent', {}, { appConnections: 2 }))).toMatchObject({
    missing: 'galera-0: refused',
    seen: 'galera-2',
  });
  expect(await appWriterNodes.read(world({}, {}))).not.toHaveProperty('seen');
});

test('no connection at this moment is a gap, since an app without a pool has none between two requests', async () => {
  expect(await appWriterNodes.read(world({}, {}))).toMatchObject({ missing: expect.any(String) });
  expect(await busiestNodeShare.read(world({}, {}))).toMatchObject({ missing: expect.any(String) });
});

test('a node that is no Galera node is silent, not of size zero', async () => {
  const reach = fakeReach({ nodes: ['db-0'], sql: () => [{ name: 'app_connections', value: '3' }] });
  expect(await galeraSizeMin.read(reach)).toMatchObject({ missing: expect.stringContaining('is it a Galera node?') });
});
