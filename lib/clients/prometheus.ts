// Prometheus, every replica by itself, through the API server's pod proxy: no Service picks one of them for us, and nothing needs exposing.
import { messageOf } from '../errors.ts';
import type { Json } from '../model/fault.ts';
import type { Cluster, Prometheus, PrometheusAnswer } from '../model/reach.ts';
import type { Target } from '../model/target.ts';
import type { ApiServer } from './api-server.ts';

const answerMs = 20_000;

export function prometheusReplicas(
  api: Pick<ApiServer, 'raw'>,
  cluster: Pick<Cluster, 'pods'>,
  target: Target['prometheus'],
): Prometheus {
  async function askAll(path: string, query: Readonly<Record<string, string>>): Promise<readonly PrometheusAnswer[]> {
    const pods = (await cluster.pods(target.namespace, target.selector)).filter((pod) => !pod.deleting);
    pods.sort((a, b) => (a.name < b.name ? -1 : 1));
    return Promise.all(pods.map((pod) => ask(pod.name, path, query)));
  }

  /** Whatever goes wrong is that replica's answer. */
  async function ask(
    replica: string,
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<PrometheusAnswer> {
    const proxy = `/api/v1/namespaces/${target.namespace}/pods/${replica}:${target.port}/proxy`;
    try {
      const { status, body } = await api.raw(`${proxy}${path}?${new URLSearchParams(query)}`, answerMs);
      const response = parsed(body);
      if (response === undefined) return { replica, error: `HTTP ${status}, not JSON: ${body.slice(0, 200)}` };
      // Prometheus explains a bad query with 400 and JSON of its own; the API server a pod that is not there with a Status.
      if (status !== 200) return { replica, error: `HTTP ${status}: ${JSON.stringify(response).slice(0, 300)}` };
      return { replica, response };
    } catch (error) {
      return { replica, error: messageOf(error) };
    }
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

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}
