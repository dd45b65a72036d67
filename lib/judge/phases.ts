// When each phase was, from the journal. An operation belongs to the phase in which it was sent.
import type { Phase } from '../model/claim.ts';
import type { Evidence, Instant } from '../model/evidence.ts';
import type { RunTables } from '../tables/run-tables.ts';

export interface Span {
  readonly phase: Phase;
  /** Included. */
  readonly from: Instant;
  /** Excluded. */
  readonly to: Instant;
  /** Of the phase before, when this one begins with an inject: what was under way then felt the fault. */
  readonly injectedInto?: Pick<Span, 'from' | 'to'>;
  /** An inject ends it. */
  readonly endsByInject?: boolean;
}

/**
 * In which phase an operation counts: the one in which it was sent, but what was under way at inject is the fault's, not the baseline's.
 * What has no end, and so NaN for a duration, counts where it was sent.
 */
export function isOf(sentAt: Instant, durationMs: number, span: Span): boolean {
  const end = sentAt + (durationMs || 0);
  if (isIn(sentAt, span)) return !span.endsByInject || end < span.to;
  return span.injectedInto !== undefined && isIn(sentAt, span.injectedInto) && end >= span.from;
}

/**
 * A phase ends where the next begins. The last one ends with the load: after the last request nobody was there who could have
 * felt anything, and reading the ledger back takes its time.
 */
export function phaseSpans(evidence: Pick<RunTables, 'journal' | 'operations' | 'drops'>): readonly Span[] {
  const { journal } = evidence;
  const begun = journal.filter((line) => line.kind === 'phase');
  const spans = begun.map((line, index) => ({
    phase: line.phase,
    from: line.at,
    to: begun[index + 1]?.at ?? Math.max(line.at, endOfLoad(evidence)),
  }));
  return spans.map((span, index) => {
    const before = spans[index - 1];
    return {
      ...span,
      ...(span.phase === 'fault' && before ? { injectedInto: { from: before.from, to: before.to } } : {}),
      ...(spans[index + 1]?.phase === 'fault' ? { endsByInject: true } : {}),
    };
  });
}

/** What may hold operations of a phase. */
export const rangeOf = ({ from, to, injectedInto }: Span): Pick<Span, 'from' | 'to'> => ({
  from: injectedInto ? Math.min(from, injectedInto.from) : from,
  to,
});

export const spanOf = (spans: readonly Span[], phase: Phase): Span | undefined =>
  spans.find((span) => span.phase === phase);

export const isIn = (at: Instant, span: Pick<Span, 'from' | 'to'>): boolean => at >= span.from && at < span.to;

/** The line that tells how the run's own stretch of the load ended: the load stopped, or went on to the next run. */
export const loadEndIn = (journal: Evidence['journal']) =>
  journal.find((line) => line.kind === 'load' && (line.event === 'stopped' || line.event === 'passed-on')) as
    | Extract<Evidence['journal'][number], { readonly kind: 'load' }>
    | undefined;

/** One past the last event, at most the moment at which the load was told as stopped or passed on. */
function endOfLoad({ journal, operations, drops }: Pick<RunTables, 'journal' | 'operations' | 'drops'>): Instant {
  const stopped =
    loadEndIn(journal)?.at ?? journal.find((line) => line.kind === 'ended')?.at ?? journal.at(-1)?.at ?? 0;
  const lastEvent = Math.max(operations.lastSentAt ?? 0, drops.at(-1)?.at ?? 0);
  return lastEvent > 0 ? Math.min(stopped, lastEvent + 1) : stopped;
}
