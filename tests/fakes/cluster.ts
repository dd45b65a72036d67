// A Kubernetes cluster in memory: objects, pods, one process table for each Kubernetes node. Everything done to it is told in `log`.
import { findScript, killScript, lookScript } from '../../chaos/process/signal.ts';
import type { Json } from '../../lib/model/fault.ts';
import type { Cluster, ContainerState, ExecResult, ObjectRef, Pod } from '../../lib/model/reach.ts';

export interface FakeProcess {
  pid: number;
  startTicks: string;
  state: string;
  command: string;
  containerId: string;
}

export interface FakeCluster extends Cluster {
  /** Live: tests change it to make things happen. */
  readonly podList: Pod[];
  readonly objects: Map<string, Json>;
  /** Processes by Kubernetes node. */
  readonly processes: Map<string, FakeProcess[]>;
  readonly log: string[];
  /** While set, every call fails with it. */
  down: Error | undefined;
}

export interface FakeClusterOptions {
  readonly pods?: readonly Pod[];
  readonly objects?: readonly Json[];
  readonly processes?: Readonly<Record<string, FakeProcess[]>>;
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Told after a process was killed: what the cluster makes of it. */
  readonly killed?: (process: FakeProcess, cluster: FakeCluster) => void;
}

interface Meta {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export function fakeCluster(options: FakeClusterOptions = {}): FakeCluster {
  const refKey = ({ kind, namespace, name }: ObjectRef) => `${kind} ${namespace}/${name}`;
  const objectKey = (object: Json) => {
    const { kind, metadata } = object as unknown as { kind: string; metadata: Meta };
    return `${kind} ${metadata.namespace}/${metadata.name}`;
  };
  const cluster: FakeCluster = {
    podList: [...(options.pods ?? [])],
    objects: new Map((options.objects ?? []).map((object) => [objectKey(object), object])),
    processes: new Map(Object.entries(options.processes ?? {})),
    log: [],
    down: undefined,
    version: async () => up('v1.34.4-fake'),
    pods: async (namespace, selector) =>
      up(cluster.podList.filter((pod) => pod.namespace === namespace && matches(pod.labels, selector))),
    pod: async (namespace, name) => up(cluster.podList.find((pod) => pod.namespace === namespace && pod.name === name)),
    async exec(pod, command) {
      const known = cluster.podList.find((one) => one.namespace === pod.namespace && one.name === pod.name);
      if (!known) throw new Error(`pods "${pod.name}" not found`);
      return up(runScript(known.kubernetesNode, command));
    },
    get: async (ref) => up(cluster.objects.get(refKey(ref))),
    list: async ({ kind, namespace, labelSelector }) =>
      up(
        [...cluster.objects.values()].filter((object) => {
          const one = object as unknown as { kind: string; metadata: Meta };
          return (
            one.kind === kind && one.metadata.namespace === namespace && matches(one.metadata.labels, labelSelector)
          );
        }),
      ),
    async create(object) {
      const key = objectKey(up(object));
      if (cluster.objects.has(key)) throw Object.assign(new Error(`${key} already exists`), { code: 409 });
      cluster.log.push(`create ${key}`);
      cluster.objects.set(key, object);
      const { kind, metadata, spec } = object as unknown as {
        kind: string;
        metadata: Meta;
        spec: { nodeName?: string };
      };
      if (kind === 'Pod') {
        cluster.podList.push(
          fakePod({ ...metadata, labels: { ...metadata.labels }, kubernetesNode: spec.nodeName ?? '' }),
        );
      }
      return object;
    },
    async replace(object) {
      cluster.objects.set(objectKey(up(object)), object);
      return object;
    },
    async patch(ref, patch) {
      const key = refKey(up(ref));
      const object = cluster.objects.get(key);
      if (object === undefined) throw Object.assign(new Error(`${key} not found`), { code: 404 });
      cluster.log.push(`patch ${key} ${JSON.stringify(patch)}`);
      const version = (of: Json) => (of as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
      if (version(patch) !== undefined && version(patch) !== version(object)) {
        throw Object.assign(new Error(`${key} was changed meanwhile`), { code: 409 });
      }
      const patched = nextVersion(object, mergePatch(object, patch));
      cluster.objects.set(key, patched);
      return patched;
    },
    async evict(namespace, pod) {
      cluster.log.push(`evict ${up(namespace)}/${pod}`);
      const index = cluster.podList.findIndex((one) => one.namespace === namespace && one.name === pod);
      if (index >= 0) cluster.podList.splice(index, 1);
      return true;
    },
    async remove(ref, removal) {
      const key = refKey(up(ref));
      const index = cluster.podList.findIndex(
        (pod) => ref.kind === 'Pod' && pod.namespace === ref.namespace && pod.name === ref.name,
      );
      const there = cluster.objects.get(key) as unknown as { metadata: { uid?: string } } | undefined;
      const uid = cluster.podList[index]?.uid ?? there?.metadata.uid;
      if (removal?.uid !== undefined && uid !== undefined && uid !== removal.uid) {
        throw Object.assign(new Error(`${key} is another one`), { code: 409 });
      }
      if (index >= 0) cluster.podList.splice(index, 1);
      if (cluster.objects.delete(key) || index >= 0) cluster.log.push(`remove ${key}`);
    },
    secret: async (namespace, name) => up(options.secrets?.[`${namespace}/${name}`] ?? {}),
  };
  return cluster;

  function up<T>(value: T): T {
    if (cluster.down) throw cluster.down;
    return value;
  }

  /** What the helper's scripts would say on that Kubernetes node. */
  function runScript(kubernetesNode: string, command: readonly string[]): ExecResult {
    const [, , script, , , , containerId = '', pid = '', start = ''] = command;
    const table = cluster.processes.get(kubernetesNode) ?? [];
    const says = (stdout: string): ExecResult => ({ exitCode: 0, stdout, stderr: '' });
    const same = table.find(
      (one) =>
        one.containerId === containerId && one.pid === Number(pid) && one.startTicks === start && one.state !== 'Z',
    );
    if (script === findScript) {
      return says(
        table
          .filter((one) => one.containerId === containerId)
          .map((one) => `process ${one.pid} ${one.startTicks} ${one.state} ${one.command}\n`)
          .join(''),
      );
    }
    if (script === lookScript) return says(same ? `there ${same.state}\n` : 'gone\n');
    if (script === killScript) {
      if (!same) return says('another\n');
      table.splice(table.indexOf(same), 1);
      cluster.log.push(`kill ${same.command} ${same.pid} on ${kubernetesNode}`);
      options.killed?.(same, cluster);
      return says('sent 1000\ngone 1012\n');
    }
    throw new Error(`the fake cluster knows no such command: ${command.join(' ').slice(0, 80)}`);
  }
}

/** A Kubernetes node's object, for `objects`. */
export const fakeNode = (name: string, ready: boolean, addresses: readonly Json[] = []): Json => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, namespace: '' },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }], addresses },
});

