// One fault of the timeline, from prepare to undo. Undo is queued before anything is injected.
import type { Claim } from '../model/claim.ts';
import type { Fault, Proof, Ticket } from '../model/fault.ts';
import type { Reach } from '../model/reach.ts';
import type { FaultStep } from '../model/scenario.ts';
import { outsideBlastRadius } from './blast-radius.ts';
import { type Clock, Overdue, within } from './clock.ts';
import type { Journal } from './journal.ts';
import type { RunBounds } from './run-bounds.ts';
import { RunStopped } from './run-stopped.ts';
import type { UndoStack } from './undo-stack.ts';

export interface StepContext {
  readonly claim: Claim;
  readonly reach: Reach;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly bounds: RunBounds;
  readonly stack: UndoStack;
  /** Everything of the run hangs on it. */
  readonly stop: AbortController;
  readonly say: (text: string) => void;
  /** Queues the undo of a ticket, and remembers it for the search for residue. */
  readonly prepared: (fault: Fault, ticket: Ticket) => void;
  /** Puts the newest ticket into the target. */
  readonly storeTicket: (fault: Fault, ticket: Ticket) => Promise<void>;
  /** Called right before inject; throws when this run may not change the target any more. */
  readonly beforeInject: () => void;
  /** Work that may change the target and did not stop when it was to: nobody can tell what it will still do. */
  readonly unsettled: (what: string) => void;
}

export async function playStep(step: FaultStep, context: StepContext): Promise<void> {
  const { fault } = step;
  const { claim, reach, journal, bounds, stack, say } = context;

  say(`preparing ${fault.name}`);
  // Queued in the very continuation of prepare, so that no abort can come between a prepared fault and its undo.
  // A prepare that throws has taken back what it armed; what it could not is found by the run's label.
  const ticket = await settle(
    `${fault.name}: prepare`,
    bounds.prepareMs,
    fault.prepare(reach).then((ticket: Ticket) => {
      context.prepared(fault, ticket);
      journal.write({
        kind: 'step',
        fault: fault.name,
        step: 'prepared',
        version: fault.version,
        ...(fault.holding ? { lasts: true } : {}),
        ticket: ticket as never,
      });
      return ticket;
    }),
    context,
  );
  const outside = outsideBlastRadius(fault.name, ticket, claim.blastRadius);
  if (outside) throw new RunStopped('aborted', `${outside}. Nothing was injected`);
  await settle(`${fault.name}: ticket`, bounds.ticketMs, context.storeTicket(fault, ticket), context);

  say(`injecting ${fault.name} into ${ticket.targets.map((target) => target.name).join(', ')}`);
  context.beforeInject();
  await settle(`${fault.name}: inject`, bounds.injectMs, fault.inject(ticket, reach), context);
  journal.write({ kind: 'step', fault: fault.name, step: 'injected' });

  await waitForLanding(fault, ticket, context);
  await hold(step, ticket, context);

  say(`undoing ${fault.name}`);
  const undone = await stack.undoLast();
  if (undone?.error) {
    throw new RunStopped('aborted', `undo not complete: ${undone.error.message}`, { cause: undone.error });
  }
}

async function waitForLanding(fault: Fault, ticket: Ticket, context: StepContext): Promise<void> {
  const { journal, clock, bounds, stop } = context;
  const until = clock.mono() + bounds.landedWithinMs;
  for (;;) {
    const proof = await look(`${fault.name}: landed`, () => fault.landed(ticket, context.reach), context);
    if (proof.is === 'yes' || clock.mono() >= until) {
      journal.write({ kind: 'step', fault: fault.name, step: 'landed', proof });
      if (proof.is === 'yes') return;
      throw new RunStopped(
        'aborted',
        `${fault.name}: not seen to have landed within ${bounds.landedWithinMs / 1000} s (${proof.is}: ${JSON.stringify(proof.evidence).slice(0, 300)})`,
      );
    }
    await clock.sleep(bounds.proofEveryMs, stop.signal);
  }
}

