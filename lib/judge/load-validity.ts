// Whether the load was what was planned. A generator that sent less, or that could not keep up by its own fault, hides outages:
// nothing is concluded from such a run. Drops while the target keeps the virtual users waiting are the target's, not the generator's.
import { type Claim, type Journey, journeys } from '../model/claim.ts';
import type { Drop, Instant, PlannedLoad } from '../model/evidence.ts';
import type { Finding } from '../model/verdict.ts';
import {
  isInMask,
  journeyBits,
  journeyCode,
  maskOf,
  type OperationTable,
  writeBit,
} from '../tables/operation-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { acknowledgedCode } from '../tables/write-table.ts';
import { judgeGenerator } from './generator.ts';
import { minHeap } from './min-heap.ts';
import { counted, duration, evenSum, percent, rounded } from './numbers.ts';
import { eachOwnWrite } from './own-writes.ts';
import { isIn, loadEndIn, type Span, spanOf } from './phases.ts';
import { journeysOf, leastPlannedArrivals, loadBegan } from './planned-arrivals.ts';
import { judgeTechnicians } from './technicians.ts';

export function judgeLoad(claim: Claim, evidence: RunTables, spans: readonly Span[]): readonly Finding[] {
  const planned = evidence.journal.find((line) => line.kind === 'header')?.header.load;
  const steady = spanOf(spans, 'steady');
  return [
    judgeExit(evidence),
    ...judgeGenerator(evidence),
    judgeAcknowledged(claim, evidence),
    ...judgeTechnicians(evidence),
    ...(planned?.leftOut && planned.leftOut.length > 0 ? [tellLeftOut(planned.leftOut)] : []),
    ...(planned && steady
      ? [
          judgeArrivals(claim, evidence, planned, steady),
          ...judgeShape(claim, evidence, planned),
          judgeSteadyDrops(evidence, steady),
          judgeInFlight(evidence, planned, steady),
          judgeDrops(evidence, planned),
        ]
      : [
          cannotTell(
            'load.achieved',
            'There is no steady phase, or no plan of the load: nobody can tell what arrived of it.',
          ),
        ]),
  ];
}

function judgeExit({ journal }: RunTables): Finding {
  const check = 'load.exit';
  const stopped = loadEndIn(journal);
  if (!stopped) return cannotTell(check, 'It is not on record how the load generator ended.');
  const { exitCode, detail, processorSeconds } = stopped;
  // 105 is k6 ended by a signal, which is how it is asked to stop. Whatever else was wrong the driver says in `detail`.
  if (detail) return cannotTell(check, `The load generator did not end well: ${detail}.`);
  if (stopped.event === 'stopped' && exitCode !== 0 && exitCode !== 105)
    return cannotTell(check, `The load generator ended with exit code ${exitCode ?? 'none (killed)'}.`);
  const used = processorSeconds === undefined ? '' : `; it used ${rounded(processorSeconds)} s of processor time`;
  if (stopped.event === 'passed-on')
    return { check, outcome: 'passed', says: `The load went on to the next run without a pause${used}.` };
  return { check, outcome: 'passed', says: `The load generator ended as asked${used}.` };
}

function judgeAcknowledged(claim: Claim, evidence: RunTables): Finding {
  let acknowledged = 0;
  eachOwnWrite(evidence, (row) => {
    evidence.writes.eachRequest(row, (outcome) => {
      if (outcome === acknowledgedCode) acknowledged += 1;
    });
  });
  const min = claim.load.acknowledgedMin;
  return {
    check: 'load.acknowledged',
    outcome: acknowledged >= min ? 'passed' : 'inconclusive',
    says:
      acknowledged >= min
        ? `${counted(acknowledged, 'write')} acknowledged, wanted at least ${min}.`
        : `Only ${counted(acknowledged, 'write')} acknowledged, wanted at least ${min}: too few to conclude from that none is lost.`,
    measured: acknowledged,
    bound: `≥ ${min}`,
    unit: 'writes',
  };
}

