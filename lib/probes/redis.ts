// The Redis groups as their own nodes and the Sentinels see them: who is master, who follows it, and whether all agree.

import { readRoles } from '../../chaos/redis/topology.ts';
import { messageOf } from '../errors.ts';
import type { Redis, RedisGroup } from '../model/reach.ts';
import type { Probe } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';

export interface RedisNode {
  readonly group: Exclude<RedisGroup, 'sentinel'>;
  readonly node: string;
  /** `replica` carries whether its link to the master is up; `silent` why it did not answer. */
  readonly is:
    | { readonly role: 'master'; readonly replicas: number }
    | { readonly role: 'replica'; readonly connected: boolean }
    | { readonly role: 'silent'; readonly why: string };
}

export interface SentinelView {
  readonly node: string;
  readonly group: Exclude<RedisGroup, 'sentinel'>;
  /** Host and port of the master, or why there is no answer. */
  readonly master?: string;
  readonly problem?: string;
}

export interface RedisTopology {
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly SentinelView[];
}

export async function readRedis(redis: Redis, target: Target): Promise<RedisTopology> {
  const groups = redis.groups.filter((group) => group !== 'sentinel');
  const nodes = groups.map(async (group) =>
    Promise.all((await redis.nodes(group)).map((node) => readNode(redis, group, node))),
  );
  const sentinels = redis.groups.includes('sentinel') ? await redis.nodes('sentinel') : [];
  const views = sentinels.flatMap((node) =>
    groups.flatMap((group) => {
      const name = target.redis.sentinel?.masters[group];
      return name === undefined ? [] : [readSentinel(redis, node, group, name)];
    }),
  );
  return { nodes: (await Promise.all(nodes)).flat(), sentinels: await Promise.all(views) };
}

async function readNode(redis: Redis, group: RedisNode['group'], node: string): Promise<RedisNode> {
  try {
    // ['master', offset, [[host, port, offset], …]] or ['slave', host, port, 'connected', offset]
    const role = (await redis.ask(group, node, ['ROLE'])) as readonly unknown[];
    return {
      group,
      node,
      is:
        role[0] === 'master'
          ? { role: 'master', replicas: Array.isArray(role[2]) ? role[2].length : 0 }
          : { role: 'replica', connected: role[3] === 'connected' },
    };
  } catch (error) {
    return { group, node, is: { role: 'silent', why: messageOf(error) } };
  }
}

async function readSentinel(
  redis: Redis,
  node: string,
  group: SentinelView['group'],
  name: string,
): Promise<SentinelView> {
  try {
    const master = (await redis.ask('sentinel', node, ['SENTINEL', 'get-master-addr-by-name', name])) as
      | readonly string[]
      | null;
    if (!master) return { node, group, problem: `knows no group ${name}` };
    // Answers with an error when the quorum, or the majority that a failover takes, is out of reach.
    await redis.ask('sentinel', node, ['SENTINEL', 'CKQUORUM', name]);
    return { node, group, master: master.join(':') };
  } catch (error) {
    return { node, group, problem: messageOf(error) };
  }
}

/** What keeps the groups from being whole; empty when nothing does. */
export function redisProblems({ nodes, sentinels }: RedisTopology, target: Target): readonly string[] {
  const problems: string[] = [];
  for (const group of ['cache', 'queue'] as const) {
    const tier = target.redis[group];
    if (!tier) continue;
    const all = nodes.filter((node) => node.group === group);
    if (all.length < tier.replicasMin) problems.push(`${group}: ${all.length} nodes, wanted ${tier.replicasMin}`);
    for (const { node, is } of all) {
      if (is.role === 'silent') problems.push(`${node}: ${is.why}`);
      if (is.role === 'replica' && !is.connected) problems.push(`${node}: not connected to its master`);
    }
    const masters = all.flatMap(({ node, is }) => (is.role === 'master' ? [{ node, replicas: is.replicas }] : []));
    if (masters.length !== 1)
      problems.push(
        `${group}: ${masters.length} masters${masters.length > 0 ? ` (${masters.map(({ node }) => node).join(', ')})` : ''}, wanted 1`,
      );
    for (const { node, replicas } of masters)
      if (replicas < all.length - 1) problems.push(`${node}: ${replicas} replicas follow, wanted ${all.length - 1}`);
    const views = sentinels.filter((view) => view.group === group);
    for (const { node, problem } of views) if (problem) problems.push(`${node}: ${problem}`);
    const named = new Set(views.flatMap(({ master }) => master ?? []));
    if (named.size > 1) problems.push(`${group}: the Sentinels name ${[...named].sort().join(' and ')}`);
  }
  const wanted = target.redis.sentinel?.replicasMin ?? 0;
  const found = new Set(sentinels.map(({ node }) => node)).size;
  if (found < wanted) problems.push(`${found} Sentinels, wanted ${wanted}`);
  return problems;
}

export function redisInWords({ nodes, sentinels }: RedisTopology): string {
  const groups = [...new Set(nodes.map(({ group }) => group))].map((group) => {
    const all = nodes.filter((node) => node.group === group);
    const masters = all.filter(({ is }) => is.role === 'master').map(({ node }) => node);
    return `${group}: master ${masters.join(', ') || 'none'} of ${all.length}`;
  });
  const count = new Set(sentinels.map(({ node }) => node)).size;
  return [...groups, ...(count > 0 ? [`${count} Sentinels`] : [])].join('; ') || 'no Redis was found';
}

/** How many nodes of a group say that they are its master. Two for as long as an old one has not heard; a silent node makes a gap. */
export const redisMasters = (group: RedisNode['group']): Probe => ({
  series: `redis-${group}-masters`,
  everyMs: 2_000,
  async read(reach) {
    const roles = await readRoles(reach, group);
    const at = reach.now();
    const silent = roles.filter(({ error }) => error !== undefined);
    const masters = roles.flatMap(({ node, role }) => (role === 'master' ? [node] : []));
    const seen = masters.length === 0 ? {} : { seen: masters.join(', ') };
    if (silent.length > 0)
      return { at, missing: silent.map(({ node, error }) => `${node}: ${error}`).join('; '), ...seen };
    if (roles.length === 0) return { at, missing: `no node of the Redis ${group} was found` };
    return { at, value: masters.length, ...seen };
  },
});
