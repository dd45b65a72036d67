import { expect, test } from 'vitest';
import { evidenceOf } from '../../tests/fixtures/evidence.ts';
import { tablesOf } from '../tables/run-tables.ts';
import { isOf, phaseSpans, spanOf } from './phases.ts';

const spans = phaseSpans(tablesOf(evidenceOf()));
const [steady, fault, after] = (['steady', 'fault', 'after'] as const).map((phase) => {
  const span = spanOf(spans, phase);
  if (!span) throw new Error(`the fixture has no ${phase}`);
  return span;
}) as [(typeof spans)[number], (typeof spans)[number], (typeof spans)[number]];

test('what was under way at inject felt the fault, and is no part of the baseline', () => {
  const counts = (beforeMs: number, durationMs: number) =>
    [steady, fault].map((span) => isOf(fault.from - beforeMs, durationMs, span));
  expect(counts(100, 50)).toEqual([true, false]);
  expect(counts(100, 5_000)).toEqual([false, true]);
  expect(counts(-100, 50)).toEqual([false, true]);
});

test('at every other border an operation is of the phase in which it was sent', () => {
  const [sentAt, durationMs] = [after.from - 10, 5_000];
  expect(isOf(sentAt, durationMs, after)).toBe(false);
  expect(spans.filter((span) => isOf(sentAt, durationMs, span))).toHaveLength(1);
});
