// A look that failed is an answer too: it could not tell. Faults give their proofs and residues by these.
import { messageOf } from '../lib/errors.ts';
import type { Json, Proof, Residue } from '../lib/model/fault.ts';
import type { Reach } from '../lib/model/reach.ts';

export interface Seen {
  readonly is: Proof['is'];
  readonly evidence: Json;
}

/** What was seen, with the time at which the look began: it may have been so earlier, never later. */
export async function proofOf(reach: Reach, look: () => Promise<Seen>): Promise<Proof> {
  const at = reach.now();
  try {
    return { ...(await look()), at };
  } catch (error) {
    return { ...cannotTell(reach, error), at };
  }
}

export const cannotTell = (reach: Pick<Reach, 'now'>, error: unknown): Proof => ({
  is: 'cannot-tell',
  at: reach.now(),
  evidence: { error: messageOf(error) },
});

/** Clean when a look that worked found nothing. */
export async function residueOf(what: string, look: () => Promise<readonly string[]>): Promise<Residue> {
  try {
    const left = await look();
    return { is: left.length === 0 ? 'clean' : 'dirty', left };
  } catch (error) {
    return { is: 'cannot-tell', left: [`${what}: ${messageOf(error)}`] };
  }
}
