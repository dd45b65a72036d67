// The Cluster port over the Kubernetes API: pods, exec, and any object by apiVersion and kind.
import { Writable } from 'node:stream';
import { Exec, type V1Status } from '@kubernetes/client-node';
import { messageOf, Problem } from '../errors.ts';
import type { Json } from '../model/fault.ts';
import type { Cluster, ContainerState, ExecResult, ObjectRef, Pod } from '../model/reach.ts';
import { waitUntil } from '../wait.ts';
import type { ApiServer } from './api-server.ts';

/** Longer than the longest grace period that is usual for what the suite removes. */
const goneWithinMs = 45_000;

export function kubernetesCluster(api: ApiServer, signal: AbortSignal): Cluster {
  const resources = new Map<string, Promise<readonly ApiResource[]>>();

  /** /api/v1/namespaces/x/pods: the API's own discovery knows the plural. */
  async function pathOf(apiVersion: string, kind: string, namespace: string): Promise<string> {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    let known = resources.get(apiVersion);
    if (!known) {
      known = api.ask('GET', base).then((list) => (list as { resources?: ApiResource[] }).resources ?? []);
      known.catch(() => resources.delete(apiVersion));
      resources.set(apiVersion, known);
    }
    const resource = (await known).find((one) => one.kind === kind && !one.name.includes('/'));
    if (!resource) {
      throw new Problem({
        kind: 'target-unusable',
        where: base,
        what: `no kind ${kind} of ${apiVersion}`,
        seen: 'the API does not offer it',
        next: 'install what defines it, or correct the name',
      });
    }
    return resource.namespaced
      ? `${base}/namespaces/${segment(namespace)}/${resource.name}`
      : `${base}/${resource.name}`;
  }

  const refPath = async (ref: ObjectRef) =>
    `${await pathOf(ref.apiVersion, ref.kind, ref.namespace)}/${segment(ref.name)}${ref.subresource ? `/${ref.subresource}` : ''}`;
  const get = async (ref: ObjectRef) => {
    const path = await refPath(ref);
    return (await unless404(api.ask('GET', path))) as Json | undefined;
  };
  const podsPath = (namespace: string) => `/api/v1/namespaces/${segment(namespace)}/pods`;

  return {
    async version() {
      return String(((await api.ask('GET', '/version')) as { gitVersion?: string }).gitVersion ?? 'unknown');
    },
    async pods(namespace, labelSelector) {
      const list = await api.ask('GET', `${podsPath(namespace)}?labelSelector=${encodeURIComponent(labelSelector)}`);
      return (list as { items: RawPod[] }).items.map(podOf);
    },
    async pod(namespace, name) {
      const raw = await unless404(api.ask('GET', `${podsPath(namespace)}/${segment(name)}`));
      return raw === undefined ? undefined : podOf(raw as RawPod);
    },
    exec: (pod, command, withinMs) => execInPod(api, pod, command, withinMs, signal),
    get,
    async list({ apiVersion, kind, namespace, labelSelector }) {
      const query = labelSelector === undefined ? '' : `?labelSelector=${encodeURIComponent(labelSelector)}`;
      const list = (await api.ask('GET', `${await pathOf(apiVersion, kind, namespace)}${query}`)) as {
        items: object[];
      };
      // The API leaves both out of a list's items.
      return list.items.map((item) => ({ apiVersion, kind, ...item }) as Json);
    },
    async create(object) {
      const { apiVersion, kind, metadata } = object as unknown as RawObject;
      return (await api.ask('POST', await pathOf(apiVersion, kind, metadata.namespace ?? ''), object)) as Json;
    },
    async replace(object) {
      const { apiVersion, kind, metadata } = object as unknown as RawObject;
      const path = await refPath({ apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name });
      return (await api.ask('PUT', path, object)) as Json;
    },
    async patch(ref, patch) {
      return (await api.ask('PATCH', await refPath(ref), patch)) as Json;
    },
    async evict(namespace, pod) {
      try {
        await api.ask('POST', `${podsPath(namespace)}/${segment(pod)}/eviction`, {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: pod, namespace },
        });
        return true;
      } catch (error) {
        if (error instanceof Problem && error.code === 429) return false;
        throw error;
      }
    },
    async remove(ref, options) {
      const { graceSeconds, uid: only } = options ?? {};
      const body = {
        ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
        ...(only === undefined ? {} : { preconditions: { uid: only } }),
      };
      const answer = (await unless404(
        api.ask('DELETE', await refPath(ref), Object.keys(body).length > 0 ? body : undefined),
      )) as RawAnswer | undefined;
      // Gone at once: nothing, or a Status. Else the object itself, on its way out.
      if (answer === undefined || answer.kind === 'Status' || options?.wait === false) return;
      const { uid } = answer.metadata ?? {};
      await waitUntil({
        what: `${ref.kind} ${ref.namespace}/${ref.name} is gone`,
        withinMs: goneWithinMs,
        read: async () => (await get(ref)) as RawAnswer | undefined,
        until: (object) => object === undefined || object.metadata?.uid !== uid,
        show: (object) => JSON.stringify(object?.metadata ?? null).slice(0, 300),
        signal,
      });
    },
    async secret(namespace, name) {
      const secret = (await api.ask('GET', `/api/v1/namespaces/${segment(namespace)}/secrets/${segment(name)}`)) as {
        data?: Record<string, string>;
      };
      return Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
      );
    },
  };
}

