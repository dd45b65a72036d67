// Closes a run's evidence, and finds what was changed since. Files are hashed as they stream by: samples may have gigabytes.
import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ClosedRun,
  evidenceSchemaName,
  type Manifest,
  type ManifestCheck,
  manifestSchema,
  manifestSchemaName,
} from '../model/manifest.ts';
import { notEvidence, runFiles } from '../model/run-folder.ts';
import { runBefore } from './manifest-chain.ts';

/** Of all evidence that is in the folder now. The runner writes it down. */
export async function makeManifest(folder: string, run: ClosedRun): Promise<Manifest> {
  const files: Manifest['files'] = [];
  for (const file of await evidenceIn(folder)) files.push({ file, ...(await hashed(join(folder, file))) });
  return {
    schema: manifestSchemaName,
    evidence: evidenceSchemaName,
    ...run,
    previous: await runBefore(folder),
    files,
  };
}

/** Never throws: what can't be read is a problem, told with the file's name. */
export async function checkManifest(folder: string): Promise<ManifestCheck> {
  const read = await readManifest(folder);
  if (!read.manifest) return { ...(read.schema ? { schema: read.schema } : {}), files: 0, problems: [read.problem] };
  const { schema, files } = read.manifest;
  const problems: { file: string; what: string }[] = [];
  for (const { file, bytes, sha256 } of files) {
    const what = await differenceOf(join(folder, file), bytes, sha256);
    if (what !== undefined) problems.push({ file, what });
  }
  const listed = new Set(files.map(({ file }) => file));
  for (const file of await evidenceIn(folder))
    if (!listed.has(file)) problems.push({ file, what: 'not in the manifest: it came later' });
  return { schema, files: files.length - problems.filter(({ file }) => listed.has(file)).length, problems };
}

type ReadManifest =
  | { readonly manifest: Manifest }
  | { readonly manifest?: never; readonly schema?: string; readonly problem: ManifestCheck['problems'][number] };

async function readManifest(folder: string): Promise<ReadManifest> {
  const problem = (what: string) => ({ problem: { file: runFiles.manifest, what } });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(folder, runFiles.manifest), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return problem('cut off, or no JSON');
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return problem(missing ? 'missing: the evidence was never closed' : `can't be read: ${(error as Error).message}`);
  }
  const schema = (json as { readonly schema?: unknown } | null)?.schema;
  if (typeof schema === 'string' && schema !== manifestSchemaName)
    return { schema, ...problem(`of schema ${JSON.stringify(schema.slice(0, 80))}, wanted ${manifestSchemaName}`) };
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return { manifest: parsed.data };
  const [issue] = parsed.error.issues;
  return problem(`no manifest: ${issue?.path.join('.') || 'all of it'}: ${issue?.message ?? 'not understood'}`);
}

async function differenceOf(path: string, bytes: number, sha256: string): Promise<string | undefined> {
  try {
    // The size tells without reading gigabytes.
    const { size } = await stat(path);
    if (size !== bytes) return `changed: ${size} bytes, the manifest says ${bytes}`;
    const found = await hashed(path);
    return found.sha256 === sha256 ? undefined : `changed: its SHA-256 is ${found.sha256}, the manifest says ${sha256}`;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'missing, and in the manifest' : `can't be read: ${(error as Error).message}`;
  }
}

/** Through one buffer, so that gigabytes leave nothing to collect. */
async function hashed(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  let bytes = 0;
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}

/** By code unit: a locale would sort differently on another machine. */
async function evidenceIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !notEvidence.includes(name)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
