// How long users had to wait until it was good again and stayed good: from inject to the start of the first good request after which
// bad events stay within budget, in its own window and in every one that begins later, up to the next inject or the end of recovery. Measured on
// requests as they were sent, so it is as fine as they came.
//
// - What was good for a window and then bad again (a Galera node that comes back and stalls its donor, say) has not recovered yet:
//   the first return is told beside, the last one counts.
// - A request that was under way when the fault came belongs to the fault.
// - Where users never left the budget, recovery is 0: there was nothing to recover from. That the fault did something is shown by its
//   own proof of effect, never by this.
// - When the budget is left only later, the clock still started with inject.
// - Faults that were injected one after another are measured and judged each from its own inject; the longest is the run's.
//
// Beside it, for each fault: when it was noticed and a role had moved, what the ingress says of the same, and what it cost.
import type { Claim, RecoveryRule } from '../model/claim.ts';
import type { Evidence, Instant } from '../model/evidence.ts';
import type { FaultRecovery, Finding, Measure, Outcome, RecoveryMeasure } from '../model/verdict.ts';
import { judgeErrorBudget } from './error-budget.ts';
import { type Injection, injectionsOf } from './injections.ts';
import { counted, duration, rounded } from './numbers.ts';
import { isIn, type Span, spanOf } from './phases.ts';
import { allPlannedArrivals, loadBegan } from './planned-arrivals.ts';
import { detection, failover, judgeStage } from './recovery-stages.ts';
import { judgeSecondOpinion } from './second-opinion.ts';

interface Event {
  readonly at: Instant;
  /** When it was answered or given up. */
  readonly end: Instant;
  readonly good: boolean;
  readonly count: number;
}

export interface RecoveryJudgement {
  readonly measure: RecoveryMeasure;
  readonly findings: readonly Finding[];
}

/** A window with fewer events than this share of the planned ones is a stall of the generator, not a recovery. */
const arrivedShareMin = 0.5;

export function judgeRecovery(claim: Claim, evidence: Evidence, spans: readonly Span[]): RecoveryJudgement {
  const events = eventsOf(evidence);
  const perMs = plannedPerMs(evidence);
  const resolutionMs = rounded(meanInterval(events, spans, perMs));
  const none: RecoveryMeasure = { ms: null, resolutionMs };
  if (!claim.recovery) return { measure: none, findings: [] };

  const rule = claim.recovery;
  const injections = injectionsOf(evidence, spans);
  const cannotTell = (says: string): RecoveryJudgement => ({
    measure: none,
    findings: [findingOf(rule, none, 'inconclusive', says)],
  });
  const [first] = injections;
  if (!first) return cannotTell('No inject is on record, so there is nothing to measure recovery from.');
  if (events.length === 0) return cannotTell('No operation is on record: nobody can tell what users felt.');

  const watched: Watched = {
    rule,
    eventsMin: eventsMinOf(evidence, rule.windowMs),
    until: (events.at(-1)?.at ?? 0) + resolutionMs,
    leavesUntil: spanOf(spans, 'recovery')?.to ?? Number.POSITIVE_INFINITY,
  };
  const judged = injections.map((injection) => {
    const { at, next } = injection;
    // A window that reaches into the next fault says nothing of this one.
    const leavesUntil = next === undefined ? watched.leavesUntil : Math.min(watched.leavesUntil, next - rule.windowMs);
    const found = recoveryFrom(at, events, { ...watched, leavesUntil });
    const { measure, outcome, says } =
      found.ms === undefined ? censored(rule, resolutionMs, found.lookedMs) : measured(rule, resolutionMs, found);
    const told = injections.length > 1 ? `${injection.named}: ${says}` : says;
    return { injection, measure, finding: findingOf(rule, measure, outcome, told) };
  });
  const apart = judged.map(({ injection, measure }) => besides(claim, injection, measure, evidence, spans));
  const faults = judged.map(
    ({ injection, measure }, index): FaultRecovery => ({
      fault: injection.fault,
      injectedMs: rounded(injection.at - first.at),
      ...measure,
      ...apart[index]?.measures,
    }),
  );
  return {
    measure: { ...judged.map(({ measure }) => measure).reduce(longer), faults },
    findings: [...judged.map(({ finding }) => finding), ...apart.flatMap(({ findings }) => findings)],
  };
}

