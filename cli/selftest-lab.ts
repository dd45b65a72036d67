// The lab tier of `shakedown selftest`: the real command is played against a lab that has a defect, and what it left in its run folder is judged.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl } from '../lab/kubectl.ts';
import { Problem } from '../lib/errors.ts';
import { readRunTables } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { labDefects } from '../selftest/lab/defects.ts';
import type { Hands, LabDefect } from '../selftest/lab/lab-defect.ts';
import {
  type LabSelftestResult,
  type LabTier,
  nameOf,
  type Played,
  runLabSelftest,
} from '../selftest/lab/run-lab-selftest.ts';
import { ensureLab } from './lab.ts';

const main = join(import.meta.dirname, 'main.ts');

/** Those named, or all; throws when a name is none. */
export function labDefectsNamed(names: readonly string[] = []): readonly LabDefect[] {
  const known = labDefects.map(nameOf);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Problem({
      kind: 'usage',
      what: 'no such lab defect',
      where: 'arguments',
      seen: unknown.join(', '),
      next: `one or more of: ${known.join(', ')}`,
    });
  return names.length === 0 ? labDefects : labDefects.filter((defect) => names.includes(nameOf(defect)));
}

/** What the verb does with `--tier lab`; its exit code. */
export async function playLabTier(runs: string, only: readonly string[] | undefined, json: boolean): Promise<number> {
  const defects = labDefectsNamed(only);
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort(name));
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const result = await labSelftest(runs, defects, say, interrupt.signal);
  process.stdout.write(json ? `${JSON.stringify({ ...result, tier: 'lab' })}\n` : labTierInWords(result));
  if (result.left.length > 0) return exitCodes.dirty;
  if (interrupt.signal.aborted) return exitCodes.interrupted;
  return result.missed.length + result.falseAlarms.length === 0 && result.caught.length > 0 ? 0 : exitCodes.notReady;
}

/** Runs are kept below `runs`, in a folder of their own: a gate's history must not learn from them. */
export async function labSelftest(
  runs: string,
  defects: readonly LabDefect[],
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<LabSelftestResult> {
  await ensureLab('full', say, signal);
  await mkdir(runs, { recursive: true });
  const folder = await mkdtemp(join(runs, 'selftest-'));
  say(`self-test: its runs are in ${folder}`);
  const tier: LabTier = {
    say,
    signal,
    hands: (over): Hands => ({
      kubectl,
      over,
      sleep: (ms) => sleep(ms),
    }),
    play: (scenario, during) => play(scenario, during),
  };
  return await runLabSelftest(tier, defects);

  function play(scenario: string, during: Parameters<LabTier['play']>[1]): Promise<Played> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [main, 'run', scenario, '--json', '--runs', folder], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const over = new AbortController();
      let [stdout, stderr] = ['', ''];
      let seeding: Promise<unknown> | undefined;
      const stop = () => child.kill('SIGTERM');
      signal.addEventListener('abort', stop, { once: true });
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
        if (!during || seeding || !stderr.includes(during.when)) return;
        seeding = during.seed(over.signal);
        seeding.catch(() => {});
      });
      child.on('error', reject).on('close', async () => {
        over.abort();
        signal.removeEventListener('abort', stop);
        try {
          if (during && !seeding) throw new Error(`${scenario} never came to "${during.when}": ${stderr.slice(-300)}`);
          await seeding;
          resolve(await verdictOf(stdout, stderr));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async function verdictOf(stdout: string, stderr: string): Promise<Played> {
    const answer = stdout.trim() === '' ? undefined : JSON.parse(stdout);
    const run = answer?.runs[0];
    if (!run) throw new Error(`it was not played: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
    const evidence = await readRunTables(join(folder, answer.gate, run.folder));
    return { verdict: judge(evidence.claim, evidence), aborted: run.ended === 'aborted' };
  }
}

export function labTierInWords({ caught, missed, falseAlarms, left, controls }: LabSelftestResult): string {
  return `${[
    ...caught.map((name) => `  ✓ ${name}: caught by its own check`),
    `  ${controls} healthy runs were played beside them`,
    ...missed.map(({ defect, why }) => `  ✗ missed: ${defect}: ${why}`),
    ...falseAlarms.map(({ of, why }) => `  ✗ false alarm: ${of}: ${why}`),
    ...left.map(({ defect, why }) => `  ✗ left in the lab: ${defect}: ${why}`),
  ].join('\n')}\n`;
}
