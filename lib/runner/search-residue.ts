// Asks every fault what it left in the target. Tickets of clean ones go; the others stay, for `shakedown undo` from any machine.
import { wholeTarget } from '../model/evidence.ts';
import type { Fault, Residue, Ticket } from '../model/fault.ts';
import { partLabel, runLabel } from '../model/labels.ts';
import type { Reach, TargetSnapshot } from '../model/reach.ts';
import { againWhileSilent } from './again-while-silent.ts';
import { type Clock, within } from './clock.ts';
import { compareSnapshots } from './compare-snapshots.ts';
import { removeTicket } from './ticket-store.ts';
import type { WithReach } from './undo-stack.ts';

export interface LeftTicket {
  // biome-ignore lint/suspicious/noExplicitAny: faults whose tickets differ
  readonly fault: Fault<any>;
  readonly ticket: Ticket;
  readonly number: number;
  /** It stands in the target, or may. */
  readonly stored: boolean;
}

export interface ResidueSearch {
  readonly runId: string;
  /** Where the suite keeps its own objects. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly withReach: WithReach;
  readonly withinMs: number;
  /** The target before the run, with the way to look at it again; without it only the faults are asked. */
  readonly snapshot?: { readonly before: TargetSnapshot; readonly take: (reach: Reach) => Promise<TargetSnapshot> };
  readonly tell: (fault: string, residue: Residue) => void;
  readonly note: (text: string) => void;
}

/** Never throws: a look that fails is residue that nobody can tell. */
export async function searchResidue(
  tickets: readonly LeftTicket[],
  search: ResidueSearch,
): Promise<readonly Residue[]> {
  const found: Residue[] = [];
  const done: number[] = [];
  for (const { fault, ticket, number, stored } of tickets) {
    const residue = await look(`${fault.name}: residue`, search, (reach) => fault.residue(ticket, reach));
    search.tell(fault.name, residue);
    found.push(residue);
    if (residue.is === 'clean' && stored) done.push(number);
  }
  if (search.snapshot) {
    const residue = await compareWithBefore(search.snapshot, search);
    search.tell(wholeTarget, residue);
    found.push(residue);
    // The next run must not take this target for its baseline: while a ticket is left, none begins.
    if (residue.is !== 'clean') return found;
  }
  for (const number of done) {
    const removed = await look('removing the ticket', search, async ({ cluster }) => {
      await removeTicket(cluster, search.namespace, search.runId, number);
      return clean;
    });
    if (removed.is !== 'clean') found.push(removed);
  }
  // A helper may be the one that undoes by itself when we could not: it is only swept when all is clean.
  if (found.every((residue) => residue.is === 'clean')) found.push(await sweepHelpers(search));
  return found;
}

const clean: Residue = { is: 'clean', left: [] };

const againAfterMs = 2_000;

/** Looked at again for as long as a look may take: a controller that is still putting things in order is no residue. */
function compareWithBefore({ before, take }: NonNullable<ResidueSearch['snapshot']>, search: ResidueSearch) {
  const { clock, withinMs } = search;
  const until = clock.mono() + withinMs - againAfterMs;
  return look('the target as it was before', { ...search, withinMs: withinMs + againAfterMs }, async (reach) => {
    for (;;) {
      const residue = compareSnapshots(before, await take(reach));
      if (residue.is === 'clean' || clock.mono() >= until) return residue;
      await clock.sleep(againAfterMs);
    }
  });
}

/** Helper pods with the run's label: a prepare that failed half-way, or was cut off, may have left one. */
function sweepHelpers(search: ResidueSearch): Promise<Residue> {
  const { namespace, runId } = search;
  return look(`helper pods of ${runId} in ${namespace}`, search, async ({ cluster }) => {
    for (const { name } of await cluster.pods(namespace, `${runLabel}=${runId},${partLabel}=helper`)) {
      await cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name }, { graceSeconds: 0 });
      search.note(`helper pod ${namespace}/${name} was left over and is removed`);
    }
    return clean;
  });
}

async function look(
  what: string,
  { clock, withReach, withinMs }: ResidueSearch,
  work: (reach: Parameters<Parameters<WithReach>[1]>[0]) => Promise<Residue>,
): Promise<Residue> {
  const own = new AbortController();
  try {
    return await within(
      clock,
      what,
      withinMs,
      againWhileSilent(clock, withinMs, () => withReach(own.signal, work)),
    );
  } catch (error) {
    return { is: 'cannot-tell', left: [`${what}: ${error instanceof Error ? error.message : String(error)}`] };
  } finally {
    own.abort(new Error('the look is over'));
  }
}
