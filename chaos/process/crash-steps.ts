// What every crash of one process has in common, whoever chooses the process: SIGKILL through a helper, and proof that this very process
// is gone. A killed process is started again by the kubelet: that is recovery, not undo.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, Json, Proof, Ticket } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { armHelper, type Helper, helperResidue, removeHelper } from '../helper/helper-pod.ts';
import { cannotTell } from '../proof.ts';
import { type Place, type PlaceNow, placeNow } from './place.ts';
import { findProcesses, type Killed, killProcess, lookAtProcess, mainProcess, type Process } from './signal.ts';

export const crashTicketFields = {
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  helper: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  process: z.strictObject({ containerId: z.string(), pid: z.number().int().min(1), startTicks: z.string() }),
  podUid: z.string(),
  restarts: z.number().int(),
};

export type CrashTicket = z.infer<z.ZodObject<typeof crashTicketFields>>;

/** Either the container's main process, or the only one with that command. */
export type ProcessMeant = 'main' | { readonly command: string };

/** Arms a helper beside the place, finds the process, and asks again whether the place is still the one. */
export async function prepareCrash(
  reach: Reach,
  fault: string,
  place: Place,
  meant: ProcessMeant,
  chooseAgain: () => Promise<Place>,
): Promise<CrashTicket> {
  const helper = await armHelper(reach, { kubernetesNode: place.kubernetesNode, purpose: `signal-${place.pod}` });
  try {
    const { pid, startTicks } = await theProcess(reach, helper, fault, place, meant);
    const again = await chooseAgain();
    if (again.podUid !== place.podUid || again.containerId !== place.containerId) {
      throw new Error(
        `${fault}: the choice moved from ${place.pod} to ${again.pod}, or its container was started again, while the helper started. Next: run again on a target that is steady`,
      );
    }
    return {
      runId: reach.runId,
      targets: [{ namespace: place.namespace, name: place.pod }],
      helper,
      process: { containerId: place.containerId, pid, startTicks },
      podUid: place.podUid,
      restarts: again.restarts,
    };
  } catch (error) {
    await removeHelper(reach.cluster, helper).catch(() => undefined); // found by the run's label, if it stays
    throw error;
  }
}

/** The one process that is meant; none, or two of one command, is an error. */
export async function theProcess(
  reach: Reach,
  helper: Helper,
  fault: string,
  { containerId, pod, container }: Place,
  meant: ProcessMeant,
): Promise<Process> {
  const command = meant === 'main' ? undefined : meant.command;
  const found = await findProcesses(reach.cluster, helper, containerId, command);
  const [only] = found;
  const process = meant === 'main' ? mainProcess(found) : found.length === 1 ? only : undefined;
  if (process) return process;
  throw new Error(
    `${fault}: ${found.length} processes${command === undefined ? '' : ` ${command}`} in container ${container} (${containerId.slice(0, 12)}) of ${pod} (${found.map(({ pid }) => pid).join(', ') || 'none'}), wanted exactly one. Next: compare the target file's process and container with ps in the container`,
  );
}

/** What inject itself saw, for the landed that follows it in the same process; another process has to look again. */
const killedBy = new WeakMap<Ticket, Killed>();

export interface CrashSteps<T extends CrashTicket> {
  readonly steps: Pick<Fault<T>, 'inject' | 'undo' | 'residue' | 'landed'>;
  /** How the kubelet tells the end of the very container. */
  containerNow(ticket: T, reach: Reach): Promise<PlaceNow>;
  /** The same, told beside a proof, never instead of it: it may be unknown. */
  containerTold(ticket: T, reach: Reach): Promise<Json>;
}

/** `containerOf`: where a ticket without the container's name has it from. */
export function crashSteps<T extends CrashTicket>(containerOf: (ticket: T, reach: Reach) => string): CrashSteps<T> {
  const containerNow = (ticket: T, reach: Reach): Promise<PlaceNow> => {
    const { podUid, restarts } = ticket;
    const { containerId } = ticket.process;
    const { namespace = '', name: pod = '' } = ticket.targets[0] ?? {};
    return placeNow(reach, { namespace, pod, podUid, container: containerOf(ticket, reach), containerId, restarts });
  };
  const containerTold = (ticket: T, reach: Reach): Promise<Json> =>
    containerNow(ticket, reach).then(
      (now) => now as never,
      (error) => ({ unknown: messageOf(error) }),
    );
  const steps: CrashSteps<T>['steps'] = {
    async inject(ticket, reach) {
      killedBy.set(ticket, await killProcess(reach.cluster, ticket.helper, ticket.process));
    },

    /** What we put in is the helper. */
    async undo(ticket, reach) {
      await removeHelper(reach.cluster, ticket.helper);
    },

    residue: (ticket, reach) => helperResidue(reach, ticket.helper),

    /** The process decides. How the container ended is told beside it: the kubelet needs a second to notice. */
    async landed(ticket, reach): Promise<Proof> {
      const killed = killedBy.get(ticket);
      try {
        const [alive, container] = await Promise.all([
          killed ? undefined : lookAtProcess(reach.cluster, ticket.helper, ticket.process),
          containerTold(ticket, reach),
        ]);
        const process = { ...ticket.process, gone: alive === undefined };
        return {
          is: alive ? 'no' : 'yes',
          at: reach.now(),
          evidence: (killed
            ? { process, killedOnNodeAt: killed.sentAt, goneAfterMs: killed.goneAt - killed.sentAt, container }
            : { process: alive ? { ...process, state: alive.state } : process, container }) as never,
        };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },
  };
  return { steps, containerNow, containerTold };
}
