// Kills the main process of one container the hard way (SIGKILL): no handler runs, no connection is closed by the program, and the pod
// stays. What the process had taken in hand is left to whoever comes after it.
import { z } from 'zod';
import type { Fault, Proof } from '../../lib/model/fault.ts';
import { cannotTell } from '../proof.ts';
import { crashSteps, crashTicketFields, prepareCrash } from './crash-steps.ts';
import { choosePlace, rightsOfPlace, type TierName } from './place.ts';

export const processCrashTicketSchema = z.strictObject({ ...crashTicketFields, container: z.string().min(1) });

export type ProcessCrashTicket = z.infer<typeof processCrashTicketSchema>;

const name = 'process/crash';
const { steps, containerNow } = crashSteps<ProcessCrashTicket>(({ container }) => container);

export function processCrash({ tier }: { readonly tier: TierName }): Fault<ProcessCrashTicket> {
  return {
    name,
    version: 1,
    plan: {
      aim: `the main process of one ${tier} container`,
      change: 'SIGKILL, from a helper pod on its Kubernetes node',
      undo: 'the kubelet starts it again; the helper pod is removed',
    },
    rights: (target) => ({ inject: rightsOfPlace(target, tier), undo: [] }),
    async targets(reach) {
      const { namespace, pod } = await choosePlace(reach, name, tier);
      return [{ namespace, name: pod }];
    },

    async prepare(reach) {
      const place = await choosePlace(reach, name, tier);
      const ticket = await prepareCrash(reach, name, place, 'main', () => choosePlace(reach, name, tier));
      return { ...ticket, container: place.container };
    },

    ...steps,

    /** The kubelet saw the very container end, and that it was started again. */
    async effect(ticket, reach): Promise<Proof> {
      try {
        const container = await containerNow(ticket, reach);
        const again = container.ended !== null && (container.restartsSince ?? 0) > 0;
        // Of a pod that was replaced meanwhile nobody can say what became of its container.
        const is = again ? 'yes' : container.samePod ? 'no' : 'cannot-tell';
        return { is, at: reach.now(), evidence: { container } as never };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },
  };
}

/** One worker of the queue that the job of each booking goes through. */
export const workerCrash = processCrash({ tier: 'worker-short' });
