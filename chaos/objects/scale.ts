// Scales the Deployment or StatefulSet of a tier to another number of replicas, as a mistyped command or an eager autoscaler does.
import { z } from 'zod';
import type { Fault } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { proofOf, residueOf } from '../proof.ts';
import { leftOfChange, lookAtChange, makeChange, objectChangeSchema, recordChange, takeBack } from './object-change.ts';
import { rightsToFindWorkload, type TierName, tierOf, workloadOf } from './workload.ts';

export const scaleTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  change: objectChangeSchema,
  selector: z.string().min(1),
  replicas: z.number().int().min(0),
  podsBefore: z.number().int(),
});

export type ScaleTicket = z.infer<typeof scaleTicketSchema>;

export interface Scale {
  readonly name: string;
  readonly tier: TierName;
  readonly replicas: number;
}

export function scale({ name, tier, replicas }: Scale): Fault<ScaleTicket> {
  return {
    name,
    version: 1,
    plan: {
      aim: `the workload of ${tier}`,
      change: `scaled to ${replicas}`,
      undo: 'its recorded number of replicas is set again, unless somebody else set another one meanwhile',
    },
    rights(target) {
      const namespace = tierOf(target, tier)?.namespace;
      if (namespace === undefined) return { inject: [], undo: [] };
      const change = {
        namespace,
        apiGroup: 'apps',
        resources: ['deployments', 'statefulsets'],
        verbs: ['get', 'patch'],
      };
      return { inject: [...rightsToFindWorkload(namespace), change], undo: [change] };
    },
    targets: async (reach) => (await workloadOf(reach, name, tier)).targets,

    async prepare(reach) {
      const { ref, targets } = await workloadOf(reach, name, tier);
      const selector = tierOf(reach.target, tier)?.selector ?? '';
      return {
        runId: reach.runId,
        targets: [...targets],
        change: await recordChange(reach, name, ref, { spec: { replicas } }),
        selector,
        replicas,
        podsBefore: (await podsOf(reach, ref.namespace, selector)).length,
      };
    },

    inject: (ticket, reach) => makeChange(ticket.change, reach),
    undo: (ticket, reach) => takeBack(ticket.change, reach),
    residue: (ticket, reach) => residueOf(name, () => leftOfChange(ticket.change, reach)),

    landed: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),
    holding: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),

    /** As many pods as wanted, those that are ending not counted, and all of them ready. */
    effect: (ticket, reach) =>
      proofOf(reach, async () => {
        const pods = await podsOf(reach, ticket.change.object.namespace, ticket.selector);
        const ready = pods.filter((pod) => pod.ready).length;
        return {
          is: pods.length === ticket.replicas && ready === ticket.replicas ? 'yes' : 'no',
          evidence: { podsBefore: ticket.podsBefore, pods: pods.length, ready, wanted: ticket.replicas },
        };
      }),
  };
}

/** Half of the lab's web tier. */
export const scaleWebToOne = scale({ name: 'objects/scale', tier: 'web', replicas: 1 });
/** Jobs of the short queue pile up with whoever else drains it. */
export const scaleShortWorkersAway = scale({ name: 'objects/scale-workers-away', tier: 'worker-short', replicas: 0 });

async function podsOf(reach: Reach, namespace: string, selector: string) {
  return (await reach.cluster.pods(namespace, selector)).filter(({ deleting }) => !deleting);
}
