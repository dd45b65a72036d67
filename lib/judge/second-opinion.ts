// When users were well again, by somebody who shares nothing with k6: what the ingress counted, as Prometheus scraped it. Between two scrapes
// it was bad when more requests failed than the budget bears, or fewer than half of the steady phase's were answered at all. So it is as
// coarse as two scrapes, and whoever agrees within that, agrees. What it did not count is no opinion, and never agreement.
//
// Each replica of Prometheus is read by itself, for they scrape at different moments and their counters can't be mixed: the one that saw most
// speaks. A counter that fell began anew, and one that is new counted from zero.
import type { RecoveryRule } from '../model/claim.ts';
import type { Evidence, Instant, RangeResponse } from '../model/evidence.ts';
import { ingressRanges } from '../model/ingress-requests.ts';
import type { Finding, Measure, SecondOpinion } from '../model/verdict.ts';
import { goodBit, type OperationTable } from '../tables/operation-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { compareText } from './findings.ts';
import type { Injection } from './injections.ts';
import { duration, percent, rounded } from './numbers.ts';
import { type Span, spanOf } from './phases.ts';
import { type ReplicaAnswer, readReplica } from './range-answer.ts';

/** As for users: less than this share of what is usual is silence, not recovery. */
const arrivedShareMin = 0.5;

export function judgeSecondOpinion(
  rule: RecoveryRule,
  injection: Injection,
  /** By users, as measured for this fault. */
  users: Measure,
  evidence: Pick<RunTables, 'operations' | 'ranges'>,
  spans: readonly Span[],
): { readonly opinion: SecondOpinion; readonly finding: Finding } {
  const opinion = opinionOf(rule, injection, users, evidence, spans);
  const required = rule.second?.required === true;
  return {
    opinion,
    finding: {
      check: 'recovery.second',
      outcome: opinion.is === 'agrees' || !required ? 'passed' : 'inconclusive',
      says: `${injection.named}: ${inWords(opinion)}.${required || opinion.is === 'agrees' ? '' : ' The claim does not ask for it.'}`,
      ...(opinion.is !== 'none' && opinion.ms !== null ? { measured: opinion.ms, unit: 'ms' } : {}),
      phase: 'recovery',
    },
  };
}

function inWords(opinion: SecondOpinion): string {
  if (opinion.is === 'none') return `no second opinion: ${opinion.why}`;
  const { is, ms, resolutionMs, censoredMs = 0, laterMs, scrapeMs } = opinion;
  const when =
    ms === null
      ? `not good again within ${duration(censoredMs)}`
      : ms === 0
        ? `never bad for as long as it can tell (${duration(resolutionMs)})`
        : `good again ${duration(ms)} after inject (at most ${duration(resolutionMs)} earlier)`;
  const apart =
    laterMs === null
      ? ''
      : `, ${duration(Math.abs(laterMs))} ${laterMs < 0 ? 'earlier' : 'later'} than by users, ${rounded(Math.round((10 * Math.abs(laterMs)) / scrapeMs) / 10)} of its scrape intervals`;
  return `the ingress ${is}: ${when}${apart}${is === 'disagrees' ? ', which is more than either can be off' : ''}`;
}

function opinionOf(
  rule: RecoveryRule,
  injection: Injection,
  users: Measure,
  { operations, ranges }: Pick<RunTables, 'operations' | 'ranges'>,
  spans: readonly Span[],
): SecondOpinion {
  const none = (why: string): SecondOpinion => ({ is: 'none', why });
  const steady = spanOf(spans, 'steady');
  if (!steady) return none('there was no steady phase to compare with');
  const seenMs = (users.censoredMs ?? 0) - rule.windowMs;
  if (users.ms === null && seenMs <= 0) return none('what users felt is not known for long enough either');
  const counted = countedBy(ranges);
  if (typeof counted === 'string') return none(counted);
  const { bins, scrapeMs } = counted;

  const before = bins.filter(({ from, to }) => from >= steady.from && to <= steady.to);
  const usualPerMs = sum(before.map(({ completed }) => completed)) / sum(before.map(({ from, to }) => to - from));
  if (!(usualPerMs > 0)) return none('it counted nothing in the steady phase, so users do not come that way');
  const isBad = ({ from, to, completed, failed }: Bin) =>
    completed < arrivedShareMin * usualPerMs * (to - from) || failed > rule.badRatioMax * completed;
  const red = before.find(isBad);
  if (red)
    return none(`it was bad in the steady phase already, ${percent(red.failed / Math.max(1, red.completed))} failed`);

  // The last window that is judged for users begins at the end of the recovery phase.
  const until = injection.next ?? (spanOf(spans, 'recovery')?.to ?? injection.at) + rule.windowMs;
  const own = bins.filter(({ to }) => to > injection.at && to <= until);
  const wanted = Math.floor((until - injection.at) / scrapeMs);
  if (own.length === 0 || own.length < wanted / 2)
    return none(`it was seen at ${own.length} of ${wanted} scrapes after inject`);

  const last = own.findLastIndex(isBad);
  const bad = own[last];
  const coarsestMs = 2 * scrapeMs;
  const served: Measure =
    bad === undefined
      ? { ms: 0, resolutionMs: rounded(coarsestMs) }
      : last === own.length - 1
        ? { ms: null, resolutionMs: rounded(coarsestMs), censoredMs: rounded(bad.to - injection.at) }
        : {
            ms: rounded(bad.to - injection.at),
            resolutionMs: rounded(Math.min(bad.to - injection.at, bad.to - bad.from + scrapeMs)),
          };
  const apart = apartMs(servedWithin(served), usersWithin(users, rule, injection, operations));
  if (users.ms === null && served.ms !== null && apart === 0)
    return none('nobody watched users for long enough to tell whether they would have agreed');
  return {
    ...served,
    is: apart > 0 ? 'disagrees' : 'agrees',
    scrapeMs,
    laterMs: served.ms === null || users.ms === null ? null : rounded(served.ms - users.ms),
  };
}

