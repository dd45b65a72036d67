// Each fault's inject, in order: where the clocks of recovery start, and until when what is seen can be of that fault.
import type { Evidence, Instant } from '../model/evidence.ts';
import { type Span, spanOf } from './phases.ts';

export interface Injection {
  readonly fault: string;
  readonly at: Instant;
  /** When its effect was seen, as the proof says; undefined when it was not. */
  readonly effectAt?: Instant;
  /** The next inject; undefined for the last one. */
  readonly next?: Instant;
  /** How a finding names it: `galera/writer-crash`, or `the 2nd galera/writer-crash` of several faults. */
  readonly named: string;
}

/** The first fault's inject begins with the phase; `injected` is written when it is done. */
export function injectionsOf({ journal }: Pick<Evidence, 'journal'>, spans: readonly Span[]): readonly Injection[] {
  const steps = journal.filter((line) => line.kind === 'step');
  const injected = steps.filter(({ step }) => step === 'injected');
  const phase = spanOf(spans, 'fault');
  const times = injected.map(({ at }, index) => (index === 0 && phase && phase.from <= at ? phase.from : at));
  return injected.map(({ fault, at }, index) => {
    const next = times[index + 1];
    const effect = steps.find(
      (line) =>
        line.step === 'effect' && line.fault === fault && line.at >= at && line.at < (next ?? Number.POSITIVE_INFINITY),
    );
    const nth = injected.slice(0, index).filter((one) => one.fault === fault).length + 1;
    return {
      fault,
      at: times[index] as Instant,
      ...(effect?.proof?.is === 'yes' ? { effectAt: effect.proof.at } : {}),
      ...(next === undefined ? {} : { next }),
      named: nth === 1 ? fault : `${fault} (no. ${nth})`,
    };
  });
}
