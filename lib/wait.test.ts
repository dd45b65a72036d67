import { expect, test } from 'vitest';
import { WaitFailed, waitUntil } from './wait.ts';

/** A clock that only sleep moves. */
function virtual() {
  let time = 0;
  return {
    now: () => time,
    sleep: async (ms: number) => {
      time += ms;
    },
  };
}

test('returns the first value that will do, without sleeping when it is there at once', async () => {
  const clock = virtual();
  expect(
    await waitUntil({ what: 'there', withinMs: 100, read: () => 3, until: (value) => value === 3, ...clock }),
  ).toBe(3);
  expect(clock.now()).toBe(0);
  let reads = 0;
  await waitUntil({ what: 'four', withinMs: 900, read: () => ++reads, until: (value) => value === 4, ...clock });
  expect(clock.now()).toBe(750);
});

test('says what it last saw when the time is over, and looks once more at the very end', async () => {
  const clock = virtual();
  let reads = 0;
  const read = () => ({ state: `Joining ${++reads}` });
  const wait = waitUntil({ what: 'galera-1 is Synced', withinMs: 600, read, until: () => false, ...clock });
  await expect(wait).rejects.toThrow('galera-1 is Synced: not within 600 ms, last seen: {"state":"Joining 4"}');
  expect(clock.now()).toBe(600);
});

test('a read that throws is a look that saw nothing; the last one is told with its cause', async () => {
  const clock = virtual();
  let reads = 0;
  const flaky = () => {
    if (++reads < 3) throw new Error('connection refused');
    return true;
  };
  expect(await waitUntil({ what: 'up', withinMs: 1_000, read: flaky, until: (up) => up, ...clock })).toBe(true);
  const down = () => {
    throw new Error('connection refused');
  };
  const failure = await waitUntil({ what: 'up', withinMs: 300, read: down, until: () => true, ...clock }).catch(
    (e) => e,
  );
  expect(failure).toBeInstanceOf(WaitFailed);
  expect(failure.message).toBe('up: not within 300 ms, the last look failed: connection refused');
  expect(failure.cause).toMatchObject({ message: 'connection refused' });
});

test('with no time at all it looks once', async () => {
  let reads = 0;
  const wait = waitUntil({ what: 'x', withinMs: 0, read: () => ++reads, until: () => false, show: String });
  await expect(wait).rejects.toThrow('last seen: 1');
  expect(reads).toBe(1);
});

test('ends with the signal’s reason, also in the middle of a sleep', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  setTimeout(() => controller.abort(new Error('Ctrl-C')), 20);
  const began = performance.now();
  const wait = waitUntil({ what: 'x', withinMs: 60_000, everyMs: 30_000, read: () => 1, until: () => false, signal });
  await expect(wait).rejects.toThrow('Ctrl-C');
  expect(performance.now() - began).toBeLessThan(5_000);
});
