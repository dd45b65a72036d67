// Undo and residue of what was put in through a helper pod and lives on its Kubernetes node: with the helper that was armed, or with
// another one when that is gone. What undo itself saw right before its helper went is kept for the search for residue that follows it in
// the same process; another process looks anew.
import { messageOf } from '../../lib/errors.ts';
import type { Residue, Ticket } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { endInject, type Helper, type HelperRequest, helperResidue, helperToUndo, removeHelper } from './helper-pod.ts';

export interface TakeBack {
  readonly fault: string;
  readonly helper: Helper;
  readonly request: HelperRequest;
  /** Takes back by match, and says what is left all the same. Right when there is nothing. */
  readonly take: (helper: Helper) => Promise<readonly string[]>;
  /** What is there now. */
  readonly look: (helper: Helper) => Promise<readonly string[]>;
  /** True when it outlives the Kubernetes node's power: then a node that is away is no excuse. */
  readonly outlivesNode?: boolean;
}

const takenBack = new WeakSet<Ticket>();

export async function takeBack(ticket: Ticket, reach: Reach, how: TakeBack): Promise<void> {
  const { fault, request, take, outlivesNode = false } = how;
  const helper = await helperToUndo(reach, how.helper, request);
  if (typeof helper === 'string') {
    if (!outlivesNode) return;
    throw new Error(
      `${fault}: undo not complete: ${nodeSays(request, helper)}, and what was put in there outlives it. Next: shakedown undo, once it is back`,
    );
  }
  await endInject(reach.cluster, helper);
  const left = await take(helper);
  if (left.length > 0) throw new Error(`${fault}: undo not complete: ${left.join('; ')}. Next: shakedown undo`);
  // Through another helper nobody can end an inject of the first, whose processes may go on for a moment after their pod is gone.
  if (helper === how.helper) takenBack.add(ticket);
  await removeHelper(reach.cluster, helper);
}

export async function residueOf(ticket: Ticket, reach: Reach, how: TakeBack): Promise<Residue> {
  const armed = await helperResidue(reach, how.helper);
  if (armed.is !== 'clean' || takenBack.has(ticket)) return armed;
  let helper: Helper | undefined;
  try {
    const found = await helperToUndo(reach, how.helper, how.request);
    if (typeof found === 'string') {
      if (found === 'gone' && !how.outlivesNode) return { is: 'clean', left: [] };
      return { is: 'cannot-tell', left: [`${how.fault}: ${nodeSays(how.request, found)}, so nobody can look there`] };
    }
    helper = found;
    const left = await how.look(helper);
    return { is: left.length > 0 ? 'dirty' : 'clean', left };
  } catch (error) {
    return { is: 'cannot-tell', left: [`${how.fault} on ${how.request.kubernetesNode}: ${messageOf(error)}`] };
  } finally {
    // One that stays is found by the run's label, and told by the next search.
    if (helper) await removeHelper(reach.cluster, helper).catch(() => undefined);
  }
}

const nodeSays = ({ kubernetesNode }: HelperRequest, is: 'away' | 'gone') =>
  `Kubernetes node ${kubernetesNode} is ${is === 'away' ? 'away' : 'no more'}`;
