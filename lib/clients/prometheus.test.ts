import { expect, test } from 'vitest';
import { fakeCluster, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeTarget } from '../../tests/fakes/reach.ts';
import { prometheusReplicas } from './prometheus.ts';

const pods = ['prometheus-1', 'prometheus-0'].map((name) =>
  fakePod({ namespace: 'monitoring', name, labels: { app: 'prometheus' } }),
);

function open(raw: (path: string) => { status: number; body: string }) {
  const asked: string[] = [];
  const api = {
    raw: async (path: string) => {
      asked.push(path);
      return raw(path);
    },
  };
  return { asked, prometheus: prometheusReplicas(api, fakeCluster({ pods }), fakeTarget.prometheus) };
}

const matrix = { status: 'success', data: { resultType: 'matrix', result: [] } };

test('every replica is asked through the API server’s proxy, and answers for itself', async () => {
  const { asked, prometheus } = open((path) =>
    path.includes('prometheus-0')
      ? { status: 200, body: JSON.stringify(matrix) }
      : { status: 503, body: 'no endpoints' },
  );
  expect(await prometheus.range('up{job="a"}', 1_000, 61_500, 5_000)).toEqual([
    { replica: 'prometheus-0', response: matrix },
    { replica: 'prometheus-1', error: 'HTTP 503, not JSON: no endpoints' },
  ]);
  expect(asked[0]).toBe(
    '/api/v1/namespaces/monitoring/pods/prometheus-0:9090/proxy/api/v1/query_range?query=up%7Bjob%3D%22a%22%7D&start=1&end=61.5&step=5',
  );
});

test('what can’t be asked or read is that replica’s answer, never an empty result', async () => {
  const refused = open(() => {
    throw new Error('connection refused');
  });
  expect(await refused.prometheus.instant('up')).toEqual([
    { replica: 'prometheus-0', error: 'connection refused' },
    { replica: 'prometheus-1', error: 'connection refused' },
  ]);
  const bad = open(() => ({ status: 400, body: '{"status":"error","error":"parse error"}' }));
  expect((await bad.prometheus.instant('up{')).map(({ error }) => error)).toEqual([
    'HTTP 400: {"status":"error","error":"parse error"}',
    'HTTP 400: {"status":"error","error":"parse error"}',
  ]);
});
