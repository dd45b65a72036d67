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
    async remove(ref) {
      const key = refKey(up(ref));
      const index = cluster.podList.findIndex(
        (pod) => ref.kind === 'Pod' && pod.namespace === ref.namespace && pod.name === ref.name,
      );
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
