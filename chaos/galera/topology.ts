// What each Galera node says of the cluster, and on which of them the app works. Read from every node by itself, since in a
// partition every half has a view of its own.
import { messageOf } from '../../lib/errors.ts';
import type { Reach, SqlRow } from '../../lib/model/reach.ts';

export interface NodeView {
  readonly node: string;
  /** Counts the changes of membership; each node that leaves or joins adds one. */
  readonly confId: number;
  readonly size: number;
  /** `Primary` when it belongs to the half that may write. */
  readonly component: string;
  readonly stateUuid: string;
  readonly localState: string;
  readonly ready: boolean;
  /** Connections of the app's user. */
  readonly appConnections: number;
}

export interface SilentNode {
  readonly node: string;
  readonly error: string;
}

/** Every node, or those given, is asked at the same time; one that does not answer is data. */
export async function readTopology(
  reach: Pick<Reach, 'sql' | 'target'>,
  only?: readonly string[],
): Promise<{
  readonly views: readonly NodeView[];
  readonly silent: readonly SilentNode[];
}> {
  const nodes = only ?? (await reach.sql.nodes());
  const answers = await Promise.all(nodes.map((node) => viewOf(reach, node)));
  return {
    views: answers.filter((answer): answer is NodeView => !('error' in answer)),
    silent: answers.filter((answer): answer is SilentNode => 'error' in answer),
  };
}

async function viewOf(reach: Pick<Reach, 'sql' | 'target'>, node: string): Promise<NodeView | SilentNode> {
  try {
    const rows = await reach.sql.query(node, viewQuery, [reach.target.mariadb.appUser]);
    return parseView(node, rows);
  } catch (error) {
    return { node, error: messageOf(error) };
  }
}

/** One round trip for all of it. Both tables can be read while the node is not in the primary component. */
const viewQuery = `
SELECT LOWER(variable_name) AS name, variable_value AS value
  FROM information_schema.global_status
 WHERE variable_name IN ('wsrep_cluster_conf_id', 'wsrep_cluster_size', 'wsrep_cluster_status',
                         'wsrep_cluster_state_uuid', 'wsrep_local_state_comment', 'wsrep_ready')
UNION ALL
SELECT 'app_connections', CAST(COUNT(*) AS CHAR) FROM information_schema.processlist WHERE user = ?`;

export function parseView(node: string, rows: readonly SqlRow[]): NodeView {
  const values = new Map(rows.map((row) => [String(row.name), String(row.value)]));
  const text = (name: string) => {
    const value = values.get(name);
    if (value === undefined || value === '') throw new Error(`${node}: no ${name} (is it a Galera node?)`);
    return value;
  };
  const count = (name: string) => {
    const value = Number(text(name));
    if (!Number.isFinite(value)) throw new Error(`${node}: ${name} is ${text(name)}, not a number`);
    return value;
  };
  return {
    node,
    confId: count('wsrep_cluster_conf_id'),
    size: count('wsrep_cluster_size'),
    component: text('wsrep_cluster_status'),
    stateUuid: text('wsrep_cluster_state_uuid'),
    localState: text('wsrep_local_state_comment'),
    ready: text('wsrep_ready') === 'ON',
    appConnections: count('app_connections'),
  };
}

/** Nodes that the app has connections on. Looks for a while when there are none: Frappe connects for each request. */
export async function lookForWriters(reach: Pick<Reach, 'sql' | 'target' | 'sleep' | 'now'>): Promise<{
  readonly views: readonly NodeView[];
  readonly silent: readonly SilentNode[];
  readonly busy: readonly NodeView[];
  /** All of it in words. */
  readonly seen: string;
}> {
  const until = reach.now() + lookMs;
  for (;;) {
    const { views, silent } = await readTopology(reach);
    const busy = views.filter((view) => view.appConnections > 0);
    if (busy.length === 0 && silent.length === 0 && views.length > 0 && reach.now() < until) {
      await reach.sleep(50);
      continue;
    }
    const seen = [
      ...views.map((view) => `${view.node} ${view.appConnections}`),
      ...silent.map(({ node, error }) => `${node} can’t be asked (${error})`),
    ].join(', ');
    return { views, silent, busy, seen: seen || 'no node at all' };
  }
}

const lookMs = 3_000;

/** The node that all of the app's connections are on. Throws when there is none, when there are two, or when a node can't be asked. */
export async function findWriter(reach: Pick<Reach, 'sql' | 'target' | 'sleep' | 'now'>): Promise<NodeView> {
  const { busy, silent, seen } = await lookForWriters(reach);
  const [writer] = busy;
  if (writer && busy.length === 1 && silent.length === 0) return writer;
  const { namespace, selector, appUser } = reach.target.mariadb;
  const what = silent.length > 0 ? 'the writer is not known' : writer ? 'more than one writer' : 'no writer';
  throw new Error(
    `Galera in ${namespace} (${selector}): ${what}, connections of ${appUser} by node: ${seen}; wanted on exactly one. ` +
      'Next: see that the app is in use, that the proxy sends all to one node, and that the reading user has the PROCESS privilege',
  );
}
