import { expect, test } from 'vitest';
import {
  claimOf,
  controlClaim,
  evidenceOf,
  journalWith,
  operationsWith,
  outcomesOf,
  timesOf,
  usualShape,
} from '../../tests/fixtures/evidence.ts';
import { withReadings } from '../../tests/fixtures/recovery.ts';
import type { RecoveryRule } from '../model/claim.ts';
import type { Evidence, JournalLine } from '../model/evidence.ts';
import { judge } from './judge.ts';

const times = timesOf(usualShape);
const rule: RecoveryRule = { recoveryMsMax: 30_000, windowMs: 5_000, badRatioMax: 0.02 };
const with_ = (change: Partial<RecoveryRule>) => claimOf({ recovery: { ...rule, ...change } });
const measured = (evidence: Evidence, claim = evidence.claim) => {
  const verdict = judge(claim, evidence);
  return { ...verdict.recovery, outcomes: outcomesOf(verdict, 'recovery') };
};

test('recovery is the time from inject to the first good request that stays good', () => {
  const { ms, resolutionMs, outcomes } = measured(evidenceOf());
  expect(outcomes).toEqual(['passed']);
  expect(ms).toBeGreaterThanOrEqual(8_000);
  expect(ms).toBeLessThan(8_100);
  expect(resolutionMs).toBeCloseTo(40, 0);
});

test('later than claimed fails; within one interval of the bound it is too close to call', () => {
  const { ms } = measured(evidenceOf());
  expect(measured(evidenceOf(), with_({ recoveryMsMax: 7_900 })).outcomes).toEqual(['failed']);
  expect(measured(evidenceOf(), with_({ recoveryMsMax: (ms ?? 0) - 10 })).outcomes).toEqual(['inconclusive']);
  expect(measured(evidenceOf(), with_({ recoveryMsMax: ms ?? 0 })).outcomes).toEqual(['passed']);
});

test('a good request in the middle of the outage is no recovery', () => {
  const blink = operationsWith(evidenceOf(), (operation) =>
    operation.sentAt > times.fault + 3_000 && operation.sentAt < times.fault + 3_400
      ? { ...operation, good: true }
      : operation,
  );
  expect(measured(blink).ms).toBeGreaterThan(7_900);
});

test('when it never came it is censored, and a failure when it was looked for long enough', () => {
  const never = evidenceOf(undefined, { outageMs: 600_000 });
  const verdict = measured(never);
  expect(verdict).toMatchObject({ ms: null, outcomes: ['failed'] });
  expect(verdict.censoredMs).toBeGreaterThan(50_000);
});

test('when nobody looked long enough nobody can tell', () => {
  expect(measured(evidenceOf(undefined, { outageMs: 600_000 }), with_({ recoveryMsMax: 120_000 }))).toMatchObject({
    ms: null,
    outcomes: ['inconclusive'],
  });
});

test('users who felt nothing had nothing to recover from', () => {
  expect(measured(evidenceOf(undefined, { outageMs: 0 }))).toMatchObject({ ms: 0, outcomes: ['passed'] });
});

test('a request that was under way at inject belongs to the fault', () => {
  const hit = operationsWith(evidenceOf(undefined, { outageMs: 0 }), (operation) =>
    operation.sentAt > times.fault - 300 && operation.sentAt <= times.fault
      ? { ...operation, good: false, durationMs: 6_000 }
      : operation,
  );
  const { ms } = measured(hit);
  expect(ms).toBeGreaterThan(0);
  expect(ms).toBeLessThan(100);
});

test('an outage that begins later than the window counts from inject all the same', () => {
  const late = operationsWith(evidenceOf(undefined, { outageMs: 0 }), (operation) =>
    operation.sentAt > times.fault + 12_000 && operation.sentAt < times.fault + 15_000
      ? { ...operation, good: false }
      : operation,
  );
  const { ms } = measured(late);
  expect(ms).toBeGreaterThan(14_500);
  expect(ms).toBeLessThan(15_100);
});

test('a few bad events within budget take nothing away', () => {
  let index = 0;
  const noisy = operationsWith(evidenceOf(), (operation) => {
    if (operation.sentAt < times.fault + 8_000) return operation;
    index += 1;
    return index % 100 === 50 ? { ...operation, good: false } : operation;
  });
  expect(measured(noisy).ms).toBeLessThan(8_100);
});

test('drops are bad events of the window', () => {
  const evidence = evidenceOf();
  const drops = Array.from({ length: 20 }, (_, index) => ({
    at: times.fault + 8_000 + index * 200,
    journey: 'parts-issue' as const,
    count: 3,
  }));
  expect(measured({ ...evidence, drops }).ms).toBeGreaterThan(11_500);
});

test('silence is no recovery: a window needs half of what was planned', () => {
  const silent = operationsWith(evidenceOf(), (operation) =>
    operation.sentAt > times.fault + 8_000 &&
    operation.sentAt < times.fault + 20_000 &&
    Math.round(operation.sentAt) % 10 > 0
      ? undefined
      : operation,
  );
  expect(measured(silent).ms).toBeGreaterThan(15_000);
});

