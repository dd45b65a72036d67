// Plays scenarios in order on one target that nobody else may use meanwhile, and says of each that was not played why.

import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Instant } from '../model/evidence.ts';
import { runIdOf } from '../model/run-ids.ts';
import type { Scenario } from '../model/scenario.ts';
import { notAllowed } from './allowance.ts';
import { guardianReportInWords, takeGuardianReports } from './guardian.ts';
import type { Handover, NextRun } from './handover.ts';
import { takeLease } from './lease.ts';
import { isDirty, type Played } from './readiness.ts';
import { longestSharedMs, type RunDeps, type RunRequest, runScenario } from './run-scenario.ts';
import { RunStopped } from './run-stopped.ts';

export interface PlayRequest
  extends Pick<RunRequest, 'target' | 'seed' | 'signal' | 'commit' | 'versions' | 'context'> {
  readonly scenarios: readonly Scenario[];
  /** Folder of each run, and how run.json names it. */
  readonly folderOf: (scenario: Scenario) => { readonly folder: string; readonly folderName: string };
  readonly repeatOf: (scenario: Scenario) => string;
  readonly note: (text: string) => void;
  /** Told as each scenario begins. */
  readonly begins?: (scenario: Scenario, index: number) => void;
}

/** Throws LeaseHeld when another run is on the target, and what the target's API says when it can't be reached; nothing was touched then. */
export async function playInOrder(request: PlayRequest, deps: RunDeps): Promise<Played> {
  const { target, signal } = request;
  const own = new AbortController();
  const opened = await deps.openReach({ runId: 'lease', seed: request.seed, signal: own.signal });
  try {
    const lease = await takeLease(opened.reach.cluster, {
      namespace: target.suite.namespace,
      holder: `${newRunId(deps.clock.now())} on ${hostname()} (process ${process.pid})`,
      clock: deps.clock,
      signal,
      say: request.note,
    });
    try {
      for (const report of await takeGuardianReports(opened.reach.cluster, target.suite.namespace))
        request.note(guardianReportInWords(report));
      return await playHolding(request, deps, AbortSignal.any([signal, lease.lost]), lease.fenced);
    } finally {
      const problem = await lease.release();
      if (problem) request.note(problem);
    }
  } finally {
    own.abort(new Error('the gate is over'));
    await opened.close().catch(() => undefined);
  }
}

async function playHolding(
  request: PlayRequest,
  deps: RunDeps,
  signal: AbortSignal,
  fenced: () => string | undefined,
): Promise<Played> {
  const { scenarios, target, seed, commit, versions, context } = request;
  const records: Played['records'][number][] = [];
  const skipped: Played['skipped'][number][] = [];
  let reason: string | undefined;
  const session = newRunId(deps.clock.now());
  let number = 0;
  const nextRunId = () => {
    number += 1;
    return runIdOf(session, number);
  };
  let handover: Handover | undefined;
  try {
    for (const [index, scenario] of scenarios.entries()) {
      reason ??= signal.aborted ? messageOf(signal.reason) : notAllowed(target, deps.clock.now());
      if (reason !== undefined) {
        skipped.push({ scenario: scenario.claim.name, reason });
        continue;
      }
      request.begins?.(scenario, index);
      const before = handover;
      handover = undefined;
      const runId = before?.nextRunId ?? nextRunId();
      const next = nextOf(scenarios.slice(index), deps, nextRunId);
      const played = await runScenario(
        scenario,
        {
          target,
          seed,
          commit,
          versions,
          context,
          signal,
          fenced,
          runId,
          repeat: request.repeatOf(scenario),
          ...request.folderOf(scenario),
          ...(before ? { before } : {}),
          ...(next ? { next } : {}),
        },
        deps,
      );
      const { record } = played;
      handover = played.handover;
      records.push(record);
      if (isDirty(record))
        reason = `${scenario.claim.name} left the target dirty. Next: shakedown undo, then run again`;
    }
  } finally {
    // Nobody takes it over any more: the rest was skipped.
    const problem = await handover?.load.stop(2_000).then(
      () => undefined,
      (error: unknown) => messageOf(error),
    );
    if (problem) request.note(`the load did not end well: ${problem}`);
  }
  return { records, skipped };
}

/**
 * The scenario behind the first one, when it wants the same load. A load whose rate changes over time is not shared: its shifts count from
 * its own beginning.
 */
function nextOf(rest: readonly Scenario[], deps: RunDeps, nextRunId: () => string): NextRun | undefined {
  const [scenario, next] = rest;
  if (!scenario || !next || !sharesLoad(scenario, next, deps)) return undefined;
  const until = rest.findIndex((one, index) => index > 0 && !sharesLoad(scenario, one, deps));
  const sharing = rest.slice(1, until === -1 ? undefined : until);
  return {
    runId: nextRunId(),
    probes: next.play.probes,
    wantedMsMax: sharing.reduce((sum, { play }) => sum + longestSharedMs(play, deps.bounds), 0),
  };
}

/** A profile that there is not is told by the run that wants it. */
function sharesLoad(scenario: Scenario, next: Scenario, { load }: RunDeps): boolean {
  if (scenario.play.load !== next.play.load) return false;
  try {
    return load.plan(scenario.play.load).shapes === undefined;
  } catch {
    return false;
  }
}

/** Unique on the target, since one run at a time is on it; short, sorts by time, fits a label and a marker. */
export const newRunId = (now: Instant): string => `r${now.toString(36)}`;

/** 20261123-153712, in UTC: sorts by time on every machine. */
export function folderStamp(now: Instant): string {
  return new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}

/** Makes `runs/<time>-<name>`, and a number after it when that was taken in the same second. `runs/latest` points to it. */
export async function makeRunFolder(runsFolder: string, name: string, now: Instant): Promise<string> {
  await mkdir(runsFolder, { recursive: true });
  for (let number = 1; ; number++) {
    const folder = `${folderStamp(now)}-${name}${number === 1 ? '' : `-${number}`}`;
    try {
      await mkdir(join(runsFolder, folder));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST' && number < 100) continue;
      throw error;
    }
    await pointLatest(runsFolder, folder);
    return join(runsFolder, folder);
  }
}

/** Moved over the old link in one step, so that `latest` is never missing. */
async function pointLatest(runsFolder: string, folder: string): Promise<void> {
  const link = join(runsFolder, `.latest-${folder}`);
  await rm(link, { force: true });
  await symlink(folder, link);
  await rename(link, join(runsFolder, 'latest'));
}

/** What Ctrl-C and SIGTERM abort a run with. */
export const interruptedBy = (signal: string): RunStopped => new RunStopped('aborted', `interrupted by ${signal}`);
