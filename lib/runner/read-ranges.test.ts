import { expect, test } from 'vitest';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { contract } from '../../tests/fixtures/alerts.ts';
import { claimOf } from '../../tests/fixtures/evidence.ts';
import { alertsCountRange, alertsRange } from '../model/evidence.ts';
import { readRanges } from './read-ranges.ts';

const window = { from: 1_000_000, to: 1_060_000 };
const none = { status: 'success', data: { resultType: 'matrix', result: [] } };
const prometheus = () => [{ replica: 'prometheus-0', response: none }];

test('alerts are asked for in every run, at the pace at which rules are evaluated; their count where they are claimed', async () => {
  const slow = { ...fakeTarget, prometheus: { ...fakeTarget.prometheus, evaluationIntervalMs: 30_000 } };
  const reach = fakeReach({ prometheus, target: slow });
  const of = async (claim = claimOf()) =>
    (await readRanges(claim, reach, window)).map(({ objective, stepMs }) => [objective, stepMs]);
  expect(await of()).toEqual([
    ['galera-size', 5_000],
    [alertsRange.objective, 30_000],
  ]);
  expect((await of(claimOf({ alerts: contract }))).at(-1)).toEqual([alertsCountRange.objective, 30_000]);
});

test('each line says how many replicas there should be, so that one that did not answer is missed', async () => {
  const [line] = await readRanges(claimOf(), fakeReach({ prometheus }), window);
  expect(line).toMatchObject({ replica: 'prometheus-0', ofReplicas: 2, response: none, ...window });
});

test('a Prometheus that is not found, or can’t be asked, is a line with its reason', async () => {
  const [nobody] = await readRanges(claimOf(), fakeReach({ prometheus: () => [] }), window);
  expect(nobody).toMatchObject({ replica: 'none', error: 'no replica of Prometheus was found' });
  const refused = () => {
    throw new Error('connection refused');
  };
  const [line] = await readRanges(claimOf(), fakeReach({ prometheus: refused }), window);
  expect(line).toMatchObject({ replica: 'none', error: 'connection refused' });
});

test('the processes that count for an objective are asked for beside it', async () => {
  const [size] = claimOf().objectives.filter((one) => one.source === 'prometheus');
  if (!size) throw new Error('the claim has no objective of Prometheus');
  const exporters = 'process_start_time_seconds{job="galera"}';
  const claim = claimOf({ objectives: [size, { ...size, name: 'rate', query: 'rate', exporters }] });
  const lines = await readRanges(claim, fakeReach({ prometheus }), window);
  expect(lines.map(({ objective }) => objective)).toEqual(['galera-size', 'rate', 'rate/exporters', 'alerts']);
  expect(lines.find(({ objective }) => objective === 'rate/exporters')?.query).toBe(exporters);
});
