// Starts a release that never becomes ready: the pod template gets a readiness gate that nobody opens, so the new pods run and are never
// sent a request. Containers stay as they are, which keeps their environment out of the ticket and somebody's new image where it is.
import { z } from 'zod';
import type { Fault, Json } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { waitUntil } from '../../lib/wait.ts';
import { proofOf, residueOf } from '../proof.ts';
import {
  leftOfChange,
  lookAtChange,
  makeChange,
  nameOf,
  objectChangeSchema,
  recordChange,
  takeBack,
  valueAt,
} from './object-change.ts';
import { rightsToFindWorkload, type TierName, tierOf, workloadOf } from './workload.ts';

export const rolloutTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  change: objectChangeSchema,
  selector: z.string().min(1),
  before: z.strictObject({ uids: z.array(z.string()), ready: z.number().int() }),
});

export type RolloutTicket = z.infer<typeof rolloutTicketSchema>;

export interface Rollout {
  readonly name: string;
  readonly tier: TierName;
}

const gatesPath = ['spec', 'template', 'spec', 'readinessGates'] as const;
/** No controller knows it, so no pod ever gets this condition. */
const gateOf = (runId: string) => ({ conditionType: `shakedown.dev/never-${runId}` });
/** From the write until the Deployment's controller has read it: a fraction of a second. */
const observedWithinMs = 10_000;

export function rollout({ name, tier }: Rollout): Fault<RolloutTicket> {
  const look = async (ticket: RolloutTicket, reach: Reach) => {
    const { object } = ticket.change;
    const pods = await reach.cluster.pods(object.namespace, ticket.selector);
    const fresh = pods.filter(({ uid, deleting }) => !ticket.before.uids.includes(uid) && !deleting);
    return {
      fresh,
      evidence: {
        newPods: fresh.map((pod) => ({
          name: pod.name,
          phase: pod.phase,
          ready: pod.ready,
          containersReady: pod.containers.every(({ ready }) => ready),
        })),
        oldPodsReady: pods.filter(({ uid, ready, deleting }) => ticket.before.uids.includes(uid) && ready && !deleting)
          .length,
        oldPodsReadyBefore: ticket.before.ready,
      },
    };
  };
  return {
    name,
    version: 1,
    plan: {
      aim: `the Deployment of ${tier}`,
      change: 'a new revision whose pods never become ready (a readiness gate that nobody opens)',
      undo: 'the recorded template is set again, and the ReplicaSet of that revision removed',
    },
    rights(target) {
      const namespace = tierOf(target, tier)?.namespace;
      if (namespace === undefined) return { inject: [], undo: [] };
      return {
        inject: rightsToFindWorkload(namespace),
        undo: [
          { namespace, apiGroup: 'apps', resources: ['deployments'], verbs: ['get', 'patch'] },
          // Made by the Deployment's controller for our revision: left there, a later `kubectl rollout undo` would go back to it.
          { namespace, apiGroup: 'apps', resources: ['replicasets'], verbs: ['list', 'get', 'delete'] },
        ],
      };
    },
    targets: async (reach) => (await workloadOf(reach, name, tier)).targets,

    async prepare(reach) {
      const { ref, object, targets } = await workloadOf(reach, name, tier);
      if (ref.kind !== 'Deployment') {
        throw new Error(`${name}: ${tier} is kept by a ${nameOf(ref)}, wanted a Deployment. Next: choose another tier`);
      }
      if (valueAt(object, ['spec', 'paused']) === true) {
        throw new Error(
          `${name}: ${nameOf(ref)} is paused, so no revision would be rolled out. Next: kubectl rollout resume`,
        );
      }
      const selector = tierOf(reach.target, tier)?.selector ?? '';
      const pods = await reach.cluster.pods(ref.namespace, selector);
      const gates = (valueAt(object, gatesPath) ?? []) as readonly Json[];
      const patch = { spec: { template: { spec: { readinessGates: [...gates, gateOf(reach.runId)] } } } };
      return {
        runId: reach.runId,
        targets: [...targets],
        change: await recordChange(reach, name, ref, patch),
        selector,
        before: {
          uids: pods.map(({ uid }) => uid),
          ready: pods.filter(({ ready, deleting }) => ready && !deleting).length,
        },
      };
    },

    inject: (ticket, reach) => makeChange(ticket.change, reach),

    async undo(ticket, reach) {
      await takeBack(ticket.change, reach);
      // Before its controller has read the template anew it would make the ReplicaSet again that is removed here.
      await waitUntil({
        what: `the controller of ${nameOf(ticket.change.object)} has read it`,
        withinMs: observedWithinMs,
        everyMs: 50,
        read: () => reach.cluster.get(ticket.change.object),
        until: (object) =>
          object === undefined ||
          Number(valueAt(object, ['status', 'observedGeneration'])) >=
            Number(valueAt(object, ['metadata', 'generation'])),
        show: (object) => JSON.stringify(valueAt(object, ['status'])),
        sleep: reach.sleep,
        now: reach.now,
      });
      // A template that still has the gate, put there by somebody else's copy say, would have it made again: residue tells.
      for (const replicaSet of await replicaSetsOf(ticket, reach))
        await reach.cluster.remove(replicaSet, { wait: false });
    },

    residue: (ticket, reach) =>
      residueOf(name, async () => [
        ...(await leftOfChange(ticket.change, reach)),
        ...(await replicaSetsOf(ticket, reach)).map((one) => `${nameOf(one)} has the readiness gate of this run`),
      ]),

    landed: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),

    /** Still as wanted, and the gate keeps each new pod from becoming ready. */
    holding: (ticket, reach) =>
      proofOf(reach, async () => {
        const [changed, { fresh, evidence }] = await Promise.all([
          lookAtChange(ticket.change, reach),
          look(ticket, reach),
        ]);
        const shut = fresh.every(({ ready }) => !ready);
        return { is: changed.is === 'yes' && shut ? 'yes' : 'no', evidence: { change: changed.evidence, ...evidence } };
      }),

    /** A pod of the new revision runs, all its containers are ready, and it is not: so it is the gate that keeps it. */
    effect: (ticket, reach) =>
      proofOf(reach, async () => {
        const { fresh, evidence } = await look(ticket, reach);
        const stuck = fresh.some(
          ({ phase, ready, containers }) =>
            phase === 'Running' && !ready && containers.length > 0 && containers.every((one) => one.ready),
        );
        return { is: stuck && fresh.every(({ ready }) => !ready) ? 'yes' : 'no', evidence };
      }),
  };
}

export const rolloutNeverReady = rollout({ name: 'objects/rollout', tier: 'web' });

/** ReplicaSets whose pods wait for this run's gate, and that the changed Deployment owns. */
async function replicaSetsOf({ runId, change, selector }: RolloutTicket, reach: Reach) {
  const { namespace, name: deployment } = change.object;
  const kind = { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace };
  const all = (await reach.cluster.list({ ...kind, labelSelector: selector })) as unknown as readonly ReplicaSet[];
  return all
    .filter(
      ({ metadata, spec }) =>
        metadata.ownerReferences?.some((owner) => owner.kind === 'Deployment' && owner.name === deployment) &&
        spec?.template?.spec?.readinessGates?.some(
          ({ conditionType }) => conditionType === gateOf(runId).conditionType,
        ),
    )
    .map(({ metadata }) => ({ ...kind, name: metadata.name }));
}

interface ReplicaSet {
  readonly metadata: {
    readonly name: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec?: {
    readonly template?: { readonly spec?: { readonly readinessGates?: readonly { readonly conditionType: string }[] } };
  };
}
