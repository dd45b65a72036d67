// Real runs of the lab that the judge says passed, evidence only: what healthy looks like. They are unpacked into folders and read the way
// every run is, so that files can be spoiled too.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import type { Evidence } from '../lib/model/evidence.ts';
import { runFiles } from '../lib/model/run-folder.ts';

export const recordedNames = [
  'control',
  'web-pod-kill',
  'web-tier-rollout',
  'worker-kill',
  'galera-writer-crash',
  'galera-writer-partition',
  'sentinel-failover-cache',
  'sentinel-failover-queue',
  'certificate-expiry',
  'node-power-loss',
] as const;
export type RecordedName = (typeof recordedNames)[number];

export const recordedFiles = [
  runFiles.claim,
  runFiles.journal,
  runFiles.samples,
  runFiles.ledger,
  runFiles.prometheus,
  runFiles.manifest,
] as const;
/** The files of a run folder by name. */
export type RunFolderFiles = Readonly<Record<string, string>>;

export const recordedPath = (name: string): string => join(import.meta.dirname, 'recorded', `${name}.json.br`);

export async function recordedRun(name: RecordedName): Promise<RunFolderFiles> {
  return JSON.parse(brotliDecompressSync(await readFile(recordedPath(name))).toString('utf8'));
}

/** From a real folder, through the reader that every run goes through. */
export async function evidenceIn(files: RunFolderFiles): Promise<Evidence> {
  const scratch = await mkdtemp(join(tmpdir(), 'shakedown-selftest-'));
  try {
    const folder = join(scratch, 'run');
    await mkdir(folder);
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    return await readRunFolder(folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
