// Where a fault on processes or resources goes: one container of a tier of the target file. The choice is plain, the first ready pod by
// name, so that the plan can say beforehand what a run will do.
import { z } from 'zod';
import type { Right } from '../../lib/model/fault.ts';
import type { Pod, Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';

export type TierName =
  | keyof Target['tiers']
  | 'mariadb'
  | 'database-proxy'
  | 'redis-cache'
  | 'redis-queue'
  | 'sentinel';

interface Tier {
  readonly namespace: string;
  readonly selector: string;
  readonly container?: string | undefined;
}

/** One container as it is now. Started again, it has another id. */
export const placeSchema = z.strictObject({
  namespace: z.string().min(1),
  pod: z.string().min(1),
  podUid: z.string(),
  kubernetesNode: z.string().min(1),
  container: z.string().min(1),
  containerId: z.string().min(1),
  restarts: z.number().int(),
});

export type Place = z.infer<typeof placeSchema>;

/** Which pod of a tier, where it matters: the one that has a role at this moment. */
export interface PodChoice {
  /** For the plan: `the Redis master`. */
  readonly phrase: string;
  choose(reach: Reach): Promise<string>;
}

export function tierOf(target: Target, name: TierName): Tier | undefined {
  if (name === 'mariadb') return target.mariadb;
  if (name === 'database-proxy') return target.databaseProxy;
  if (name === 'redis-cache') return target.redis.cache;
  if (name === 'redis-queue') return target.redis.queue;
  if (name === 'sentinel') return target.redis.sentinel;
  return target.tiers[name];
}

/** Reading the tier's pods, to choose and to follow what becomes of the one chosen. */
export function rightsOfPlace(target: Target, name: TierName): readonly Right[] {
  const tier = tierOf(target, name);
  return tier ? [{ namespace: tier.namespace, apiGroup: '', resources: ['pods'], verbs: ['get', 'list'] }] : [];
}

/** The container that a fault would be played on at this moment. Throws when there is none. */
export async function choosePlace(reach: Reach, fault: string, name: TierName, choice?: PodChoice): Promise<Place> {
  const tier = tierOf(reach.target, name);
  if (!tier) throw new Error(`${fault}: the target file has no ${name}. Next: add it there, or play another fault`);
  const pods = await reach.cluster.pods(tier.namespace, tier.selector);
  const wanted = await choice?.choose(reach);
  const [first] = pods
    .filter((pod) => pod.ready && !pod.deleting && (wanted === undefined || pod.name === wanted))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  if (!first) {
    throw new Error(
      `${fault}: no ready pod${wanted === undefined ? '' : ` ${wanted}`} of ${name} in ${tier.namespace} (${tier.selector}): ${pods.map(({ name, phase }) => `${name} ${phase}`).join(', ') || 'no pod at all'}. Next: compare the target file's selector with the pods`,
    );
  }
  return placeIn(first, fault, tier.container);
}

/** A container of a pod; the only one, when none is named. */
export function placeIn(pod: Pod, fault: string, name?: string): Place {
  const found = name === undefined ? pod.containers : pod.containers.filter((one) => one.name === name);
  const [container] = found;
  if (!container || found.length > 1 || container.id === '' || pod.kubernetesNode === '') {
    throw new Error(
      `${fault}: ${name === undefined ? 'wanted one container' : `no running container ${name}`} in ${pod.namespace}/${pod.name} (containers: ${pod.containers.map((one) => one.name).join(', ') || 'none'}). Next: name its container in the target file`,
    );
  }
  const { uid: podUid, kubernetesNode } = pod;
  return {
    namespace: pod.namespace,
    pod: pod.name,
    podUid,
    kubernetesNode,
    container: container.name,
    containerId: container.id,
    restarts: container.restarts,
  };
}

/** What the kubelet tells of the very container now. Told beside a proof that was seen on the Kubernetes node. */
export interface PlaceNow {
  readonly samePod: boolean;
  readonly sameContainer: boolean;
  readonly ready: boolean;
  /** Null when the pod or the container is no more. */
  readonly restartsSince: number | null;
  /** How the very container ended; null while it runs, or while that was not told. */
  readonly ended: { readonly exitCode: number; readonly reason: string; readonly finishedAt: number } | null;
}

export async function placeNow(
  reach: Pick<Reach, 'cluster'>,
  place: Pick<Place, 'namespace' | 'pod' | 'podUid' | 'container' | 'containerId' | 'restarts'>,
): Promise<PlaceNow> {
  const pod = await reach.cluster.pod(place.namespace, place.pod);
  const samePod = pod?.uid === place.podUid;
  const container = pod?.containers.find(({ name }) => name === place.container);
  const ended = container?.lastTerminated?.id === place.containerId ? container.lastTerminated : undefined;
  return {
    samePod,
    sameContainer: samePod && container?.id === place.containerId && !ended,
    ready: container?.ready ?? false,
    restartsSince: samePod && container ? container.restarts - place.restarts : null,
    ended: ended ? { exitCode: ended.exitCode, reason: ended.reason, finishedAt: ended.finishedAt } : null,
  };
}
