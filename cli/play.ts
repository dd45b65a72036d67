// Wires everything together for the verbs that play scenarios: target, clients, load, judge, report.
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openReach } from '../lib/clients/reach.ts';
import { messageOf, Problem } from '../lib/errors.ts';
import { makeManifest } from '../lib/evidence/manifest.ts';
import { readRunTables } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { LoadConfigError, loadConfigFrom } from '../lib/load/config.ts';
import { k6Driver, k6Version } from '../lib/load/k6-driver.ts';
import { techniciansFrom } from '../lib/load/technicians.ts';
import type { LoadConfig } from '../lib/model/load-config.ts';
import type { Readiness } from '../lib/model/readiness.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { isSound } from '../lib/model/selftest.ts';
import type { Target } from '../lib/model/target.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { readJobs } from '../lib/probes/jobs-readback.ts';
import { readLedger, readStockBefore } from '../lib/probes/ledger-readback.ts';
import { takeSnapshot } from '../lib/probes/target-snapshot.ts';
import { systemClock } from '../lib/runner/clock.ts';
import { interruptedBy, makeRunFolder, playInOrder } from '../lib/runner/gate.ts';
import { LeaseHeld } from '../lib/runner/lease.ts';
import { assembleReadiness } from '../lib/runner/readiness.ts';
import type { RunDeps } from '../lib/runner/run-scenario.ts';
import { RunStopped } from '../lib/runner/run-stopped.ts';
import { selftestSentence } from '../reports/selftest-words.ts';
import { terminalReport } from '../reports/terminal.ts';
import { scenarios as catalog } from '../scenarios/catalog.ts';
import { checkClaims } from './check-claims.ts';
import { commitHere } from './commit.ts';
import { historyOf } from './history.ts';
import { ensureLab, k6Program } from './lab.ts';
import { type ProgressLine, progressLine } from './progress.ts';
import { selftestFor } from './selftest.ts';
import { readTargetFile } from './target-file.ts';
import { tellJobSummary, writeReports } from './write-reports.ts';

export interface PlayOptions {
  /** Of a gate; single scenarios belong to none. */
  readonly suite?: string;
  readonly target?: string;
  readonly seed?: number;
  readonly json?: boolean;
  readonly runs: string;
}

/** k6.config.ts, checked. All mistakes at once. */
export async function readLoadConfig(): Promise<LoadConfig> {
  try {
    return loadConfigFrom((await import('../k6.config.ts')).default);
  } catch (error) {
    if (!(error instanceof LoadConfigError)) throw error;
    throw new Problem({
      kind: 'usage',
      what: 'load configuration',
      where: 'k6.config.ts',
      seen: error.mistakes.join('\n  '),
      next: 'mend these; lib/model/load-config.ts says what each value means',
      cause: error,
    });
  }
}

/** Plays the scenarios and tells the result; returns the exit code. */
export async function play(verb: string, asked: () => readonly Scenario[], options: PlayOptions): Promise<number> {
  const progress = progressLine();
  const interrupted = onInterrupt(progress.say);
  try {
    return await playTold(verb, asked, options, progress, interrupted);
  } catch (error) {
    // Before a run begins there is nothing to undo and no evidence to keep: what was under way ended because it was told to.
    if (!interrupted.signal.aborted || interrupted.ownBug()) throw error;
    throw new Problem({
      kind: 'interrupted',
      what: 'ended before the first run began',
      where: verb,
      seen: messageOf(interrupted.signal.reason),
      next: 'nothing was touched; run it again',
      cause: error,
    });
  } finally {
    progress.end();
  }
}

