import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { safeFileName } from './attachments.ts';
import { createFolderStore } from './folder-store.ts';
import { type FileStore, StoreFailed } from './store.ts';

let folder: string;
let store: FileStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workshop-files-'));
  store = createFolderStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the folder of attachments', () => {
  it('gives back what it was given, and knows what it has', async () => {
    expect(await store.put('private/files/a.txt', Buffer.from('one'))).toBe('stored');
    expect(String(await store.get('private/files/a.txt'))).toBe('one');
    expect([await store.has('private/files/a.txt'), await store.has('private/files/b.txt')]).toEqual([true, false]);
    expect(await store.get('public/files/a.txt')).toBeUndefined();
  });

  it('never overwrites, also when many come at once, and leaves nothing half done', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => store.put('private/files/a.txt', Buffer.from(`${index}`))),
    );
    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(1);
    expect(await readdir(join(folder, 'private/files'))).toEqual(['a.txt']);
  });

  it('does not leave its folder', async () => {
    for (const key of ['../a', 'private/../../a', '/etc/passwd', 'a//b', 'a\0b', ''])
      await expect(async () => store.put(key, Buffer.alloc(0)), key).rejects.toThrow('is no key');
  });

  it('says what the system said when it can not', async () => {
    await writeFile(join(folder, 'private'), 'a file where the folder should be');
    const put = store.put('private/files/a.txt', Buffer.alloc(0));
    await expect(put).rejects.toBeInstanceOf(StoreFailed);
    await expect(put).rejects.toMatchObject({ errno: 20, message: 'not a directory' });
  });
});

describe('the name of a file', () => {
  it('has no path, nothing hidden, and room for a hash', () => {
    expect(safeFileName('../../etc/passwd')).toBe('__.._etc_passwd');
    expect(safeFileName('a\\b%c?d#e\n.txt')).toBe('a_b_c_d_e_.txt');
    expect(safeFileName('...')).toBe('_');
    expect(safeFileName('Bremse vorn (2).jpg')).toBe('Bremse vorn (2).jpg');
    expect(Buffer.byteLength(safeFileName(`${'ä'.repeat(300)}.jpg`))).toBeLessThanOrEqual(100);
    expect(safeFileName('\ud800.txt')).toBe('\ufffd.txt');
  });
});
