// The store that the settings ask for: the shared folder, an object store, both, or none.
import type { Config } from '../config.ts';
import { createBothStores } from './both-stores.ts';
import { createFolderStore } from './folder-store.ts';
import { createS3Store } from './s3-store.ts';
import type { FileStore } from './store.ts';

export function openFileStore({ filesDir, s3 }: Pick<Config, 'filesDir' | 's3'>): FileStore | undefined {
  const folder = filesDir === undefined ? undefined : createFolderStore(filesDir);
  const bucket = s3 && createS3Store(s3);
  return folder && bucket ? createBothStores(folder, bucket) : (folder ?? bucket);
}
