import { expect, test } from 'vitest';
import { operationsWith, outcomesOf } from '../../tests/fixtures/evidence.ts';
import { type CountAt, countsOf, recovering, times, withIngress } from '../../tests/fixtures/recovery.ts';
import type { Evidence, Instant } from '../model/evidence.ts';
import { ingressRanges } from '../model/ingress-requests.ts';
import { judge } from './judge.ts';

const required = recovering({ second: { required: true } });
const shown = recovering({ second: { required: false } });

function judged(evidence: Evidence) {
  const verdict = judge(evidence.claim, evidence);
  const finding = verdict.findings.find(({ check }) => check === 'recovery.second');
  return {
    opinion: verdict.recovery.faults?.[0]?.second,
    outcomes: outcomesOf(verdict, 'recovery.second'),
    says: finding?.says ?? '',
    verdict: verdict.outcome,
  };
}

const all = countsOf(required);
const at = (ms: number): Instant => times.fault + ms;

test('an ingress that saw the same agrees within what two scrapes can tell', () => {
  const { opinion, outcomes, says, verdict } = judged(withIngress(required, { 'envoy-0': all }));
  expect(outcomes).toEqual(['passed']);
  expect(verdict).toBe('passed');
  expect(opinion).toMatchObject({ is: 'agrees', scrapeMs: 5_000 });
  if (opinion?.is !== 'agrees') throw new Error(says);
  expect(opinion.ms).toBeGreaterThanOrEqual(8_000);
  expect(opinion.ms).toBeLessThanOrEqual(15_000);
  expect(Math.abs(opinion.laterMs ?? 1e9)).toBeLessThanOrEqual(opinion.resolutionMs);
  expect(says).toMatch(/the ingress agrees: good again .* of its scrape intervals/);
});

test('a disagreement beyond that concludes nothing where the claim asks for it, and is shown where it does not', () => {
  // The ingress goes on failing for half a minute after users were well.
  const longer = (step: Instant) => {
    const counted = all(step) ?? { completed: 0, failed: 0 };
    const more = Math.max(0, Math.min(step, at(33_000)) - at(8_000)) / 1_000;
    return { completed: counted.completed + Math.round(6 * more), failed: counted.failed + Math.round(6 * more) };
  };
  const { opinion, outcomes, says, verdict } = judged(withIngress(required, { 'envoy-0': longer }));
  expect(opinion).toMatchObject({ is: 'disagrees' });
  expect(outcomes).toEqual(['inconclusive']);
  expect(verdict).toBe('inconclusive');
  expect(says).toMatch(/the ingress disagrees: .* later than by users, [45](\.\d)? of its scrape intervals/);
  expect(judged(withIngress(shown, { 'envoy-0': longer }))).toMatchObject({
    opinion: { is: 'disagrees' },
    outcomes: ['passed'],
    says: expect.stringContaining('The claim does not ask for it.'),
  });
});

test('an ingress that never gets well while users do disagrees, and one that is well while they never do', () => {
  const never = (step: Instant) => {
    const counted = all(step) ?? { completed: 0, failed: 0 };
    return step <= times.fault ? counted : { completed: counted.completed, failed: counted.completed };
  };
  expect(judged(withIngress(required, { 'envoy-0': never })).opinion).toMatchObject({
    is: 'disagrees',
    ms: null,
    laterMs: null,
  });
  const ill = recovering({ second: { required: true } }, { outageMs: 600_000 });
  const well = withIngress(ill, { 'envoy-0': all });
  expect(judged(well)).toMatchObject({ opinion: { is: 'disagrees' }, outcomes: ['inconclusive'] });
  // Both are still ill: that is agreement, and no recovery.
  const both = countsOf(ill);
  expect(judged(withIngress(ill, { 'envoy-0': both })).opinion).toMatchObject({ is: 'agrees', ms: null });
});

test('silence is bad too: where fewer than half were answered, nobody was served', () => {
  // Nothing is answered for 20 s, then all at once, well: no failure was ever counted.
  const stalled = operationsWith(recovering({ second: { required: true } }, { outageMs: 0 }), (operation) =>
    operation.sentAt >= at(0) && operation.sentAt < at(20_000)
      ? { ...operation, durationMs: at(20_000) - operation.sentAt + 10, good: false, status: 200 }
      : operation,
  );
  const { opinion, outcomes } = judged(withIngress(stalled, { 'envoy-0': countsOf(stalled, () => false) }));
  expect(opinion).toMatchObject({ is: 'agrees' });
  expect(outcomes).toEqual(['passed']);
});

