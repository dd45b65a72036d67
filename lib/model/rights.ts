// What the suite needs of the target's Kubernetes API: what each run needs, and what its faults need beside that. The lab's roles, the
// plan and the guardian's role are all made of it, so that nothing has more than it uses.
import type { Right, Rights } from './fault.ts';
import type { Target } from './target.ts';

const core = (
  namespace: string,
  resources: readonly string[],
  verbs: readonly string[],
  names?: readonly string[],
): Right => ({
  namespace,
  apiGroup: '',
  resources,
  verbs,
  ...(names ? { names } : {}),
});

/** Reading the target, reaching its databases, and working in the suite's own namespace: also without any fault. */
export function rightsOfRuns(target: Target): Rights {
  const { suite, mariadb, redis, ingress, prometheus, alertmanager, site } = target;
  const tierNamespaces = namespacesOfTiers(target);
  const secrets = [
    mariadb.credentials,
    ...[redis.cache, redis.queue, redis.sentinel].flatMap((tier) => (tier?.credentials ? [tier.credentials] : [])),
  ];
  const secretRights = secrets.map(({ namespace, name }) => core(namespace, ['secrets'], ['get'], [name]));
  const read = ['get', 'list'];
  const databases = [mariadb.namespace, redis.cache.namespace, ...(redis.queue ? [redis.queue.namespace] : [])];
  const shared: readonly Right[] = [
    ...tierNamespaces.map((namespace) => core(namespace, ['pods'], read)),
    ...databases.map((namespace) => core(namespace, ['pods/portforward'], ['create', 'get'])),
    ...secretRights,
    core(ingress.namespace, ['pods'], read),
    core(ingress.namespace, ['pods/portforward'], ['create', 'get']),
    core(suite.namespace, ['pods'], ['get', 'list', 'create', 'delete']),
    core(suite.namespace, ['pods/exec'], ['create', 'get']),
    core(suite.namespace, ['configmaps'], ['get', 'list', 'create', 'delete']),
    {
      namespace: suite.namespace,
      apiGroup: 'coordination.k8s.io',
      resources: ['leases'],
      verbs: ['get', 'create', 'update'],
    },
    { apiGroup: '', resources: ['nodes'], verbs: read },
  ];
  return {
    inject: [
      ...shared,
      core(site.technicians.namespace, ['secrets'], ['get'], [site.technicians.name]),
      ...snapshotKinds.flatMap(({ apiGroup, resource }) =>
        snapshotNamespaces(target).map((namespace) => ({ namespace, apiGroup, resources: [resource], verbs: read })),
      ),
      ...[prometheus, ...(alertmanager ? [alertmanager] : [])].flatMap(({ namespace }) => [
        core(namespace, ['pods'], read),
        core(namespace, ['pods/proxy'], ['get']),
      ]),
    ],
    undo: shared,
  };
}

function namespacesOfTiers({ tiers, mariadb, redis, databaseProxy }: Target): readonly string[] {
  const all = [...Object.values(tiers), mariadb, redis.cache, redis.queue, redis.sentinel, databaseProxy];
  return [...new Set(all.flatMap((tier) => (tier ? [tier.namespace] : [])))];
}

/** Where a run must leave everything as it was. */
export const snapshotNamespaces = (target: Target): readonly string[] => [
  ...new Set([...namespacesOfTiers(target), target.ingress.ingress.namespace]),
];

/** Kinds of which the snapshot before and after a run is made (lib/runner/snapshot.ts). */
export const snapshotKinds = [
  { apiVersion: 'apps/v1', apiGroup: 'apps', kind: 'Deployment', resource: 'deployments' },
  { apiVersion: 'apps/v1', apiGroup: 'apps', kind: 'StatefulSet', resource: 'statefulsets' },
  { apiVersion: 'batch/v1', apiGroup: 'batch', kind: 'CronJob', resource: 'cronjobs' },
  { apiVersion: 'v1', apiGroup: '', kind: 'Service', resource: 'services' },
  { apiVersion: 'networking.k8s.io/v1', apiGroup: 'networking.k8s.io', kind: 'Ingress', resource: 'ingresses' },
  {
    apiVersion: 'networking.k8s.io/v1',
    apiGroup: 'networking.k8s.io',
    kind: 'NetworkPolicy',
    resource: 'networkpolicies',
  },
  { apiVersion: 'projectcontour.io/v1', apiGroup: 'projectcontour.io', kind: 'HTTPProxy', resource: 'httpproxies' },
  { apiVersion: 'policy/v1', apiGroup: 'policy', kind: 'PodDisruptionBudget', resource: 'poddisruptionbudgets' },
] as const;

/** Rules of the same namespace, group, verbs and names become one; what another rule allows already is left out. In a stable order. */
export function merged(rights: readonly Right[]): readonly Right[] {
  const byScope = new Map<string, { right: Right; verbs: Map<string, Set<string>> }>();
  for (const right of rights) {
    const key = JSON.stringify([right.namespace ?? '', right.apiGroup, right.names ?? []]);
    const scope = byScope.get(key) ?? { right, verbs: new Map() };
    byScope.set(key, scope);
    for (const resource of right.resources) {
      const verbs = scope.verbs.get(resource) ?? new Set();
      scope.verbs.set(resource, verbs);
      for (const verb of right.verbs) verbs.add(verb);
    }
  }
  const rules: Right[] = [];
  for (const { right, verbs } of byScope.values()) {
    const byVerbs = new Map<string, string[]>();
    for (const [resource, of] of verbs) {
      const allowed = right.names
        ? byScope.get(JSON.stringify([right.namespace ?? '', right.apiGroup, []]))
        : undefined;
      const left = [...of].filter((verb) => !allowed?.verbs.get(resource)?.has(verb)).sort();
      if (left.length > 0) byVerbs.set(left.join(), [...(byVerbs.get(left.join()) ?? []), resource]);
    }
    for (const [of, resources] of byVerbs) rules.push({ ...right, resources: resources.sort(), verbs: of.split(',') });
  }
  const textOf = ({ namespace = '', apiGroup, resources, names = [] }: Right) =>
    [namespace, apiGroup, resources, names].join(' ');
  return rules.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}