async function playTold(
  verb: string,
  asked: () => readonly Scenario[],
  options: PlayOptions,
  progress: ProgressLine,
  interrupted: Interruption,
): Promise<number> {
  // Everything that can be wrong in what was typed is said at once, before anything is touched.
  const chosen = (async () => asked())();
  const named = (async () => (options.target === undefined ? undefined : readTargetFile(options.target)))();
  const [scenarios, config, given] = await allOrEveryMistake([
    () => chosen,
    readLoadConfig,
    () => named,
    async () =>
      checkClaims(await chosen.catch(() => []), (await named.catch(() => undefined))?.prometheus.scrapeIntervalMs),
  ]);
  const selftest = await selftestFor(options.runs, progress.say);
  if (!isSound(selftest)) progress.say(selftestSentence(selftest));
  const target =
    given ?? (await readTargetFile(await ensureLab(labScope(scenarios), progress.say, interrupted.signal)));
  if (!given) checkClaims(scenarios, target.prometheus.scrapeIntervalMs);
  const k6 = await findK6();
  const seed = options.seed ?? config.seed;
  const commit = await commitHere();
  const startedAt = systemClock.now();
  const folder = await makeRunFolder(options.runs, verb, startedAt);
  const load = k6Driver({ k6, config, site: target.site, technicians: await technicians(target, interrupted.signal) });
  for (const profile of new Set(scenarios.map((scenario) => scenario.play.load)))
    for (const { journey, why } of load.plan(profile).leftOut ?? [])
      progress.say(`left out of the load ${profile}: ${journey}, for ${why}`);
  const deps: RunDeps = {
    clock: systemClock,
    openReach: async (request) => {
      const reach = await openReach(target, request);
      return { reach, close: async () => reach[Symbol.asyncDispose]() };
    },
    load,
    ledger: {
      stockBefore: readStockBefore,
      readBack: (reach, acknowledged, keep) => readLedger(reach, { acknowledged, keep }),
      jobs: readJobs,
    },
    takeSnapshot,
    makeManifest,
    readRunFolder: readRunTables,
    judge,
    freeBytes: async (place) => {
      const disk = await statfs(place);
      return disk.bavail * disk.bsize;
    },
    say: progress.scenario,
  };
  const played = await playInOrder(
    {
      target,
      scenarios,
      seed,
      signal: interrupted.signal,
      commit,
      versions: { node: process.version, k6: await k6Version(k6), shakedown: '0.1.0' },
      context: {},
      folderOf: ({ claim }) => ({ folder: join(folder, claim.name), folderName: claim.name }),
      repeatOf: ({ claim }) =>
        `npx shakedown run ${claim.name} --seed ${seed}${options.target ? ` --target ${options.target}` : ''}`,
      note: progress.say,
      begins: (scenario, index) =>
        progress.say(`\n${index + 1}/${scenarios.length} ${scenario.claim.name}: ${scenario.claim.hypothesis}`),
    },
    deps,
  ).catch((error: unknown) => {
    if (error instanceof LeaseHeld)
      throw new Problem({
        kind: 'target-unusable',
        what: 'somebody else runs here',
        where: target.name,
        seen: error.message,
        next: 'wait until that run is over',
        cause: error,
      });
    throw error;
  });
  const judged = assembleReadiness(played, {
    target,
    suite: options.suite ?? verb,
    scenarios,
    untested: catalog.filter((scenario) => !scenarios.includes(scenario)),
    startedAt,
    endedAt: systemClock.now(),
    commit,
    interrupted: interrupted.signal.aborted,
    selftest,
  });
  await mkdir(folder, { recursive: true });
  const write = (readiness: Readiness) =>
    writeFile(join(folder, gateFiles.readiness), `${JSON.stringify(readiness, null, 1)}\n`);
  await write(judged);
  // Read back like the others, so that all are read by the same rules. Nothing in it may take the verdict away, nor the word that a target is dirty.
  const history = await historyOf(folder, options.runs).catch((error: unknown) => {
    progress.say(`not compared with earlier gates: ${messageOf(error)}`);
    return undefined;
  });
  const { page, readiness, lowered } = await writeReports(folder, { ...judged, ...(history ? { history } : {}) });
  // The answer is what the page tells: evidence that was changed since its run was closed must not leave with a zero.
  await write(readiness);
  for (const says of lowered) progress.say(says);
  await tellJobSummary(readiness, progress.say);
  progress.end();
  tell(readiness, page, options.json === true);
  return interrupted.ownBug() && readiness.exitCode !== exitCodes.dirty ? exitCodes.internal : readiness.exitCode;
}

/** What they need of the lab; more than that comes up only when it is asked for. */
const labScope = (scenarios: readonly Scenario[]) =>
  scenarios.some(({ lab = 'full' }) => lab === 'full') ? 'full' : 'core';

/** Throws an AggregateError when more than one of them does. */
async function allOrEveryMistake<const T extends readonly (() => Promise<unknown>)[]>(
  checks: T,
): Promise<{ readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  const settled = await Promise.allSettled(checks.map((check) => check()));
  const mistakes = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (mistakes.length === 1) throw mistakes[0];
  if (mistakes.length > 1) throw new AggregateError(mistakes, '');
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as never;
}

function tell(readiness: Readiness, page: string, json: boolean): void {
  if (json)
    process.stdout.write(`${JSON.stringify({ ...readiness, report: page, gate: basename(join(page, '..')) })}\n`);
  else {
    const shown = { colour: process.stdout.isTTY === true, page, folder: dirname(page) };
    process.stdout.write(`${terminalReport(readiness, shown)}\n`);
  }
}

async function technicians(target: Target, signal: AbortSignal) {
  await using reach = await openReach(target, { runId: 'technicians', seed: 0, signal });
  const { namespace, name } = target.site.technicians;
  return techniciansFrom((await reach.cluster.secret(namespace, name))['users.json'] ?? '');
}

/** The one that the lab built, unless SHAKEDOWN_K6 names another. */
async function findK6(): Promise<string> {
  const k6 = process.env.SHAKEDOWN_K6 ?? k6Program();
  await k6Version(k6).catch((error: unknown) => {
    throw new Problem({
      kind: 'target-unusable',
      what: 'no usable k6',
      where: k6,
      seen: error instanceof Error ? error.message : String(error),
      next: 'shakedown lab up builds it, or set SHAKEDOWN_K6 to a k6 v2',
      cause: error,
    });
  });
  return k6;
}

interface Interruption {
  readonly signal: AbortSignal;
  /** It was no person that ended it. */
  ownBug(): boolean;
}

/** The first Ctrl-C or SIGTERM ends the run by way of undo; a second one is told that it is under way. */
function onInterrupt(say: (text: string) => void): Interruption {
  const controller = new AbortController();
  let ownBug = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) return say('undo is under way; please wait');
      say(`${signal}: ending the run, undoing what was done, keeping the evidence …`);
      controller.abort(interruptedBy(signal));
    });
  }
  // A bug of ours must not leave a fault behind: the run ends by way of undo, as by Ctrl-C.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      ownBug = true;
      say(`This is a bug of shakedown itself: ${error instanceof Error ? error.stack : String(error)}`);
      controller.abort(
        new RunStopped('crashed', `our own bug: ${error instanceof Error ? error.message : String(error)}`),
      );
    });
  }
  return { signal: controller.signal, ownBug: () => ownBug };
}
