// Boils the evidence of a run down to what a report draws. Here because it shares phases and quantiles with the judge: a report that
// computed its own would one day show other numbers than those that were judged.
import { type Journey, journeys } from '../model/claim.ts';
import type { Drop, Evidence } from '../model/evidence.ts';
import type { Bin, OperationKind, PhaseNumbers, RunView, SteadyLoad } from '../model/run-view.ts';
import type { Verdict } from '../model/verdict.ts';
import { answeredBit, goodBit, journeyAt, maskOf } from '../tables/operation-table.ts';
import { type RunTables, tablesOf } from '../tables/run-tables.ts';
import { alertPeriods } from './alert-periods.ts';
import { alertmanagerLooks, silencesIn } from './alertmanager-looks.ts';
import { faultWindows } from './fault-windows.ts';
import { countIn, latenciesIn } from './in-phase.ts';
import { rounded } from './numbers.ts';
import { isIn, phaseSpans, type Span, spanOf } from './phases.ts';
import { quantile, quantileOf } from './quantile.ts';

/** About one bar in four pixels of a wide page. */
const binsMax = 240;
const binLengthsMs = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000];
const dotsMax = 2_000;

export function runView(evidence: Evidence | RunTables, verdict: Verdict): RunView {
  const run = tablesOf(evidence);
  const { claim, journal, operations, drops } = run;
  const header = journal.find((line) => line.kind === 'header')?.header;
  const ended = journal.find((line) => line.kind === 'ended');
  const phases = phaseSpans(run);
  const steps = journal.filter((line) => line.kind === 'step');
  const injectedAt =
    phases.find(({ phase }) => phase === 'fault')?.from ?? steps.find(({ step }) => step === 'injected')?.at;

  const from = Math.min(
    operations.firstSentAt ?? Number.POSITIVE_INFINITY,
    phases[0]?.from ?? Number.POSITIVE_INFINITY,
  );
  const to = Math.max(operations.lastSentAt ?? 0, phases.at(-1)?.to ?? 0);
  const known = Number.isFinite(from) && to > from;
  const span = known ? { from, to } : { from: journal[0]?.at ?? 0, to: (journal.at(-1)?.at ?? 0) + 1 };
  const binMs = binLengthsMs.find((ms) => (span.to - span.from) / ms <= binsMax) ?? 3_600_000;
  const asked = alertmanagerLooks(run);
  const alerts = alertPeriods(run, asked);
  const steady = steadyLoad(run, spanOf(phases, 'steady'));
  const dotsOneOf = Math.max(1, Math.ceil(operations.count / dotsMax));

  return {
    claim,
    verdict,
    ...(header ? { header } : {}),
    ...(ended ? { ended: ended.ended, ...(ended.reason === undefined ? {} : { reason: ended.reason }) } : {}),
    ...span,
    zero: injectedAt ?? phases[0]?.from ?? span.from,
    phases: phases.map(({ phase, from, to }) => ({ phase, from, to })),
    faults: faultWindows(run, span.to, phases),
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
    numbers: phases.flatMap((phase) => numbersOf(run, phase)),
    ...(steady ? { steady } : {}),
    binMs,
    bins: binsOf(run, span, binMs),
    dots: dotsOf(run, dotsOneOf),
    dotsOneOf,
    drops: drops.map(({ at, count }) => ({ at, count })),
  };
}

const kindOfJourney: Readonly<Partial<Record<Journey, OperationKind>>> = {
  'barcode-lookup': 'scan',
  'goods-receipt': 'write',
  'parts-issue': 'write',
  'stock-transfer': 'write',
};
const kindOf = (journey: Journey): OperationKind => kindOfJourney[journey] ?? 'other';
const kinds: readonly OperationKind[] = ['scan', 'write', 'other'];

/** Every so many in the order of sending; bad ones last, so that nothing is drawn over them. */
function dotsOf({ operations }: RunTables, oneOf: number): RunView['dots'] {
  const dots: RunView['dots'][number][] = [];
  let index = 0;
  for (const { count, sentAt, durationMs, code } of operations.inOrder())
    for (let row = 0; row < count; row++, index++) {
      const ms = durationMs[row] as number;
      if (index % oneOf !== 0 || Number.isNaN(ms)) continue;
      const what = code[row] as number;
      dots.push({
        at: rounded(sentAt[row] as number),
        ms,
        kind: kindOf(journeyAt(what)),
        good: (what & goodBit) !== 0,
      });
    }
  return dots.sort((a, b) => Number(b.good) - Number(a.good) || a.at - b.at);
}

function numbersOf({ operations, drops }: RunTables, span: Span): readonly PhaseNumbers[] {
  return kinds.flatMap((kind) => {
    const mask = maskOf(journeys.filter((journey) => kindOf(journey) === kind));
    const { ended, good, answered } = countIn(operations, span, mask);
    const dropped = droppedIn(
      drops.filter(({ journey }) => kindOf(journey) === kind),
      span,
    );
    if (ended + dropped === 0) return [];
    const of = (q: number) => rounded(quantileOf(() => latenciesIn(operations, span, mask), answered, q));
    return {
      phase: span.phase,
      kind,
      sent: ended,
      good,
      dropped,
      ...(answered > 0 ? { p50: of(0.5), p95: of(0.95), p99: of(0.99) } : {}),
    };
  });
}

const droppedIn = (drops: readonly Drop[], span: Span): number =>
  drops.filter(({ at }) => isIn(at, span)).reduce((sum, { count }) => sum + count, 0);

function steadyLoad({ operations, drops }: RunTables, span: Span | undefined): SteadyLoad | undefined {
  if (!span) return undefined;
  const mask = maskOf(journeys);
  const { sent, good, answered, answeredMs } = countIn(operations, span, mask);
  if (answered === 0) return undefined;
  const of = (q: number) => rounded(quantileOf(() => latenciesIn(operations, span, mask), answered, q));
  return {
    seconds: (span.to - span.from) / 1000,
    answered,
    good,
    planned: sent + droppedIn(drops, span),
    latencyMs: {
      min: of(0),
      mean: rounded(answeredMs / answered),
      p50: of(0.5),
      p90: of(0.9),
      p95: of(0.95),
      max: of(1),
    },
  };
}

function binsOf(
  { operations, drops }: RunTables,
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
  for (const block of operations.blocks())
    for (let row = 0; row < block.count; row++) {
      const bin = binAt(block.sentAt[row] as number);
      const ms = block.durationMs[row] as number;
      if (!bin || Number.isNaN(ms)) continue;
      const code = block.code[row] as number;
      if (code & goodBit) bin.good += 1;
      else bin.bad += 1;
      if (code & answeredBit) bin.latencies[kindOf(journeyAt(code))].push(ms);
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
