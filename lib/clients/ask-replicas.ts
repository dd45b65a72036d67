// A web server in several pods, every replica by itself, through the API server's pod proxy: no Service picks one of them for us, and
// nothing needs exposing.
import { messageOf } from '../errors.ts';
import type { Json } from '../model/fault.ts';
import type { Cluster } from '../model/reach.ts';
import type { ApiServer } from './api-server.ts';

export interface Replicas {
  readonly namespace: string;
  readonly selector: string;
  readonly port: number;
}

export interface ReplicaAnswer {
  readonly replica: string;
  readonly response?: Json;
  readonly error?: string;
}

export async function replicaNames(cluster: Pick<Cluster, 'pods'>, of: Replicas): Promise<readonly string[]> {
  const pods = (await cluster.pods(of.namespace, of.selector)).filter((pod) => !pod.deleting);
  return pods.map((pod) => pod.name).sort();
}

/** Whatever goes wrong is that replica's answer. */
export async function askReplica(
  api: Pick<ApiServer, 'raw'>,
  of: Replicas,
  replica: string,
  path: string,
  withinMs: number,
): Promise<ReplicaAnswer> {
  try {
    const { status, body } = await api.raw(
      `/api/v1/namespaces/${of.namespace}/pods/${replica}:${of.port}/proxy${path}`,
      withinMs,
    );
    const response = parsed(body);
    if (response === undefined) return { replica, error: `HTTP ${status}, not JSON: ${body.slice(0, 200)}` };
    // The server explains a bad request with JSON of its own; the API server a pod that is not there with a Status.
    if (status !== 200) return { replica, error: `HTTP ${status}: ${JSON.stringify(response).slice(0, 300)}` };
    return { replica, response };
  } catch (error) {
    return { replica, error: messageOf(error) };
  }
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}
