// When each phase was, from the journal. An operation belongs to the phase in which it was sent.
import type { Phase } from '../model/claim.ts';
import type { Evidence, Instant } from '../model/evidence.ts';

export interface Span {
  readonly phase: Phase;
  /** Included. */
  readonly from: Instant;
  /** Excluded. */
  readonly to: Instant;
}

/**
 * A phase ends where the next begins. The last one ends with the load: after the last request nobody was there who could have
 * felt anything, and reading the ledger back takes its time.
 */
export function phaseSpans(evidence: Pick<Evidence, 'journal' | 'operations' | 'drops'>): readonly Span[] {
  const { journal } = evidence;
  const begun = journal.filter((line) => line.kind === 'phase');
  return begun.map((line, index) => ({
    phase: line.phase,
    from: line.at,
    to: begun[index + 1]?.at ?? Math.max(line.at, endOfLoad(evidence)),
  }));
}

export const spanOf = (spans: readonly Span[], phase: Phase): Span | undefined =>
  spans.find((span) => span.phase === phase);

export const isIn = (at: Instant, span: Pick<Span, 'from' | 'to'>): boolean => at >= span.from && at < span.to;

/** One past the last event, at most the moment at which the load was told as stopped. */
function endOfLoad({ journal, operations, drops }: Pick<Evidence, 'journal' | 'operations' | 'drops'>): Instant {
  const stopped =
    journal.find((line) => line.kind === 'load' && line.event === 'stopped')?.at ??
    journal.find((line) => line.kind === 'ended')?.at ??
    journal.at(-1)?.at ??
    0;
  const lastEvent = Math.max(operations.at(-1)?.sentAt ?? 0, drops.at(-1)?.at ?? 0);
  return lastEvent > 0 ? Math.min(stopped, lastEvent + 1) : stopped;
}
