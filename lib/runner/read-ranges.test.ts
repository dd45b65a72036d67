import { expect, test } from 'vitest';
import { claimOf } from '../../tests/fixtures/evidence.ts';
import type { Reach } from '../model/reach.ts';
import { readRanges } from './read-ranges.ts';

const grid = { from: 1_000, to: 9_000, stepMs: 1_000 };
const reachOf = (range: Reach['prometheus']['range']) => ({ prometheus: { range } }) as unknown as Reach;

test('each replica is asked for each objective, for the processes that count for it, and for the alerts', async () => {
  const [size] = claimOf().objectives.filter((one) => one.source === 'prometheus');
  if (!size) throw new Error('the claim has no objective of Prometheus');
  const exporters = 'process_start_time_seconds{job="galera"}';
  const claim = claimOf({ objectives: [size, { ...size, name: 'rate', query: 'rate', exporters }] });
  const lines = await readRanges(
    claim,
    reachOf(async (query) => ['a', 'b'].map((replica) => ({ replica, response: { query } }))),
    grid,
  );
  expect(lines.map(({ objective, replica }) => `${objective} ${replica}`)).toEqual(
    ['galera-size', 'rate', 'rate/exporters', 'alerts'].flatMap((name) => [`${name} a`, `${name} b`]),
  );
  for (const line of lines) expect(line).toMatchObject({ ...grid, response: { query: line.query } });
  expect(lines.find(({ objective }) => objective === 'rate/exporters')?.query).toBe(exporters);
});

test('what can’t be asked is a line with its reason', async () => {
  const failing = reachOf(async () => Promise.reject(new Error('connection refused')));
  for (const line of await readRanges(claimOf(), failing, grid)) expect(line.error).toBe('connection refused');
  for (const line of await readRanges(
    claimOf(),
    reachOf(async () => []),
    grid,
  ))
    expect(line.error).toMatch(/no replica/);
});
