// What partition, refusal and loss share: rules between one pod and the tier that it talks to, and a proof that asks both ways in which a
// pod meets them: a new connection is tried from inside the pod, and packets of connections that were there are counted.
import { z } from 'zod';
import type { Fault, Json } from '../../lib/model/fault.ts';
import { type Aim, aimed, aimRights, aimSays } from './aim.ts';
import { type PacketRule, type Packets, packetsOf, readRules, tryRules } from './packet-rules.ts';
import { type Place, withPlace } from './pod-namespace.ts';
import { proof, rulesSeen, rulesSteps, rulesTicketShape } from './rules-fault.ts';
import { type Attempt, connectionsTo, tryConnections } from './try-connection.ts';

export const betweenTiersTicketSchema = z.strictObject({
  ...rulesTicketShape,
  /** `ADDRESS:PORT`, as far as they could be reached before. */
  reachable: z.array(z.string()).min(1).readonly(),
  /** Connections to them that were there before. */
  pooled: z.number().int().min(0),
});

export type BetweenTiersTicket = z.infer<typeof betweenTiersTicketSchema>;

export interface BetweenTiers {
  readonly name: string;
  readonly aim: Aim;
  readonly change: string;
  /** For the name of its helper. */
  readonly purpose: string;
  readonly rules: (peers: readonly string[], port: number) => readonly PacketRule[];
  /** How often each peer is tried anew at each look. */
  readonly triesEach?: number;
  /** Did new connections meet the fault? */
  readonly metAnew: (attempts: readonly Attempt[], packets: Packets) => boolean;
  /** More for the evidence. */
  readonly seen?: (packets: Packets) => { readonly [key: string]: Json };
}

export function betweenTiers(kind: BetweenTiers): Fault<BetweenTiersTicket> {
  const { name, aim } = kind;
  return {
    name,
    version: 1,
    plan: {
      aim: aimSays(aim),
      change: kind.change,
      undo: 'the packet rules are removed by the run’s mark; then the helper pod',
    },
    rights: (target) => ({ inject: aimRights(target, aim), undo: [] }),
    async targets(reach) {
      const { pod } = await aimed(reach, name, aim);
      return [{ namespace: pod.namespace, name: pod.name }];
    },

    async prepare(reach) {
      const { pod, peers, port } = await aimed(reach, name, aim);
      return withPlace(reach, name, pod, kind.purpose, async (place) => {
        const rules = kind.rules(peers, port);
        await tryRules(reach, name, place, rules);
        const to = peers.map((address) => `${address}:${port}`);
        const before = (await tryConnections(reach.cluster, place, to)) ?? [];
        const reachable = before.filter(({ outcome }) => outcome === 'open').map((attempt) => attempt.to);
        if (reachable.length === 0) {
          throw new Error(
            `${name}: ${pod.namespace}/${pod.name} reaches nobody even before: ${before.map((one) => `${one.to} ${one.outcome}`).join(', ')}. Next: run again on a target that works`,
          );
        }
        return {
          runId: reach.runId,
          targets: [{ namespace: pod.namespace, name: pod.name }],
          place,
          rules,
          reachable,
          pooled: await pooledNow(reach.cluster, place, reachable),
        };
      });
    },

    ...rulesSteps<BetweenTiersTicket>(name),

    effect: (ticket, reach) =>
      proof(reach, async () => {
        const { place, reachable, pooled } = ticket;
        // What our own tries send and close counts as established too. So none is made before a kept connection has met the fault.
        const before = metBy.get(ticket) ?? (await readRules(reach.cluster, place));
        const pooledPacketsMet = before ? packetsOf(before, 'established') : 0;
        const kept = { pooledBefore: pooled, pooledPacketsMet };
        if (!before) return { is: false, evidence: { ...rulesSeen(ticket, before), ...kept } };
        // Without a connection that was there, nothing can be shown on one, and the evidence says so.
        if (pooled > 0 && pooledPacketsMet === 0) {
          const evidence = { ...rulesSeen(ticket, before), ...kept, newConnections: 'none tried yet' };
          return { is: false, evidence };
        }
        metBy.set(ticket, before);
        const to = reachable.flatMap((address) => Array.from({ length: kind.triesEach ?? 1 }, () => address));
        const attempts = await tryConnections(reach.cluster, place, to);
        const packets = await readRules(reach.cluster, place);
        const evidence = {
          ...rulesSeen(ticket, packets),
          ...kept,
          newConnections: kind.triesEach ? outcomesOf(attempts ?? []) : (attempts ?? []).map(inWords),
          ...(packets && kind.seen ? kind.seen(packets) : {}),
        };
        if (!attempts || !packets) return { is: false, evidence };
        return { is: kind.metAnew(attempts, packets), evidence };
      }),
  };
}

/** What was met before our first try. */
const metBy = new WeakMap<BetweenTiersTicket, Packets>();

const inWords = ({ to, outcome, why }: Attempt) => `${to} ${outcome}${why ? ` (${why})` : ''}`;

function outcomesOf(attempts: readonly Attempt[]): Json {
  const counts: Record<string, number> = {};
  for (const { outcome } of attempts) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

async function pooledNow(cluster: Parameters<typeof connectionsTo>[0], place: Place, to: readonly string[]) {
  const count = await connectionsTo(cluster, place, to);
  if (count !== undefined) return count;
  throw new Error(`the network namespace of ${place.pod.namespace}/${place.pod.name} went away while it was looked at`);
}
