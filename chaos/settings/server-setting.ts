// A setting of one running server, changed for a while: put back if it still is what we set, and left alone when somebody else has set it
// since or when it went with the process. What a server is and how it is asked, its fault says.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, Json, Proof, Residue, Rights } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';
import { cannotTell } from '../proof.ts';

export const settingTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  /** Of the pod's containers: a setting made at run time ends with them. */
  life: z.string().min(1),
  before: z.string(),
  set: z.string().min(1),
  /** What effect compares with. */
  counters: z.record(z.string(), z.number()),
});

export type SettingTicket = z.infer<typeof settingTicketSchema>;

export interface ServerSetting {
  readonly fault: Pick<Fault, 'name' | 'plan'>;
  rights(target: Target): Rights;
  /** As people know it: `maxmemory`. */
  readonly setting: string;
  /** What it is set to. */
  readonly value: string;
  /** Where its pods are, and which container is the server; without one all of the pod's count. */
  tier(target: Target): { readonly namespace: string; readonly container?: string | undefined };
  /** The server that is meant at this moment. */
  choose(reach: Reach): Promise<string>;
  /** Throws what keeps it from being set, beside its being so already. */
  refuse?(reach: Reach, node: string): Promise<void>;
  read(reach: Reach, node: string): Promise<string>;
  write(reach: Reach, node: string, value: string): Promise<void>;
  /** After it was put back, where what we set may have been written to a file meanwhile. */
  keep?(reach: Reach, node: string): Promise<void>;
  /** What we set may outlive the process, in a file of its own. The value must then be one that nobody else would choose. */
  readonly mayOutlive?: boolean;
  counters?(reach: Reach, node: string): Promise<Readonly<Record<string, number>>>;
  effect(reach: Reach, ticket: SettingTicket): Promise<{ readonly is: Proof['is']; readonly evidence: Json }>;
}

export function settingFault(of: ServerSetting): Fault<SettingTicket> {
  const { name } = of.fault;
  const nodeOf = (ticket: SettingTicket) => ticket.targets[0]?.name ?? '';
  /** Undefined when there is no such pod, or none of its containers runs. */
  const lifeOf = async (reach: Reach, node: string): Promise<string | undefined> => {
    const { namespace, container } = of.tier(reach.target);
    const pod = await reach.cluster.pod(namespace, node);
    const ids = (pod?.containers ?? [])
      .filter((one) => (container === undefined || one.name === container) && one.id !== '')
      .map(({ id }) => id.slice(0, 12));
    return pod && ids.length > 0 ? `${pod.uid} ${ids.sort().join(' ')}` : undefined;
  };
  /** Whether what we set may still be there; then it has to be looked for. Throws while a pod that may come back with it is away. */
  const mayBeThere = async (reach: Reach, ticket: SettingTicket): Promise<boolean> => {
    const life = await lifeOf(reach, nodeOf(ticket));
    if (life === undefined && of.mayOutlive)
      throw new Error(
        `${name}: ${nodeOf(ticket)} does not run, and its file may still have what was set. Next: shakedown undo, once it runs`,
      );
    return life !== undefined && (life === ticket.life || of.mayOutlive === true);
  };
  /** Put back by this process, while the server's file was not written yet. */
  const notKept = new WeakSet<SettingTicket>();
  const where = (ticket: SettingTicket) => `${of.setting} of ${nodeOf(ticket)}`;

  return {
    ...of.fault,
    version: 1,
    rights: of.rights,
    async targets(reach) {
      return [{ namespace: of.tier(reach.target).namespace, name: await of.choose(reach) }];
    },

    async prepare(reach) {
      const node = await of.choose(reach);
      await of.refuse?.(reach, node);
      const before = await of.read(reach, node);
      if (before === of.value)
        throw new Error(
          `${name}: ${of.setting} of ${node} is ${before} already, so nothing could be seen to land. Next: put it back, or undo the run that set it`,
        );
      const life = await lifeOf(reach, node);
      if (life === undefined)
        throw new Error(
          `${name}: no running container ${of.tier(reach.target).container ?? ''} in ${node}. Next: compare the tier of the target file with the pod`,
        );
      return {
        runId: reach.runId,
        targets: [{ namespace: of.tier(reach.target).namespace, name: node }],
        life,
        before,
        set: of.value,
        counters: { ...(await of.counters?.(reach, node)) },
      };
    },

    async inject(ticket, reach) {
      const node = nodeOf(ticket);
      const [life, now] = await Promise.all([lifeOf(reach, node), of.read(reach, node)]);
      const changed =
        life !== ticket.life
          ? `${node} was started anew since it was recorded`
          : now !== ticket.before
            ? `${where(ticket)} is ${now} and was ${ticket.before} when it was recorded`
            : undefined;
      if (changed) {
        throw new Error(`${name}: ${changed}; nothing was changed. Next: run again on a target that is steady`);
      }
      await of.write(reach, node, ticket.set);
    },

    /**
     * A server's setting carries no mark of who set it, and whether inject ever ran nobody knows who has only the ticket. So the very value,
     * set by somebody else after prepare while inject never ran, is taken back as ours; any other value of theirs stays.
     */
    async undo(ticket, reach) {
      const node = nodeOf(ticket);
      if (!(await mayBeThere(reach, ticket))) return;
      if ((await of.read(reach, node)) === ticket.set) {
        notKept.add(ticket);
        await of.write(reach, node, ticket.before);
      } else if (!of.mayOutlive) return;
      // Also when it is back already: an undo before this one may have come so far and no further.
      await of.keep?.(reach, node);
      notKept.delete(ticket);
    },

    async residue(ticket, reach): Promise<Residue> {
      try {
        if (!(await mayBeThere(reach, ticket))) return { is: 'clean', left: [] };
        const now = await of.read(reach, nodeOf(ticket));
        if (now === ticket.set) return { is: 'dirty', left: [`${where(ticket)} is ${now}, was ${ticket.before}`] };
        if (!notKept.has(ticket)) return { is: 'clean', left: [] };
        return { is: 'dirty', left: [`${where(ticket)} may still be ${ticket.set} in the server’s own file`] };
      } catch (error) {
        return { is: 'cannot-tell', left: [`${where(ticket)}: ${messageOf(error)}`] };
      }
    },

    landed: (ticket, reach) => isSet(ticket, reach),
    holding: (ticket, reach) => isSet(ticket, reach),

    async effect(ticket, reach): Promise<Proof> {
      try {
        const { is, evidence } = await of.effect(reach, ticket);
        return { is, at: reach.now(), evidence };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },
  };

  async function isSet(ticket: SettingTicket, reach: Reach): Promise<Proof> {
    try {
      const [life, now] = await Promise.all([lifeOf(reach, nodeOf(ticket)), of.read(reach, nodeOf(ticket))]);
      const sameLife = life === ticket.life;
      return {
        is: sameLife && now === ticket.set ? 'yes' : 'no',
        at: reach.now(),
        evidence: { node: nodeOf(ticket), [of.setting]: now, before: ticket.before, sameLife },
      };
    } catch (error) {
      return cannotTell(reach, error);
    }
  }
}
