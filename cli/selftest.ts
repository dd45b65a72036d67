// `shakedown selftest`: whether the judge finds what is known to be wrong, and leaves alone what is well. A gate asks for it too, once for
// each state of what judges.
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { judge } from '../lib/judge/judge.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import { isSound, type Selftest, selftestSchema } from '../lib/model/selftest.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { checkPrometheusObjective } from '../lib/promql/check-objective.ts';
import { families } from '../selftest/defect.ts';
import { defects } from '../selftest/defects.ts';
import { healthy } from '../selftest/healthy.ts';
import { runSelftest, type SelftestResult } from '../selftest/run-selftest.ts';
import { commitHere } from './commit.ts';

export function selftestCommand(): Command {
  return new Command('selftest')
    .description('whether the judge finds seeded defects, each by its own check, and lets healthy runs pass')
    .addOption(
      new Option('--tier <name>', 'fast: on recorded runs, offline; lab: seeded into the lab and played')
        .choices(['fast', 'lab'])
        .default('fast'),
    )
    .option('--only <name...>', 'of the lab tier, these defects alone')
    .option('--runs <folder>', 'where its result is kept, for gates to see', 'runs')
    .option('--json', 'one line, one object: {caught, missed, falseAlarms, tier, …}')
    .addHelpText(
      'after',
      `
A gate looks at what is kept, and makes the self-test itself where there is none of this very judge. One that missed
something, or cried wolf, makes the gate inconclusive at best. The lab tier takes about half an hour, and takes away what it seeded.
Exit codes: 0 nothing missed and no false alarm, 1 otherwise, 3 a seeded defect could not be taken away, 64 no such defect, 130 interrupted.`,
    )
    .action(
      async ({ json, runs, tier, only }: { json?: boolean; runs: string; tier: 'fast' | 'lab'; only?: string[] }) => {
        if (tier === 'lab') {
          const { playLabTier } = await import('./selftest-lab.ts');
          process.exitCode = await playLabTier(runs, only, json === true);
          return;
        }
        const { kept, result } = await makeSelftest(runs);
        const { missed, falseAlarms } = result;
        if (json) process.stdout.write(`${JSON.stringify({ ...result, ...identity(kept) })}\n`);
        else process.stdout.write(inWords(result));
        process.exitCode = isSound(kept) && missed.length + falseAlarms.length === 0 ? 0 : exitCodes.notReady;
      },
    );
}

const identity = ({ tier, at, of, commit }: Selftest) => ({ tier, at, of, commit });

/** The one that is kept, when it is of this very judge; else a new one. */
export async function selftestFor(runs: string, say: (text: string) => void): Promise<Selftest> {
  const kept = await keptIn(runs);
  if (kept?.of === (await judgeHash())) return kept;
  say('self-test: asking the judge about seeded defects …');
  return (await makeSelftest(runs)).kept;
}

async function makeSelftest(runs: string): Promise<{ readonly kept: Selftest; readonly result: SelftestResult }> {
  const checkObjective: Parameters<typeof runSelftest>[0]['checkObjective'] = (objective) =>
    checkPrometheusObjective(objective, { scrapeIntervalMs: 5_000 });
  const result = await runSelftest({ judge, checkObjective }, healthy, defects);
  const kept: Selftest = {
    at: new Date().toISOString(),
    tier: 'fast',
    commit: await commitHere(),
    of: await judgeHash(),
    caught: result.caught.length,
    missed: result.missed.map(({ defect }) => defect),
    falseAlarms: result.falseAlarms.map(({ of }) => of),
    controls: result.controls,
  };
  await mkdir(runs, { recursive: true });
  // Whole or not at all: another gate may be reading.
  const file = join(runs, gateFiles.selftest);
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(kept, null, 1)}\n`);
  await rename(`${file}.${process.pid}`, file);
  return { kept, result };
}

/** Undefined when there is none that can be read. */
async function keptIn(runs: string): Promise<Selftest | undefined> {
  const text = await readFile(join(runs, gateFiles.selftest), 'utf8').catch(() => '');
  try {
    return selftestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const repo = join(import.meta.dirname, '..');

/** Of all that a verdict hangs on, by what is written there: a commit says nothing of what was changed since. */
export async function judgeHash(): Promise<string> {
  const hash = createHash('sha256');
  const files = globSync('{lib/judge,lib/evidence,lib/model,lib/promql,selftest}/**/*.{ts,br}', { cwd: repo })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
  for (const file of [...files, 'package-lock.json']) hash.update(`${file}\0`).update(await readFile(join(repo, file)));
  return hash.update(process.version).digest('hex');
}

function inWords({ caught, missed, falseAlarms, controls }: SelftestResult): string {
  const lines = families.map((family) => {
    const all = defects[family].length;
    const own = caught.filter((name) => name.startsWith(`${family}/`)).length;
    return `  ${own === all ? '✓' : '✗'} ${family.padEnd(12)} ${own} of ${all} seeded defects caught, each by its own check`;
  });
  const wolves = falseAlarms.filter(({ of }) => of.startsWith('control/')).length;
  return `${[
    ...lines,
    `  ${wolves === 0 ? '✓' : '✗'} ${'healthy'.padEnd(12)} ${controls - wolves} of ${controls} healthy controls passed`,
    ...missed.map(({ defect, why }) => `  ✗ missed: ${defect}: ${why}`),
    ...falseAlarms.map(({ of, why }) => `  ✗ false alarm: ${of}: ${why}`),
  ].join('\n')}\n`;
}
