// Puts finished runs among the recorded ones of the self-test: `node selftest/record.ts RUN…`. One of which the judge doesn't say passed is
// refused, for the self-test needs to know what healthy looks like. Runs older than the manifest are closed here; nothing else is touched.
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { makeManifest } from '../lib/evidence/manifest.ts';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { runFiles } from '../lib/model/run-folder.ts';
import { recordedFiles, recordedPath } from './recorded.ts';

const scratch = await mkdtemp(join(tmpdir(), 'shakedown-record-'));
try {
  for (const run of process.argv.slice(2)) await record(run);
} finally {
  await rm(scratch, { recursive: true });
}

async function record(run: string): Promise<void> {
  const folder = join(scratch, basename(run));
  for (const file of recordedFiles)
    if (existsSync(join(run, file))) await cp(join(run, file), join(folder, file), { recursive: true });
  if (!existsSync(join(folder, runFiles.manifest))) await close(folder);
  const evidence = await readRunFolder(folder);
  const verdict = judge(evidence.claim, evidence);
  if (verdict.outcome !== 'passed')
    throw new Error(`${run} is ${verdict.outcome}: ${verdict.findings[0]?.says ?? 'nothing was found'}`);
  const files: Record<string, string> = {};
  for (const file of recordedFiles) files[file] = await readFile(join(folder, file), 'utf8');
  const packed = brotliCompressSync(JSON.stringify(files), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } });
  await writeFile(recordedPath(verdict.scenario), packed);
  console.log(`${recordedPath(verdict.scenario)}: ${packed.length} bytes`);
}

async function close(folder: string): Promise<void> {
  const { claim, journal } = await readRunFolder(folder);
  const header = journal.find((line) => line.kind === 'header')?.header;
  if (!header) throw new Error(`${folder}: no header in its journal`);
  const { scenario, runId, seed, commit, versions } = header;
  const { judgeVersion } = claim;
  const closedAt = journal.at(-1)?.at ?? header.startedAt;
  const manifest = await makeManifest(folder, { scenario, runId, seed, commit, versions, judgeVersion, closedAt });
  await writeFile(join(folder, runFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}
