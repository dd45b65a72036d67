// Kills the Galera node that the app writes to the hard way (SIGKILL to mariadbd), because a clean shutdown hands over state and proves nothing.
import { z } from 'zod';
import type { Fault, Json, Proof, Residue, Ticket } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import {
  armHelper,
  findProcesses,
  helpersLeft,
  type Killed,
  killProcess,
  lookAtProcess,
  removeHelper,
} from '../process/signal.ts';
import { findWriter, readTopology } from './topology.ts';

export const writerCrashTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  helper: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  process: z.strictObject({ containerId: z.string(), pid: z.number().int().min(1), startTicks: z.string() }),
  podUid: z.string(),
  restarts: z.number().int(),
  /** The view before, as the writer had it. */
  view: z.strictObject({ confId: z.number(), size: z.number(), stateUuid: z.string() }),
});

export type WriterCrashTicket = z.infer<typeof writerCrashTicketSchema>;

/** What inject itself saw, for the landed that follows it in the same process; another process has to look again. */
const killedBy = new WeakMap<Ticket, Killed>();

export const galeraWriterCrash: Fault<WriterCrashTicket> = {
  name: 'galera/writer-crash',
  version: 1,

  async prepare(reach) {
    // Twice: once to know where the helper must run, and once more right before inject, for roles move.
    const first = await findWriter(reach);
    const container = await writerContainer(reach, first.node);
    const helper = await armHelper(reach, { kubernetesNode: container.kubernetesNode, pod: first.node });
    try {
      const { containerId } = container;
      const { process: command } = reach.target.mariadb;
      const found = await findProcesses(reach.cluster, helper, containerId, command);
      const [process] = found;
      if (process === undefined || found.length > 1) {
        throw new Error(
          `galera/writer-crash: ${found.length} processes ${command} in container ${containerId.slice(0, 12)} of ${first.node} (${found.map(({ pid }) => pid).join(', ') || 'none'}), wanted exactly one. Next: compare mariadb.process and mariadb.container of the target file with ps in the container`,
        );
      }
      const writer = await findWriter(reach);
      const again = await writerContainer(reach, writer.node);
      if (writer.node !== first.node || again.containerId !== containerId) {
        throw new Error(
          `galera/writer-crash: the writer moved from ${first.node} to ${writer.node}, or its container was started again, while the helper started. Next: run again on a target that is steady`,
        );
      }
      return {
        runId: reach.runId,
        targets: [{ namespace: reach.target.mariadb.namespace, name: writer.node }],
        helper,
        process: { containerId, pid: process.pid, startTicks: process.startTicks },
        podUid: again.podUid,
        restarts: again.restarts,
        view: { confId: writer.confId, size: writer.size, stateUuid: writer.stateUuid },
      };
    } catch (error) {
      await removeHelper(reach.cluster, helper).catch(() => undefined); // found by the run's label, if it stays
      throw error;
    }
  },

  async inject(ticket, reach) {
    killedBy.set(ticket, await killProcess(reach.cluster, ticket.helper, ticket.process));
  },

  async undo(ticket, reach) {
    // A killed process is started again by the kubelet: that is recovery. What we put in is the helper.
    await removeHelper(reach.cluster, ticket.helper);
  },

  async residue(ticket, reach): Promise<Residue> {
    try {
      const left = await helpersLeft(reach.cluster, ticket.helper.namespace, ticket.runId);
      return left.length === 0
        ? { is: 'clean', left: [] }
        : { is: 'dirty', left: left.map((name) => `helper pod ${ticket.helper.namespace}/${name}`) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { is: 'cannot-tell', left: [`helper pods of ${ticket.runId} in ${ticket.helper.namespace}: ${why}`] };
    }
  },

  /** The process decides. How the container ended is told beside it: the kubelet needs a second to notice. */
  async landed(ticket, reach): Promise<Proof> {
    const killed = killedBy.get(ticket);
    try {
      const [alive, container] = await Promise.all([
        killed ? undefined : lookAtProcess(reach.cluster, ticket.helper, ticket.process),
        containerEnd(ticket, reach),
      ]);
      const process = { ...ticket.process, gone: alive === undefined };
      const evidence: Json = killed
        ? { process, killedOnNodeAt: killed.sentAt, goneAfterMs: killed.goneAt - killed.sentAt, container }
        : { process: alive ? { ...process, state: alive.state } : process, container };
      return { is: alive ? 'no' : 'yes', at: reach.now(), evidence };
    } catch (error) {
      return cannotTell(reach, error);
    }
  },

  /** The survivors left it behind, and the app works on one of them. */
  async effect(ticket, reach): Promise<Proof> {
    const [target] = ticket.targets;
    try {
      const { views, silent } = await readTopology(reach);
      const survivors = views.filter((view) => view.node !== target?.name);
      const evidence: Json = {
        before: ticket.view,
        container: await containerEnd(ticket, reach),
        views,
        silent,
      } as never;
      const proof = (is: Proof['is']): Proof => ({ is, at: reach.now(), evidence });

      if (survivors.length === 0 || silent.some(({ node }) => node !== target?.name)) return proof('cannot-tell');
      // A node that comes back makes a view too: two changes mean that it was gone in between.
      const leftBehind = survivors.every(
        ({ component, confId, size, stateUuid }) =>
          component === 'Primary' &&
          stateUuid === ticket.view.stateUuid &&
          ((confId > ticket.view.confId && size < ticket.view.size) || confId >= ticket.view.confId + 2),
      );
      const onSurvivors = survivors.filter((view) => view.appConnections > 0).length;
      const onTarget = views.some((view) => view.node === target?.name && view.appConnections > 0);
      return proof(leftBehind && onSurvivors === 1 && !onTarget ? 'yes' : 'no');
    } catch (error) {
      return cannotTell(reach, error);
    }
  },
};

async function writerContainer(reach: Reach, node: string) {
  const { namespace, container: name } = reach.target.mariadb;
  const pod = await reach.cluster.pod(namespace, node);
  const container = pod?.containers.find((one) => one.name === name);
  if (!pod || !container || container.id === '' || pod.kubernetesNode === '') {
    throw new Error(
      `galera/writer-crash: no running container ${name} in ${namespace}/${node} (${pod ? `containers: ${pod.containers.map((one) => one.name).join(', ') || 'none'}` : 'no such pod'}). Next: compare mariadb.container of the target file with the pod`,
    );
  }
  return {
    podUid: pod.uid,
    kubernetesNode: pod.kubernetesNode,
    containerId: container.id,
    restarts: container.restarts,
  };
}

/** How the kubelet tells the end of the very container; `ended` is null while it has not told. Told beside the proof, never instead of it. */
async function containerEnd(ticket: WriterCrashTicket, reach: Reach): Promise<Json> {
  const [target] = ticket.targets;
  try {
    const pod = target && (await reach.cluster.pod(target.namespace, target.name));
    const container = pod?.containers.find((one) => one.name === reach.target.mariadb.container);
    const ended = container?.lastTerminated;
    return {
      podUid: pod?.uid ?? null,
      samePod: pod?.uid === ticket.podUid,
      restartsSince: container ? container.restarts - ticket.restarts : null,
      // 137 is 128 + SIGKILL. An init above mariadbd may end with a code of its own.
      ended:
        ended?.id === ticket.process.containerId
          ? { exitCode: ended.exitCode, reason: ended.reason, finishedAt: ended.finishedAt }
          : null,
    };
  } catch (error) {
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}

const cannotTell = (reach: Reach, error: unknown): Proof => ({
  is: 'cannot-tell',
  at: reach.now(),
  evidence: { error: error instanceof Error ? error.message : String(error) },
});
