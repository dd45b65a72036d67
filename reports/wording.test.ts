import { expect, test } from 'vitest';
import { count, duration, measuredWords, moment, offset, percent, recoveryWords } from './wording.ts';

const spaced = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');

test('durations are told in the unit in which people think of them', () => {
  expect(
    [0, 4.26, 20, 430, 999.7, 8_001, 8_000, 30_000, 34_210, 59_990, 725_000, 7_380_000].map(duration).map(spaced),
  ).toEqual([
    '0 ms',
    '4.3 ms',
    '20 ms',
    '430 ms',
    '1.00 s',
    '8.00 s',
    '8 s',
    '30 s',
    '34.2 s',
    '1 min 0 s',
    '12 min 5 s',
    '2 h 3 min',
  ]);
  expect(spaced(offset(-1_800))).toBe('−1.80 s');
  expect(spaced(offset(240))).toBe('+240 ms');
});

test('a share that is not whole is never told as 100 %', () => {
  expect([1, 0.9999, 0.991, 0].map(percent).map(spaced)).toEqual(['100 %', '99.9 %', '99.1 %', '0 %']);
});

test('numbers are grouped, and units agree with them', () => {
  expect(spaced(count(1234567))).toBe('1 234 567');
  expect(
    [measuredWords(1, 'writes'), measuredWords(2, 'writes'), measuredWords(1, 'ms'), measuredWords(0.5, 'share')].map(
      spaced,
    ),
  ).toEqual(['1 write', '2 writes', '1 ms', '50.0 %']);
});

test('a moment is told in UTC, on every machine', () => {
  expect(moment('2026-11-23T01:30:05.000Z')).toBe('23 Nov 2026, 01:30:05 UTC');
});

test('a recovery that never came is told as more than what was looked for', () => {
  const words = (recovery: Parameters<typeof recoveryWords>[0]['recovery']) =>
    spaced(recoveryWords({ recovery }).value);
  expect(words({ ms: null, resolutionMs: 50, censoredMs: 600_000 })).toBe('> 10 min 0 s');
  expect(words({ ms: null, resolutionMs: 50 })).toBe('–');
  expect(words({ ms: 0, resolutionMs: 50 })).toBe('none');
  expect(words({ ms: 8_230, resolutionMs: 50 })).toBe('8.23 s');
});
