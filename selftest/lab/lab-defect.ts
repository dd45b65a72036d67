// A defect that is built into a running system, played against by the real command, and taken away again. What the fast tier says of recorded
// evidence holds only if evidence really comes to look like that.
import type { Family, Turning } from '../defect.ts';

/** What a defect is seeded with. All of it goes to the lab and to nothing else. */
export interface Hands {
  kubectl(args: readonly string[], input?: string): Promise<string>;
  sleep(ms: number): Promise<void>;
  /** Ends when the run at hand has ended: what must go on meanwhile asks it. */
  readonly over: AbortSignal;
}

/** `on` is the scenario that is played, with the defect and, as its healthy twin, without. */
export interface LabDefect extends Turning {
  readonly family: Family;
  /** As soon as the run's progress says this; without it before the run begins. */
  readonly when?: string;
  seed(hands: Hands): Promise<void>;
  /** Takes it away, also when it was never seeded or only half; throws when it can't be taken away. */
  undo(hands: Hands): Promise<void>;
}
