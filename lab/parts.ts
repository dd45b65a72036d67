// What the lab is made of, as its user sees it: each part with its health and where it answers.
import { kubectl } from './kubectl.ts';
import { network, siteHost } from './places.ts';

/** `core` is what the workshop runs on and is measured by; `full` has besides what watches and fences it. */
export const scopes = ['core', 'full'] as const;
export type Scope = (typeof scopes)[number];

type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

interface Definition {
  readonly name: string;
  readonly is: string;
  readonly scope: Scope;
  /** Namespace, kind and name of the object that keeps its pods. */
  readonly workload: readonly [namespace: string, kind: Kind, name: string];
  readonly port?: number;
  /** What to call it by from this machine, when not by a pod's address. */
  readonly address?: string;
}

const definitions: readonly Definition[] = [
  part('dns', 'CoreDNS', ['kube-system', 'Deployment', 'coredns'], 53),
  part('storage', 'volumes on the nodes’ disks', ['kube-system', 'Deployment', 'local-path-provisioner']),
  part('galera', 'MariaDB Galera', ['erp', 'StatefulSet', 'galera'], 3306),
  part('database-proxy', 'HAProxy, to one writer', ['erp', 'Deployment', 'database-proxy'], 3306),
  part('redis-cache', 'Redis, one master', ['erp', 'StatefulSet', 'redis-cache'], 6379),
  part('redis-queue', 'Redis, one master', ['erp', 'StatefulSet', 'redis-queue'], 6379),
  part('redis-sentinel', 'Sentinels of both groups', ['erp', 'StatefulSet', 'redis-sentinel'], 26379),
  part('object-store', 'S3 with versions, for attachments', ['storage', 'StatefulSet', 's3'], 7070),
  part('contour', 'ingress controller', ['projectcontour', 'Deployment', 'contour'], 8001),
  part('envoy', 'ingress, all HTTP comes in here', ['projectcontour', 'DaemonSet', 'envoy'], 8443),
  part('cert-manager', 'issues and renews', ['cert-manager', 'Deployment', 'cert-manager'], 9402),
  part('cert-manager-webhook', 'checks its objects', ['cert-manager', 'Deployment', 'cert-manager-webhook'], 10250),
  part('cert-manager-cainjector', 'trust for the webhook', ['cert-manager', 'Deployment', 'cert-manager-cainjector']),
  part('prometheus', 'metrics and alert rules', ['monitoring', 'StatefulSet', 'prometheus'], 9090),
  part('kube-state-metrics', 'what Kubernetes says', ['monitoring', 'Deployment', 'kube-state-metrics'], 8080),
  part('node-exporter', 'the Kubernetes nodes', ['monitoring', 'DaemonSet', 'node-exporter'], 9100),
  {
    ...part('web', 'the workshop’s web tier', ['erp', 'Deployment', 'workshop-erpnext-gunicorn'], 8000),
    address: `https://${siteHost} (${network.front})`,
  },
  part('realtime', 'Socket.IO: tells browsers what changes', ['erp', 'Deployment', 'workshop-erpnext-socketio'], 9000),
  part('worker-short', 'jobs that somebody waits for', ['erp', 'Deployment', 'workshop-erpnext-worker-s'], 9180),
  part('worker-default', 'jobs', ['erp', 'Deployment', 'workshop-erpnext-worker-d'], 9180),
  part('worker-long', 'large counts', ['erp', 'Deployment', 'workshop-erpnext-worker-l'], 9180),
  part('scheduler', 'what is due by the clock', ['erp', 'Deployment', 'workshop-erpnext-scheduler'], 9180),
  inFull(part('pebble', 'ACME, three-minute certificates', ['cert-manager', 'Deployment', 'pebble'], 14000)),
  inFull(part('alertmanager', 'alerts and silences', ['monitoring', 'StatefulSet', 'alertmanager'], 9093)),
  inFull(part('blackbox', 'probes from outside', ['monitoring', 'Deployment', 'blackbox'], 9115)),
  inFull(part('kube-router', 'network policies', ['kube-system', 'DaemonSet', 'kube-router'])),
];

function part(name: string, is: string, workload: Definition['workload'], port?: number): Definition {
  return { name, is, scope: 'core', workload, ...(port === undefined ? {} : { port }) };
}

function inFull(definition: Definition): Definition {
  return { ...definition, scope: 'full' };
}

export interface Part {
  readonly name: string;
  readonly is: string;
  readonly scope: Scope;
  readonly health: 'healthy' | 'unwell' | 'missing';
  /** Pods that are ready, and that there should be. */
  readonly ready: number;
  readonly wanted: number;
  /** How to reach it from this machine; null when it has no port, or no pod to answer there. */
  readonly address: string | null;
}

/** Asks the API server once, and says it part by part. Throws when it can't be asked. */
export async function partsOfLab(): Promise<readonly Part[]> {
  const kinds = 'deployments,statefulsets,daemonsets,pods';
  const { items } = JSON.parse(await kubectl(['get', kinds, '--all-namespaces', '--output', 'json'])) as List;
  return partsFrom(items);
}

export function partsFrom(items: readonly Listed[]): readonly Part[] {
  return definitions.map(({ name, is, scope, workload: [namespace, kind, workload], port, address }) => {
    const found = items.find(
      (item) => item.kind === kind && item.metadata.namespace === namespace && item.metadata.name === workload,
    );
    const { replicas, readyReplicas, desiredNumberScheduled, numberReady } = found?.status ?? {};
    const wanted = desiredNumberScheduled ?? found?.spec?.replicas ?? replicas ?? 0;
    const ready = numberReady ?? readyReplicas ?? 0;
    const labels = Object.entries(found?.spec?.selector?.matchLabels ?? {});
    const pod = items.find(
      (item) =>
        item.kind === 'Pod' &&
        item.metadata.namespace === namespace &&
        labels.length > 0 &&
        labels.every(([key, value]) => item.metadata.labels?.[key] === value) &&
        item.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    );
    const reached = pod?.status?.podIP && port ? `${pod.status.podIP}:${port}` : null;
    return {
      name,
      is,
      scope,
      health: !found ? 'missing' : wanted > 0 && ready >= wanted ? 'healthy' : 'unwell',
      ready,
      wanted,
      address: reached && (address ?? reached),
    };
  });
}

interface List {
  readonly items: readonly Listed[];
}

/** What is read of a workload or a pod. */
export interface Listed {
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  readonly status?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}