export function fakePod(pod: Partial<Pod> & Pick<Pod, 'namespace' | 'name'>): Pod {
  return {
    uid: `uid-${pod.name}`,
    kubernetesNode: 'kubernetes-node-1',
    ip: '198.18.1.1',
    phase: 'Running',
    ready: true,
    deleting: false,
    labels: {},
    containers: [],
    ...pod,
  };
}

export function fakeContainer(
  container: Partial<ContainerState> & Pick<ContainerState, 'name' | 'id'>,
): ContainerState {
  return { ready: true, restarts: 0, startedAt: 0, ...container };
}

/** Counts on what the API counts: each write is a version, each change of the spec a generation. Objects of tests that have none stay so. */
function nextVersion(before: Json, after: Json): Json {
  type Counted = { metadata: { resourceVersion?: string; generation?: number }; spec?: Json };
  const [was, is] = [before as unknown as Counted, after as unknown as Counted];
  const { resourceVersion, generation } = was.metadata;
  const changed = JSON.stringify(was.spec) !== JSON.stringify(is.spec);
  return {
    ...is,
    metadata: {
      ...is.metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion: String(Number(resourceVersion) + 1) }),
      ...(generation === undefined ? {} : { generation: generation + (changed ? 1 : 0) }),
    },
  } as unknown as Json;
}

/** RFC 7396. */
export function mergePatch(object: Json, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const base = object !== null && typeof object === 'object' && !Array.isArray(object) ? object : {};
  const merged: Record<string, Json> = { ...(base as Readonly<Record<string, Json>>) };
  for (const [key, value] of Object.entries(patch as Readonly<Record<string, Json>>)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key] ?? {}, value);
  }
  return merged;
}

/** Only the equality form, which is all that the suite itself writes. */
function matches(labels: Readonly<Record<string, string>> = {}, selector = ''): boolean {
  return selector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [key = '', value] = part.split('=');
      return labels[key] === value;
    });
}