/** Never is longer than any time. */
const longer = (a: Measure, b: Measure): Measure => (lengthOf(b) > lengthOf(a) ? b : a);
const lengthOf = ({ ms, censoredMs = 0 }: Measure): number => ms ?? 1e15 + censoredMs;

function besides(
  claim: Claim,
  injection: Injection,
  users: Measure,
  evidence: Evidence,
  spans: readonly Span[],
): { readonly measures: Partial<FaultRecovery>; readonly findings: readonly Finding[] } {
  const detected = judgeStage(detection(claim), injection, evidence, spans);
  const failedOver = judgeStage(failover(claim), injection, evidence, spans);
  const second = claim.recovery?.second && judgeSecondOpinion(claim.recovery, injection, users, evidence, spans);
  const budget = judgeErrorBudget(claim, injection, evidence, spans);
  return {
    measures: {
      ...(detected.measure ? { detected: detected.measure } : {}),
      ...(failedOver.measure ? { failedOver: failedOver.measure } : {}),
      ...(second ? { second: second.opinion } : {}),
      ...(budget.costs.length > 0 ? { budget: budget.costs } : {}),
    },
    findings: [...detected.findings, ...failedOver.findings, ...(second ? [second.finding] : []), ...budget.findings],
  };
}

interface Concluded {
  readonly measure: Measure;
  readonly outcome: Outcome;
  readonly says: string;
}

function censored(rule: RecoveryRule, resolutionMs: number, lookedMs: number): Concluded {
  // A start can only be seen when its whole window was.
  const enough = lookedMs - rule.windowMs >= rule.recoveryMsMax;
  return {
    measure: { ms: null, resolutionMs, censoredMs: rounded(lookedMs) },
    outcome: enough ? 'failed' : 'inconclusive',
    says: enough
      ? `Not recovered within ${duration(lookedMs)} after inject, wanted at most ${duration(rule.recoveryMsMax)}.`
      : `Not recovered within ${duration(lookedMs)} after inject, and nobody looked longer: ${duration(rule.recoveryMsMax)} and a window of ${duration(rule.windowMs)} are needed to tell.`,
  };
}

function measured(rule: RecoveryRule, resolutionMs: number, found: Recovery): Concluded {
  const ms = rounded(found.ms ?? 0);
  const measure: Measure = { ms, resolutionMs };
  if (ms === 0)
    return {
      measure,
      outcome: 'passed',
      says: `Users never left the budget: ${counted(found.badEvents, 'bad event')} after inject.`,
    };
  // The last bad request and the first good one are one interval apart: recovery lies between them.
  const outcome: Outcome =
    ms <= rule.recoveryMsMax ? 'passed' : ms - resolutionMs <= rule.recoveryMsMax ? 'inconclusive' : 'failed';
  const relapse =
    found.firstMs === undefined
      ? ''
      : ` It was good for a while ${duration(found.firstMs)} after inject already, and left the budget again.`;
  const wanted = `wanted at most ${duration(rule.recoveryMsMax)}`;
  return {
    measure,
    outcome,
    says: `Good again ${duration(ms)} after inject (± ${duration(resolutionMs)}) and stayed so for ${duration(rule.windowMs)}, ${wanted}${outcome === 'inconclusive' ? ': too close to call' : ''}.${relapse}`,
  };
}

function findingOf(rule: RecoveryRule, { ms }: Measure, outcome: Outcome, says: string): Finding {
  return {
    check: 'recovery',
    outcome,
    says,
    ...(ms === null ? {} : { measured: ms }),
    bound: `≤ ${rule.recoveryMsMax}`,
    unit: 'ms',
    phase: 'recovery',
  };
}

interface Watched {
  readonly rule: RecoveryRule;
  /** Of the window that begins at a time. */
  readonly eventsMin: (from: Instant) => number;
  /** Events were seen until then. */
  readonly until: Instant;
  /** What leaves the budget later is the next fault's doing, or is judged as the phase after. */
  readonly leavesUntil: Instant;
}

interface Recovery {
  /** Undefined when it never came. */
  readonly ms?: number;
  readonly lookedMs: number;
  readonly badEvents: number;
  /** Of a return that did not last. */
  readonly firstMs?: number;
}

