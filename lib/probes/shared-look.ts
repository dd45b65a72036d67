// Several series are often read from one look at the target. Probes are asked apart, at nearly the same time; the look is made once.
import type { Instant } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';

/** Shorter than any probe's interval: a look is shared by those who ask together, never by the next who ask. */
const togetherMs = 500;

/** The look with the time at which it began, which is what its readings are of. A look that fails fails for all who share it. */
export function sharedLook<T>(
  look: (reach: Reach) => Promise<T>,
): (reach: Reach) => Promise<{ readonly at: Instant; readonly seen: T }> {
  const looks = new WeakMap<Reach, { readonly at: Instant; readonly seen: Promise<T> }>();
  return async (reach) => {
    const now = reach.now();
    let current = looks.get(reach);
    if (!current || now - current.at > togetherMs) {
      current = { at: now, seen: look(reach) };
      looks.set(reach, current);
    }
    return { at: current.at, seen: await current.seen };
  };
}
