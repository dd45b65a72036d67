import { expect, test } from 'vitest';
import {
  claimOf,
  controlClaim,
  evidenceOf,
  journalWith,
  operationsWith,
  outcomesOf,
} from '../../tests/fixtures/evidence.ts';
import { recovering, times } from '../../tests/fixtures/recovery.ts';
import type { Evidence, JournalLine } from '../model/evidence.ts';
import { judge } from './judge.ts';

const check = 'error-budget.scans-good';
function judged(evidence: Evidence) {
  const verdict = judge(evidence.claim, evidence);
  return {
    budgets: verdict.recovery.faults?.map(({ budget }) => budget),
    outcomes: outcomesOf(verdict, check),
    says: verdict.findings.find((one) => one.check === check)?.says ?? '',
  };
}

test('a fault costs its bad events of those that the objective allows in 30 days', () => {
  const evidence = recovering({ budgetShareMax: 0.005 });
  const { budgets, outcomes, says } = judged(evidence);
  const [cost] = budgets?.[0] ?? [];
  const until = times.after;
  const own = evidence.operations.filter(
    ({ journey, sentAt, durationMs = 0 }) =>
      journey === 'barcode-lookup' && sentAt + durationMs >= times.fault && sentAt < until,
  );
  const bad = own.filter(({ good }) => !good).length;
  // 20 scans/s for 30 days, of which 1 % may be bad.
  expect(cost).toMatchObject({ objective: 'scans-good', bad, planned: own.length, budget: 518_400 });
  expect(bad).toBeGreaterThan(155);
  expect(cost?.share).toBeCloseTo(bad / 518_400, 9);
  expect(cost?.outageMs).toBe(bad * 50);
  expect(cost?.burnRate).toBeCloseTo(bad / own.length / 0.01, 2);
  expect(outcomes).toEqual(['passed']);
  expect(says).toMatch(/it cost 0\.031 % of the bad events .* as many as 8 s of outage, at a burn rate of 21\.9 over/);
});

test('more than claimed fails, and a fault that nobody felt costs nothing', () => {
  expect(judged(recovering({ budgetShareMax: 0.0003 })).outcomes).toEqual(['failed']);
  const unfelt = judged(recovering({ budgetShareMax: 0 }, { outageMs: 0 }));
  expect(unfelt.outcomes).toEqual(['passed']);
  expect(unfelt.budgets?.[0]?.[0]).toMatchObject({ bad: 0, share: 0, burnRate: 0 });
});

test('dropped iterations cost like bad ones', () => {
  const evidence = recovering({}, { outageMs: 0 });
  const drops = [{ at: times.fault + 1_000, journey: 'barcode-lookup' as const, count: 300 }];
  expect(judged({ ...evidence, drops }).budgets?.[0]?.[0]).toMatchObject({ bad: 300 });
});

test('what happened after the end of recovery is no cost of the fault', () => {
  const later = operationsWith(recovering({}, { outageMs: 0 }), (operation) =>
    operation.sentAt >= times.after ? { ...operation, good: false } : operation,
  );
  expect(judged(later).budgets?.[0]?.[0]).toMatchObject({ bad: 0 });
});

test('without its end, or with too few of the events that were planned, nobody can tell', () => {
  const claimed = recovering({ budgetShareMax: 0.005 });
  const endless = journalWith(claimed, (line) =>
    line.kind === 'phase' && (line.phase === 'recovery' || line.phase === 'after') ? undefined : line,
  );
  expect(judged(endless)).toMatchObject({ outcomes: ['inconclusive'], budgets: [undefined] });
  const few = operationsWith(claimed, (operation) =>
    operation.sentAt > times.fault && Math.round(operation.sentAt) % 3 > 0 ? undefined : operation,
  );
  expect(judged(few)).toMatchObject({
    outcomes: ['inconclusive'],
    says: expect.stringMatching(/\d+ events of about \d+ that were planned/),
  });
});

test('of two faults each has its own cost, and no event counts twice', () => {
  const claim = claimOf({ faults: ['galera/writer-crash', 'galera/writer-crash'] });
  const evidence = evidenceOf(claim);
  const line = { at: times.fault + 20_000, mono: 0, kind: 'step', fault: 'galera/writer-crash', step: 'injected' };
  const both = judged({ ...evidence, journal: [...evidence.journal, line as JournalLine].sort((a, b) => a.at - b.at) });
  const [first, second] = (both.budgets ?? []).map((one) => one?.[0]);
  expect(first?.bad).toBeGreaterThan(155);
  expect(second?.bad).toBe(0);
  expect(first?.windowMs).toBe(20_000);
});

test('a control run costs nothing, and a claim that sets no bound has no finding', () => {
  expect(judged(evidenceOf(controlClaim())).budgets).toBeUndefined();
  expect(judged(recovering())).toMatchObject({ outcomes: [], budgets: [[{ objective: 'scans-good' }]] });
});
