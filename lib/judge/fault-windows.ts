// When each fault was under way: from inject to undo.
import type { Evidence, Instant } from '../model/evidence.ts';
import { type Span, spanOf } from './phases.ts';

export interface FaultWindow {
  readonly fault: string;
  /** Included. */
  readonly from: Instant;
  /** Excluded; `end` when undo is not on record. */
  readonly to: Instant;
}

/** The first fault's inject begins with the phase; `injected` is written when it is done. */
export function faultWindows(
  { journal }: Pick<Evidence, 'journal'>,
  end: Instant,
  phases: readonly Span[],
): readonly FaultWindow[] {
  const steps = journal.filter((line) => line.kind === 'step');
  const began = spanOf(phases, 'fault')?.from;
  return steps
    .filter(({ step }) => step === 'injected')
    .map(({ fault, at }, index) => ({
      fault,
      from: index === 0 ? Math.min(at, began ?? at) : at,
      to: steps.find((step) => step.fault === fault && step.step === 'undone' && step.at >= at)?.at ?? end,
    }));
}
