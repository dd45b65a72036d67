// What a person names as a run: a run folder, or a gate's folder with several in it.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Problem } from '../lib/errors.ts';
import { runFiles } from '../lib/model/run-folder.ts';

export interface RunFolder {
  readonly path: string;
  /** The same on every machine: the folder's own name, no path. */
  readonly name: string;
}

export async function runFoldersOf(named: readonly string[]): Promise<readonly RunFolder[]> {
  const found: RunFolder[] = [];
  for (const path of named) {
    if (existsSync(join(path, runFiles.claim))) {
      found.push({ path, name: basename(path) });
      continue;
    }
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    const runs = entries
      .filter((entry) => entry.isDirectory() && existsSync(join(path, entry.name, runFiles.claim)))
      .map(({ name }) => name);
    if (runs.length === 0)
      throw new Problem({
        kind: 'usage',
        what: 'not a run folder',
        where: path,
        seen: existsSync(path) ? `no ${runFiles.claim} in it` : 'no such folder',
        next: 'name a folder under runs/, or runs/latest',
      });
    for (const name of runs.sort()) found.push({ path: join(path, name), name });
  }
  return found;
}
