// The most that a step may touch, checked after prepare chose its targets and before anything is injected.
import type { Claim } from '../model/claim.ts';
import type { Ticket } from '../model/fault.ts';
import { namespacesInWords, targetInWords } from '../model/fault-target.ts';

/** One sentence when the ticket reaches too far, or nowhere. Zero targets is an error: a fault that hits nothing shows nothing. */
export function outsideBlastRadius(fault: string, ticket: Ticket, bound: Claim['blastRadius']): string | undefined {
  const { targets } = ticket;
  const names = targets.map(targetInWords).join(', ');
  if (targets.length === 0) return `${fault}: prepare found no target, so nothing would be injected`;
  if (targets.length > bound.targetsMax) {
    return `${fault}: ${targets.length} targets (${names}), the claim allows ${bound.targetsMax}`;
  }
  const foreign = targets.filter((target) => !bound.namespaces.includes(target.namespace));
  if (foreign.length > 0) {
    return `${fault}: targets outside the claim's blast radius (${names}; allowed: ${namespacesInWords(bound.namespaces)})`;
  }
  return undefined;
}