/** The journey that fell behind most counts: 20 scans/s that arrive must not hide 5 writes/s that do not. */
function judgeArrivals(claim: Claim, evidence: RunTables, planned: PlannedLoad, steady: Span): Finding {
  const check = 'load.achieved';
  // k6 needs a moment to start; what counts is the rate from the first request on. One that was taken over runs already.
  const shared = evidence.journal.some((line) => line.kind === 'header' && line.header.steadyOf !== undefined);
  const sent = firstSentIn(evidence, steady);
  const first = sent !== undefined && shared ? steady.from : sent;
  const began = loadBegan(evidence);
  if (first === undefined || began === undefined)
    return cannotTell(check, 'No operation was sent in the steady phase.');
  const seconds = (steady.to - first) / 1000;
  const [arrived = []] = startedIn(evidence, [{ ...steady, from: first }]);
  const shares = journeysOf(planned).map((journey) => {
    const started = arrived[journeyCode(journey)] ?? 0;
    // One iteration more or less is where the phase was cut, not the generator.
    const share = (started + 1) / leastPlannedArrivals(planned, journey, first - began, steady.to - began);
    return { journey, started, share: Math.min(1, share) };
  });
  const worst = shares.sort((a, b) => a.share - b.share)[0];
  if (!worst) return cannotTell(check, 'No load was planned.');
  const enough = worst.share >= claim.load.achievedRatioMin;
  return {
    check,
    outcome: enough ? 'passed' : 'inconclusive',
    says: `${enough ? 'At least' : 'Only'} ${percent(worst.share)} of the planned arrivals of ${worst.journey} were started in steady state (${worst.started} in ${duration(seconds * 1000)}), wanted at least ${percent(claim.load.achievedRatioMin)}.`,
    phase: 'steady',
    measured: rounded(worst.share),
    bound: `≥ ${percent(claim.load.achievedRatioMin)}`,
    unit: 'share',
  };
}

/** Fewer planned iterations than this in a stretch say nothing of it: one more or less would be a twentieth. */
const stretchArrivalsMin = 20;

/**
 * A rate that changes is looked at stretch by stretch, over the whole load: a burst that never came must not hide behind the quiet before
 * and after it. A drop counts as arrived: the generator had it to send, and whose fault it was is judged apart.
 */
function judgeShape(claim: Claim, evidence: RunTables, planned: PlannedLoad): readonly Finding[] {
  const { shapes = {} } = planned;
  if (Object.keys(shapes).length === 0) return [];
  const check = 'load.shape';
  const began = loadBegan(evidence);
  if (began === undefined)
    return [cannotTell(check, 'No operation is on record, so nobody can tell how the load went over time.')];
  const end = endOf(evidence);
  const planning = (Object.keys(shapes) as Journey[]).flatMap((journey) => {
    const cuts = [...new Set([0, ...(shapes[journey] ?? []).map(({ atMs }) => atMs), end - began])]
      .filter((at) => at <= end - began)
      .sort((a, b) => a - b);
    return cuts.slice(1).flatMap((to, index) => {
      const from = cuts[index] ?? 0;
      const wanted = leastPlannedArrivals(planned, journey, from, to);
      return wanted < stretchArrivalsMin ? [] : [{ journey, from, to, wanted }];
    });
  });
  const started = startedIn(
    evidence,
    planning.map(({ from, to }) => ({ from: began + from, to: began + to })),
  );
  const stretches = planning.map((stretch, index) => {
    const { journey, from, to, wanted } = stretch;
    const dropped = droppedIn(evidence.drops, journey, began + from, began + to);
    const arrived = dropped + (started[index]?.[journeyCode(journey)] ?? 0);
    return { ...stretch, arrived, share: Math.min(1, (arrived + 1) / wanted) };
  });
  const worst = stretches.sort((a, b) => a.share - b.share)[0];
  if (!worst) return [cannotTell(check, 'The load ended before enough of its shape was due to be judged.')];
  const min = claim.load.achievedRatioMin;
  const enough = worst.share >= min;
  return [
    {
      check,
      outcome: enough ? 'passed' : 'inconclusive',
      says: `${enough ? 'At least' : 'Only'} ${percent(worst.share)} of the planned arrivals of ${worst.journey} came in its worst stretch, ${duration(worst.from)} to ${duration(worst.to)} after the load began (${worst.arrived} of ${rounded(worst.wanted)}), wanted at least ${percent(min)}; ${counted(stretches.length, 'stretch', 'stretches')} looked at.`,
      measured: rounded(worst.share),
      bound: `≥ ${percent(min)}`,
      unit: 'share',
    },
  ];
}

