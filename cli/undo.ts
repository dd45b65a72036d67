// `shakedown undo`: takes back what a killed run left, from the tickets in the target. Twice is as good as once.
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { allHelpers, removeHelper } from '../chaos/process/signal.ts';
import { undoableFrom } from '../chaos/registry.ts';
import { paths } from '../lab/places.ts';
import { openReach } from '../lib/clients/reach.ts';
import { messageOf, Problem } from '../lib/errors.ts';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { listTickets, removeTicket } from '../lib/runner/ticket-store.ts';
import { runFoldersOf } from './run-folders.ts';
import { readTargetFile } from './target-file.ts';

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
      const signal = AbortSignal.timeout(120_000);
      await using reach = await openReach(target, { runId: 'undo', seed: 0, signal });
      const tickets = (await listTickets(reach.cluster, target.suite.namespace)).filter(
        // One that can't be read may be anybody's: it is told, whoever's is asked for.
        ({ stored }) => !only || !stored || only.has(stored.runId),
      );
      for (const { name, stored } of tickets) {
        const left = await undoOne(name, stored, (runId) => ({ ...reach, runId }));
        if (left.length === 0 && stored)
          await removeTicket(reach.cluster, target.suite.namespace, stored.runId, stored.number);
        else process.exitCode = exitCodes.dirty;
        console.log(left.length === 0 ? `${name}: undone, nothing left` : `${name}: not undone: ${left.join('; ')}`);
      }
      // A run that was killed while it armed a helper had no ticket yet. What an undo above left is told there.
      const ticketed = new Set(tickets.map(({ stored }) => stored?.runId));
      const helpers = (await allHelpers(reach.cluster, target.suite.namespace)).filter(
        ({ runId }) => (!only || only.has(runId)) && !ticketed.has(runId),
      );
      for (const helper of helpers) {
        await removeHelper(reach.cluster, helper);
        console.log(`${helper.name}: helper pod without a ticket, removed`);
      }
      if (tickets.length + helpers.length === 0) console.log(`${target.name}: no ticket is left; nothing to undo`);
    });
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
    const { journal } = await readRunFolder(path);
    for (const line of journal) if (line.kind === 'header') ids.add(line.header.runId);
  }
  return ids;
}

type Stored = Awaited<ReturnType<typeof listTickets>>[number]['stored'];

async function undoOne(
  name: string,
  stored: Stored,
  reachFor: (runId: string) => Awaited<ReturnType<typeof openReach>>,
): Promise<readonly string[]> {
  if (!stored) return [`${name} can't be read as a ticket. Next: undo with the shakedown that wrote it`];
  const found = undoableFrom(stored);
  if ('problem' in found) return [found.problem];
  const reach = reachFor(stored.runId);
  try {
    await found.fault.undo(found.ticket, reach);
    const residue = await found.fault.residue(found.ticket, reach);
    return residue.is === 'clean' ? [] : [`${residue.is}: ${residue.left.join(', ')}`];
  } catch (error) {
    return [messageOf(error)];
  }
}
