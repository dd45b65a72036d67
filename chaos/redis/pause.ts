// Lets a group's master answer reads and keep every write waiting (CLIENT PAUSE), for a bounded time: what a disk or a fork that stalls does.
// It ends by itself. Sentinel's own messages wait as well, so when it lasts longer than they bear with, another node becomes master.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, Proof, Residue } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { cannotTell } from '../proof.ts';
import { askRedis, findMaster, type Group, readInfo, redisRights, tierOf } from './topology.ts';

export const pauseTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  /** Of the server's process; a pause ends with it. */
  serverRunId: z.string().min(1),
  pauseMs: z.number().int().min(1),
});

export type PauseTicket = z.infer<typeof pauseTicketSchema>;

const lookEveryMs = 100;
const answerMsMax = 3_000;

export function pauseWrites(group: Group, pauseMs: number): Fault<PauseTicket> {
  const nodeOf = (ticket: PauseTicket) => ticket.targets[0]?.name ?? '';
  const serverRunId = async (reach: Reach, node: string): Promise<string> =>
    (await readInfo(reach, group, node, 'server')).get('run_id') ?? 'unknown';
  const podIsGone = async (reach: Reach, { targets: [target] }: PauseTicket): Promise<boolean> =>
    target === undefined || (await reach.cluster.pod(target.namespace, target.name)) === undefined;

  return {
    name: `redis/pause-${group}`,
    version: 1,
    plan: {
      aim: `the master of the Redis ${group}`,
      change: `writes wait for ${pauseMs / 1000} s (CLIENT PAUSE WRITE), and Sentinel may make another node master meanwhile`,
      undo: 'CLIENT UNPAUSE on that node; it ends by itself as well',
    },
    rights: (target) => redisRights(target, [group]),
    async targets(reach) {
      return [{ namespace: tierOf(reach.target, group).namespace, name: await findMaster(reach, group) }];
    },

    async prepare(reach) {
      const node = await findMaster(reach, group);
      const write = await tryWrite(reach, group, node);
      if (write !== 'answered')
        throw new Error(
          `redis/pause-${group}: a write on ${node} ${write} before anything was paused. Next: see that nobody else has paused it`,
        );
      return {
        runId: reach.runId,
        targets: [{ namespace: tierOf(reach.target, group).namespace, name: node }],
        serverRunId: await serverRunId(reach, node),
        pauseMs,
      };
    },

    async inject(ticket, reach) {
      await askRedis(reach, group, nodeOf(ticket), ['CLIENT', 'PAUSE', String(ticket.pauseMs), 'WRITE']);
    },

    async undo(ticket, reach) {
      if (await podIsGone(reach, ticket)) return;
      if ((await serverRunId(reach, nodeOf(ticket))) !== ticket.serverRunId) return;
      await askRedis(reach, group, nodeOf(ticket), ['CLIENT', 'UNPAUSE']);
    },

    async residue(ticket, reach): Promise<Residue> {
      const node = nodeOf(ticket);
      try {
        if (await podIsGone(reach, ticket)) return { is: 'clean', left: [] };
        if ((await serverRunId(reach, node)) !== ticket.serverRunId) return { is: 'clean', left: [] };
        const write = await tryWrite(reach, group, node);
        return write === 'waits' ? { is: 'dirty', left: [`writes on ${node} wait`] } : { is: 'clean', left: [] };
      } catch (error) {
        return { is: 'cannot-tell', left: [`whether writes on ${node} wait: ${messageOf(error)}`] };
      }
    },

    landed: (ticket, reach) => isPaused(ticket, reach),
    holding: (ticket, reach) => isPaused(ticket, reach),

    /** Others than we and the Sentinels wait. */
    async effect(ticket, reach): Promise<Proof> {
      try {
        const clients = await readClients(reach, group, nodeOf(ticket));
        const waiting = clients.flatMap(({ blocked, command }) => (blocked && command !== 'publish' ? [command] : []));
        const evidence = { node: nodeOf(ticket), waiting: waiting.length, commands: [...new Set(waiting)].sort() };
        return { is: waiting.length > 0 ? 'yes' : 'no', at: reach.now(), evidence };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },
  };

  async function isPaused(ticket: PauseTicket, reach: Reach): Promise<Proof> {
    const node = nodeOf(ticket);
    try {
      const [now, write] = await Promise.all([serverRunId(reach, node), tryWrite(reach, group, node)]);
      const sameServer = now === ticket.serverRunId;
      const evidence = { node, write, sameServer };
      return { is: sameServer && write === 'waits' ? 'yes' : 'no', at: reach.now(), evidence };
    } catch (error) {
      return cannotTell(reach, error);
    }
  }
}

/**
 * A message to a channel that nobody listens to: held back as a write is, and changes nothing when it is let through. That it is held back
 * the server itself says; that an answer is late may have other reasons.
 */
async function tryWrite(reach: Reach, group: Group, node: string): Promise<'answered' | 'waits'> {
  const write: { ended?: 'answered' | Error } = {};
  const sent = askRedis(reach, group, node, ['PUBLISH', `shakedown:${reach.runId}`, 'paused?']).then(
    () => {
      write.ended = 'answered';
    },
    (error: unknown) => {
      write.ended = error instanceof Error ? error : new Error(String(error));
    },
  );
  for (const began = reach.now(); ; ) {
    await Promise.race([sent, reach.sleep(lookEveryMs)]);
    if (write.ended === 'answered') return 'answered';
    if (write.ended) throw write.ended;
    const clients = await readClients(reach, group, node);
    if (clients.some(({ blocked, command }) => blocked && command === 'publish')) return 'waits';
    if (reach.now() - began >= answerMsMax)
      throw new Error(`${node} neither answered a write within ${answerMsMax} ms nor says that it holds one back`);
  }
}

async function readClients(reach: Reach, group: Group, node: string) {
  const text = String(await askRedis(reach, group, node, ['CLIENT', 'LIST']));
  return text.split('\n').map((line) => {
    const field = (name: string) => new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? '';
    return { blocked: field('flags').includes('b'), command: field('cmd') };
  });
}
