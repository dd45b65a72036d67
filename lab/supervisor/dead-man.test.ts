import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deadMan } from './dead-man.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched() {
  const given: string[] = [];
  return { given, switches: deadMan((what, ms) => given.push(`${what} after ${ms}`)) };
}

test('what nobody is heard of for is given back, once', () => {
  const { given, switches } = watched();
  switches.begin('power node-1', 15_000);
  vi.advanceTimersByTime(14_999);
  expect(given).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(given).toEqual(['power node-1 after 15000']);
  expect(switches.heard('power node-1')).toBe(false);
});

test('whoever is heard in time keeps it away, for as long as they go on', () => {
  const { given, switches } = watched();
  switches.begin('power node-1', 15_000);
  for (let second = 0; second < 100; second++) {
    vi.advanceTimersByTime(1_000);
    expect(switches.heard('power node-1')).toBe(true);
  }
  expect(given).toEqual([]);
  vi.advanceTimersByTime(15_000);
  expect(given).toHaveLength(1);
});

test('each thing has a time of its own, and another beginning replaces the one before', () => {
  const { given, switches } = watched();
  switches.begin('power node-1', 15_000);
  switches.begin('link node-1', 5_000);
  switches.begin('power node-1', 30_000);
  vi.advanceTimersByTime(29_999);
  expect(given).toEqual(['link node-1 after 5000']);
  vi.advanceTimersByTime(1);
  expect(given).toEqual(['link node-1 after 5000', 'power node-1 after 30000']);
});

test('what was given back by hand is not given back again', () => {
  const { given, switches } = watched();
  switches.begin('power node-1', 15_000);
  switches.begin('link node-2', 15_000);
  switches.begin('link node-3', 15_000);
  switches.end('power node-1');
  expect(switches.heard('power node-1')).toBe(false);
  switches.endAll();
  vi.advanceTimersByTime(60_000);
  expect(given).toEqual([]);
});