function recoveryFrom(injectAt: Instant, all: readonly Event[], watched: Watched): Recovery {
  // Under way at inject: felt from inject on.
  const events = all
    .filter(({ end }) => end >= injectAt)
    .map((event) => ({ ...event, felt: Math.max(event.at, injectAt) }))
    .sort((a, b) => a.felt - b.felt);
  const judged = windowsOf(events, watched);
  const badEvents = events.reduce((sum, { good, count }) => sum + (good ? 0 : count), 0);
  const lookedMs = Math.max(0, watched.until - injectAt);

  const isBad = (from: Instant) => judged(from) === 'bad';
  const starts = [injectAt, ...events.map(({ felt }) => felt).filter((start) => start < watched.leavesUntil)];
  const left = starts.find(isBad);
  if (left === undefined) return judged(injectAt) === 'good' ? { ms: 0, lookedMs, badEvents } : { lookedMs, badEvents };
  const lastLeft = starts.findLast(isBad) ?? left;

  const goodAgain = (since: Instant) =>
    events.find(({ at, good, felt }) => good && at >= injectAt && felt >= since && judged(felt) === 'good');
  const recovered = goodAgain(lastLeft);
  if (!recovered) return { lookedMs, badEvents };
  const first = goodAgain(left) ?? recovered;
  return {
    ms: recovered.felt - injectAt,
    lookedMs,
    badEvents,
    ...(first.felt < lastLeft ? { firstMs: first.felt - injectAt } : {}),
  };
}

/** Answers for a window that begins at `from`. Without its whole length seen, a window that is still good can't be told. */
function windowsOf(events: readonly (Event & { readonly felt: Instant })[], { rule, eventsMin, until }: Watched) {
  const badBefore = [0];
  const allBefore = [0];
  for (const [index, { good, count }] of events.entries()) {
    badBefore.push((badBefore[index] ?? 0) + (good ? 0 : count));
    allBefore.push((allBefore[index] ?? 0) + count);
  }
  const firstFrom = (at: Instant): number => {
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((events[middle]?.felt ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (from: Instant): 'good' | 'bad' | 'not-seen' => {
    if (from + rule.windowMs > until) return 'not-seen';
    const [first, last] = [firstFrom(from), firstFrom(from + rule.windowMs)];
    const bad = (badBefore[last] ?? 0) - (badBefore[first] ?? 0);
    const all = (allBefore[last] ?? 0) - (allBefore[first] ?? 0);
    return all > 0 && all >= eventsMin(from) && bad / all <= rule.badRatioMax ? 'good' : 'bad';
  };
}

function eventsOf({ operations, drops }: Evidence): readonly Event[] {
  const sent = operations.flatMap(({ sentAt, durationMs, good }) =>
    durationMs === undefined ? [] : [{ at: sentAt, end: sentAt + durationMs, good, count: 1 }],
  );
  const dropped = drops.map(({ at, count }) => ({ at, end: at, good: false, count }));
  return [...sent, ...dropped].sort((a, b) => a.at - b.at);
}

function eventsMinOf(evidence: Evidence, windowMs: number): (from: Instant) => number {
  const planned = evidence.journal.find((line) => line.kind === 'header')?.header.load;
  const began = loadBegan(evidence);
  if (!planned || began === undefined) return () => 0;
  return (from) => arrivedShareMin * allPlannedArrivals(planned, from - began, from + windowMs - began);
}

function plannedPerMs({ journal }: Evidence): number {
  const header = journal.find((line) => line.kind === 'header')?.header;
  return header ? Object.values(header.load.ratesPerSecond).reduce((sum, rate) => sum + rate, 0) / 1000 : 0;
}

/** In steady state; 50 ms at 20 scans/s. As planned when there is none. */
function meanInterval(events: readonly Event[], spans: readonly Span[], perMs: number): number {
  const steady = spanOf(spans, 'steady');
  const inSteady = steady ? events.filter(({ at }) => isIn(at, steady)) : [];
  const [first, last] = [inSteady[0], inSteady.at(-1)];
  if (first && last && last.at > first.at) return (last.at - first.at) / (inSteady.length - 1);
  return perMs > 0 ? 1 / perMs : 0;
}
