import { expect, onTestFinished, test } from 'vitest';
import { busiestWindowMs, watchProcessorTime } from './processor-time.ts';

/** Reads these seconds, one every second. */
function watching(seconds: readonly (number | undefined)[]) {
  let read = 0;
  const watched = watchProcessorTime(
    0,
    3_600_000,
    () => read * 1_000,
    () => seconds[read],
  );
  onTestFinished(() => watched.stop());
  return {
    watched,
    next() {
      read += 1;
      return watched.seconds;
    },
  };
}

test('the busiest while is the one that counts, whatever came before and after', () => {
  expect(busiestWindowMs).toBe(5_000);
  const { watched, next } = watching([0, 0.1, 0.2, 2, 4, 5.5, 5.6, 5.7, 5.8, 5.9, 6, 6.1]);
  for (let at = 0; at < 11; at++) next();
  expect(watched.seconds).toBe(6.1);
  expect(watched.busiestSeconds).toBeCloseTo(5.5, 9);
});

test('what could not be read is not told as idle', () => {
  const { watched, next } = watching([0, 3, undefined, undefined]);
  for (let at = 0; at < 3; at++) next();
  expect(watched.seconds).toBe(3);
  expect(watched.busiestSeconds).toBe(3);
});

test('a stretch that begins later knows only of itself, and what it said last stays when it ends', () => {
  const { watched, next } = watching([0, 4, 8, 8.5, 9, 9.5, 10, 14, 18]);
  for (let at = 0; at < 2; at++) next();
  const stretch = watched.begin();
  for (let at = 0; at < 4; at++) next();
  expect(stretch.seconds).toBe(2);
  expect(stretch.busiestSeconds).toBe(2);
  stretch.end();
  for (let at = 0; at < 2; at++) next();
  expect(stretch.seconds).toBe(2);
  expect(watched.seconds).toBe(18);
  expect(watched.busiestSeconds).toBeCloseTo(9.5, 9);
});

test('our own process has used something', () => {
  const watched = watchProcessorTime(process.pid);
  onTestFinished(() => watched.stop());
  expect(watched.seconds).toBeGreaterThan(0);
  expect(watched.busiestSeconds).toBeGreaterThan(0);
});
