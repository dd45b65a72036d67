// Whom a fault of the network is between: one pod of a tier, and the tier that it talks to. A tier is talked to by the addresses of its
// pods, and by that of a Service in front of them: inside the pod's network namespace a packet still carries the Service's address.
import type { Json, Right } from '../../lib/model/fault.ts';
import type { Pod, Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';

export const tierNames = [
  'web',
  'worker-short',
  'worker-default',
  'worker-long',
  'scheduler',
  'realtime',
  'mariadb',
  'databaseProxy',
  'redis.cache',
  'redis.queue',
  'redis.sentinel',
] as const;
export type TierName = (typeof tierNames)[number];

/** Between two tiers of the target file. */
export interface TierAim {
  readonly from: TierName;
  /** Must serve on a port that the target file knows. */
  readonly to: 'mariadb' | 'databaseProxy' | 'redis.cache' | 'redis.queue' | 'redis.sentinel';
}

/** Whoever knows better which pod it is to be, such as the Redis master of the moment. */
export interface ChosenAim {
  /** For the plan, one phrase. */
  readonly says: string;
  /** Beside what runs have anyway. */
  rights(target: Target): readonly Right[];
  /** Reads only. */
  choose(reach: Reach, fault: string): Promise<Aimed>;
}

export type Aim = TierAim | ChosenAim;

export interface Aimed {
  readonly pod: Pod;
  /** Addresses of those that it talks to, Services first. */
  readonly peers: readonly string[];
  /** On which they serve. */
  readonly port: number;
  /** What is said to them before an answer is waited for; empty to who speaks first, as MariaDB does. */
  readonly hello: string;
}

export const aimSays = (aim: Aim) => ('says' in aim ? aim.says : `one pod of ${aim.from}, on its way to ${aim.to}`);

export function tierOf(
  target: Target,
  name: TierName,
): { namespace: string; selector: string; port?: number } | undefined {
  const { mariadb, databaseProxy, redis, tiers } = target;
  switch (name) {
    case 'mariadb':
      return mariadb;
    case 'databaseProxy':
      return databaseProxy && { ...databaseProxy, port: mariadb.port };
    case 'redis.cache':
      return redis.cache;
    case 'redis.queue':
      return redis.queue;
    case 'redis.sentinel':
      return redis.sentinel;
    default:
      return tiers[name];
  }
}

/** The first of its ready pods by name, so that the plan tells what prepare will choose. */
export async function onePodOf(reach: Reach, fault: string, name: TierName): Promise<Pod> {
  const { namespace, selector } = tierWanted(reach.target, fault, name);
  const pods = await reach.cluster.pods(namespace, selector);
  const [pod] = pods.filter(({ ready, deleting }) => ready && !deleting).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (pod) return pod;
  throw new Error(
    `${fault}: no ready pod of ${name} in ${namespace} (${selector}); ${pods.length} pods there. Next: compare the tier’s selector in the target file with the pods`,
  );
}

export async function aimed(reach: Reach, fault: string, aim: Aim): Promise<Aimed> {
  if ('choose' in aim) return aim.choose(reach, fault);
  const pod = await onePodOf(reach, fault, aim.from);
  const { namespace, selector, port } = tierWanted(reach.target, fault, aim.to);
  const pods = (await reach.cluster.pods(namespace, selector)).filter(({ uid, ip }) => uid !== pod.uid && ip !== '');
  if (pods.length === 0 || port === undefined) {
    throw new Error(`${fault}: no pod of ${aim.to} in ${namespace} (${selector}). Next: correct the tier’s selector`);
  }
  const peers = await addressesOf(reach, namespace, pods);
  return { pod, peers, port, hello: aim.to.startsWith('redis') ? 'PING\r\n' : '' };
}

/** Where pods of a namespace are talked to: by the Services in front of them, and by their own addresses. */
export async function addressesOf(reach: Reach, namespace: string, pods: readonly Pod[]): Promise<readonly string[]> {
  const services = await reach.cluster.list({ apiVersion: 'v1', kind: 'Service', namespace });
  return [...servicesBefore(services, pods), ...pods.map(({ ip }) => ip).sort()];
}

/** What an aim needs beside what runs have anyway. */
export function aimRights(target: Target, aim: Aim): readonly Right[] {
  if ('rights' in aim) return aim.rights(target);
  return [aim.from, aim.to].flatMap((name) => {
    const tier = tierOf(target, name);
    if (!tier) return [];
    const right = (resource: string, verbs: readonly string[]): Right => ({
      namespace: tier.namespace,
      apiGroup: '',
      resources: [resource],
      verbs,
    });
    return [right('pods', ['get', 'list']), ...(name === aim.to ? [right('services', ['list'])] : [])];
  });
}

function tierWanted(target: Target, fault: string, name: TierName) {
  const tier = tierOf(target, name);
  if (tier) return tier;
  throw new Error(`${fault}: the target file names no ${name}. Next: name it, or leave this fault out`);
}

/** Addresses of Services whose selector takes one of the pods in; headless ones have none. */
function servicesBefore(services: readonly Json[], pods: readonly Pod[]): readonly string[] {
  return services
    .map((service) => service as { spec?: { clusterIP?: string; selector?: Readonly<Record<string, string>> } })
    .filter(({ spec }) => {
      const selector = Object.entries(spec?.selector ?? {});
      return selector.length > 0 && pods.some(({ labels }) => selector.every(([key, value]) => labels[key] === value));
    })
    .map(({ spec }) => spec?.clusterIP ?? '')
    .filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address))
    .sort();
}