/** Since inject: from, to. */
type Within = readonly [number, number];

/** What was shorter than its resolution it may not have seen at all. */
const servedWithin = ({ ms, resolutionMs, censoredMs = 0 }: Measure): Within =>
  ms === null
    ? [censoredMs - resolutionMs, Number.POSITIVE_INFINITY]
    : ms === 0
      ? [0, resolutionMs]
      : [ms - resolutionMs, ms];

/** Users count when they ask, the ingress when it has answered: what was asked before it was good may have ended badly later. */
function usersWithin(
  { ms, resolutionMs, censoredMs = 0 }: Measure,
  { windowMs }: RecoveryRule,
  { at }: Injection,
  operations: OperationTable,
): Within {
  if (ms === null) return [censoredMs - windowMs, Number.POSITIVE_INFINITY];
  return [ms - resolutionMs, Math.max(ms, lastBadEnd(operations, at, at + ms) - at)];
}

const apartMs = (a: Within, b: Within): number => Math.max(0, a[0] - b[1], b[0] - a[1]);

/** When the last request ended that was under way between two times and went badly. */
function lastBadEnd(operations: OperationTable, from: Instant, until: Instant): Instant {
  let last = from;
  for (const { count, sentAt, durationMs, code } of operations.blocks({ endsFrom: from, to: until }))
    for (let row = 0; row < count; row++) {
      const at = sentAt[row] as number;
      const end = at + (durationMs[row] as number);
      if (!((code[row] as number) & goodBit) && at < until && end >= from) last = Math.max(last, end);
    }
  return last;
}

/** What was counted between two scrapes that were seen. */
interface Bin {
  readonly from: Instant;
  readonly to: Instant;
  readonly completed: number;
  readonly failed: number;
}

interface Counted {
  readonly bins: readonly Bin[];
  readonly scrapeMs: number;
}

/** Of the replica that saw most; or why there is none. */
function countedBy(ranges: Evidence['ranges']): Counted | string {
  const of = (objective: string) => ranges.filter((range) => range.objective === objective);
  const completed = of(ingressRanges.completed);
  if (completed.length === 0) return 'Prometheus was never asked what the ingress counted';
  const problems: string[] = [];
  const all: Counted[] = [];
  for (const range of [...completed].sort((a, b) => compareText(a.replica, b.replica))) {
    const failed = of(ingressRanges.failed).find(({ replica }) => replica === range.replica);
    const bins = binsOf(range, failed);
    if (typeof bins === 'string') problems.push(`${range.replica}: ${bins}`);
    else all.push({ bins, scrapeMs: range.stepMs });
  }
  const [most] = all.sort((a, b) => b.bins.length - a.bins.length);
  return most ?? problems.join('; ');
}

function binsOf(completed: RangeResponse, failed: RangeResponse | undefined): readonly Bin[] | string {
  if (!failed) return 'what failed was never asked';
  if (failed.from !== completed.from || failed.stepMs !== completed.stepMs || !(completed.stepMs > 0))
    return 'the two were asked for different steps';
  const [answered, bad] = [readReplica(completed), readReplica(failed)];
  const problem = answered.problem ?? bad.problem;
  if (problem !== undefined) return problem;
  const [counters, badCounters] = [countersOf(answered), countersOf(bad)];
  const steps = [...new Set(counters.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
  if (steps.length < 2) return 'it has no counter of requests';
  // None that ever failed looks like a query that finds nothing.
  if (badCounters.length === 0) return 'it has no counter of failed requests, not even one at zero';
  const [whole, failing] = [increases(counters, steps), increases(badCounters, steps)];
  const at = (step: number) => completed.from + step * completed.stepMs;
  return steps.slice(1).map((step, index) => ({
    from: at(steps[index] as number),
    to: at(step),
    completed: whole[index] as number,
    failed: failing[index] as number,
  }));
}

type Counter = ReadonlyMap<number, number>;

/** What is no number is no reading. */
const countersOf = ({ series }: ReplicaAnswer): readonly Counter[] =>
  [...(series ?? new Map<string, Counter>()).values()]
    .map((one) => new Map([...one].filter(([, value]) => Number.isFinite(value) && value >= 0)))
    .filter((one) => one.size > 0);

/** Of all counters together, from each step to the next. */
function increases(counters: readonly Counter[], steps: readonly number[]): readonly number[] {
  const totals = steps.slice(1).map(() => 0);
  for (const counter of counters) {
    let last = counter.get(steps[0] as number) ?? 0;
    for (const [index, step] of steps.slice(1).entries()) {
      const value = counter.get(step);
      if (value === undefined) continue;
      totals[index] = (totals[index] as number) + (value < last ? value : value - last);
      last = value;
    }
  }
  return totals;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
