// What the suite's own probes read while the run went on.
import type { ProbeObjective } from '../model/claim.ts';
import type { Recorded } from '../model/evidence.ts';
import type { Finding } from '../model/verdict.ts';
import { againstBound, boundText } from './bound.ts';
import { counted, duration } from './numbers.ts';
import { isIn, type Span } from './phases.ts';
import { breachIsCertain, reduced } from './reduce.ts';

/** A probe that was silent for longer than this share of the phase did not watch it. */
const silentShareMax = 0.5;

export function judgeProbeObjective(objective: ProbeObjective, span: Span, { journal }: Recorded): Finding {
  const lines = journal.filter((line) => line.kind === 'reading');
  const readings = lines.filter(({ series, at }) => series === objective.series && isIn(at, span));
  const values = readings.flatMap(({ value }) => (typeof value === 'number' && Number.isFinite(value) ? [value] : []));
  const missing = readings.length - values.length;

  const value = reduced(values, objective.reduce);
  const detail = `${objective.reduce} of ${counted(values.length, 'reading')}${missing > 0 ? `, ${missing} missing` : ''}`;
  const finding = againstBound(objective, span.phase, value ?? 0, objective.unit, detail);
  if (value !== undefined && breachIsCertain(objective, value)) return finding;

  const silentMs = longestSilence(
    readings.filter((reading) => Number.isFinite(reading.value)).map(({ at }) => at),
    span,
  );
  const why =
    values.length < Math.max(1, objective.samplesMin)
      ? `${counted(values.length, 'reading')}, at least ${Math.max(1, objective.samplesMin)} are needed`
      : missing > values.length
        ? `${missing} of ${readings.length} readings are missing`
        : silentMs > silentShareMax * (span.to - span.from)
          ? `no reading for ${duration(silentMs)} of ${duration(span.to - span.from)}`
          : undefined;
  if (why === undefined) return finding;
  const reason = readings.find((reading) => reading.missing !== undefined)?.missing;
  return {
    check: objective.name,
    outcome: 'inconclusive',
    says: `${objective.name} in ${span.phase}: ${why}${reason ? ` (${reason})` : ''}.`,
    bound: boundText(objective, objective.unit),
    unit: objective.unit,
    phase: span.phase,
  };
}

function longestSilence(times: readonly number[], { from, to }: Span): number {
  const edges = [from, ...times, to];
  return Math.max(...edges.slice(1).map((time, index) => time - (edges[index] ?? from)));
}
