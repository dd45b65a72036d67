import { describe, expect, it } from 'vitest';
import { createBothStores } from './both-stores.ts';
import { type FileStore, StoreFailed } from './store.ts';

const key = 'private/files/a.txt';
const [ours, theirs] = [Buffer.from('ours'), Buffer.from('theirs')];

type Held = FileStore & { readonly held: Map<string, Buffer> };

function holding(bytes?: Buffer): Held {
  const held = new Map(bytes ? [[key, bytes]] : []);
  return {
    held,
    put: async (at, given) => {
      if (held.has(at)) return 'taken';
      held.set(at, given);
      return 'stored';
    },
    get: async (at) => held.get(at),
    has: async (at) => held.has(at),
  };
}

const broken = (): never => {
  throw new StoreFailed('Connection refused', 111);
};
const down: FileStore = { put: async () => broken(), get: async () => broken(), has: async () => broken() };

describe('attachments in both stores', () => {
  it.each<[string, Buffer | undefined, Buffer | undefined, 'stored' | 'taken']>([
    ['are stored where nothing is', undefined, undefined, 'stored'],
    ['are stored again where both have them', ours, ours, 'stored'],
    ['are copied when the volume has them', ours, undefined, 'stored'],
    ['are put on the volume when the bucket has them', undefined, ours, 'stored'],
    ['do not take the place of others on the volume', theirs, undefined, 'taken'],
    ['do not take the place of others in the bucket', undefined, theirs, 'taken'],
    ['do not take the place of others in both', theirs, theirs, 'taken'],
    ['are not told from others by one store alone', ours, theirs, 'taken'],
  ])('%s', async (_what, onVolume, inBucket, wanted) => {
    const [volume, copies] = [holding(onVolume), holding(inBucket)];
    const both = createBothStores(volume, copies);
    expect(await both.put(key, ours)).toBe(wanted);
    if (wanted === 'stored') {
      expect([volume.held.get(key), copies.held.get(key)]).toEqual([ours, ours]);
      expect([await both.has(key), await both.get(key)]).toEqual([true, ours]);
    } else expect([volume.held.get(key), copies.held.get(key)]).toEqual([onVolume, inBucket]);
  });

  it('are read from the volume, and from the bucket when the volume has lost them', async () => {
    expect(await createBothStores(holding(ours), down).get(key)).toEqual(ours);
    expect(await createBothStores(holding(), holding(ours)).get(key)).toEqual(ours);
    expect(await createBothStores(holding(), holding()).get(key)).toBeUndefined();
  });

  it('are there only when both have them', async () => {
    expect(await createBothStores(holding(ours), holding()).has(key)).toBe(false);
    expect(await createBothStores(holding(), holding(ours)).has(key)).toBe(false);
  });

  it('are not acknowledged while one of the two is down', async () => {
    await expect(createBothStores(holding(), down).put(key, ours)).rejects.toBeInstanceOf(StoreFailed);
    await expect(createBothStores(down, holding()).put(key, ours)).rejects.toBeInstanceOf(StoreFailed);
    await expect(createBothStores(holding(), down).get(key)).rejects.toBeInstanceOf(StoreFailed);
  });
});
