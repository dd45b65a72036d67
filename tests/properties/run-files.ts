// A run folder as texts, so that a property can change them in ways that nobody thought of, and the judge reads them from a disk as ever.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readRunFolder } from '../../lib/evidence/read-run-folder.ts';
import { judge } from '../../lib/judge/judge.ts';
import type { Evidence } from '../../lib/model/evidence.ts';
import type { Verdict } from '../../lib/model/verdict.ts';
import { writeManifest, writeRunFolder } from '../fixtures/write-run-folder.ts';

/** By name; the manifest is one of them. */
export type RunFiles = Readonly<Record<string, string>>;

export const lineFiles = ['journal.ndjson', 'samples.ndjson', 'ledger.ndjson', 'prometheus.ndjson'] as const;

export const linesOf = (text: string): readonly string[] => text.split('\n').slice(0, -1);
export const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

export async function filesOf(evidence: Evidence): Promise<RunFiles> {
  return inScratch(async (folder) => {
    await writeRunFolder(folder, evidence);
    const names = await readdir(folder);
    const texts = await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
    );
    return Object.fromEntries(texts);
  });
}

export interface Judged {
  readonly evidence: Evidence;
  readonly verdict: Verdict;
}

/** With a manifest made anew the files are as if they had been recorded like that; else it is the one among them. */
export async function judgedFiles(files: RunFiles, manifest: 'anew' | 'kept'): Promise<Judged> {
  return inScratch(async (folder) => {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    if (manifest === 'anew') await writeManifest(folder);
    const evidence = await readRunFolder(folder);
    return { evidence, verdict: judge(evidence.claim, evidence) };
  });
}

/** The name differs each time: nothing that is judged may hang on it. */
async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'shakedown-property-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * The same cases every time; SHAKEDOWN_SEED and SHAKEDOWN_CASES ask for others, and for more. A failure prints its seed and the path to the
 * smallest case. On a slow machine fewer are tried, rather than none in time.
 */
export const holds = <T>(property: fc.IAsyncProperty<T>, cases: number): Promise<void> =>
  fc.assert(property, {
    seed: Number(process.env.SHAKEDOWN_SEED ?? 20_261_123),
    numRuns: Number(process.env.SHAKEDOWN_CASES ?? cases),
    ...(process.env.SHAKEDOWN_CASES === undefined ? { interruptAfterTimeLimit: 20_000 } : {}),
  });