/** Holds the fault, sampling that it is still there, and watches for its effect meanwhile and a while longer. */
async function hold(step: FaultStep, ticket: Ticket, context: StepContext): Promise<void> {
  const { fault, holdMs, effectWithinMs } = step;
  const { journal, clock, bounds, stop, reach, say } = context;
  const landedAt = clock.mono();
  let holdUntil = landedAt + (effectWithinMs ?? holdMs);
  const effectUntil = landedAt + (effectWithinMs ?? Math.max(bounds.effectWithinMs, holdMs));
  let effect: Proof | undefined;
  let nextHolding = landedAt;
  let told = -1;
  for (;;) {
    // Before the effect is looked for, which may take as long as a short hold: what was never sampled can't be believed to have lasted.
    if (fault.holding && clock.mono() >= nextHolding && (clock.mono() < holdUntil || effect?.is !== 'yes')) {
      nextHolding = clock.mono() + bounds.holdingEveryMs;
      const holding = fault.holding.bind(fault);
      const proof = await look(`${fault.name}: holding`, () => holding(ticket, reach), context);
      journal.write({ kind: 'step', fault: fault.name, step: 'holding', proof });
    }
    if (effect?.is !== 'yes') {
      effect = await look(`${fault.name}: effect`, () => fault.effect(ticket, reach), context);
      if (effect.is === 'yes') {
        journal.write({ kind: 'step', fault: fault.name, step: 'effect', proof: effect });
        if (effectWithinMs !== undefined) holdUntil = clock.mono() + holdMs;
      }
    }
    const now = clock.mono();
    if (now >= holdUntil && (effect.is === 'yes' || now >= effectUntil)) break;
    const left = Math.ceil(Math.max(0, holdUntil - now) / 1000);
    if (left !== told)
      say(
        left === 0
          ? `waiting for the effect of ${fault.name}`
          : effectWithinMs !== undefined && effect.is !== 'yes'
            ? `holding ${fault.name} until its effect, at most ${left} s more`
            : `holding ${fault.name}, ${left} s left`,
      );
    told = left;
    const pause = effect.is === 'yes' ? bounds.holdingEveryMs : bounds.proofEveryMs;
    await clock.sleep(now < holdUntil ? Math.min(pause, holdUntil - now) : pause, stop.signal);
  }
  if (effect.is !== 'yes') journal.write({ kind: 'step', fault: fault.name, step: 'effect', proof: effect });
}

/** One look. A look that throws or takes too long could not tell. */
async function look(what: string, ask: () => Promise<Proof>, { clock, bounds, stop }: StepContext): Promise<Proof> {
  const at = clock.now();
  try {
    return await abortable(within(clock, what, bounds.proofMs, ask()), stop.signal);
  } catch (error) {
    stop.signal.throwIfAborted();
    return { is: 'cannot-tell', at, evidence: { error: error instanceof Error ? error.message : String(error) } };
  }
}

/**
 * For work that may change the target. When the run is to end, or the work takes too long, its signal is aborted and it gets
 * a while to stop by itself: undo must not race with an inject that is still under way.
 */
async function settle<T>(what: string, withinMs: number, work: Promise<T>, context: StepContext): Promise<T> {
  const { clock, bounds, stop } = context;
  try {
    return await abortable(within(clock, what, withinMs, work), stop.signal);
  } catch (error) {
    if (error instanceof Overdue) stop.abort(new RunStopped('crashed', error.message, { cause: error }));
    if (stop.signal.aborted) {
      const over = await within(clock, what, bounds.settleMs, work.then(settled, settled)).catch(() => undefined);
      if (!over) context.unsettled(what);
    }
    throw stop.signal.aborted ? stop.signal.reason : error;
  }
}

const settled = () => 'settled' as const;

export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined); // told by the race, unless the abort was first
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
