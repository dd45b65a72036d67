// Kills the Galera node that the app writes to the hard way (SIGKILL to mariadbd), because a clean shutdown hands over state and proves nothing.
import { z } from 'zod';
import type { Fault, Json, Proof } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { crashSteps, crashTicketFields, prepareCrash } from '../process/crash-steps.ts';
import { type Place, placeIn } from '../process/place.ts';
import { cannotTell } from '../proof.ts';
import { findWriter, type NodeView, readTopology } from './topology.ts';

export const writerCrashTicketSchema = z.strictObject({
  ...crashTicketFields,
  /** The view before, as the writer had it. */
  view: z.strictObject({ confId: z.number(), size: z.number(), stateUuid: z.string() }),
});

export type WriterCrashTicket = z.infer<typeof writerCrashTicketSchema>;

const name = 'galera/writer-crash';
const { steps, containerTold } = crashSteps<WriterCrashTicket>((_ticket, { target }) => target.mariadb.container);

export const galeraWriterCrash: Fault<WriterCrashTicket> = {
  name,
  version: 1,
  plan: {
    aim: 'the Galera node that the app writes to',
    change: 'SIGKILL to its database process, from a helper pod on its Kubernetes node',
    undo: 'the kubelet starts it again; the helper pod is removed',
  },
  rights: () => ({ inject: [], undo: [] }),
  async targets(reach) {
    const { node } = await findWriter(reach);
    return [{ namespace: reach.target.mariadb.namespace, name: node }];
  },

  async prepare(reach) {
    // Asked twice: once to know where the helper must run, and once more right before inject, for roles move.
    let { writer, place } = await writerPlace(reach);
    const meant = { command: reach.target.mariadb.process };
    const ticket = await prepareCrash(reach, name, place, meant, async () => {
      ({ writer, place } = await writerPlace(reach));
      return place;
    });
    return { ...ticket, view: { confId: writer.confId, size: writer.size, stateUuid: writer.stateUuid } };
  },

  ...steps,

  /** The survivors left it behind, and the app works on one of them. */
  async effect(ticket, reach): Promise<Proof> {
    const [target] = ticket.targets;
    try {
      const { views, silent } = await readTopology(reach);
      const survivors = views.filter((view) => view.node !== target?.name);
      const evidence: Json = {
        before: ticket.view,
        container: await containerTold(ticket, reach),
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

async function writerPlace(reach: Reach): Promise<{ readonly writer: NodeView; readonly place: Place }> {
  const writer = await findWriter(reach);
  const { namespace, container } = reach.target.mariadb;
  const pod = await reach.cluster.pod(namespace, writer.node);
  if (!pod) throw new Error(`${name}: no pod ${namespace}/${writer.node}, although SQL answers there. Next: run again`);
  return { writer, place: placeIn(pod, name, container) };
}
