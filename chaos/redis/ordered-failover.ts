// Orders a Sentinel to make another node of a group master while the old one is well: what maintenance does, and the mildest failover there
// is. A role that has moved is not moved back: nothing is left to undo.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, Json, Proof, Residue } from '../../lib/model/fault.ts';
import type { Pod, Reach } from '../../lib/model/reach.ts';
import { cannotTell } from '../proof.ts';
import { askRedis, findMaster, type Group, type RoleView, readRoles, redisRights, tierOf } from './topology.ts';

export const orderedFailoverTicketSchema = z.strictObject({
  runId: z.string().min(1),
  /** The old master. */
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  sentinel: z.string().min(1),
  /** The highest that a Sentinel had before. */
  configEpoch: z.number().int().min(0),
});

export type OrderedFailoverTicket = z.infer<typeof orderedFailoverTicketSchema>;

/** The Sentinel's answer to the order, for the landed that follows it in the same process. */
const answered = new WeakMap<OrderedFailoverTicket, string>();

/** How long prepare waits for the last failover to be long enough ago, and for a tilt, which lasts 30 s, to be over. */
const spacingMsMax = 40_000;

const pingPath = '/api/method/ping';

export function orderedFailover(group: Group): Fault<OrderedFailoverTicket> {
  const faultName = `redis/ordered-failover-${group}`;
  const oldMasterOf = (ticket: OrderedFailoverTicket) => ticket.targets[0]?.name ?? '';
  return {
    name: faultName,
    version: 1,
    plan: {
      aim: `the master of the Redis ${group}`,
      change: 'a Sentinel is ordered to make one of its replicas the master (SENTINEL FAILOVER)',
      undo: 'none: a role that has moved is as good where it is',
    },
    rights: (target) => redisRights(target, [group, 'sentinel']),
    async targets(reach) {
      return [{ namespace: tierOf(reach.target, group).namespace, name: await findMaster(reach, group) }];
    },

    async prepare(reach) {
      const oldMaster = await findMaster(reach, group);
      const until = reach.now() + spacingMsMax;
      for (;;) {
        const views = await readSentinels(reach, group);
        const problems = problemsOf(views, oldMaster);
        const [first] = views;
        if (problems.length === 0 && first)
          return {
            runId: reach.runId,
            targets: [{ namespace: tierOf(reach.target, group).namespace, name: oldMaster }],
            sentinel: first.node,
            configEpoch: Math.max(...views.map(({ configEpoch }) => configEpoch)),
          };
        if (reach.now() >= until || !problems.every(({ passes }) => passes))
          throw new Error(
            `${faultName}: not now: ${problems.map(({ says }) => says).join('; ') || 'no Sentinel was found'}. Next: run again when the Sentinels agree and the last failover is longer ago than its failover-timeout`,
          );
        await reach.sleep(1_000);
      }
    },

    async inject(ticket, reach) {
      const answer = await askRedis(reach, 'sentinel', ticket.sentinel, [
        'SENTINEL',
        'FAILOVER',
        masterName(reach, group),
      ]);
      answered.set(ticket, String(answer));
    },

    async undo() {
      // Nothing was put in: an order that was taken is carried out or given up by the Sentinel within its failover-timeout.
    },

    async residue(ticket, reach): Promise<Residue> {
      try {
        const views = await readSentinels(reach, group);
        const silent = views.filter(({ error }) => error !== undefined);
        const busy = views.filter(({ flags }) => flags.includes('failover_in_progress'));
        if (busy.length > 0)
          return { is: 'dirty', left: busy.map(({ node }) => `${node} still carries out a failover of ${group}`) };
        if (silent.length > 0 || views.length === 0)
          return {
            is: 'cannot-tell',
            left: silent.map(({ node, error }) => `whether ${node} still carries out a failover: ${error}`),
          };
        return { is: 'clean', left: [] };
      } catch (error) {
        return {
          is: 'cannot-tell',
          left: [`whether a failover that ${ticket.sentinel} was ordered is over: ${messageOf(error)}`],
        };
      }
    },

    /** The order was taken: the Sentinel carries it out, or has; or another node is master already. */
    async landed(ticket, reach): Promise<Proof> {
      try {
        const [view, roles] = await Promise.all([readSentinel(reach, group, ticket.sentinel), readRoles(reach, group)]);
        const busy = view.flags.includes('failover_in_progress');
        const another = mastersOf(roles).find((node) => node !== oldMasterOf(ticket));
        const evidence: Json = {
          sentinel: ticket.sentinel,
          answer: answered.get(ticket) ?? null,
          inProgress: busy,
          configEpoch: { before: ticket.configEpoch, now: view.configEpoch },
          anotherMaster: another ?? null,
        };
        const is = busy || view.configEpoch > ticket.configEpoch || another !== undefined;
        return { is: is ? 'yes' : view.error === undefined ? 'no' : 'cannot-tell', at: reach.now(), evidence };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },

    /** All Sentinels name one new master, which is the only node to say that it is one, and the site answers. */
    async effect(ticket, reach): Promise<Proof> {
      try {
        const [views, roles, site] = await Promise.all([
          readSentinels(reach, group),
          readRoles(reach, group),
          reach.http.get(pingPath, { timeoutMs: 3_000 }).then(
            ({ status }) => status,
            () => 0,
          ),
        ]);
        const evidence: Json = {
          oldMaster: oldMasterOf(ticket),
          configEpochBefore: ticket.configEpoch,
          sentinels: views.map(({ node, master, configEpoch, error }) =>
            error === undefined ? { node, master, configEpoch } : { node, error },
          ),
          roles: roles.map(({ node, role, error }) => ({ node, role: role ?? error ?? '' })),
          site,
        };
        const proof = (is: Proof['is']): Proof => ({ is, at: reach.now(), evidence });
        if (views.length === 0 || [...views, ...roles].some(({ error }) => error !== undefined))
          return proof('cannot-tell');
        const [master, ...others] = mastersOf(roles);
        const agreed = views.every(
          (view) => view.master === master && view.configEpoch > ticket.configEpoch && !view.flags.includes('failover'),
        );
        const moved = master !== undefined && others.length === 0 && master !== oldMasterOf(ticket);
        return proof(moved && agreed && site === 200 ? 'yes' : 'no');
      } catch (error) {
        return cannotTell(reach, error);
      }
    },
  };
}

export const orderedFailoverOfCache = orderedFailover('cache');
export const orderedFailoverOfQueue = orderedFailover('queue');

interface SentinelState {
  readonly node: string;
  /** Name of the pod that it takes for the master, or its address when no pod of the group has it. */
  readonly master: string;
  readonly flags: string;
  readonly configEpoch: number;
  readonly failoverTimeoutMs: number;
  /** Since it has known this master as one. */
  readonly masterForMs: number;
  /** It mistrusts its own clock, as when the machine stood still, and acts on nothing. */
  readonly tilt: boolean;
  readonly error?: string;
}

async function readSentinels(reach: Reach, group: Group): Promise<readonly SentinelState[]> {
  if (!reach.redis?.groups.includes('sentinel'))
    throw new Error(`${reach.target.name} has no Sentinels. Next: name them under redis.sentinel of the target file`);
  const pods = await podsOf(reach, group);
  const nodes = await reach.redis.nodes('sentinel');
  return Promise.all(nodes.map((node) => readSentinel(reach, group, node, pods)));
}

async function readSentinel(reach: Reach, group: Group, node: string, known?: readonly Pod[]): Promise<SentinelState> {
  try {
    const [pods, answer, info] = await Promise.all([
      known ?? podsOf(reach, group),
      askRedis(reach, 'sentinel', node, ['SENTINEL', 'MASTER', masterName(reach, group)]),
      askRedis(reach, 'sentinel', node, ['INFO', 'sentinel']),
    ]);
    const flat = answer as readonly string[];
    const value = new Map(flat.flatMap((text, at) => (at % 2 === 0 ? [[text, flat[at + 1] ?? ''] as const] : [])));
    const host = value.get('ip') ?? '';
    // Announced by name or by address.
    const pod = pods.find(({ name, ip }) => host === ip || host === name || host.startsWith(`${name}.`));
    return {
      node,
      master: pod?.name ?? host,
      flags: value.get('flags') ?? '',
      configEpoch: Number(value.get('config-epoch')),
      failoverTimeoutMs: Number(value.get('failover-timeout')),
      masterForMs: Number(value.get('role-reported-time')),
      tilt: /^sentinel_tilt:1/m.test(String(info)),
    };
  } catch (error) {
    const unknown = { master: '', flags: '', configEpoch: -1, failoverTimeoutMs: 0, masterForMs: 0, tilt: false };
    return { node, ...unknown, error: messageOf(error) };
  }
}

/** What keeps a failover from being ordered; `passes` when time alone mends it. */
function problemsOf(views: readonly SentinelState[], master: string): readonly { says: string; passes: boolean }[] {
  return views.flatMap((view) => {
    const { node, flags, error, masterForMs, failoverTimeoutMs } = view;
    if (error !== undefined) return [{ says: `${node} can’t be asked (${error})`, passes: false }];
    if (view.master !== master)
      return [{ says: `${node} takes ${view.master} for the master, which is ${master}`, passes: true }];
    if (flags !== 'master') return [{ says: `${node} says ${flags} of it`, passes: flags.includes('failover') }];
    if (view.tilt)
      return [{ says: `${node} is in tilt mode, in which it would take the order and not act on it`, passes: true }];
    // Sentinel takes the order, but would not answer the death of the new master until the time is over.
    if (masterForMs < failoverTimeoutMs)
      return [
        {
          says: `${node} knows ${master} as master for ${masterForMs / 1000} s only, and spaces failovers by ${failoverTimeoutMs / 1000} s`,
          passes: true,
        },
      ];
    return [];
  });
}

const podsOf = (reach: Reach, group: Group): Promise<readonly Pod[]> => {
  const { namespace, selector } = tierOf(reach.target, group);
  return reach.cluster.pods(namespace, selector);
};

function masterName({ target }: Reach, group: Group): string {
  const name = target.redis.sentinel?.masters[group];
  if (name === undefined)
    throw new Error(
      `the Sentinels of ${target.name} watch no ${group}. Next: name it under redis.sentinel.masters of the target file`,
    );
  return name;
}

const mastersOf = (roles: readonly RoleView[]): readonly string[] =>
  roles.flatMap(({ node, role }) => (role === 'master' ? [node] : []));
