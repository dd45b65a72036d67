// What each Redis and each Sentinel says of a group, asked one by one: a master that is cut off still says that it is one.
import { messageOf } from '../../lib/errors.ts';
import type { Right, Rights } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';

export type Group = 'cache' | 'queue';

type Asks = Pick<Reach, 'redis' | 'target'>;

export function askRedis(
  { redis, target }: Asks,
  group: Group | 'sentinel',
  node: string,
  command: readonly string[],
): Promise<unknown> {
  if (!redis?.groups.includes(group)) throw missing(target, group);
  return redis.ask(group, node, command);
}

export function tierOf(target: Target, group: Group) {
  const tier = target.redis[group];
  if (!tier) throw missing(target, group);
  return tier;
}

export interface RoleView {
  readonly node: string;
  readonly role?: string;
  readonly error?: string;
}

/** Every node is asked at the same time; one that does not answer is data. */
export async function readRoles(reach: Asks, group: Group): Promise<readonly RoleView[]> {
  if (!reach.redis?.groups.includes(group)) throw missing(reach.target, group);
  const nodes = await reach.redis.nodes(group);
  return Promise.all(
    nodes.map(async (node): Promise<RoleView> => {
      try {
        const answer = (await askRedis(reach, group, node, ['ROLE'])) as readonly unknown[];
        return { node, role: String(answer[0]) };
      } catch (error) {
        return { node, error: messageOf(error) };
      }
    }),
  );
}

export const rolesInWords = (roles: readonly RoleView[]): string =>
  roles.map(({ node, role, error }) => `${node} ${role ?? `can’t be asked (${error})`}`).join(', ') || 'no node at all';

/** The one node that says it is master. Throws when there is none, when there are two, or when a node can't be asked. */
export async function findMaster(reach: Asks, group: Group): Promise<string> {
  const roles = await readRoles(reach, group);
  const [master, ...others] = roles.filter(({ role }) => role === 'master');
  if (master && others.length === 0 && roles.every(({ error }) => error === undefined)) return master.node;
  const { namespace, selector } = tierOf(reach.target, group);
  throw new Error(
    `Redis ${group} in ${namespace} (${selector}): wanted one master among nodes that all answer, saw ${rolesInWords(roles)}. Next: see that the group is whole, and that redis.${group} of the target file selects its pods`,
  );
}

/** `INFO section` by name. */
export async function readInfo(
  reach: Asks,
  group: Group,
  node: string,
  section: string,
): Promise<ReadonlyMap<string, string>> {
  const text = String(await askRedis(reach, group, node, ['INFO', section]));
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
}

/** Reaching the group's nodes and Sentinels with their passwords, for undo as well. */
export function redisRights(target: Target, groups: readonly (Group | 'sentinel')[]): Rights {
  const rights = groups.flatMap((group): Right[] => {
    const tier = target.redis[group];
    if (!tier) return [];
    const { namespace, credentials } = tier;
    const right = (namespace: string, resource: string, verbs: string[], names?: string[]): Right => ({
      namespace,
      apiGroup: '',
      resources: [resource],
      verbs,
      ...(names ? { names } : {}),
    });
    return [
      right(namespace, 'pods', ['get', 'list']),
      right(namespace, 'pods/portforward', ['create', 'get']),
      ...(credentials ? [right(credentials.namespace, 'secrets', ['get'], [credentials.name])] : []),
    ];
  });
  return { inject: rights, undo: rights };
}

const missing = (target: Target, group: string) =>
  new Error(`${target.name} has no Redis ${group}. Next: name it under redis.${group} of the target file`);
