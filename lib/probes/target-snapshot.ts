// What a run must leave as it was: the objects of the target's namespaces, its Kubernetes nodes, and the settings of its servers that
// faults can reach. A fault looks for what it knows to have put in; this looks for what nobody knows of.
import { createHash } from 'node:crypto';
import type { Json } from '../model/fault.ts';
import type { Reach, TargetSnapshot } from '../model/reach.ts';
import { snapshotKinds, snapshotNamespaces } from '../model/rights.ts';

type Entry = readonly [place: string, is: string | null];

export async function takeSnapshot(reach: Reach): Promise<TargetSnapshot> {
  const parts = await Promise.all([
    objects(reach),
    kubernetesNodes(reach),
    galeraSettings(reach),
    redisSettings(reach),
  ]);
  return Object.fromEntries(parts.flat().sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function objects(reach: Reach): Promise<readonly Entry[]> {
  const lists = snapshotNamespaces(reach.target).flatMap((namespace) =>
    snapshotKinds.map(async ({ apiVersion, kind }): Promise<readonly Entry[]> => {
      try {
        const found = await reach.cluster.list({ apiVersion, kind, namespace });
        return (found as unknown as readonly Listed[])
          .filter(({ metadata }) => (metadata.ownerReferences ?? []).length === 0) // comes and goes with its owner
          .map(({ metadata, spec }) => [`${kind} ${namespace}/${metadata.name}`, inOrder(spec ?? null)]);
      } catch (error) {
        // A kind that the cluster does not know has no objects.
        return isUnknownKind(error) ? [] : [[`objects of kind ${kind} in ${namespace}`, null]];
      }
    }),
  );
  return (await Promise.all(lists)).flat();
}

interface Listed {
  readonly metadata: { readonly name: string; readonly ownerReferences?: readonly unknown[] };
  readonly spec?: Json;
}

/** Neither the kind nor, with 404, its whole group. */
const isUnknownKind = (error: unknown) =>
  error instanceof Error && (error.message.includes('no kind') || (error as { code?: number }).code === 404);

async function kubernetesNodes(reach: Reach): Promise<readonly Entry[]> {
  try {
    const found = await reach.cluster.list({ apiVersion: 'v1', kind: 'Node', namespace: '' });
    return (found as unknown as readonly Node[]).map(({ metadata, spec }) => [
      `Kubernetes node ${metadata.name}`,
      inOrder({
        unschedulable: spec?.unschedulable ?? false,
        // Those of the cluster itself come and go with what a node does.
        taints: (spec?.taints ?? [])
          .filter(({ key }) => !key.startsWith('node.kubernetes.io/'))
          .map(({ key, effect }) => `${key}:${effect}`),
      }),
    ]);
  } catch {
    return [['Kubernetes nodes', null]];
  }
}

interface Node {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  };
}

/** What a server forgets when it is started again is put back by that; what would stay is what counts. */
const galeraVariables = [
  'innodb_flush_log_at_trx_commit',
  'max_connections',
  'read_only',
  'wsrep_desync',
  'wsrep_on',
  'wsrep_reject_queries',
  'wsrep_sync_wait',
];

async function galeraSettings({ sql }: Reach): Promise<readonly Entry[]> {
  const nodes = await sql.nodes().catch(() => undefined);
  if (!nodes) return [['Galera nodes', null]];
  const names = galeraVariables.map((name) => `'${name}'`).join(', ');
  const read = nodes.map(async (node): Promise<readonly Entry[]> => {
    try {
      const rows = await sql.query(node, `SHOW GLOBAL VARIABLES WHERE variable_name IN (${names})`);
      return rows.map((row) => [`${row.Variable_name} of ${node}`, String(row.Value)]);
    } catch {
      return [[`settings of ${node}`, null]];
    }
  });
  return (await Promise.all(read)).flat();
}

const redisParameters = ['maxmemory', 'maxmemory-policy', 'min-replicas-to-write', 'appendonly'];

async function redisSettings({ redis }: Reach): Promise<readonly Entry[]> {
  if (!redis) return [];
  const groups = redis.groups.filter((group) => group !== 'sentinel');
  const read = groups.map(async (group): Promise<readonly Entry[]> => {
    const nodes = await redis.nodes(group).catch(() => undefined);
    if (!nodes) return [[`Redis ${group}`, null]];
    const each = nodes.map(async (node): Promise<readonly Entry[]> => {
      try {
        const flat = (await redis.ask(group, node, ['CONFIG', 'GET', ...redisParameters])) as readonly string[];
        return flat.flatMap((name, index) =>
          index % 2 === 0 ? [[`${name} of ${node}`, String(flat[index + 1])] as const] : [],
        );
      } catch {
        return [[`settings of ${node}`, null]];
      }
    });
    return (await Promise.all(each)).flat();
  });
  return (await Promise.all(read)).flat();
}

/**
 * The API may list the same fields in another order. What may hold a secret (values of the environment, commands and their arguments) is
 * compared by its hash: what differs is shown in reports.
 */
function inOrder(value: Json): string {
  return JSON.stringify(value, (key, part: Json) => {
    if ((key === 'value' && typeof part === 'string') || key === 'args' || key === 'command')
      return `sha256:${createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 12)}`;
    return part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  });
}
