// What a fault costs of the error budget that an objective leaves for 30 days, had everybody worked at the planned rate all the while: bad
// events against those that the objective allows. And how fast it was spent meanwhile: at a burn rate of 1 the budget lasts 30 days.
// Counted from inject to the end of recovery, or to the next inject; what was under way at inject is the fault's.
import type { Claim, LoadObjective } from '../model/claim.ts';
import type { Instant } from '../model/evidence.ts';
import type { BudgetCost, Finding } from '../model/verdict.ts';
import { goodBit, isInMask, maskOf } from '../tables/operation-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import type { Injection } from './injections.ts';
import { counted, duration, percent, rounded } from './numbers.ts';
import { type Span, spanOf } from './phases.ts';
import { loadBegan, plannedArrivals } from './planned-arrivals.ts';

const budgetMs = 30 * 24 * 3_600_000;

/** With fewer events than this share of the planned ones, nobody knows what the others would have been. */
const arrivedShareMin = 0.5;

export function judgeErrorBudget(
  claim: Claim,
  injection: Injection,
  evidence: Pick<RunTables, 'journal' | 'operations' | 'drops'>,
  spans: readonly Span[],
): { readonly costs: readonly BudgetCost[]; readonly findings: readonly Finding[] } {
  const until = injection.next ?? spanOf(spans, 'recovery')?.to;
  const costs: BudgetCost[] = [];
  const findings: Finding[] = [];
  for (const objective of budgeted(claim)) {
    const cost = costOf(objective, injection.at, until, evidence);
    if (typeof cost !== 'string') costs.push(cost);
    const max = claim.recovery?.budgetShareMax;
    if (max !== undefined) findings.push(findingOf(objective, injection, cost, max));
  }
  return { costs, findings };
}

interface Budgeted {
  readonly name: string;
  readonly journeys: LoadObjective['journeys'];
  /** Share of events that may be bad. */
  readonly allowed: number;
}

/** The service level is what is claimed while nothing is broken; what is borne during the fault is none. */
const budgeted = ({ objectives }: Claim): readonly Budgeted[] =>
  objectives.flatMap((one) =>
    one.source === 'k6' && one.measure === 'good-ratio' && one.phases.includes('after') && (one.min ?? 1) < 1
      ? [{ name: one.name, journeys: one.journeys, allowed: 1 - (one.min ?? 1) }]
      : [],
  );

/** Or why it can't be told. */
function costOf(
  { name, journeys, allowed }: Budgeted,
  from: Instant,
  until: Instant | undefined,
  evidence: Pick<RunTables, 'journal' | 'operations' | 'drops'>,
): BudgetCost | string {
  const load = evidence.journal.find((line) => line.kind === 'header')?.header.load;
  const began = loadBegan(evidence);
  if (until === undefined || until <= from) return 'the end of recovery is not on record';
  if (!load || began === undefined) return 'it is not on record what load was planned';
  const perSecond = journeys.reduce((sum, journey) => sum + (load.ratesPerSecond[journey] ?? 0), 0);
  const budget = (allowed * perSecond * budgetMs) / 1000;
  if (budget === 0) return 'nothing of it was planned';

  const { bad, all } = eventsBetween(journeys, from, until, evidence);
  const arrivals = journeys.reduce(
    (sum, journey) => sum + plannedArrivals(load, journey, from - began, until - began),
    0,
  );
  if (all === 0 || all < arrivedShareMin * arrivals)
    return `${counted(all, 'event')} of about ${Math.round(arrivals)} that were planned`;
  return {
    objective: name,
    bad,
    planned: all,
    budget: rounded(budget),
    share: Number((bad / budget).toPrecision(6)),
    outageMs: rounded((1000 * bad) / perSecond),
    burnRate: rounded(bad / all / allowed),
    windowMs: rounded(until - from),
  };
}

function eventsBetween(
  journeys: LoadObjective['journeys'],
  from: Instant,
  until: Instant,
  { operations, drops }: Pick<RunTables, 'operations' | 'drops'>,
): { readonly bad: number; readonly all: number } {
  let [bad, all] = [0, 0];
  const mask = maskOf(journeys);
  for (const { count, sentAt, durationMs, code } of operations.blocks({ endsFrom: from, to: until }))
    for (let row = 0; row < count; row++) {
      const [at, of] = [sentAt[row] as number, code[row] as number];
      // NaN, where no end was seen, is not at or after anything.
      if (!isInMask(mask, of) || at >= until || !(at + (durationMs[row] as number) >= from)) continue;
      all += 1;
      if (!(of & goodBit)) bad += 1;
    }
  for (const { journey, at, count } of drops) {
    if (at < from || at >= until || !journeys.includes(journey)) continue;
    all += count;
    bad += count;
  }
  return { bad, all };
}

function findingOf({ name }: Budgeted, { named }: Injection, cost: BudgetCost | string, max: number): Finding {
  const base = { check: `error-budget.${name}`, bound: `≤ ${percent(max)}`, unit: 'share', phase: 'recovery' };
  if (typeof cost === 'string')
    return { ...base, outcome: 'inconclusive', says: `${named}: what it cost of ${name} can't be told: ${cost}.` };
  const { bad, budget, share, outageMs, burnRate, windowMs } = cost;
  return {
    ...base,
    outcome: bad <= max * budget ? 'passed' : 'failed',
    says: `${named}: it cost ${smallShare(share)} of the bad events that ${name} leaves for 30 days, wanted at most ${percent(max)}: ${counted(bad, 'bad event')}, as many as ${duration(outageMs)} of outage, at a burn rate of ${Math.round(10 * burnRate) / 10} over ${duration(windowMs)}.`,
    measured: share,
  };
}

/** 0.031 %: two digits of what is small. */
function smallShare(share: number): string {
  return share >= 0.01 || share === 0 ? percent(share) : `${Number((share * 100).toPrecision(2))} %`;
}
