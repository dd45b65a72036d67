// All ports in memory, on a clock that only sleep moves. Tests say what SQL, Prometheus, HTTP and Redis answer.
import type {
  Alertmanager,
  HttpAnswer,
  NodePower,
  PrometheusAnswer,
  Reach,
  Redis,
  SqlRow,
  Tls,
} from '../../lib/model/reach.ts';
import { type Target, targetSchema } from '../../lib/model/target.ts';
import { type FakeCluster, fakeCluster } from './cluster.ts';
import { answerSnapshot } from './snapshot.ts';

export const fakeTarget: Target = targetSchema.parse({
  schema: 'shakedown.target/1',
  name: 'fake',
  environment: { class: 'disposable' },
  kubernetes: { kubeconfig: '/nowhere' },
  suite: { namespace: 'shakedown', helperImage: 'helper' },
  site: {
    url: 'https://erp.example',
    dialect: 'frappe-15',
    company: 'Workshop',
    warehouse: 'Stores - W',
    technicians: { namespace: 'erp', name: 'technicians' },
    barcodes: { pattern: 'B%05d', itemPattern: 'ITEM-%05d', count: 10 },
  },
  tiers: { web: { namespace: 'erp', selector: 'tier=web', replicasMin: 2 } },
  mariadb: {
    namespace: 'erp',
    selector: 'tier=mariadb',
    container: 'mariadb',
    database: 'erp',
    credentials: { namespace: 'erp', name: 'reader' },
    appUser: 'erp',
  },
  redis: { cache: { namespace: 'erp', selector: 'tier=redis' } },
  ingress: {
    controller: 'contour',
    namespace: 'ingress',
    selector: 'app=envoy',
    ingress: { namespace: 'erp', name: 'erp' },
  },
  prometheus: { namespace: 'monitoring', selector: 'app=prometheus', scrapeIntervalMs: 5_000, replicas: 2 },
});

export interface FakeAnswers {
  readonly target?: Target;
  readonly cluster?: FakeCluster;
  readonly nodes?: readonly string[];
  /** Throws when the node is to be silent. */
  readonly sql?: (node: string, sql: string, values: readonly (string | number)[]) => readonly SqlRow[];
  readonly prometheus?: (query: string) => readonly PrometheusAnswer[];
  readonly http?: (path: string, plain: boolean) => Partial<HttpAnswer>;
  readonly alertmanager?: Alertmanager;
  readonly redis?: Redis;
  readonly tls?: Tls;
  readonly nodePower?: NodePower;
  readonly signal?: AbortSignal;
}

export function fakeReach(answers: FakeAnswers = {}): Reach & { readonly cluster: FakeCluster } {
  const { cluster = fakeCluster(), nodes = ['galera-0', 'galera-1', 'galera-2'] } = answers;
  let time = Date.UTC(2026, 10, 23, 12);
  return {
    target: answers.target ?? fakeTarget,
    runId: 'rtest',
    signal: answers.signal ?? new AbortController().signal,
    now: () => time,
    random: () => 0.5,
    async sleep(ms) {
      time += ms;
    },
    cluster,
    sql: {
      nodes: async () => nodes,
      query: async (node, sql, values = []) => answers.sql?.(node, sql, values) ?? [],
      snapshot: (node, queries) =>
        answerSnapshot(queries, ({ sql, values = [] }) => answers.sql?.(node, sql, values) ?? []),
      change: async (node, sql) => answers.sql?.(node, sql, []) ?? [],
    },
    prometheus: {
      instant: async (query) => answers.prometheus?.(query) ?? [],
      range: async (query) => answers.prometheus?.(query) ?? [],
    },
    http: {
      get: async (path, options) => ({
        status: 200,
        headers: {},
        body: '',
        durationMs: 1,
        ...answers.http?.(path, options?.plain ?? false),
      }),
    },
    ...(answers.alertmanager ? { alertmanager: answers.alertmanager } : {}),
    ...(answers.redis ? { redis: answers.redis } : {}),
    ...(answers.tls ? { tls: answers.tls } : {}),
    ...(answers.nodePower ? { nodePower: answers.nodePower } : {}),
  };
}

/** Rows of chaos/galera/topology.ts's question. */
export function viewRows(view: {
  confId?: number | string;
  size?: number | string;
  component?: string;
  stateUuid?: string;
  localState?: string;
  ready?: string;
  appConnections?: number;
}): readonly SqlRow[] {
  const { confId = 7, size = 3, component = 'Primary', stateUuid = 'uuid-1', localState = 'Synced' } = view;
  return Object.entries({
    wsrep_cluster_conf_id: confId,
    wsrep_cluster_size: size,
    wsrep_cluster_status: component,
    wsrep_cluster_state_uuid: stateUuid,
    wsrep_local_state_comment: localState,
    wsrep_ready: view.ready ?? 'ON',
    app_connections: view.appConnections ?? 0,
  }).map(([name, value]) => ({ name, value: String(value) }));
}
