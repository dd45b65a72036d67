// Takes a Kubernetes node out of service the orderly way, as before its maintenance: cordoned, then its pods evicted one by one, as far as
// the disruption budgets allow at that moment. What must stay (DaemonSets, static pods, the suite's own helpers) stays.
// Only pods in the namespaces of the site's own tiers and of its ingress go: monitoring watches the run, and others are not ours to move.
import { z } from 'zod';
import { Problem } from '../../lib/errors.ts';
import type { Fault, FaultTarget, Json } from '../../lib/model/fault.ts';
import { kubernetesNodes } from '../../lib/model/fault-target.ts';
import type { ObjectRef, Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';
import {
  leftOfChange,
  lookAtChange,
  makeChange,
  objectChangeSchema,
  recordChange,
  takeBack,
  valueAt,
} from '../objects/object-change.ts';
import { controllerOf, servingPods, type TierName } from '../objects/workload.ts';
import { proofOf, residueOf } from '../proof.ts';

export const cordonDrainTicketSchema = z.strictObject({
  runId: z.string().min(1),
  /** The Kubernetes node, and the pods to evict. */
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string().min(1) })).min(2),
  kubernetesNode: z.string().min(1),
  change: objectChangeSchema,
  pods: z
    .array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1), uid: z.string().min(1) }))
    .min(1),
});

export type CordonDrainTicket = z.infer<typeof cordonDrainTicketSchema>;

/** A refused eviction is asked again for so long; less than the runner waits for inject. */
const evictWithinMs = 25_000;
const evictEveryMs = 500;

export interface CordonDrain {
  readonly name: string;
  /** The Kubernetes node on which the first pod of this tier runs, by name. */
  readonly whereIs: TierName;
}

export function cordonDrain({ name, whereIs }: CordonDrain): Fault<CordonDrainTicket> {
  const choose = async (reach: Reach) => {
    const [pod] = await servingPods(reach, name, whereIs);
    const kubernetesNode = pod?.kubernetesNode ?? '';
    const evictable = await evictablePods(reach, name, kubernetesNode);
    if (evictable.length === 0)
      throw new Error(`${name}: no pod on ${kubernetesNode || 'any node'} that could be evicted`);
    return { kubernetesNode, evictable };
  };
  return {
    name,
    version: 1,
    plan: {
      aim: `the Kubernetes node of the first pod of ${whereIs}`,
      change: 'cordoned, and the pods of the site and its ingress evicted, within their disruption budgets',
      undo: 'uncordoned, when it was we who cordoned it; pods come back as the scheduler sees fit',
    },
    rights(target) {
      return {
        inject: namespacesOf(target).flatMap((namespace) => [
          { namespace, apiGroup: '', resources: ['pods'], verbs: ['get', 'list'] },
          { namespace, apiGroup: '', resources: ['pods/eviction'], verbs: ['create'] },
        ]),
        undo: [{ apiGroup: '', resources: ['nodes'], verbs: ['get', 'patch'] }],
      };
    },
    async targets(reach) {
      const { kubernetesNode, evictable } = await choose(reach);
      return targetsOf(kubernetesNode, evictable);
    },

    async prepare(reach) {
      const { kubernetesNode, evictable } = await choose(reach);
      return {
        runId: reach.runId,
        targets: targetsOf(kubernetesNode, evictable),
        kubernetesNode,
        change: await recordChange(reach, name, nodeRef(kubernetesNode), { spec: { unschedulable: true } }),
        pods: [...evictable],
      };
    },

    /** Ends when all are evicted, or when those that a budget keeps have been asked for long enough: landed tells which. */
    async inject(ticket, reach) {
      await makeChange(ticket.change, reach);
      const until = reach.now() + evictWithinMs;
      let left: readonly Evictable[] = ticket.pods;
      for (;;) {
        const refused: Evictable[] = [];
        for (const pod of left) {
          reach.signal.throwIfAborted();
          if (!(await evicted(pod, ticket, reach))) refused.push(pod);
        }
        left = refused;
        if (left.length === 0 || reach.now() >= until) return;
        await reach.sleep(evictEveryMs);
      }
    },

    undo: (ticket, reach) => takeBack(ticket.change, reach),
    residue: (ticket, reach) => residueOf(name, () => leftOfChange(ticket.change, reach)),

    landed: (ticket, reach) =>
      proofOf(reach, async () => {
        const [cordoned, pods] = await Promise.all([lookAtChange(ticket.change, reach), lookAtPods(ticket, reach)]);
        const kept = pods.filter(({ state }) => state === 'there').map(({ pod }) => pod);
        return {
          is: cordoned.is === 'yes' && kept.length === 0 ? 'yes' : 'no',
          evidence: {
            cordoned: cordoned.is,
            evicted: pods.length - kept.length,
            ...(kept.length > 0 ? { keptByBudgets: kept } : {}),
          },
        };
      }),

    holding: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),

    /** None of them is on that node any more, by UID. */
    effect: (ticket, reach) =>
      proofOf(reach, async () => {
        const [pods, there] = await Promise.all([
          lookAtPods(ticket, reach),
          Promise.all(namespacesOf(reach.target).map((namespace) => reach.cluster.pods(namespace, ''))),
        ]);
        const ending = pods.filter(({ state }) => state !== 'gone').map(({ pod }) => pod);
        // A volume of that node's own, or a rule that wants one pod on each node, keeps the pod in place waiting for it.
        const waiting = there
          .flat()
          .filter(({ kubernetesNode, phase, deleting }) => kubernetesNode === '' && phase === 'Pending' && !deleting)
          .map((pod) => `${pod.namespace}/${pod.name}`);
        return {
          is: ending.length === 0 ? 'yes' : 'no',
          evidence: { kubernetesNode: ticket.kubernetesNode, evicted: pods.length, stillEnding: ending, waiting },
        };
      }),
  };
}

