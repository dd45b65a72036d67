// Takes back what a run left, from the tickets in the target: the same whether a person asks for it from another machine, or the guardian
// does it because the run's own process is dead. Twice is as good as once.
import type { Fault, Ticket } from '../model/fault.ts';
import { managedBy, partLabel, runLabel } from '../model/labels.ts';
import type { Reach } from '../model/reach.ts';
import { type Clock, within } from './clock.ts';
import { type ListedTicket, listTickets, removeTicket, type StoredTicket } from './ticket-store.ts';

export interface UndoRequest {
  readonly clock: Clock;
  /** Its own life, nothing of the run's. */
  readonly reach: Reach;
  /** Only what these runs left; all that any run left when it is not given. */
  readonly only?: ReadonlySet<string>;
  /** Finds the fault of a stored ticket, or says why nobody here can. */
  readonly undoable: (
    stored: StoredTicket,
    // biome-ignore lint/suspicious/noExplicitAny: whoever finds a fault by name does not know its ticket
  ) => { readonly fault: Fault<any>; readonly ticket: Ticket } | { readonly problem: string };
  /** For one ticket: undo and the look for residue each. */
  readonly withinMs: number;
}

export interface Undone {
  /** Of the ticket, or of the helper pod that had none. */
  readonly name: string;
  readonly runId: string;
  readonly fault?: string;
  /** What is left, or why it could not be undone. Empty when all is as before. */
  readonly left: readonly string[];
}

/** From the newest ticket of a run to the oldest. Never throws for one ticket: what could not be undone stands in its `left`. */
export async function undoTickets(request: UndoRequest, tell: (undone: Undone) => void): Promise<readonly Undone[]> {
  const { reach, only } = request;
  const { namespace } = reach.target.suite;
  const all: Undone[] = [];
  const told = (undone: Undone) => {
    all.push(undone);
    tell(undone);
  };
  // One that can't be read may be anybody's: it is told, whoever's is asked for.
  const tickets = (await listTickets(reach.cluster, namespace)).filter(
    ({ stored }) => !only || !stored || only.has(stored.runId),
  );
  for (const ticket of tickets) {
    const left = await undoOne(ticket, request);
    const { name, stored } = ticket;
    if (left.length === 0 && stored) await removeTicket(reach.cluster, namespace, stored.runId, stored.number);
    told({ name, runId: stored?.runId ?? '', ...(stored ? { fault: stored.fault } : {}), left });
  }
  // A run that was killed while it armed a helper had no ticket of it yet. A helper of what an undo above left may be needed still.
  const ticketed = new Set(all.filter(({ left }) => left.length > 0).map(({ runId }) => runId));
  const helpers = await reach.cluster.pods(namespace, `${managedBy.key}=${managedBy.value},${partLabel}=helper`);
  for (const { name, labels } of helpers) {
    const runId = labels[runLabel] ?? '';
    if ((only && !only.has(runId)) || ticketed.has(runId)) continue;
    await reach.cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name }, { graceSeconds: 0 });
    told({ name, runId, left: [] });
  }
  return all;
}

async function undoOne({ name, stored }: ListedTicket, request: UndoRequest): Promise<readonly string[]> {
  if (!stored) return [`${name} can't be read as a ticket. Next: undo with the shakedown that wrote it`];
  const found = request.undoable(stored);
  if ('problem' in found) return [found.problem];
  const reach: Reach = { ...request.reach, runId: stored.runId };
  const bounded = <T>(what: string, work: Promise<T>) =>
    within(request.clock, `${stored.fault}: ${what}`, request.withinMs, work);
  try {
    await bounded('undo', found.fault.undo(found.ticket, reach));
    const residue = await bounded('residue', found.fault.residue(found.ticket, reach));
    return residue.is === 'clean' ? [] : [`${residue.is}: ${residue.left.join(', ')}`];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
