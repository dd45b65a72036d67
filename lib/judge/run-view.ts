// Boils the evidence of a run down to what a report draws. Here because it shares phases and quantiles with the judge: a report that
// computed its own would one day show other numbers than those that were judged.
import type { Journey } from '../model/claim.ts';
import type { Evidence, Operation } from '../model/evidence.ts';
import type { Bin, OperationKind, PhaseNumbers, RunView, SteadyLoad } from '../model/run-view.ts';
import type { Verdict } from '../model/verdict.ts';
import { alertPeriods } from './alert-periods.ts';
import { alertmanagerLooks, silencesIn } from './alertmanager-looks.ts';
import { rounded } from './numbers.ts';
import { isIn, isOf, phaseSpans, type Span, spanOf } from './phases.ts';
import { quantile } from './quantile.ts';

/** About one bar in four pixels of a wide page. */
const binsMax = 240;
const binLengthsMs = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000];
const dotsMax = 2_000;

export function runView(evidence: Evidence, verdict: Verdict): RunView {
  const { claim, journal, operations, drops } = evidence;
  const header = journal.find((line) => line.kind === 'header')?.header;
  const ended = journal.find((line) => line.kind === 'ended');
  const phases = phaseSpans(evidence);
  const steps = journal.filter((line) => line.kind === 'step');
  const injectedAt =
    phases.find(({ phase }) => phase === 'fault')?.from ?? steps.find(({ step }) => step === 'injected')?.at;

  const from = Math.min(operations[0]?.sentAt ?? Number.POSITIVE_INFINITY, phases[0]?.from ?? Number.POSITIVE_INFINITY);
  const to = Math.max(operations.at(-1)?.sentAt ?? 0, phases.at(-1)?.to ?? 0);
  const known = Number.isFinite(from) && to > from;
  const span = known ? { from, to } : { from: journal[0]?.at ?? 0, to: (journal.at(-1)?.at ?? 0) + 1 };
  const binMs = binLengthsMs.find((ms) => (span.to - span.from) / ms <= binsMax) ?? 3_600_000;
  const asked = alertmanagerLooks(evidence);
  const alerts = alertPeriods(evidence, asked);
  const steady = steadyLoad(evidence, spanOf(phases, 'steady'));
  const dotsOneOf = Math.max(1, Math.ceil(operations.length / dotsMax));

  return {
    claim,
    verdict,
    ...(header ? { header } : {}),
    ...(ended ? { ended: ended.ended, ...(ended.reason === undefined ? {} : { reason: ended.reason }) } : {}),
    ...span,
    zero: injectedAt ?? phases[0]?.from ?? span.from,
    phases: phases.map(({ phase, from, to }) => ({ phase, from, to })),
    faults: faultWindows(evidence, span.to, phases),
    steps: steps
      .filter(({ step }) => step !== 'holding')
      .map(({ fault, step, at, proof, error }) => ({
        fault,
        step,
        at,
        ...(proof ? { proof } : {}),
        ...(error === undefined ? {} : { error }),
      })),
    guards: journal.filter((line) => line.kind === 'guard').map(({ name, is, seen }) => ({ name, is, seen })),
    notes: journal.filter((line) => line.kind === 'note').map(({ at, text }) => ({ at, text })),
    ...(alerts ? { alerts } : {}),
    ...(asked.looks.length + asked.missing.length === 0
      ? {}
      : {
          alertmanager: {
            looks: asked.looks.length,
            missing: asked.missing.length,
            ...(asked.missing[0] ? { why: asked.missing[0].why } : {}),
            silences: silencesIn(asked),
          },
        }),
    numbers: phases.flatMap((phase) => numbersOf(evidence, phase)),
    ...(steady ? { steady } : {}),
    binMs,
    bins: binsOf(evidence, span, binMs),
    dots: operations
      .filter(({ durationMs }, index) => durationMs !== undefined && index % dotsOneOf === 0)
      .map((operation) => ({
        at: rounded(operation.sentAt),
        ms: operation.durationMs ?? 0,
        kind: kindOf(operation),
        good: operation.good,
      }))
      .sort((a, b) => Number(b.good) - Number(a.good) || a.at - b.at),
    dotsOneOf,
    drops: drops.map(({ at, count }) => ({ at, count })),
  };
}

