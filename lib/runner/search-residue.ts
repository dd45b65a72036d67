// Asks every fault what it left in the target. Tickets of clean ones go; the others stay, for `shakedown undo` from any machine.
import type { Fault, Residue, Ticket } from '../model/fault.ts';
import { partLabel, runLabel } from '../model/labels.ts';
import { type Clock, within } from './clock.ts';
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
  readonly tell: (fault: string, residue: Residue) => void;
  readonly note: (text: string) => void;
}

/** Never throws: a look that fails is residue that nobody can tell. */
export async function searchResidue(
  tickets: readonly LeftTicket[],
  search: ResidueSearch,
): Promise<readonly Residue[]> {
  const found: Residue[] = [];
  for (const { fault, ticket, number, stored } of tickets) {
    const residue = await look(`${fault.name}: residue`, search, (reach) => fault.residue(ticket, reach));
    search.tell(fault.name, residue);
    found.push(residue);
    if (residue.is !== 'clean' || !stored) continue;
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
    return await within(clock, what, withinMs, withReach(own.signal, work));
  } catch (error) {
    return { is: 'cannot-tell', left: [`${what}: ${error instanceof Error ? error.message : String(error)}`] };
  } finally {
    own.abort(new Error('the look is over'));
  }
}
