// `shakedown undo`: takes back what a killed run left, from the tickets in the target. Twice is as good as once.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { undoableFrom } from '../chaos/registry.ts';
import { paths } from '../lab/places.ts';
import { openReach } from '../lib/clients/reach.ts';
import { Problem } from '../lib/errors.ts';
import type { Cluster } from '../lib/model/reach.ts';
import { runFiles } from '../lib/model/run-folder.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { systemClock } from '../lib/runner/clock.ts';
import { guardianReportInWords, takeGuardianReports } from '../lib/runner/guardian.ts';
import { type Lease, LeaseHeld, takeLease } from '../lib/runner/lease.ts';
import { undoTickets } from '../lib/runner/undo-tickets.ts';
import { runFoldersOf } from './run-folders.ts';
import { readTargetFile } from './target-file.ts';

const withinMs = 60_000;
const allWithinMs = 300_000;
/** The guardian needs a few seconds for each fault, and a minute for a Kubernetes node. */
const guardianMs = 120_000;

export function undoCommand(): Command {
  return new Command('undo')
    .description(
      "undo what is left of earlier runs, from the tickets in the target's own namespace; works from any machine",
    )
    .argument('[run...]', 'only what these run folders left, or those of a gate (runs/latest)')
    .option('--all', 'what any run left; the same as naming no run')
    .option('--target <file>', 'target file; without it the lab')
    .addHelpText('after', '\nExit codes: 0 nothing is left · 3 something is left, and named')
    .action(async (runs: string[], { all, target: file }: { all?: boolean; target?: string }) => {
      const only = all || runs.length === 0 ? undefined : await runIdsOf(runs);
      const target = await readTargetFile(file ?? labTarget());
      const signal = AbortSignal.timeout(allWithinMs);
      await using reach = await openReach(target, { runId: 'undo', seed: 0, signal });
      // Nobody may be in the middle of a fault while its ticket is undone and removed.
      const lease = await leaseToUndo(reach.cluster, target.suite.namespace, signal);
      for (const report of await takeGuardianReports(reach.cluster, target.suite.namespace))
        console.log(guardianReportInWords(report));
      const undone = await undoTickets(
        { clock: systemClock, reach, undoable: undoableFrom, withinMs, ...(only ? { only } : {}) },
        ({ name, fault, left }) => {
          if (left.length > 0) process.exitCode = exitCodes.dirty;
          if (left.length > 0) console.log(`${name}: not undone: ${left.join('; ')}`);
          else console.log(fault ? `${name}: undone, nothing left` : `${name}: helper pod without a ticket, removed`);
        },
      );
      if (undone.length === 0) console.log(`${target.name}: no ticket is left; nothing to undo`);
      const problem = await lease.release();
      if (problem) console.error(problem);
    });
}

/** A run that lives is refused; a dead one is seen to be dead in 15 s; the guardian, when it is at it, is waited for. */
async function leaseToUndo(cluster: Cluster, namespace: string, signal: AbortSignal): Promise<Lease> {
  const until = systemClock.mono() + guardianMs;
  for (;;) {
    try {
      const holder = `undo on ${hostname()} (process ${process.pid})`;
      return await takeLease(cluster, {
        namespace,
        holder,
        clock: systemClock,
        signal,
        say: (text) => console.error(text),
      });
    } catch (error) {
      if (!(error instanceof LeaseHeld)) throw error;
      if (error.byGuardian && systemClock.mono() < until) {
        await systemClock.sleep(2_000, signal);
        continue;
      }
      throw new Problem({
        kind: 'target-unusable',
        what: 'nothing is undone while somebody else is on this target',
        where: 'shakedown undo',
        seen: error.message,
        next: 'wait until that is over, or stop it where it runs: a run undoes by itself',
        cause: error,
      });
    }
  }
}

function labTarget(): string {
  if (existsSync(paths.target)) return paths.target;
  throw new Problem({
    kind: 'target-unusable',
    what: 'no target to undo on',
    where: 'shakedown undo',
    seen: 'the lab is down, and no --target was given',
    next: 'a lab that is down has nothing to undo; for another cluster give --target FILE',
  });
}

async function runIdsOf(named: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const { path } of await runFoldersOf(named)) {
    const journal = await readFile(join(path, runFiles.journal), 'utf8').catch(() => '');
    for (const line of journal.split('\n')) for (const id of runIdIn(line)) ids.add(id);
  }
  return ids;
}

/** Whatever release made the run, and however it was cut off: what it left must be found. */
function runIdIn(line: string): readonly string[] {
  try {
    const { kind, header } = JSON.parse(line);
    return kind === 'header' && typeof header?.runId === 'string' ? [header.runId] : [];
  } catch {
    return [];
  }
}