test('users ask before the ingress has answered: what was asked before they were well may end badly later', () => {
  const slow = operationsWith(required, (operation) =>
    operation.sentAt >= at(6_000) && operation.sentAt < at(8_000)
      ? { ...operation, durationMs: 20_000, good: false, status: 504 }
      : operation,
  );
  expect(judged(withIngress(slow, { 'envoy-0': countsOf(slow) })).opinion).toMatchObject({ is: 'agrees' });
});

test('a pod that is lost and one that begins anew take no request back', () => {
  const half = (step: Instant) => {
    const { completed, failed } = all(step) ?? { completed: 0, failed: 0 };
    return { completed: Math.floor(completed / 2), failed: Math.floor(failed / 2) };
  };
  const before = half(at(10_000)) ?? { completed: 0, failed: 0 };
  const again: CountAt = (step) => {
    if (step > at(10_000) && step < at(20_000)) return undefined;
    const { completed, failed } = half(step);
    // Counts from zero since it came back.
    return step < at(20_000)
      ? { completed, failed }
      : { completed: completed - before.completed, failed: failed - before.failed };
  };
  const { opinion } = judged(withIngress(required, { 'envoy-0': half, 'envoy-1': again }));
  expect(opinion).toMatchObject({ is: 'agrees' });
});

test.each<readonly [string, (evidence: Evidence) => Evidence, RegExp]>([
  ['nobody asked', (evidence) => evidence, /never asked/],
  [
    'Prometheus did not answer',
    (evidence) => {
      const asked = withIngress(evidence, { 'envoy-0': all }, ['prometheus-0']);
      return { ...asked, ranges: asked.ranges.map(({ response: _, ...range }) => ({ ...range, error: 'refused' })) };
    },
    /prometheus-0: refused/,
  ],
  ['it has no counter', (evidence) => withIngress(evidence, {}), /no counter of requests/],
  [
    'none of its counters is of failed requests',
    (evidence) => {
      const asked = withIngress(evidence, { 'envoy-0': all });
      const empty = { status: 'success', data: { resultType: 'matrix', result: [] } };
      return {
        ...asked,
        ranges: asked.ranges.map((range) =>
          range.objective === ingressRanges.failed ? { ...range, response: empty } : range,
        ),
      };
    },
    /no counter of failed requests, not even one at zero/,
  ],
  [
    'it counted nothing before the fault',
    (evidence) => withIngress(evidence, { 'envoy-0': () => ({ completed: 7, failed: 0 }) }),
    /counted nothing in the steady phase/,
  ],
  [
    'it was bad before the fault',
    (evidence) =>
      withIngress(evidence, {
        'envoy-0': (step) => {
          const { completed } = all(step) ?? { completed: 0 };
          return { completed, failed: Math.floor(completed / 2) };
        },
      }),
    /bad in the steady phase already/,
  ],
  [
    'it was not scraped after inject',
    (evidence) => withIngress(evidence, { 'envoy-0': (step) => (step < at(5_000) ? all(step) : undefined) }),
    /seen at \d of \d+ scrapes/,
  ],
  [
    'what users felt is not known',
    (evidence) => ({ ...withIngress(evidence, { 'envoy-0': all }), operations: evidence.operations.slice(0, 1) }),
    /what users felt is not known for long enough/,
  ],
])('when %s there is no second opinion, said aloud, and never agreement', (_what, add, why) => {
  const claimed = judged(add(required));
  expect(claimed.outcomes).toEqual(['inconclusive']);
  expect(claimed.opinion).toMatchObject({ is: 'none', why: expect.stringMatching(why) });
  expect(claimed.says).toContain('no second opinion');
  expect(judged(add(shown))).toMatchObject({ opinion: { is: 'none' }, outcomes: ['passed'] });
});

test('users who were watched too shortly neither agree nor disagree with an ingress that was well again', () => {
  const short = operationsWith(recovering({ second: { required: true } }, { outageMs: 600_000 }), (operation) =>
    operation.sentAt > at(12_000) ? undefined : operation,
  );
  expect(judged(withIngress(short, { 'envoy-0': all }))).toMatchObject({
    opinion: { is: 'none', why: expect.stringContaining('nobody watched users') },
    outcomes: ['inconclusive'],
  });
});

test('the replica that saw most speaks, whichever it is', () => {
  const gaps: CountAt = (step) => (step > at(0) && step < at(40_000) ? undefined : all(step));
  const blind = withIngress(required, { 'envoy-0': gaps }, ['prometheus-0']);
  expect(judged(blind).opinion).toMatchObject({ is: 'none' });
  expect(judged(withIngress(blind, { 'envoy-0': all }, ['prometheus-1'])).opinion).toMatchObject({ is: 'agrees' });
});

test('a claim that does not ask for one has none', () => {
  expect(judged(withIngress(recovering(), { 'envoy-0': all }))).toMatchObject({ opinion: undefined, outcomes: [] });
});