/** Runs a command in a container over a WebSocket; stops listening after `withinMs`, which does not end the command. */
async function execInPod(
  api: ApiServer,
  pod: { namespace: string; name: string; container?: string },
  command: readonly string[],
  withinMs: number,
  signal: AbortSignal,
): Promise<ExecResult> {
  const where = `exec in ${pod.namespace}/${pod.name}${pod.container ? ` (${pod.container})` : ''}`;
  const problem = (what: string, seen: string, cause?: unknown) =>
    new Problem({ kind: 'target-unusable', where, what, seen, next: 'kubectl exec the same by hand', cause });
  const out = collector();
  const err = collector();
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status>();
  ended.catch(() => undefined);
  const late = setTimeout(
    () => reject(problem('no end of the command', `nothing within ${withinMs} ms; its errors so far: ${err.text()}`)),
    withinMs,
  );
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const connecting = new Exec(api.config).exec(
    pod.namespace,
    pod.name,
    pod.container as string, // the API takes the only container when none is named
    [...command],
    out.stream,
    err.stream,
    null,
    false,
    resolve,
  );
  try {
    const socket = await Promise.race([connecting, ended.then(() => connecting)]);
    socket.onclose = (event: { reason?: unknown }) =>
      reject(problem('cut off before the command’s end was told', String(event.reason || 'connection closed')));
    socket.onerror = (event: unknown) => reject(problem('the connection broke', messageOf(event), event));
    return { exitCode: exitCodeOf(await ended, problem), stdout: out.text(), stderr: err.text() };
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    throw problem('not started', messageOf(error), error);
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
    connecting.then(
      (socket) => socket.terminate(),
      () => undefined, // told above
    );
  }
}

function exitCodeOf(status: V1Status, problem: (what: string, seen: string) => Problem): number {
  if (status.status === 'Success') return 0;
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (code === undefined) throw problem('not run', status.message ?? JSON.stringify(status));
  return Number(code);
}

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface RawObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface RawAnswer {
  readonly kind?: string;
  readonly metadata?: { readonly uid?: string };
}

interface RawTerminated {
  readonly containerID?: string;
  readonly exitCode: number;
  readonly finishedAt?: string | null;
  readonly reason?: string;
}

interface RawContainerStatus {
  readonly name: string;
  readonly containerID?: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: { readonly running?: { readonly startedAt?: string | null }; readonly terminated?: RawTerminated };
  readonly lastState?: { readonly terminated?: RawTerminated };
}

export interface RawPod {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly labels?: Record<string, string>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly RawContainerStatus[];
  };
}

export function podOf({ metadata, spec, status = {} }: RawPod): Pod {
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    kubernetesNode: spec.nodeName ?? '',
    ip: status.podIP ?? '',
    phase: status.phase ?? 'Unknown',
    ready: status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    labels: metadata.labels ?? {},
    containers: (status.containerStatuses ?? []).map(containerOf),
  };
}

function containerOf(raw: RawContainerStatus): ContainerState {
  // A container that is down right now keeps its end in `state`; it moves to `lastState` with the next start.
  const ended = raw.state?.terminated ?? raw.lastState?.terminated;
  const startedAt = raw.state?.running?.startedAt;
  return {
    name: raw.name,
    id: withoutScheme(raw.containerID),
    ready: raw.ready,
    restarts: raw.restartCount,
    ...(startedAt ? { startedAt: Date.parse(startedAt) } : {}),
    ...(ended
      ? {
          lastTerminated: {
            id: withoutScheme(ended.containerID),
            exitCode: ended.exitCode,
            finishedAt: ended.finishedAt ? Date.parse(ended.finishedAt) : 0,
            reason: ended.reason ?? '',
          },
        }
      : {}),
  };
}

const withoutScheme = (id: string | undefined) => (id ?? '').replace(/^[a-z0-9.+-]+:\/\//, '');
const segment = (text: string) => encodeURIComponent(text);

async function unless404(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Problem && error.code === 404) return undefined;
    throw error;
  }
}
