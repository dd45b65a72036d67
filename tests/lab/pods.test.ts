// Every pod of the lab has the least that it needs. What has more stands here by name, with the reason.
import { beforeAll, expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';

interface Security {
  readonly privileged?: boolean;
  readonly runAsNonRoot?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type?: string };
}

interface Container {
  readonly name: string;
  readonly securityContext?: Security;
  readonly resources?: { readonly limits?: { readonly memory?: string } };
}

interface Pod {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec: {
    readonly automountServiceAccountToken?: boolean;
    readonly hostNetwork?: boolean;
    readonly hostPID?: boolean;
    readonly securityContext?: Security;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

interface Workload {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly replicas?: number; readonly template: { readonly metadata: Pod['metadata'] } };
}

interface Budget {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly selector: { readonly matchLabels?: Record<string, string> } };
}

/** kube-router writes the nodes' packet filters. MariaDB writes its socket and its position beside its own files. */
const mayBeLoose: Readonly<Record<string, readonly string[]>> = {
  'kube-system/kube-router': [
    'the network of its node',
    'kube-router: privileged',
    'kube-router: may be root',
    'kube-router: writable root file system',
    'kube-router: may gain privileges',
    'kube-router: keeps capabilities',
    'no seccomp profile',
  ],
  'erp/galera': ['mariadb: writable root file system'],
};
/** They speak with the API server; all others have no token. */
const mayHaveToken = [
  'cert-manager/cert-manager',
  'cert-manager/cert-manager-cainjector',
  'cert-manager/cert-manager-webhook',
  'cert-manager/pebble',
  'kube-system/coredns',
  'kube-system/kube-router',
  'kube-system/local-path-provisioner',
  'monitoring/kube-state-metrics',
  'projectcontour/contour',
];

let pods: readonly Pod[] = [];
let workloads: readonly Workload[] = [];
let budgets: readonly Budget[] = [];
beforeAll(async () => {
  const list = async <T>(kinds: string) =>
    (JSON.parse(await kubectl(['get', kinds, '--all-namespaces', '--output', 'json'])) as { items: readonly T[] })
      .items;
  pods = (await list<Pod>('pods')).filter(({ metadata }) => metadata.namespace !== 'shakedown');
  workloads = await list<Workload>('deployments,statefulsets');
  budgets = await list<Budget>('poddisruptionbudgets');
});

function ownerOf({ metadata: { namespace, name, ownerReferences: [owner] = [] } }: Pod): string {
  // A ReplicaSet is named after its Deployment, with a hash.
  return `${namespace}/${owner?.kind === 'ReplicaSet' ? owner.name.replace(/-[a-z0-9]+$/, '') : (owner?.name ?? name)}`;
}

function looseEnds({ spec }: Pod): readonly string[] {
  const whole = spec.securityContext ?? {};
  return [
    ...(spec.hostNetwork || spec.hostPID ? ['the network of its node'] : []),
    ...(whole.seccompProfile?.type ? [] : ['no seccomp profile']),
    ...[...spec.containers, ...(spec.initContainers ?? [])].flatMap(
      ({ name, securityContext: own = {}, resources }) => [
        ...(own.privileged ? [`${name}: privileged`] : []),
        ...((own.runAsNonRoot ?? whole.runAsNonRoot) ? [] : [`${name}: may be root`]),
        ...(own.readOnlyRootFilesystem ? [] : [`${name}: writable root file system`]),
        ...(own.allowPrivilegeEscalation === false ? [] : [`${name}: may gain privileges`]),
        ...(own.capabilities?.drop?.includes('ALL') ? [] : [`${name}: keeps capabilities`]),
        ...(resources?.limits?.memory ? [] : [`${name}: unbounded memory`]),
      ],
    ),
  ];
}

it('no pod may do more than it is known to need', () => {
  expect(pods.length).toBeGreaterThan(30);
  const loose = pods.flatMap((pod) => {
    const owner = ownerOf(pod);
    return looseEnds(pod).flatMap((end) => (mayBeLoose[owner]?.includes(end) ? [] : [`${owner}: ${end}`]));
  });
  expect([...new Set(loose)]).toEqual([]);
});

it('only pods that speak with the API server have a token for it', () => {
  const withToken = pods.filter(({ spec }) => spec.automountServiceAccountToken !== false).map(ownerOf);
  expect([...new Set(withToken)].filter((owner) => !mayHaveToken.includes(owner))).toEqual([]);
});

it('whatever runs more than once has a budget for disruptions', () => {
  const without = workloads
    .filter(({ spec }) => (spec.replicas ?? 1) > 1)
    .filter(
      ({ metadata: { namespace }, spec }) =>
        !budgets.some(({ metadata, spec: { selector } }) => {
          const wanted = Object.entries(selector.matchLabels ?? {});
          const labels = spec.template.metadata.labels ?? {};
          return (
            metadata.namespace === namespace &&
            wanted.length > 0 &&
            wanted.every(([key, value]) => labels[key] === value)
          );
        }),
    )
    .map(({ metadata: { namespace, name } }) => `${namespace}/${name}`);
  expect(without).toEqual([]);
});

it('all connections that could be opened at once, during a rollout too, fit into one Galera node', async () => {
  interface Tier {
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly replicas?: number;
      readonly strategy?: { readonly type?: string };
      readonly template: {
        readonly spec: {
          readonly containers: readonly {
            readonly env?: readonly { readonly name: string; readonly value?: string }[];
          }[];
        };
      };
    };
  }
  const { items } = JSON.parse(await kubectl(['get', 'deployments', '--namespace', 'erp', '--output', 'json'])) as {
    items: readonly Tier[];
  };
  const opened = items.flatMap(({ metadata, spec }) =>
    spec.template.spec.containers.flatMap(({ env = [] }) => {
      const pool = env.find(({ name }) => name === 'DB_POOL_SIZE')?.value;
      // One more pod while a tier is rolled out.
      const pods = (spec.replicas ?? 1) + (spec.strategy?.type === 'Recreate' ? 0 : 1);
      return pool ? [{ tier: metadata.name, connections: Number(pool) * pods }] : [];
    }),
  );
  expect(opened.map(({ tier }) => tier)).toEqual(
    expect.arrayContaining(['gunicorn', 'worker-s', 'scheduler', 'socketio'].map((tier) => `workshop-erpnext-${tier}`)),
  );
  const config = await kubectl([
    'get',
    'configmap',
    'galera',
    '--namespace',
    'erp',
    '--output',
    'jsonpath={.data.galera\\.cnf}',
  ]);
  const most = Number(/^max_connections = (\d+)$/m.exec(config)?.[1]);
  // The migration's four, eight each for who watches and who reads (max_user_connections), and two for a person in need.
  const sum = opened.reduce((total, { connections }) => total + connections, 4 + 8 + 8 + 2);
  expect(sum).toBeGreaterThan(50);
  expect(sum).toBeLessThanOrEqual(most);
});

it('what runs more than once is not all on one Kubernetes node', async () => {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '--all-namespaces', '--output', 'json'])) as {
    items: readonly (Pod & { spec: { nodeName?: string }; status: { phase?: string } })[];
  };
  const nodesOf = new Map<string, (string | undefined)[]>();
  for (const pod of items)
    if (pod.status.phase === 'Running' && pod.metadata.namespace !== 'shakedown')
      nodesOf.set(ownerOf(pod), [...(nodesOf.get(ownerOf(pod)) ?? []), pod.spec.nodeName]);
  const crowded = [...nodesOf].filter(([, on]) => on.length > 1 && new Set(on).size === 1).map(([owner]) => owner);
  expect(crowded).toEqual([]);
});
