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
import type { Drop, Instant } from '../model/evidence.ts';
import type { FaultRecovery, Finding, Measure, Outcome, RecoveryMeasure } from '../model/verdict.ts';
import { type Block, goodBit } from '../tables/operation-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { judgeErrorBudget } from './error-budget.ts';
import { type Injection, injectionsOf } from './injections.ts';
import { counted, duration, rounded } from './numbers.ts';
import { isIn, type Span, spanOf } from './phases.ts';
import { allPlannedArrivals, loadBegan } from './planned-arrivals.ts';
import { detection, failover, judgeStage } from './recovery-stages.ts';
import { judgeSecondOpinion } from './second-opinion.ts';

export interface RecoveryJudgement {
  readonly measure: RecoveryMeasure;
  readonly findings: readonly Finding[];
}

/** A window with fewer events than this share of the planned ones is a stall of the generator, not a recovery. */
const arrivedShareMin = 0.5;

export function judgeRecovery(claim: Claim, evidence: RunTables, spans: readonly Span[]): RecoveryJudgement {
  const lastAt = lastEventAt(evidence);
  const resolutionMs = rounded(meanInterval(evidence, spans));
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
  if (lastAt === undefined) return cannotTell('No operation is on record: nobody can tell what users felt.');

  const watched: Watched = {
    rule,
    eventsMin: eventsMinOf(evidence, rule.windowMs),
    until: lastAt + resolutionMs,
    leavesUntil: spanOf(spans, 'recovery')?.to ?? Number.POSITIVE_INFINITY,
  };
  const judged = injections.map((injection) => {
    const { at, next } = injection;
    // A window that reaches into the next fault says nothing of this one.
    const leavesUntil = next === undefined ? watched.leavesUntil : Math.min(watched.leavesUntil, next - rule.windowMs);
    const found = recoveryFrom(at, evidence, { ...watched, leavesUntil });
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
  evidence: RunTables,
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

/**
 * Two looks at the same events, in the order in which they were felt: one at where a window begins, one at where it ends. What lies between
 * is counted, never held.
 */
function recoveryFrom(injectAt: Instant, run: RunTables, watched: Watched): Recovery {
  const { rule, until, leavesUntil, eventsMin } = watched;
  const begin = feltFrom(injectAt, run);
  const end = feltFrom(injectAt, run);
  const judged = (from: Instant): 'good' | 'bad' | 'not-seen' => {
    // Without its whole length seen, a window that is still good can't be told.
    if (from + rule.windowMs > until) return 'not-seen';
    begin.skipTo(from);
    end.skipTo(from + rule.windowMs);
    const [bad, all] = [end.bad - begin.bad, end.all - begin.all];
    return all > 0 && bad / all <= rule.badRatioMax && all >= eventsMin(from) ? 'good' : 'bad';
  };

  const atInject = judged(injectAt);
  let left = atInject === 'bad' ? injectAt : undefined;
  let lastLeft = left;
  /** The first good request in a good window since the budget was left, and since it was left for the last time. */
  let [first, recovered]: (Instant | undefined)[] = [];
  while (!begin.over) {
    const start = begin.felt;
    const is = judged(start);
    if (is === 'not-seen') break;
    const good = begin.passGood(start);
    if (is === 'bad' && start < leavesUntil) {
      left ??= start;
      lastLeft = start;
      recovered = undefined;
    }
    if (is === 'good' && good && left !== undefined) {
      first ??= start;
      recovered ??= start;
    }
  }
  const badEvents = badSince(injectAt, run);
  const lookedMs = Math.max(0, until - injectAt);
  if (left === undefined || lastLeft === undefined)
    return atInject === 'good' ? { ms: 0, lookedMs, badEvents } : { lookedMs, badEvents };
  if (recovered === undefined) return { lookedMs, badEvents };
  return {
    ms: recovered - injectAt,
    lookedMs,
    badEvents,
    ...(first !== undefined && first < lastLeft ? { firstMs: first - injectAt } : {}),
  };
}

/** A look at what was felt from inject on, in order: operations that ended, and drops. What was under way at inject is felt from there on. */
function feltFrom(injectAt: Instant, { operations, drops }: RunTables) {
  const blocks = operations.inOrder({ endsFrom: injectAt })[Symbol.iterator]();
  let block: Block | undefined;
  let row = -1;
  const left = drops.filter(({ at }) => at >= injectAt)[Symbol.iterator]();
  let drop: Drop | undefined = left.next().value;
  let [bad, all] = [0, 0];

  function nextOperation(): void {
    for (;;) {
      row += 1;
      if (block === undefined || row >= block.count) {
        const next = blocks.next();
        block = next.done ? undefined : next.value;
        row = 0;
        if (!block) return;
      }
      // NaN, where no end was seen, is not at or after anything.
      if ((block.sentAt[row] as number) + (block.durationMs[row] as number) >= injectAt) return;
    }
  }
  nextOperation();

  const operationAt = () => (block ? (block.sentAt[row] as number) : Number.POSITIVE_INFINITY);
  const dropAt = () => drop?.at ?? Number.POSITIVE_INFINITY;

  const look = {
    /** Events that were passed. */
    get bad() {
      return bad;
    },
    get all() {
      return all;
    },
    get over() {
      return block === undefined && drop === undefined;
    },
    get felt(): Instant {
      return Math.max(injectAt, Math.min(operationAt(), dropAt()));
    },
    /** Passes one event; true when it was a good request that was sent after inject. */
    pass(): boolean {
      if (drop && drop.at < operationAt()) {
        bad += drop.count;
        all += drop.count;
        drop = left.next().value;
        return false;
      }
      const good = (((block as Block).code[row] as number) & goodBit) !== 0;
      const since = operationAt() >= injectAt;
      all += 1;
      if (!good) bad += 1;
      nextOperation();
      return good && since;
    },
    skipTo(at: Instant): void {
      while (!look.over && look.felt < at) look.pass();
    },
    /** Passes all of one moment; true when there was a good request among them. */
    passGood(at: Instant): boolean {
      let good = false;
      while (!look.over && look.felt <= at) good = look.pass() || good;
      return good;
    },
  };
  return look;
}

function badSince(injectAt: Instant, { operations, drops }: RunTables): number {
  let bad = 0;
  for (const { count, sentAt, durationMs, code } of operations.blocks({ endsFrom: injectAt }))
    for (let row = 0; row < count; row++)
      if (!((code[row] as number) & goodBit) && (sentAt[row] as number) + (durationMs[row] as number) >= injectAt)
        bad += 1;
  for (const { at, count } of drops) if (at >= injectAt) bad += count;
  return bad;
}

function eventsMinOf(evidence: RunTables, windowMs: number): (from: Instant) => number {
  const planned = evidence.journal.find((line) => line.kind === 'header')?.header.load;
  const began = loadBegan(evidence);
  if (!planned || began === undefined) return () => 0;
  return (from) => arrivedShareMin * allPlannedArrivals(planned, from - began, from + windowMs - began);
}

/** Of what ended, and of drops. */
function lastEventAt(run: RunTables): Instant | undefined {
  const last = Math.max(eventsIn(run, {}).last, run.drops.at(-1)?.at ?? Number.NEGATIVE_INFINITY);
  return Number.isFinite(last) ? last : undefined;
}

function eventsIn({ operations }: RunTables, { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }) {
  let [count, first, last] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const block of operations.blocks({ from, to }))
    for (let row = 0; row < block.count; row++) {
      const at = block.sentAt[row] as number;
      if (Number.isNaN(block.durationMs[row] as number) || !isIn(at, { from, to })) continue;
      count += 1;
      if (at < first) first = at;
      if (at > last) last = at;
    }
  return { count, first, last };
}

/** In steady state; 50 ms at 20 scans/s. As planned when there is none. */
function meanInterval(run: RunTables, spans: readonly Span[]): number {
  const steady = spanOf(spans, 'steady');
  if (steady) {
    const dropped = run.drops.filter(({ at }) => isIn(at, steady));
    const sent = eventsIn(run, steady);
    const first = Math.min(sent.first, dropped[0]?.at ?? Number.POSITIVE_INFINITY);
    const last = Math.max(sent.last, dropped.at(-1)?.at ?? Number.NEGATIVE_INFINITY);
    const events = dropped.reduce((sum, { count }) => sum + count, sent.count);
    if (last > first && events > 1) return (last - first) / (events - 1);
  }
  const header = run.journal.find((line) => line.kind === 'header')?.header;
  const perMs = header ? Object.values(header.load.ratesPerSecond).reduce((sum, rate) => sum + rate, 0) / 1000 : 0;
  return perMs > 0 ? 1 / perMs : 0;
}
