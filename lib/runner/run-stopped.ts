// A run that ends before its last phase, and what that makes of it.
import type { Ended } from '../model/evidence.ts';
import { JournalFailure } from './journal.ts';

/** `aborted`: ended early on purpose, by a rule or by a person. `crashed`: something threw that nobody expected. */
export class RunStopped extends Error {
  override readonly name = 'RunStopped';
  readonly ended: Exclude<Ended, 'completed'>;
  constructor(ended: Exclude<Ended, 'completed'>, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.ended = ended;
  }
}

export interface Ending {
  readonly ended: Ended;
  readonly reason?: string;
}

export function endingOf(error: unknown): Ending {
  if (error instanceof RunStopped) return { ended: error.ended, reason: error.message };
  if (error instanceof JournalFailure) return { ended: 'aborted', reason: error.message };
  return { ended: 'crashed', reason: error instanceof Error ? error.message : String(error) };
}
