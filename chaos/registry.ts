// Every fault by name and version, so that another process, on another machine, can undo from a ticket's raw JSON.
import type { ZodType } from 'zod';
import type { Fault, Json, Ticket } from '../lib/model/fault.ts';
import { galeraWriterCrash, writerCrashTicketSchema } from './galera/writer-crash.ts';

export interface RegisteredFault<T extends Ticket = Ticket> {
  readonly fault: Fault<T>;
  readonly ticketSchema: ZodType<T>;
}

// biome-ignore lint/suspicious/noExplicitAny: a registry mixes faults whose tickets differ
export const faults: readonly RegisteredFault<any>[] = [
  { fault: galeraWriterCrash, ticketSchema: writerCrashTicketSchema },
];

// biome-ignore lint/suspicious/noExplicitAny: whoever finds a fault by name does not know its ticket
export type Undoable = { readonly fault: Fault<any>; readonly ticket: Ticket };

/** What undoes a stored ticket, or why nobody here can: then the target counts as dirty. */
export function undoableFrom(stored: {
  readonly fault: string;
  readonly version: number;
  readonly ticket: Json | Ticket;
}): Undoable | { readonly problem: string } {
  const sameName = faults.filter(({ fault }) => fault.name === stored.fault);
  const known = sameName.find(({ fault }) => fault.version === stored.version);
  if (!known) {
    const versions = sameName.map(({ fault }) => fault.version).join(', ');
    return {
      problem:
        versions === ''
          ? `no fault ${stored.fault} here. Next: undo with the shakedown that ran it`
          : `${stored.fault} version ${stored.version} is not known here (only ${versions}). Next: undo with the shakedown that ran it`,
    };
  }
  const parsed = known.ticketSchema.safeParse(stored.ticket);
  if (!parsed.success) {
    const seen = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    return {
      problem: `${stored.fault}: its ticket can’t be read (${seen}). Next: undo with the shakedown that ran it`,
    };
  }
  return { fault: known.fault, ticket: parsed.data };
}
