import { expect, test } from 'vitest';
import type { Json } from '../../lib/model/fault.ts';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { leftOfChange, lookAtChange, makeChange, objectChangeSchema, recordChange, takeBack } from './object-change.ts';

const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'erp', name: 'web' };
const key = 'Deployment erp/web';

function world(spec: Json = { replicas: 2, template: { spec: { hostname: 'a' } } }, metadata: object = {}) {
  const cluster = fakeCluster({
    objects: [
      {
        ...ref,
        metadata: { namespace: 'erp', name: 'web', uid: 'u1', generation: 4, resourceVersion: '10', ...metadata },
        spec,
      } as never,
    ],
  });
  const reach = fakeReach({ cluster });
  const now = () => cluster.objects.get(key) as never as { metadata: Record<string, Json>; spec: Record<string, Json> };
  /** Somebody else. */
  const set = (patch: Json) => cluster.patch(ref, patch);
  return { cluster, reach, now, set };
}

const wanted = { spec: { replicas: 1, paused: true, template: { spec: { hostname: null } } } };
const record = (reach: ReturnType<typeof world>['reach'], patch: Json = wanted) =>
  recordChange(reach, 'x/y', ref, patch);

test('fields are changed, found again as wanted, and put back to the letter: what was not there goes', async () => {
  const { cluster, reach, now } = world();
  const before = structuredClone(now().spec);
  const change = await record(reach);
  expect(objectChangeSchema.parse(JSON.parse(JSON.stringify(change)))).toEqual(change);
  expect(cluster.log).toEqual([]);
  expect((await lookAtChange(change, reach)).is).toBe('no');
  await makeChange(change, reach);
  expect(now().spec).toEqual({ replicas: 1, paused: true, template: { spec: {} } });
  expect(Object.entries(now().metadata.annotations ?? {})).toEqual([
    [expect.stringMatching(/^shakedown\.dev\/run-[0-9a-f]{12}$/), 'rtest'],
  ]);
  expect(await lookAtChange(change, reach)).toEqual({
    is: 'yes',
    evidence: {
      object: 'Deployment erp/web',
      generation: { before: 4, now: 5 },
      fields: {
        'spec.replicas': { before: '2', now: '1' },
        'spec.paused': { before: 'not there', now: 'true' },
        'spec.template.spec.hostname': { before: '"a"', now: 'not there' },
      },
    },
  });
  expect(await leftOfChange(change, reach)).toHaveLength(4);
  await expect(record(reach)).rejects.toThrow('nothing would change');
  await expect(
    record(reach, { spec: { replicas: 0, paused: null, template: { spec: { hostname: 'b' } } } }),
  ).rejects.toThrow('changed the same fields already');
  await takeBack(change, reach);
  expect(now().spec).toEqual(before);
  expect(now().metadata.annotations).toEqual({});
  expect(await leftOfChange(change, reach)).toEqual([]);
});

test('undo is right before inject and twice: it writes only when there is something to take back', async () => {
  const { cluster, reach } = world();
  const change = await record(reach);
  await takeBack(change, reach);
  expect(cluster.log).toEqual([]);
  await makeChange(change, reach);
  await takeBack(change, reach);
  const writes = cluster.log.length;
  await takeBack(change, reach);
  expect(cluster.log).toHaveLength(writes);
});

test('what somebody else set to the very value before we did is theirs: inject refuses, undo and residue leave it', async () => {
  const { cluster, reach, set, now } = world();
  const change = await record(reach, { spec: { paused: true } });
  await set({ spec: { paused: true } });
  await expect(makeChange(change, reach)).rejects.toThrow('nothing was changed');
  const writes = cluster.log.length;
  await takeBack(change, reach);
  expect(cluster.log).toHaveLength(writes);
  expect(now().spec.paused).toBe(true);
  expect(await leftOfChange(change, reach)).toEqual([]);
});

test('a value that somebody set after us is reported and not overwritten; ours beside it still goes', async () => {
  const { reach, now, set } = world();
  const change = await record(reach);
  await makeChange(change, reach);
  await set({ spec: { replicas: 5 } });
  expect((await lookAtChange(change, reach)).is).toBe('no');
  await takeBack(change, reach);
  expect(now().spec).toEqual({ replicas: 5, template: { spec: { hostname: 'a' } } });
  expect(await leftOfChange(change, reach)).toEqual([
    'Deployment erp/web: spec.replicas is 5: somebody changed it after we made 1 of 2, so it was left',
  ]);
});