/** Where the first web pod is. */
export const cordonDrainWeb = cordonDrain({ name: 'nodes/cordon-drain', whereIs: 'web' });

const nodeRef = (name: string): ObjectRef => ({ apiVersion: 'v1', kind: 'Node', namespace: kubernetesNodes, name });
const podRef = ({ namespace, name }: { namespace: string; name: string }): ObjectRef => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace,
  name,
});

function namespacesOf({ tiers, mariadb, databaseProxy, redis, ingress, suite }: Target): readonly string[] {
  const all = [...Object.values(tiers), mariadb, databaseProxy, redis.cache, redis.queue, redis.sentinel, ingress];
  const names = new Set(all.flatMap((tier) => (tier ? [tier.namespace] : [])));
  names.delete(suite.namespace);
  return [...names].sort();
}

interface Evictable {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Throws for a pod that nobody would make again. */
async function evictablePods(reach: Reach, fault: string, kubernetesNode: string): Promise<readonly Evictable[]> {
  const lists = await Promise.all(
    namespacesOf(reach.target).map((namespace) => reach.cluster.list({ apiVersion: 'v1', kind: 'Pod', namespace })),
  );
  return lists.flat().flatMap((pod) => {
    const owner = controllerOf(pod);
    const text = (path: readonly string[]) => String(valueAt(pod, path) ?? '');
    const one = {
      namespace: text(['metadata', 'namespace']),
      name: text(['metadata', 'name']),
      uid: text(['metadata', 'uid']),
    };
    const over = ['Succeeded', 'Failed'].includes(text(['status', 'phase']));
    const stays = owner?.kind === 'DaemonSet' || owner?.kind === 'Node';
    if (text(['spec', 'nodeName']) !== kubernetesNode || over || stays) return [];
    if (!owner) {
      throw new Error(
        `${fault}: ${one.namespace}/${one.name} on ${kubernetesNode} has no controller: once evicted nobody would make it again. Next: remove it, or choose another node`,
      );
    }
    return [one];
  });
}

const targetsOf = (kubernetesNode: string, pods: readonly Evictable[]): FaultTarget[] => [
  { namespace: kubernetesNodes, name: kubernetesNode },
  ...pods.map(({ namespace, name }) => ({ namespace, name })),
];

/** True as well when that very pod is not there any more: another one of its name is left alone. */
async function evicted(pod: Evictable, ticket: CordonDrainTicket, reach: Reach): Promise<boolean> {
  const now = await reach.cluster.pod(pod.namespace, pod.name);
  if (!now || now.uid !== pod.uid || now.deleting || now.kubernetesNode !== ticket.kubernetesNode) return true;
  try {
    return await reach.cluster.evict(pod.namespace, pod.name);
  } catch (error) {
    if (error instanceof Problem && error.code === 404) return true;
    throw error;
  }
}

async function lookAtPods(ticket: CordonDrainTicket, reach: Reach) {
  return Promise.all(
    ticket.pods.map(async (pod) => {
      const object: Json | undefined = await reach.cluster.get(podRef(pod));
      const same = valueAt(object, ['metadata', 'uid']) === pod.uid;
      const ending = valueAt(object, ['metadata', 'deletionTimestamp']) !== undefined;
      return { pod: `${pod.namespace}/${pod.name}`, state: same ? (ending ? 'ending' : 'there') : 'gone' } as const;
    }),
  );
}