/** From inject to undo; to the end when undo is not on record. */
function faultWindows({ journal }: Evidence, end: number, phases: readonly Span[]): RunView['faults'] {
  const steps = journal.filter((line) => line.kind === 'step');
  const began = phases.find(({ phase }) => phase === 'fault')?.from;
  return steps
    .filter(({ step }) => step === 'injected')
    .map(({ fault, at }, index) => ({
      fault,
      from: index === 0 ? Math.min(at, began ?? at) : at,
      to: steps.find((step) => step.fault === fault && step.step === 'undone' && step.at >= at)?.at ?? end,
    }));
}

const kindOfJourney: Readonly<Partial<Record<Journey, OperationKind>>> = {
  'barcode-lookup': 'scan',
  'goods-receipt': 'write',
  'parts-issue': 'write',
  'stock-transfer': 'write',
};
const kindOf = ({ journey }: Pick<Operation, 'journey'>): OperationKind => kindOfJourney[journey] ?? 'other';
const kinds: readonly OperationKind[] = ['scan', 'write', 'other'];

function numbersOf({ operations, drops }: Evidence, span: Span): readonly PhaseNumbers[] {
  return kinds.flatMap((kind) => {
    const own = operations.filter((one) => one.durationMs !== undefined && kindOf(one) === kind && isOf(one, span));
    const dropped = drops
      .filter((drop) => kindOf(drop) === kind && isIn(drop.at, span))
      .reduce((sum, { count }) => sum + count, 0);
    if (own.length + dropped === 0) return [];
    const latencies = own.filter(({ status }) => status > 0).map(({ durationMs }) => durationMs ?? 0);
    const of = (q: number) => rounded(quantile(latencies, q));
    return {
      phase: span.phase,
      kind,
      sent: own.length,
      good: own.filter(({ good }) => good).length,
      dropped,
      ...(latencies.length > 0 ? { p50: of(0.5), p95: of(0.95), p99: of(0.99) } : {}),
    };
  });
}

function steadyLoad({ operations, drops }: Evidence, span: Span | undefined): SteadyLoad | undefined {
  if (!span) return undefined;
  const own = operations.filter((operation) => isOf(operation, span));
  const dropped = drops.filter(({ at }) => isIn(at, span)).reduce((sum, { count }) => sum + count, 0);
  const latencies = own.flatMap(({ status, durationMs }) =>
    status > 0 && durationMs !== undefined ? [durationMs] : [],
  );
  if (latencies.length === 0) return undefined;
  const of = (q: number) => rounded(quantile(latencies, q));
  return {
    seconds: (span.to - span.from) / 1000,
    answered: latencies.length,
    good: own.filter(({ good }) => good).length,
    planned: own.length + dropped,
    latencyMs: {
      min: of(0),
      mean: rounded(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length),
      p50: of(0.5),
      p90: of(0.9),
      p95: of(0.95),
      max: of(1),
    },
  };
}

function binsOf(
  { operations, drops }: Evidence,
  { from, to }: { from: number; to: number },
  binMs: number,
): readonly Bin[] {
  const count = Math.max(1, Math.ceil((to - from) / binMs));
  const bins = Array.from({ length: count }, () => ({
    good: 0,
    bad: 0,
    dropped: 0,
    latencies: { scan: [] as number[], write: [] as number[], other: [] as number[] },
  }));
  const binAt = (at: number) => bins[Math.min(count - 1, Math.max(0, Math.floor((at - from) / binMs)))];
  for (const operation of operations) {
    const bin = binAt(operation.sentAt);
    if (!bin || operation.durationMs === undefined) continue;
    if (operation.good) bin.good += 1;
    else bin.bad += 1;
    if (operation.status > 0) bin.latencies[kindOf(operation)].push(operation.durationMs);
  }
  for (const { at, count } of drops) {
    const bin = binAt(at);
    if (bin) bin.dropped += count;
  }
  return bins.map(({ good, bad, dropped, latencies }, index) => ({
    at: from + index * binMs,
    good,
    bad,
    dropped,
    p95: Object.fromEntries(
      kinds.flatMap((kind) => (latencies[kind].length > 0 ? [[kind, rounded(quantile(latencies[kind], 0.95))]] : [])),
    ),
  }));
}