test('a controller that puts the old value back makes it a no', async () => {
  const { reach, set } = world();
  const change = await record(reach);
  await makeChange(change, reach);
  await set({ spec: { replicas: 2 } });
  expect(await lookAtChange(change, reach)).toMatchObject({ is: 'no', evidence: { generation: { now: 6 } } });
});

test('inject changes nothing when the field, or the object, is another one by then', async () => {
  const one = world();
  const change = await record(one.reach);
  await one.set({ spec: { replicas: 3 } });
  await expect(makeChange(change, one.reach)).rejects.toThrow('spec.replicas is 3 and was 2');
  expect(one.now().spec.replicas).toBe(3);

  const other = world({ replicas: 2 }, { uid: 'u2' });
  await expect(makeChange(change, other.reach)).rejects.toThrow('another object of that name');
  expect(other.cluster.log).toEqual([]);
  expect((await lookAtChange(change, other.reach)).is).toBe('no');
});

test('an object of the same name that somebody made anew is left alone, unless it carries our mark', async () => {
  const change = await record(world().reach);
  const replaced = { replicas: 1, paused: true, template: { spec: {} } };
  const another = world(replaced, { uid: 'u2' });
  await takeBack(change, another.reach);
  expect(another.cluster.log).toEqual([]);
  expect(await leftOfChange(change, another.reach)).toEqual([]);

  const marked = world();
  await makeChange(change, marked.reach);
  const copy = world(replaced, { uid: 'u2', annotations: marked.now().metadata.annotations as object });
  expect(await leftOfChange(change, copy.reach)).toHaveLength(4);
  await takeBack(change, copy.reach);
  expect(copy.now().spec.replicas).toBe(2);
});

test('an object that is gone has nothing of ours, and inject says that it is gone', async () => {
  const { cluster, reach } = world();
  const change = await record(reach);
  cluster.objects.clear();
  await takeBack(change, reach);
  expect(await leftOfChange(change, reach)).toEqual([]);
  await expect(makeChange(change, reach)).rejects.toThrow('gone since it was recorded');
});

test('two changes of one run on one object are taken back one by one, whichever goes first', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const { reach, now } = world();
    const first = await record(reach, { spec: { replicas: 1 } });
    await makeChange(first, reach);
    const second = await record(reach, { spec: { paused: true } });
    await makeChange(second, reach);
    for (const index of order) await takeBack([first, second][index] as typeof first, reach);
    expect(now().spec).toEqual({ replicas: 2, template: { spec: { hostname: 'a' } } });
    expect(now().metadata.annotations).toEqual({});
  }
});

test('a write in between makes it look again, and one that never ends is an error', async () => {
  const { cluster, reach, now, set } = world();
  const change = await record(reach);
  const { get } = cluster;
  let writers = 3;
  cluster.get = async (asked) => {
    const object = await get(asked);
    if (writers > 0) {
      writers -= 1;
      await set({ metadata: { labels: { busy: String(writers) } } });
    }
    return object;
  };
  await makeChange(change, reach);
  expect(now().spec.replicas).toBe(1);
  writers = Number.POSITIVE_INFINITY;
  await expect(takeBack(change, reach)).rejects.toThrow('was changed meanwhile');
  expect(now().spec.replicas).toBe(1);
});

test.each<[string, object, Json, string]>([
  ['nothing would change', {}, { spec: { replicas: 2 } }, 'nothing would change, spec.replicas is 2 already'],
  ['another run has marked it', { annotations: { 'shakedown.dev/run': 'rold' } }, wanted, 'the mark of run rold'],
])('nothing is recorded when %s', async (_name, metadata, patch, says) => {
  const { reach } = world(undefined, metadata);
  await expect(record(reach, patch)).rejects.toThrow(says);
});

test('nothing is recorded of what is not there, of Secrets, of environments, and of what is too large', async () => {
  const { cluster, reach } = world({ containers: [{ env: [{ name: 'PASSWORD', value: 'hunter2' }] }], long: '' });
  await expect(recordChange(reach, 'x/y', { ...ref, name: 'none' }, wanted)).rejects.toThrow('no Deployment erp/none');
  cluster.objects.set('Secret erp/web', { kind: 'Secret', metadata: { name: 'web', namespace: 'erp' } });
  await expect(recordChange(reach, 'x/y', { ...ref, kind: 'Secret' }, wanted)).rejects.toThrow('is a Secret');
  const refused = recordChange(reach, 'x/y', ref, { spec: { containers: [] } });
  await expect(refused).rejects.toThrow('may be secret');
  await expect(refused).rejects.not.toThrow('hunter2');
  await expect(record(reach, { spec: { long: 'x'.repeat(50_000) } })).rejects.toThrow('at most 49152');
});
