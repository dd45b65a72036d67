// What all faults share that are nothing but packet rules around one pod: putting them in, looking that they are there, taking them back.

import { z } from 'zod';
import type { Fault, Json, Proof, Ticket } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { cannotTell } from '../proof.ts';
import {
  allThere,
  type PacketRule,
  type Packets,
  packetRuleSchema,
  packetsMet,
  putRules,
  readRules,
  takeRules,
} from './packet-rules.ts';
import { leftInPlace, lookAtPod, type Place, placeSchema } from './pod-namespace.ts';

export const rulesTicketShape = {
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  place: placeSchema,
  rules: z.array(packetRuleSchema).min(1).readonly(),
} as const;

export interface RulesTicket extends Ticket {
  readonly place: Place;
  readonly rules: readonly PacketRule[];
}

/** What inject itself read back, for the landed that follows it in the same process; another process has to look again. */
const putBy = new WeakMap<Ticket, Packets>();

export function rulesSteps<T extends RulesTicket>(
  name: string,
): Required<Pick<Fault<T>, 'inject' | 'landed' | 'holding' | 'undo' | 'residue'>> {
  return {
    async inject(ticket, reach) {
      putBy.set(ticket, await putRules(reach.cluster, ticket.place, ticket.rules));
    },
    undo: (ticket, reach) => takeRules(reach, name, ticket.place),
    residue: (ticket, reach) => leftInPlace(reach, ticket.place),
    /** All lines are there. Whether they met packets is the effect's question. */
    landed: (ticket, reach) =>
      proof(reach, async () => {
        const packets = putBy.get(ticket) ?? (await readRules(reach.cluster, ticket.place));
        return { is: allThere(packets, ticket.place, ticket.rules), evidence: rulesSeen(ticket, packets) };
      }),
    /** Still there, and around the pod that they were put in for: a sandbox that was replaced took them along. */
    holding: (ticket, reach) =>
      proof(reach, async () => {
        const [packets, pod] = await Promise.all([
          readRules(reach.cluster, ticket.place),
          lookAtPod(reach, ticket.place),
        ]);
        const there = allThere(packets, ticket.place, ticket.rules);
        return { is: there && pod.samePod, evidence: { ...rulesSeen(ticket, packets), ...pod } };
      }),
  };
}

/** A look that fails could not tell. `undefined` for what is not known yet. */
export async function proof(
  reach: Reach,
  look: () => Promise<{ readonly is: boolean | undefined; readonly evidence: Json }>,
): Promise<Proof> {
  try {
    const { is, evidence } = await look();
    return { is: is === undefined ? 'cannot-tell' : is ? 'yes' : 'no', at: reach.now(), evidence };
  } catch (error) {
    return cannotTell(reach, error);
  }
}

export function rulesSeen({ place }: RulesTicket, packets: Packets | undefined): { readonly [key: string]: Json } {
  const lines = Object.values(packets ?? {}).reduce((sum, one) => sum + one.lines, 0);
  return {
    networkNamespace: packets ? place.inode : `${place.inode} is no more`,
    lines,
    packets: packets ? packetsMet(packets) : {},
  };
}
