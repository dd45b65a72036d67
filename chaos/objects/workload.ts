// Which Deployment or StatefulSet keeps the pods of a tier: the target file names a tier by the labels of its pods, and each pod names
// its owner. Names are never guessed.
import type { FaultTarget, Json, Right } from '../../lib/model/fault.ts';
import type { ObjectRef, Pod, Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';
import { nameOf } from './object-change.ts';

export type TierName =
  | keyof Target['tiers']
  | 'mariadb'
  | 'databaseProxy'
  | 'redis-cache'
  | 'redis-queue'
  | 'redis-sentinel';

export interface Tier {
  readonly namespace: string;
  readonly selector: string;
  readonly container?: string | undefined;
}

/** Undefined when the target has none. */
export function tierOf(target: Target, name: TierName): Tier | undefined {
  if (name === 'mariadb' || name === 'databaseProxy') return target[name];
  if (name === 'redis-cache') return target.redis.cache;
  if (name === 'redis-queue') return target.redis.queue;
  if (name === 'redis-sentinel') return target.redis.sentinel;
  return target.tiers[name];
}

/** Pods that are there, may serve and are not on their way out, by name. Throws when there is none. */
export async function servingPods(reach: Reach, fault: string, name: TierName): Promise<readonly Pod[]> {
  const { namespace, selector } = wantedTier(reach.target, fault, name);
  const pods = await reach.cluster.pods(namespace, selector);
  const serving = pods.filter(({ ready, deleting }) => ready && !deleting);
  if (serving.length > 0) return [...serving].sort((a, b) => (a.name < b.name ? -1 : 1));
  throw new Error(
    `${fault}: no ready pod of ${name} in ${namespace} (${selector}), of ${pods.length} there. Next: compare the tier in the target file with kubectl get pods -n ${namespace} -l ${selector}`,
  );
}

export function wantedTier(target: Target, fault: string, name: TierName): Tier {
  const tier = tierOf(target, name);
  if (!tier)
    throw new Error(
      `${fault}: ${target.name} has no ${name}. Next: name it in the target file, or play another scenario`,
    );
  return tier;
}

export interface Workload {
  readonly ref: ObjectRef;
  readonly object: Json;
  readonly targets: readonly FaultTarget[];
}

/** The one Deployment or StatefulSet behind a tier's pods. */
export async function workloadOf(reach: Reach, fault: string, name: TierName): Promise<Workload> {
  const { namespace, selector } = wantedTier(reach.target, fault, name);
  const pods = await reach.cluster.list({ apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: selector });
  const owners = new Map<string, ObjectRef>();
  for (const pod of pods) {
    const ref = await ownerOf(reach, namespace, pod);
    owners.set(ref ? nameOf(ref) : 'a pod without an owner', ref ?? noOwner);
  }
  const [ref] = owners.values();
  if (!ref || owners.size > 1 || !(ref.kind === 'Deployment' || ref.kind === 'StatefulSet')) {
    throw new Error(
      `${fault}: ${pods.length} pods of ${name} in ${namespace} (${selector}) belong to ${[...owners.keys()].join(', ') || 'nothing'}; wanted one Deployment or StatefulSet. Next: compare the tier in the target file with the owners of its pods`,
    );
  }
  const object = await reach.cluster.get(ref);
  if (object === undefined)
    throw new Error(`${fault}: ${nameOf(ref)} is gone although ${pods.length} pods name it as their owner`);
  return { ref, object, targets: [{ namespace, name: ref.name }] };
}

/** To find a workload by; undo has its name. */
export const rightsToFindWorkload = (namespace: string): readonly Right[] => [
  { namespace, apiGroup: '', resources: ['pods'], verbs: ['get', 'list'] },
  { namespace, apiGroup: 'apps', resources: ['replicasets', 'deployments', 'statefulsets'], verbs: ['get'] },
];

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

export const controllerOf = (object: Json | undefined): OwnerReference | undefined =>
  (
    object as { metadata?: { ownerReferences?: readonly OwnerReference[] } } | undefined
  )?.metadata?.ownerReferences?.find(({ controller }) => controller);

/** A Deployment's pods are owned by a ReplicaSet that is owned by it. */
async function ownerOf(reach: Reach, namespace: string, pod: Json): Promise<ObjectRef | undefined> {
  const owner = refOf(namespace, controllerOf(pod));
  if (owner?.kind !== 'ReplicaSet') return owner;
  return refOf(namespace, controllerOf(await reach.cluster.get(owner))) ?? owner;
}

const refOf = (namespace: string, owner: OwnerReference | undefined): ObjectRef | undefined =>
  owner && { apiVersion: owner.apiVersion, kind: owner.kind, namespace, name: owner.name };

const noOwner: ObjectRef = { apiVersion: '', kind: '', namespace: '', name: '' };
