import { expect, test } from 'vitest';
import { fakeReach, viewRows } from '../../tests/fakes/reach.ts';
import type { Reach } from '../model/reach.ts';
import { appWriter, galeraView } from './survivors.ts';

type View = Parameters<typeof viewRows>[0] | 'refuses' | 'hangs';

/** Patience ends only when no node has more to say. */
function world(...views: View[]): Reach & { asked: () => readonly string[] } {
  const asked: string[] = [];
  const base = fakeReach({ nodes: views.map((_, number) => `galera-${number}`) });
  return {
    ...base,
    asked: () => asked,
    sleep: () => new Promise((resolve) => setTimeout(resolve, 5)),
    sql: {
      ...base.sql,
      async query(node) {
        asked.push(node);
        const view = views[Number(node.slice(-1))];
        if (view === 'hangs') return new Promise<never>(() => {});
        if (view === undefined || view === 'refuses') throw new Error('refused');
        return viewRows(view);
      },
    },
  };
}

test('the view and the writer are those of whoever answers, for a dead node says nothing of its roles', async () => {
  for (const silent of ['refuses', 'hangs'] as const) {
    const reach = world(silent, { confId: 41, size: 2, appConnections: 8 }, { confId: 41, size: 2 });
    expect(await galeraView.read(reach)).toMatchObject({ value: 41, seen: 'view 41 of 2' });
    expect(await appWriter.read(reach)).toMatchObject({ value: 1, seen: 'galera-1' });
  }
});

test('a node that was left behind by the others is no writer, though the app still hangs on it', async () => {
  const cut = { component: 'non-Primary', size: 1, confId: 99, appConnections: 12 };
  const reach = world(cut, { confId: 41, size: 2 }, { confId: 41, size: 2, appConnections: 3 });
  expect(await appWriter.read(reach)).toMatchObject({ value: 2, seen: 'galera-2' });
  expect(await galeraView.read(reach)).toMatchObject({ value: 41 });
});

test('without a connection, or with as many on two nodes, nobody can tell who the writer is', async () => {
  expect(await appWriter.read(world({}, {}, 'refuses'))).toMatchObject({
    missing: expect.stringContaining('no connection'),
  });
  const both = world({ appConnections: 4 }, { appConnections: 4 }, {});
  expect(await appWriter.read(both)).toMatchObject({ missing: expect.stringContaining('galera-0 and galera-1 alike') });
  expect(await appWriter.read(world({ appConnections: 4 }, { appConnections: 1 }, {}))).toMatchObject({ value: 0 });
});

test('without any node of a primary component there is nothing to tell', async () => {
  for (const reach of [world(), world('refuses', 'hangs'), world({ component: 'non-Primary', appConnections: 3 })])
    for (const probe of [galeraView, appWriter])
      expect(await probe.read(reach)).toMatchObject({ missing: 'no Galera node of a primary component answers' });
});

test('a node that owes an answer is not asked again', async () => {
  const reach = world('hangs', { appConnections: 3 });
  let later = 0;
  const moving = { ...reach, now: () => (later += 1_000) };
  for (let look = 0; look < 3; look++) await appWriter.read(moving);
  expect(reach.asked().filter((node) => node === 'galera-0')).toHaveLength(1);
  expect(reach.asked().filter((node) => node === 'galera-1')).toHaveLength(3);
});
