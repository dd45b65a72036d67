// Tickets in the target itself, so that any machine can undo what a killed run left: one immutable ConfigMap for each fault.
import type { Json, Ticket } from '../model/fault.ts';
import { managedBy, partLabel, runLabel } from '../model/labels.ts';
import type { Cluster, ObjectRef } from '../model/reach.ts';

export interface StoredTicket {
  readonly schema: 'shakedown.ticket/1';
  readonly runId: string;
  readonly scenario: string;
  readonly fault: string;
  readonly version: number;
  /** Order within the run: undone from the highest. */
  readonly number: number;
  readonly ticket: Ticket;
}

const bytesMax = 64 * 1024;

export const ticketName = (runId: string, number: number) => `shakedown-ticket-${runId}-${number}`;

const ticketRef = (namespace: string, name: string): ObjectRef => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  name,
});

export async function storeTicket(cluster: Cluster, namespace: string, stored: StoredTicket): Promise<void> {
  const text = JSON.stringify(stored);
  if (Buffer.byteLength(text) > bytesMax) {
    throw new Error(
      `${stored.fault}: its ticket has ${Buffer.byteLength(text)} bytes, at most ${bytesMax} may be stored`,
    );
  }
  await cluster.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: ticketName(stored.runId, stored.number),
      namespace,
      labels: { [managedBy.key]: managedBy.value, [partLabel]: 'ticket', [runLabel]: stored.runId },
    },
    immutable: true,
    data: { ticket: text },
  });
}

export async function removeTicket(cluster: Cluster, namespace: string, runId: string, number: number): Promise<void> {
  await cluster.remove(ticketRef(namespace, ticketName(runId, number)));
}

export interface ListedTicket {
  /** The ConfigMap's name. */
  readonly name: string;
  /** Undefined when it can't be read as a ticket; then nobody knows what it would undo. */
  readonly stored?: StoredTicket;
}

/** All tickets in the target, newest first within a run. */
export async function listTickets(cluster: Cluster, namespace: string): Promise<readonly ListedTicket[]> {
  const objects = await cluster.list({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace,
    labelSelector: `${managedBy.key}=${managedBy.value},${partLabel}=ticket`,
  });
  return objects.map(parseTicket).sort((a, b) => (b.stored?.number ?? 0) - (a.stored?.number ?? 0));
}

function parseTicket(object: Json): ListedTicket {
  const map = object as unknown as { metadata?: { name?: string }; data?: { ticket?: string } };
  const name = map.metadata?.name ?? '';
  try {
    const stored = JSON.parse(map.data?.ticket ?? '') as StoredTicket;
    if (stored.schema === 'shakedown.ticket/1' && Array.isArray(stored.ticket?.targets)) return { name, stored };
  } catch {
    // Told by the missing `stored`.
  }
  return { name };
}
