import { describe, expect, test } from 'vitest';
import { journalWith, outcomesOf } from '../../tests/fixtures/evidence.ts';
import { changedBy, recovering, times, withAlerts, withReadings } from '../../tests/fixtures/recovery.ts';
import type { SeenBy } from '../model/claim.ts';
import type { Evidence, Instant } from '../model/evidence.ts';
import { tablesOf } from '../tables/run-tables.ts';
import { injectionsOf } from './injections.ts';
import { phaseSpans } from './phases.ts';
import { detection, failover, judgeStage } from './recovery-stages.ts';

const whole = recovering();
const inject = times.fault;

function judged(rule: SeenBy, add: (evidence: Evidence) => Evidence) {
  const evidence = add(whole);
  const spans = phaseSpans(tablesOf(evidence));
  const claim = { ...whole.claim, recovery: { recoveryMsMax: 1, windowMs: 1, badRatioMax: 0, detectedBy: [rule] } };
  const [injection] = injectionsOf(evidence, spans);
  if (!injection) throw new Error('no inject');
  const { measure, findings } = judgeStage(detection(claim), injection, evidence, spans);
  return { measure, outcomes: outcomesOf({ findings }, 'recovery.detected'), says: findings[0]?.says ?? '' };
}

const view = changedBy('galera-view');
const viewAt = (valueAt: (at: Instant) => number | undefined) => (evidence: Evidence) =>
  withReadings(evidence, 'galera-view', valueAt);
/** Changes for the first time in the look at this many ms after inject, or the next one. */
const changesAfter = (ms: number) => viewAt((at) => (at >= inject + ms ? 41 : 40));

describe('a series that changes', () => {
  test('is told by the first look that says so, and the look before it is its resolution', () => {
    const { measure, outcomes, says } = judged(view, changesAfter(6_000));
    expect(outcomes).toEqual(['passed']);
    expect(measure).toEqual({ by: 'galera-view', ms: 6_500, resolutionMs: 1_000, fromMs: 0 });
    expect(says).toContain('detected 6.5 s after inject, by galera-view (40, then 41); until 5.5 s it was not');
  });

  test('later than claimed fails; when the bound lies between two looks it is too close to call', () => {
    expect(judged({ ...view, msMax: 5_000 }, changesAfter(6_000)).outcomes).toEqual(['failed']);
    expect(judged({ ...view, msMax: 6_000 }, changesAfter(6_000))).toMatchObject({
      outcomes: ['inconclusive'],
      says: expect.stringContaining('too close to call'),
    });
    expect(judged({ ...view, msMax: 6_500 }, changesAfter(6_000)).outcomes).toEqual(['passed']);
  });

  test('looks that are missing make its resolution coarser, never the time shorter', () => {
    const gap = viewAt((at) => (at > inject && at < inject + 9_000 ? undefined : at >= inject + 6_000 ? 41 : 40));
    expect(judged(view, gap).measure).toMatchObject({ ms: 9_500, resolutionMs: 9_500 });
    expect(judged({ ...view, msMax: 8_000 }, gap).outcomes).toEqual(['inconclusive']);
  });

  test('what never came is censored: failed when it was looked for long enough, else nobody can tell', () => {
    expect(
      judged(
        view,
        viewAt(() => 40),
      ),
    ).toMatchObject({
      measure: { ms: null, censoredMs: 55_500 },
      outcomes: ['failed'],
      says: expect.stringContaining('not detected within 55.5 s'),
    });
    const silent = viewAt((at) => (at < inject + 4_000 ? 40 : undefined));
    expect(judged(view, silent)).toMatchObject({
      measure: { ms: null, censoredMs: 3_500 },
      outcomes: ['inconclusive'],
    });
    const gone = viewAt((at) => (at < inject ? 40 : undefined));
    expect(judged(view, gone)).toMatchObject({ measure: { ms: null, censoredMs: 0 }, outcomes: ['inconclusive'] });
  });

  test('what was never seen before, or changed by itself before, shows nothing', () => {
    for (const add of [
      (evidence: Evidence) => evidence,
      viewAt((at) => (at < inject ? undefined : 41)),
      viewAt((at) => (at >= inject + 6_000 ? 42 : at < inject - 10_000 ? 39 : 40)),
    ]) {
      const { measure, outcomes } = judged(view, add);
      expect(measure).toBeUndefined();
      expect(outcomes).toEqual(['inconclusive']);
    }
  });

  test('what the numbers stand for is told where the probe said it', () => {
    const writer = (at: Instant) =>
      at >= inject + 7_000 ? { value: 2, seen: 'galera-2' } : { value: 0, seen: 'galera-0' };
    expect(judged(changedBy('app-writer'), (evidence) => withReadings(evidence, 'app-writer', writer)).says).toContain(
      '(galera-0, then galera-2)',
    );
  });
});

