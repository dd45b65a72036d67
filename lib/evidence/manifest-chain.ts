// Each manifest names the one of the run before by its SHA-256, so that a run can't be changed and given a new manifest unnoticed: the next
// one, and all that follow, would have to be made anew too.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Manifest, manifestSchema, type PreviousRun } from '../model/manifest.ts';
import { runFiles } from '../model/run-folder.ts';

/** `none`: the first of a chain, or no manifest to tell. A folder may well be moved alone: then the run before is `missing`. */
export type ChainLink =
  | { readonly is: 'none' }
  | { readonly is: 'whole'; readonly previous: PreviousRun }
  | { readonly is: 'missing'; readonly previous: PreviousRun }
  | { readonly is: 'broken'; readonly previous: PreviousRun; readonly seen: string };

/** The last one that was closed: of the same gate, or else of the newest gate before. Null when there is none. */
export async function runBefore(runFolder: string): Promise<PreviousRun | null> {
  const gate = dirname(resolve(runFolder));
  const earlier = await newestIn(gate, basename(runFolder));
  if (earlier) return earlier;
  if (!isGateFolder(basename(gate))) return null;
  const gates = (await namesIn(dirname(gate))).filter((name) => isGateFolder(name) && name < basename(gate));
  for (const name of gates.sort().reverse()) {
    const last = await newestIn(join(dirname(gate), name));
    if (last) return { ...last, gate: name };
  }
  return null;
}

/** Looks for the run before where it was when the manifest was made. */
export async function checkChain(runFolder: string): Promise<ChainLink> {
  const own = await manifestIn(runFolder);
  const previous = own?.manifest.previous;
  if (!previous) return { is: 'none' };
  const gate = dirname(resolve(runFolder));
  const folder = previous.gate === undefined ? gate : join(dirname(gate), previous.gate);
  const bytes = await bytesIn(join(folder, previous.folder));
  if (bytes === undefined) return { is: 'missing', previous };
  const seen = sha256(bytes);
  return seen === previous.sha256 ? { is: 'whole', previous } : { is: 'broken', previous, seen };
}

/** `<time>-<verb>`, as the runner names them; any other folder is somebody else's. */
const isGateFolder = (name: string): boolean => /^\d{8}-\d{6}-/.test(name);

async function newestIn(gate: string, except?: string): Promise<PreviousRun | undefined> {
  let newest: { readonly closedAt: number; readonly run: PreviousRun } | undefined;
  for (const folder of await namesIn(gate)) {
    if (folder === except) continue;
    const read = await manifestIn(join(gate, folder));
    if (!read || (newest && newest.closedAt >= read.manifest.closedAt)) continue;
    const { runId, closedAt } = read.manifest;
    newest = { closedAt, run: { runId, folder, sha256: sha256(read.bytes) } };
  }
  return newest?.run;
}

async function manifestIn(
  folder: string,
): Promise<{ readonly manifest: Manifest; readonly bytes: Buffer } | undefined> {
  const bytes = await bytesIn(folder);
  if (bytes === undefined) return undefined;
  try {
    return { manifest: manifestSchema.parse(JSON.parse(bytes.toString())), bytes };
  } catch {
    return undefined;
  }
}

/** Undefined when there is no manifest. */
const bytesIn = (folder: string): Promise<Buffer | undefined> =>
  readFile(join(folder, runFiles.manifest)).catch(() => undefined);

const namesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
