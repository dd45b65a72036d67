// Deletes one pod of a tier through the API, with its grace or without any, because that is what drains, rollouts and impatient people do.
// Names come back (StatefulSets) and Running includes pods that are ending, so a pod is told by its UID alone.
import { z } from 'zod';
import type { Fault, Ticket } from '../../lib/model/fault.ts';
import type { ObjectRef, Reach } from '../../lib/model/reach.ts';
import { controllerOf, servingPods, type TierName, tierOf } from '../objects/workload.ts';
import { proofOf, residueOf } from '../proof.ts';

export const podsDeleteTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  uid: z.string().min(1),
  kubernetesNode: z.string(),
  selector: z.string().min(1),
  before: z.strictObject({
    /** Pods of the tier. */
    uids: z.array(z.string()),
    ready: z.number().int(),
    /** Services that led to the pod. */
    services: z.array(z.string()),
  }),
});

export type PodsDeleteTicket = z.infer<typeof podsDeleteTicketSchema>;

/** A pod that is still there so long after its grace is over hangs, and it hangs because of us. */
const hangsAfterMs = 30_000;

export interface PodsDelete {
  readonly name: string;
  readonly tier: TierName;
  /** 0: gone from the API at once, its process killed without a word. Left out: the pod's own grace. */
  readonly graceSeconds?: 0;
}

export function podsDelete({ name, tier, graceSeconds }: PodsDelete): Fault<PodsDeleteTicket> {
  const choose = async (reach: Reach) => {
    const pods = await servingPods(reach, name, tier);
    const [pod] = pods;
    if (!pod) throw new Error(`${name}: no pod to choose`);
    return { pod, ready: pods.length };
  };
  return {
    name,
    version: 1,
    plan: {
      aim: `one ready pod of ${tier}`,
      change: graceSeconds === 0 ? 'deleted by force, without any grace' : 'deleted, with the grace that it asks for',
      undo: 'its controller makes another one; nothing of ours is in the target',
    },
    rights(target) {
      const namespace = tierOf(target, tier)?.namespace;
      if (namespace === undefined) return { inject: [], undo: [] };
      return {
        inject: [
          { namespace, apiGroup: '', resources: ['pods'], verbs: ['get', 'list', 'delete'] },
          { namespace, apiGroup: 'discovery.k8s.io', resources: ['endpointslices'], verbs: ['list'] },
        ],
        undo: [{ namespace, apiGroup: '', resources: ['pods'], verbs: ['get'] }],
      };
    },
    async targets(reach) {
      const { pod } = await choose(reach);
      return [{ namespace: pod.namespace, name: pod.name }];
    },

    async prepare(reach) {
      const { pod, ready } = await choose(reach);
      const { namespace, uid } = pod;
      if (!controllerOf(await reach.cluster.get(podRef(pod)))) {
        throw new Error(
          `${name}: ${namespace}/${pod.name} has no controller: once deleted nobody would make it again. Next: name pods of a Deployment or StatefulSet in the target file`,
        );
      }
      const selector = tierOf(reach.target, tier)?.selector ?? '';
      const all = await reach.cluster.pods(namespace, selector);
      return {
        runId: reach.runId,
        targets: [{ namespace, name: pod.name }],
        uid,
        kubernetesNode: pod.kubernetesNode,
        selector,
        before: { uids: all.map((one) => one.uid), ready, services: await servicesTo(reach, namespace, uid) },
      };
    },

    async inject(ticket, reach) {
      const [target] = ticket.targets;
      const pod = target && (await reach.cluster.pod(target.namespace, target.name));
      if (!pod || pod.uid !== ticket.uid || pod.deleting) {
        throw new Error(
          `${name}: ${target?.namespace}/${target?.name} is ${pod?.deleting ? 'ending already' : pod ? 'another pod of that name' : 'gone already'}; nothing was deleted. Next: run again on a target that is steady`,
        );
      }
      await reach.cluster.remove(podRef(pod), {
        wait: false,
        uid: ticket.uid,
        ...(graceSeconds === undefined ? {} : { graceSeconds }),
      });
    },

    async undo() {
      // A pod that was deleted can't be called back; its controller makes another, and that is recovery.
    },

    residue: (ticket, reach) =>
      residueOf(`pod ${nameOf(ticket)}`, async () => {
        const [target] = ticket.targets;
        const pod = target && ((await reach.cluster.get(podRef(target))) as RawPod | undefined);
        const { uid, deletionTimestamp } = pod?.metadata ?? {};
        // The API writes down when the grace will be over.
        if (uid !== ticket.uid || !deletionTimestamp) return [];
        const overMs = reach.now() - Date.parse(deletionTimestamp);
        return overMs > hangsAfterMs
          ? [`pod ${nameOf(ticket)} was deleted and still is there ${Math.round(overMs / 1000)} s after its grace`]
          : [];
      }),

    /** The pod itself: gone, replaced by another of its name, or on its way out. Without grace only gone counts. */
    landed: (ticket, reach) =>
      proofOf(reach, async () => {
        const [target] = ticket.targets;
        const pod = target && (await reach.cluster.pod(target.namespace, target.name));
        const gone = pod?.uid !== ticket.uid;
        const ending = !gone && (pod?.deleting ?? false);
        return {
          is: gone || (ending && graceSeconds === undefined) ? 'yes' : 'no',
          evidence: { uid: ticket.uid, gone, ending, ...(gone && pod ? { nowThere: pod.uid } : {}) },
        };
      }),

    /** One ready replica fewer, another pod on its way, and no Service leads to the old one any more. */
    effect: (ticket, reach) =>
      proofOf(reach, async () => {
        const [{ namespace } = { namespace: '' }] = ticket.targets;
        const pods = await reach.cluster.pods(namespace, ticket.selector);
        const serving = pods.filter(({ ready, deleting }) => ready && !deleting);
        const fresh = pods.filter(({ uid, deleting }) => !ticket.before.uids.includes(uid) && !deleting);
        const services = await servicesTo(reach, namespace, ticket.uid);
        return {
          is:
            !serving.some(({ uid }) => uid === ticket.uid) && fresh.length > 0 && services.length === 0 ? 'yes' : 'no',
          evidence: {
            readyBefore: ticket.before.ready,
            readyOfThose: serving.filter(({ uid }) => ticket.before.uids.includes(uid)).length,
            readyNow: serving.length,
            fresh: fresh.map(({ name, uid, kubernetesNode, ready }) => ({ name, uid, kubernetesNode, ready })),
            servicesBefore: ticket.before.services,
            servicesNow: services,
          },
        };
      }),
  };
}

