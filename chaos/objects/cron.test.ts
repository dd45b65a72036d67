import { expect, test } from 'vitest';
import { nextTime } from './cron.ts';

const at = (text: string) => Date.parse(`${text}Z`);

test.each([
  ['*/5 * * * *', 'UTC', '2026-11-28T11:32:10', '2026-11-28T11:35:00'],
  ['*/5 * * * *', 'UTC', '2026-11-28T11:35:00', '2026-11-28T11:40:00'],
  ['7 3 * * *', 'UTC', '2026-11-28T11:32:10', '2026-11-29T03:07:00'],
  ['@hourly', 'UTC', '2026-11-28T11:32:10', '2026-11-28T12:00:00'],
  ['0 8-18/2 * * 1-5', 'UTC', '2026-11-28T11:00:00', '2026-11-30T08:00:00'],
  ['0 0 1 * 0', 'UTC', '2026-11-28T11:00:00', '2026-11-29T00:00:00'],
  ['30 2 * * 7', 'UTC', '2026-11-28T11:00:00', '2026-11-29T02:30:00'],
  ['0,30 * * * *', 'UTC', '2026-11-28T11:00:00', '2026-11-28T11:30:00'],
  ['0 6 * * *', 'Asia/Kolkata', '2026-11-28T00:00:00', '2026-11-28T00:30:00'],
])('%s in %s after %s comes round at %s', (schedule, zone, from, next) => {
  expect(nextTime(schedule, zone, at(from))).toBe(at(next));
});

test.each(['0 0 * * MON', '61 * * * *', '* * * *', '*/0 * * * *', '', '0 0 30 2 *'])(
  '%s is not guessed',
  (schedule) => {
    expect(nextTime(schedule, 'UTC', at('2026-11-28T11:00:00'))).toBeUndefined();
  },
);
