import { expect, test } from 'vitest';
import { evidenceOf } from '../../tests/fixtures/evidence.ts';
import { isOf, phaseSpans, spanOf } from './phases.ts';

const spans = phaseSpans(evidenceOf());
const [steady, fault, after] = (['steady', 'fault', 'after'] as const).map((phase) => {
  const span = spanOf(spans, phase);
  if (!span) throw new Error(`the fixture has no ${phase}`);
  return span;
}) as [(typeof spans)[number], (typeof spans)[number], (typeof spans)[number]];

test('what was under way at inject felt the fault, and is no part of the baseline', () => {
  const counts = (beforeMs: number, durationMs: number) =>
    [steady, fault].map((span) => isOf({ sentAt: fault.from - beforeMs, durationMs }, span));
  expect(counts(100, 50)).toEqual([true, false]);
  expect(counts(100, 5_000)).toEqual([false, true]);
  expect(counts(-100, 50)).toEqual([false, true]);
});

test('at every other border an operation is of the phase in which it was sent', () => {
  const stalled = { sentAt: after.from - 10, durationMs: 5_000 };
  expect(isOf(stalled, after)).toBe(false);
  expect(spans.filter((span) => isOf(stalled, span))).toHaveLength(1);
});