export const podsDeleteGraceful = podsDelete({ name: 'pods/delete', tier: 'web' });
export const podsDeleteForced = podsDelete({ name: 'pods/delete-forced', tier: 'web', graceSeconds: 0 });

interface RawPod {
  readonly metadata?: { readonly uid?: string; readonly deletionTimestamp?: string };
}

interface EndpointSlice {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  /** The API says null for none. */
  readonly endpoints?:
    | readonly {
        readonly conditions?: { readonly ready?: boolean };
        readonly targetRef?: { readonly uid?: string };
      }[]
    | null;
}

/** Names of the Services that send requests to that very pod: what the ingress goes by. */
async function servicesTo(reach: Reach, namespace: string, uid: string): Promise<string[]> {
  const kind = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespace };
  const slices = (await reach.cluster.list(kind)) as unknown as readonly EndpointSlice[];
  const leading = slices.filter(({ endpoints }) =>
    endpoints?.some(({ conditions, targetRef }) => targetRef?.uid === uid && conditions?.ready !== false),
  );
  return [...new Set(leading.map(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] ?? '?'))].sort();
}

const podRef = ({ namespace, name }: { namespace: string; name: string }): ObjectRef => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace,
  name,
});

const nameOf = ({ targets: [target] }: Ticket) => `${target?.namespace}/${target?.name}`;