test('what was good for a window and then bad again had not recovered yet', () => {
  const again = operationsWith(evidenceOf(), (operation) =>
    operation.sentAt > times.fault + 22_000 && operation.sentAt < times.fault + 24_000
      ? { ...operation, good: false }
      : operation,
  );
  const finding = judge(again.claim, again).findings.find(({ check }) => check === 'recovery');
  expect(finding?.measured).toBeGreaterThan(23_800);
  expect(finding?.measured).toBeLessThan(24_200);
  expect(finding?.says).toContain('left the budget again');
});

test('of two faults the longer recovery counts, each from its own inject', () => {
  const second = times.fault + 20_000;
  const claim = claimOf({ faults: ['galera/writer-crash', 'galera/writer-crash'] });
  const evidence = operationsWith(evidenceOf(claim), (operation) =>
    operation.sentAt > second && operation.sentAt < second + 10_000 ? { ...operation, good: false } : operation,
  );
  const line = { at: second, mono: 0, kind: 'step', fault: 'galera/writer-crash', step: 'injected' } as JournalLine;
  const both = { ...evidence, journal: [...evidence.journal, line] };
  const { ms, faults, outcomes } = measured(both);
  expect(ms).toBeGreaterThan(9_900);
  expect(ms).toBeLessThan(10_100);
  expect(outcomes).toEqual(['passed', 'passed']);
  expect(faults).toMatchObject([{ injectedMs: 0 }, { injectedMs: 20_000, ms }]);
  expect(faults?.[0]?.ms).toBeGreaterThan(7_900);
  expect(faults?.[0]?.ms).toBeLessThan(8_100);
  // Each is held to the bound by itself, and named.
  const strict = judge(with_({ recoveryMsMax: 9_000 }), both).findings.filter(({ check }) => check === 'recovery');
  expect(strict.map(({ outcome }) => outcome)).toEqual(['failed', 'passed']);
  expect(strict[0]?.says).toMatch(/^galera\/writer-crash \(no\. 2\): Good again 10/);
});

test('of two faults each is asked when it was noticed, from its own inject', () => {
  const second = times.fault + 20_000;
  const claim = claimOf({
    faults: ['galera/writer-crash', 'galera/writer-crash'],
    recovery: { ...rule, detectedBy: [{ series: 'galera-view', is: 'changes', msMax: 8_000 }] },
  });
  const line = { at: second, mono: 0, kind: 'step', fault: 'galera/writer-crash', step: 'injected' } as JournalLine;
  const seen = (last: number) =>
    withReadings(evidenceOf(claim), 'galera-view', (at) =>
      at < times.fault + 6_000 ? 40 : at < second + last ? 41 : 42,
    );
  const judged = (last: number) => {
    const evidence = seen(last);
    return measured({ ...evidence, journal: [...evidence.journal, line] });
  };
  // What the first one left is what the second one starts from: the series changed by itself only where no fault was before.
  expect(judged(3_000).faults).toMatchObject([{ detected: { ms: 6_500 } }, { detected: { ms: 3_500 } }]);
  expect(judged(60_000).faults?.[1]).toMatchObject({ detected: { ms: null } });
});

test('without an inject on record there is nothing to measure from', () => {
  const never = journalWith(evidenceOf(), (line) =>
    line.kind === 'step' && line.step === 'injected' ? undefined : line,
  );
  expect(measured(never)).toMatchObject({ ms: null, outcomes: ['inconclusive'] });
});

test('a control run has no recovery and no finding of one', () => {
  const control = controlClaim();
  expect(measured(evidenceOf(control))).toMatchObject({ ms: null, outcomes: [] });
});

test('how many requests make a window is asked of the plan at that time: less is no stall where less was planned, more is missed', () => {
  const evidence = evidenceOf(undefined, { outageMs: 8_000 });
  const began = evidence.operations[0]?.sentAt ?? 0;
  const planned = (perSecond: number, operations = evidence.operations) => ({
    ...journalWith(evidence, (line) => {
      if (line.kind !== 'header') return line;
      const atMs = times.fault - began;
      const shapes = {
        'barcode-lookup': [
          { atMs: 0, perSecond: 20 },
          { atMs, perSecond: 20 },
          { atMs, perSecond },
        ],
      };
      return { ...line, header: { ...line.header, load: { ...line.header.load, shapes } } };
    }),
    operations,
  });
  // After the outage a tenth of the scans come, each of them well.
  const quiet = evidence.operations.filter(
    ({ sentAt, journey }, index) => sentAt < times.fault + 9_000 || journey !== 'barcode-lookup' || index % 10 === 0,
  );
  expect(measured(evidence).outcomes).toEqual(['passed']);
  expect(measured({ ...evidence, operations: quiet }).outcomes).not.toEqual(['passed']);
  expect(measured(planned(0, quiet)).outcomes).toEqual(['passed']);
  expect(measured(planned(100)).outcomes).toEqual(['failed']);
});