describe('a series that comes to a bound', () => {
  const atMost: SeenBy = { series: 'web-ready', is: 'at-most', bound: 1, msMax: 10_000 };
  const ready = (valueAt: (at: Instant) => number) => (evidence: Evidence) =>
    withReadings(evidence, 'web-ready', valueAt);

  test('is told when it is there, and a fall that stays above is none', () => {
    const falls = (to: number) => ready((at) => (at >= inject + 2_000 && at < inject + 5_000 ? to : 3));
    expect(judged(atMost, falls(1))).toMatchObject({ measure: { ms: 2_500 }, outcomes: ['passed'] });
    expect(judged(atMost, falls(2))).toMatchObject({ measure: { ms: null }, outcomes: ['failed'] });
    const atLeast: SeenBy = { series: 'web-ready', is: 'at-least', bound: 4, msMax: 10_000 };
    expect(judged(atLeast, falls(4)).outcomes).toEqual(['passed']);
    expect(judged(atLeast, falls(1)).outcomes).toEqual(['failed']);
  });

  test('what was there before already shows nothing', () => {
    expect(
      judged(
        atMost,
        ready(() => 1),
      ),
    ).toMatchObject({
      outcomes: ['inconclusive'],
      says: expect.stringContaining('was 1 before already'),
    });
  });
});

describe('an alert', () => {
  const rule: SeenBy = { alert: 'NodeDown', msMax: 30_000 };
  const always = () => true;

  test('that fires is detection, known to its evaluations', () => {
    const { measure, outcomes } = judged(rule, (evidence) =>
      withAlerts(evidence, { AlertingWorks: always, NodeDown: (at) => at >= inject + 12_000 }),
    );
    expect(outcomes).toEqual(['passed']);
    expect(measure).toEqual({ by: 'NodeDown', ms: 15_000, resolutionMs: 5_000, fromMs: 0 });
  });

  test('that never fires failed, if rules were evaluated at all: else nobody can tell', () => {
    expect(judged(rule, (evidence) => withAlerts(evidence, { AlertingWorks: always }))).toMatchObject({
      measure: { ms: null },
      outcomes: ['failed'],
    });
    const dead = (at: Instant) => at < inject + 10_000;
    expect(judged(rule, (evidence) => withAlerts(evidence, { AlertingWorks: dead })).outcomes).toEqual([
      'inconclusive',
    ]);
    expect(judged(rule, (evidence) => withAlerts(evidence, {})).outcomes).toEqual(['inconclusive']);
    expect(judged(rule, (evidence) => evidence)).toMatchObject({
      outcomes: ['inconclusive'],
      says: expect.stringContaining('no replica of Prometheus'),
    });
  });

  test('that was firing before shows nothing', () => {
    const { outcomes, says } = judged(rule, (evidence) =>
      withAlerts(evidence, { AlertingWorks: always, NodeDown: always }),
    );
    expect(outcomes).toEqual(['inconclusive']);
    expect(says).toContain('was firing before already');
  });
});

test('a clock that starts with the effect counts from there, and can’t without one', () => {
  const late: SeenBy = { ...view, from: 'effect', msMax: 2_000 };
  // The effect was seen 6.38 s after inject.
  expect(judged(late, changesAfter(7_000))).toMatchObject({
    measure: { ms: 1_120, fromMs: 6_380 },
    outcomes: ['passed'],
    says: expect.stringContaining('after the effect'),
  });
  expect(judged(late, changesAfter(9_000)).outcomes).toEqual(['failed']);
  const unseen = (evidence: Evidence) =>
    journalWith(changesAfter(7_000)(evidence), (line) =>
      line.kind === 'step' && line.step === 'effect' ? undefined : line,
    );
  expect(judged(late, unseen).outcomes).toEqual(['inconclusive']);
});

test('a rule that is said for another fault is not asked of this one', () => {
  expect(judged({ ...view, of: 'redis/ordered-failover-cache' }, changesAfter(6_000))).toMatchObject({
    measure: undefined,
    outcomes: [],
  });
  expect(judged({ ...view, of: 'galera/writer-crash' }, changesAfter(6_000)).outcomes).toEqual(['passed']);
});

test('a role that moved is judged in the same way, under its own name', () => {
  const evidence = changesAfter(6_000)(whole);
  const spans = phaseSpans(tablesOf(evidence));
  const claim = { ...whole.claim, recovery: { recoveryMsMax: 1, windowMs: 1, badRatioMax: 0, failedOverBy: [view] } };
  const [injection] = injectionsOf(evidence, spans);
  if (!injection) throw new Error('no inject');
  expect(judgeStage(detection(claim), injection, evidence, spans).findings).toEqual([]);
  const { findings } = judgeStage(failover(claim), injection, evidence, spans);
  expect(findings).toMatchObject([{ check: 'recovery.failed-over', outcome: 'passed', measured: 6_500 }]);
});
