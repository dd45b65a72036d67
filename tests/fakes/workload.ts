// A Deployment with its ReplicaSet and pods, as the API has them: what faults that ask for owners, templates and UIDs look at.
import type { Json } from '../../lib/model/fault.ts';
import type { Pod } from '../../lib/model/reach.ts';
import { type FakeCluster, fakeContainer, fakePod } from './cluster.ts';

export interface FakeWorkload {
  readonly pods: readonly Pod[];
  readonly objects: readonly Json[];
}

const meta = (name: string, more: object = {}) => ({
  namespace: 'erp',
  name,
  uid: `uid-${name}`,
  generation: 1,
  resourceVersion: '1',
  ...more,
});

export function fakeDeployment(
  name: string,
  labels: Readonly<Record<string, string>>,
  spec: object = {},
): FakeWorkload {
  const pods = [1, 2].map((number) => podOf(`${name}-${number}`, labels, `kubernetes-node-${number}`));
  const replicaSet = `${name}-rs`;
  return {
    pods,
    objects: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: meta(name),
        spec: { replicas: 2, template: { spec: {} }, ...spec },
        status: { observedGeneration: 99 },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: meta(replicaSet, { labels, ownerReferences: [ownedBy('apps/v1', 'Deployment', name)] }),
        spec: { template: { spec: {} } },
      },
      ...pods.map((pod) => rawPod(pod, ownedBy('apps/v1', 'ReplicaSet', replicaSet))),
    ] as unknown as readonly Json[],
  };
}

/** Its controller makes another pod, under a name and UID of its own. */
export function addPod(cluster: FakeCluster, pod: Partial<Pod> & Pick<Pod, 'name' | 'labels'>): void {
  cluster.podList.push({ ...podOf(pod.name, pod.labels, 'kubernetes-node-2'), ...pod });
}

/** Changes what is known of a pod; its UID stays. */
export function changePod(cluster: FakeCluster, name: string, change: Partial<Pod>): void {
  const index = cluster.podList.findIndex((pod) => pod.name === name);
  const pod = cluster.podList[index];
  if (!pod) throw new Error(`no pod ${name}`);
  cluster.podList[index] = { ...pod, ...change };
}

export const ownedBy = (apiVersion: string, kind: string, name: string) => ({
  apiVersion,
  kind,
  name,
  controller: true,
});

export const rawPod = (pod: Pod, owner?: object, more: object = {}): Json =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pod.namespace,
      name: pod.name,
      uid: pod.uid,
      labels: pod.labels,
      ...(owner ? { ownerReferences: [owner] } : {}),
    },
    spec: { nodeName: pod.kubernetesNode, containers: [{ name: 'main', ports: [{ containerPort: 3306 }] }] },
    status: { phase: pod.phase },
    ...more,
  }) as unknown as Json;

/** With no endpoint at all it is null, as the API says it. */
export const endpointSlice = (service: string, uids: readonly string[]): Json =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'erp', name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
    endpoints: uids.length === 0 ? null : uids.map((uid) => ({ conditions: { ready: true }, targetRef: { uid } })),
  }) as unknown as Json;

const podOf = (name: string, labels: Readonly<Record<string, string>>, kubernetesNode: string) =>
  fakePod({
    namespace: 'erp',
    name,
    labels,
    kubernetesNode,
    containers: [fakeContainer({ name: 'main', id: 'a'.repeat(64) })],
  });
