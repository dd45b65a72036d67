// Prometheus, every replica by itself.
import type { Cluster, Prometheus, PrometheusAnswer } from '../model/reach.ts';
import type { Target } from '../model/target.ts';
import type { ApiServer } from './api-server.ts';
import { askReplica, replicaNames } from './ask-replicas.ts';

const answerMs = 20_000;

export function prometheusReplicas(
  api: Pick<ApiServer, 'raw'>,
  cluster: Pick<Cluster, 'pods'>,
  target: Target['prometheus'],
): Prometheus {
  async function askAll(path: string, query: Readonly<Record<string, string>>): Promise<readonly PrometheusAnswer[]> {
    const names = await replicaNames(cluster, target);
    return Promise.all(
      names.map((name) => askReplica(api, target, name, `${path}?${new URLSearchParams(query)}`, answerMs)),
    );
  }

  return {
    instant: (query) => askAll('/api/v1/query', { query }),
    range: (query, from, to, stepMs) =>
      askAll('/api/v1/query_range', {
        query,
        start: String(from / 1000),
        end: String(to / 1000),
        step: String(stepMs / 1000),
      }),
  };
}
