// Attachments in a folder that every web pod shares, as `sites` is in the official chart. A file appears under its name only when it is whole
// and on disk. When the volume hangs, few threads hang with it: the rest of the app goes on and says what it can't do.
import { randomUUID } from 'node:crypto';
import { access, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inTurn } from '../in-turn.ts';
import { type FileStore, StoreFailed } from './store.ts';

// Node.js has four threads for files, names and passwords alike: a dead volume must not take them all.
const atOnceMax = 2;
const answerMsMax = 30_000;

export function createFolderStore(folder: string): FileStore {
  const few = inTurn(atOnceMax);
  const run = <T>(work: () => Promise<T>): Promise<T> => withinTime(few(work)).catch(asStoreFailure);
  return {
    put: (key, bytes) => run(() => put(pathOf(folder, key), bytes)),
    get: (key) => run(() => readFile(pathOf(folder, key)).catch(undefinedWhenMissing)),
    has: (key) =>
      run(() =>
        access(pathOf(folder, key)).then(
          () => true,
          (error) => undefinedWhenMissing(error) ?? false,
        ),
      ),
  };
}

/** Keys are made by the app; one that leads out of the folder is a bug, and stops here. */
function pathOf(folder: string, key: string): string {
  const parts = key.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..') || key.includes('\0'))
    throw new Error(`workshop/files: ${JSON.stringify(key)} is no key`);
  return join(folder, ...parts);
}

async function put(path: string, bytes: Buffer): Promise<'stored' | 'taken'> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${randomUUID()}.part`);
  const file = await open(draft, 'wx', 0o640);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // Unlike a rename, a link never replaces what another pod has put there meanwhile.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'taken';
    throw error;
  } finally {
    await unlink(draft);
  }
  const folder = await open(dirname(path));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return 'stored';
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

function asStoreFailure(error: NodeJS.ErrnoException): never {
  if (error instanceof StoreFailed || error.errno === undefined) throw error;
  throw new StoreFailed(error.message.replace(/^\w+: /, '').replace(/, .*/s, ''), Math.abs(error.errno), error);
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreFailed(`the file store did not answer within ${answerMsMax / 1000} s`)),
      answerMsMax,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