/** Nothing new is started once the load is asked to stop, so its last iteration is its end. */
const endOf = ({ operations, drops }: RunTables): Instant =>
  Math.max(operations.lastSentAt ?? 0, drops.at(-1)?.at ?? 0);

const droppedIn = (drops: readonly Drop[], journey: Journey, from: Instant, to: Instant): number =>
  drops
    .filter((drop) => drop.journey === journey && drop.at >= from && drop.at < to)
    .reduce((sum, { count }) => sum + count, 0);

function firstSentIn({ operations }: RunTables, span: Span): Instant | undefined {
  let first = Number.POSITIVE_INFINITY;
  for (const { count, sentAt } of operations.blocks(span))
    for (let row = 0; row < count; row++) {
      const at = sentAt[row] as number;
      if (at < first && isIn(at, span)) first = at;
    }
  return Number.isFinite(first) ? first : undefined;
}

/** What a target has no place for is no mistake, but nobody shall think that it was tried. */
function tellLeftOut(leftOut: NonNullable<PlannedLoad['leftOut']>): Finding {
  return {
    check: 'load.left-out',
    outcome: 'passed',
    says: `Not played, and nothing is claimed of it: ${leftOut.map(({ journey, why }) => `${journey} (${why})`).join('; ')}.`,
    measured: leftOut.length,
    unit: 'journeys',
  };
}

/** Iterations of each journey, by its code, in each of the spans. A write that goes out in two requests is one iteration. */
function startedIn(
  { operations, writes }: RunTables,
  spans: readonly Pick<Span, 'from' | 'to'>[],
): readonly (readonly number[])[] {
  const started = spans.map(() => journeys.map(() => 0));
  const add = (span: number, code: number) => {
    const own = started[span] ?? [];
    own[code] = (own[code] ?? 0) + 1;
  };
  for (const [index, span] of spans.entries())
    for (const { count, sentAt, code } of operations.blocks(span))
      for (let row = 0; row < count; row++) {
        const what = code[row] as number;
        if (!(what & writeBit) && isIn(sentAt[row] as number, span)) add(index, what & journeyBits);
      }
  // Several requests of one marker in one span are one iteration of their journey.
  const seen = spans.map(() => 0);
  writes.each((row) => {
    seen.fill(0);
    writes.eachRequest(row, (_, journey, sentAt) => {
      for (let index = 0; index < spans.length; index++) {
        if (!isIn(sentAt, spans[index] as Span) || (seen[index] as number) & (1 << journey)) continue;
        seen[index] = (seen[index] as number) | (1 << journey);
        add(index, journey);
      }
    });
  });
  return started;
}

function judgeSteadyDrops({ drops }: RunTables, steady: Span): Finding {
  const dropped = drops.filter(({ at }) => isIn(at, steady)).reduce((sum, { count }) => sum + count, 0);
  return {
    check: 'load.drops-steady',
    outcome: dropped === 0 ? 'passed' : 'inconclusive',
    says:
      dropped === 0
        ? 'No iteration was dropped in steady state.'
        : `${counted(dropped, 'iteration')} dropped in steady state: it was not steady, and what the fault did can't be told apart.`,
    phase: 'steady',
    measured: dropped,
    bound: '= 0',
    unit: 'iterations',
  };
}

/** Little's law, N = X·R: more requests at once than there are virtual users means that samples or clocks are wrong. */
function judgeInFlight({ operations }: RunTables, planned: PlannedLoad, steady: Span): Finding {
  let answered = 0;
  const sum = evenSum();
  for (const { count, sentAt, durationMs } of operations.blocks(steady))
    for (let row = 0; row < count; row++) {
      const ms = durationMs[row] as number;
      if (Number.isNaN(ms) || !isIn(sentAt[row] as number, steady)) continue;
      answered += 1;
      sum.add(ms);
    }
  const seconds = Math.max(1, steady.to - steady.from) / 1000;
  const perSecond = answered / seconds;
  const meanMs = answered > 0 ? sum.total / answered : 0;
  const most = mostInFlight(operations);
  const fits = most <= planned.virtualUsersMax;
  const law = `In steady state ${rounded(perSecond)} requests/s of ${duration(meanMs)} each kept ${rounded((perSecond * meanMs) / 1000)} virtual users busy (N = X·R)`;
  return {
    check: 'load.little',
    outcome: fits ? 'passed' : 'inconclusive',
    says: fits
      ? `${law}; at most ${most} of ${planned.virtualUsersMax} were busy at once.`
      : `${law}, yet ${most} requests were under way at once, with ${planned.virtualUsersMax} virtual users: the samples contradict Little's law.`,
    measured: most,
    bound: `≤ ${planned.virtualUsersMax}`,
    unit: 'virtual users',
  };
}

