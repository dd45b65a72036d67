// What must be taken back, last in first out, on every way out of a run.
// An entry is queued as soon as the fault is prepared, before inject: undo is right when inject never ran.
import type { Fault, Ticket } from '../model/fault.ts';
import type { Reach } from '../model/reach.ts';
import { againWhileSilent } from './again-while-silent.ts';
import { type Clock, within } from './clock.ts';

export interface UndoEntry {
  // biome-ignore lint/suspicious/noExplicitAny: a stack mixes faults whose tickets differ
  readonly fault: Fault<any>;
  readonly ticket: Ticket;
}

export interface UndoOutcome {
  readonly entry: UndoEntry;
  /** Undefined when it was undone. */
  readonly error?: Error;
}

/** Gives a reach whose life hangs on the signal, and on nothing of the run: undo works while the run is being aborted. */
export type WithReach = <T>(signal: AbortSignal, work: (reach: Reach) => Promise<T>) => Promise<T>;

export interface UndoStack {
  push(entry: UndoEntry): void;
  /** Undoes the newest entry. It leaves the stack only when that worked. */
  undoLast(): Promise<UndoOutcome | undefined>;
  /** Undoes all. A failure stops no other. Every entry leaves the stack. */
  undoAll(): Promise<readonly UndoOutcome[]>;
  readonly size: number;
}

export interface UndoOptions {
  readonly clock: Clock;
  readonly withReach: WithReach;
  /** Undo's own deadline; it has nothing of the run's. */
  readonly deadlineMs: number;
  /** Told of each attempt. May throw (a full disk): that stops no undo. */
  readonly tell: (outcome: UndoOutcome) => void;
}

export function undoStack(options: UndoOptions): UndoStack {
  const entries: UndoEntry[] = [];

  async function undo(entry: UndoEntry): Promise<UndoOutcome> {
    const outcome = await undoOnce(entry, options);
    try {
      options.tell(outcome);
    } catch {
      // The journal remembers its own failure and the run ends as aborted; here the target comes first.
    }
    return outcome;
  }

  return {
    get size() {
      return entries.length;
    },
    push: (entry) => void entries.push(entry),
    async undoLast() {
      const entry = entries.at(-1);
      if (!entry) return undefined;
      const outcome = await undo(entry);
      if (!outcome.error) entries.splice(entries.indexOf(entry), 1);
      return outcome;
    },
    async undoAll() {
      const outcomes: UndoOutcome[] = [];
      for (let entry = entries.pop(); entry; entry = entries.pop()) outcomes.push(await undo(entry));
      return outcomes;
    },
  };
}

async function undoOnce(entry: UndoEntry, { clock, withReach, deadlineMs }: UndoOptions): Promise<UndoOutcome> {
  const own = new AbortController();
  try {
    await within(
      clock,
      `${entry.fault.name}: undo`,
      deadlineMs,
      againWhileSilent(clock, deadlineMs, () =>
        withReach(own.signal, (reach) => entry.fault.undo(entry.ticket, reach)),
      ),
    );
    return { entry };
  } catch (error) {
    return { entry, error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    own.abort(new Error('undo is over'));
  }
}
