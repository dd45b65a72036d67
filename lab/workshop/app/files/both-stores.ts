// Attachments kept twice: on the volume that all web pods share, which downloads come from, and in an object store, from which alone they can
// all be had again. Both hold the bytes before an upload is answered, so whatever was acknowledged is in each of them.
import type { FileStore } from './store.ts';

export function createBothStores(volume: FileStore, copies: FileStore): FileStore {
  return {
    put: (key, bytes) => put(volume, copies, key, bytes),
    // What the volume has lost is still there; a volume that fails is said, not hidden.
    get: async (key) => (await volume.get(key)) ?? (await copies.get(key)),
    // Only what is in both is there: what one of them lost is written again when it is sent again.
    has: async (key) => (await volume.has(key)) && (await copies.has(key)),
  };
}

/**
 * A key belongs to the bytes that either of them has under it. Bytes that are the same are no conflict but what a cut-off upload left, or
 * what one store has lost.
 */
async function put(volume: FileStore, copies: FileStore, key: string, bytes: Buffer): Promise<'stored' | 'taken'> {
  const copied = await copies.get(key);
  if (copied && !copied.equals(bytes)) return 'taken';
  if ((await volume.put(key, bytes)) === 'taken' && !(await volume.get(key))?.equals(bytes)) return 'taken';
  if (copied || (await copies.put(key, bytes)) === 'stored') return 'stored';
  return (await copies.get(key))?.equals(bytes) ? 'stored' : 'taken';
}