/** What ends at the moment at which something else is sent makes room for it. */
function mostInFlight(operations: OperationTable): number {
  const ends = minHeap();
  let most = 0;
  for (const { count, sentAt, durationMs } of operations.inOrder())
    for (let row = 0; row < count; row++) {
      const [at, ms] = [sentAt[row] as number, durationMs[row] as number];
      if (Number.isNaN(ms)) continue;
      ends.dropUntil(at);
      if (ms > 0) ends.add(at + ms);
      if (ends.size > most) most = ends.size;
    }
  return most;
}

/** Below this share of busy virtual users a drop is not the target's: somebody was free, and k6 could not use them. */
const busyShareMin = 0.7;
/** k6 tells drops in batches. */
const dropLagMs = 1_000;

/** Rule 3: drops count against the target only when its virtual users were waiting for it. */
function judgeDrops({ operations, drops }: RunTables, planned: PlannedLoad): Finding {
  const check = 'load.drops';
  const total = drops.reduce((sum, { count }) => sum + count, 0);
  if (total === 0)
    return { check, outcome: 'passed', says: 'No iteration was dropped.', measured: 0, unit: 'iterations' };
  let unexplained = 0;
  for (const journey of new Set(drops.map((drop) => drop.journey))) {
    const own = drops.filter((drop) => drop.journey === journey);
    const users = usersOf(planned, journey);
    const busy = busyAt(operations, journey, own);
    for (const [index, { count }] of own.entries())
      if (!((busy[index] ?? 0) >= busyShareMin * users)) unexplained += count;
  }
  return {
    check,
    outcome: unexplained === 0 ? 'passed' : 'inconclusive',
    says:
      unexplained === 0
        ? `${counted(total, 'iteration')} dropped while all virtual users waited for the target; each counts as a bad event.`
        : `${unexplained} of ${counted(total, 'iteration')} dropped while virtual users were free: the generator was short of something, not the target.`,
    measured: unexplained,
    bound: '= 0',
    unit: 'iterations',
  };
}

/**
 * How many virtual users of the journey were busy at each drop, or had been until k6 could tell it: those that were sent by then, without
 * those that had ended before. `drops` are in order of time, so one look at each operation is enough.
 */
function busyAt(operations: OperationTable, journey: Journey, drops: readonly Drop[]): Float64Array {
  const mask = maskOf([journey]);
  const times = Float64Array.from(drops, ({ at }) => at);
  const change = new Float64Array(times.length + 1);
  for (const { count, sentAt, durationMs, code } of operations.blocks())
    for (let row = 0; row < count; row++) {
      if (!isInMask(mask, code[row] as number)) continue;
      const from = firstAtOrAfter(times, sentAt[row] as number);
      const ms = durationMs[row] as number;
      change[from] = (change[from] as number) + 1;
      if (Number.isNaN(ms)) continue;
      const to = Math.max(from, firstAfter(times, (sentAt[row] as number) + ms + dropLagMs));
      change[to] = (change[to] as number) - 1;
    }
  for (let at = 1; at < change.length; at++) change[at] = (change[at] as number) + (change[at - 1] as number);
  return change;
}

const firstAtOrAfter = (times: Float64Array, at: Instant): number => firstWhere(times, (time) => time >= at);
const firstAfter = (times: Float64Array, at: Instant): number => firstWhere(times, (time) => time > at);

function firstWhere(times: Float64Array, holds: (time: Instant) => boolean): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(times[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Older runs tell only the sum of the virtual users, which were planned for each journey in proportion to its rate. */
function usersOf({ virtualUsers, virtualUsersMax, ratesPerSecond }: PlannedLoad, journey: Journey): number {
  if (virtualUsers) return virtualUsers[journey] ?? 0;
  const sum = Object.values(ratesPerSecond).reduce((all, rate) => all + rate, 0);
  return (virtualUsersMax * (ratesPerSecond[journey] ?? 0)) / sum;
}

const cannotTell = (check: string, says: string): Finding => ({ check, outcome: 'inconclusive', says });
