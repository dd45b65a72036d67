import { expect, test } from 'vitest';
import { type Listed, partsFrom } from './parts.ts';

const galera = (readyReplicas?: number): Listed => ({
  kind: 'StatefulSet',
  metadata: { namespace: 'erp', name: 'galera' },
  spec: { replicas: 3, selector: { matchLabels: { app: 'galera' } } },
  status: { replicas: 3, ...(readyReplicas === undefined ? {} : { readyReplicas }) },
});
const pod = (name: string, ready: boolean, namespace = 'erp', app = 'galera'): Listed => ({
  kind: 'Pod',
  metadata: { namespace, name, labels: { app } },
  status: { podIP: `198.19.1.${name.length}`, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const partNamed = (name: string, items: readonly Listed[]) => partsFrom(items).find((part) => part.name === name);

test('a part whose pods are all ready is healthy, and answers where one of them does', () => {
  expect(partNamed('galera', [galera(3), pod('a', false), pod('bc', true)])).toMatchObject({
    health: 'healthy',
    ready: 3,
    wanted: 3,
    address: '198.19.1.2:3306',
  });
});

test('a part that lacks pods is unwell, also when Kubernetes leaves the count out because none is ready', () => {
  expect(partNamed('galera', [galera(2), pod('a', true)])).toMatchObject({ health: 'unwell', ready: 2 });
  expect(partNamed('galera', [galera(), pod('a', false)])).toMatchObject({ health: 'unwell', ready: 0, address: null });
});

test('a part that was scaled to nothing is unwell, and one that is not there is missing', () => {
  const none = { ...galera(0), spec: { replicas: 0, selector: { matchLabels: { app: 'galera' } } } };
  expect(partNamed('galera', [none])).toMatchObject({ health: 'unwell', wanted: 0 });
  expect(partNamed('galera', [])).toMatchObject({ health: 'missing', address: null });
});

test('an object or a pod of that name in another namespace does not count', () => {
  const elsewhere = { ...galera(3), metadata: { namespace: 'scratch', name: 'galera' } };
  expect(partNamed('galera', [elsewhere])?.health).toBe('missing');
  expect(partNamed('galera', [galera(3), pod('a', true, 'scratch')])?.address).toBe(null);
});

test('a daemon set is held against the number of Kubernetes nodes that want it', () => {
  const envoy = (numberReady: number): Listed => ({
    kind: 'DaemonSet',
    metadata: { namespace: 'projectcontour', name: 'envoy' },
    spec: { selector: { matchLabels: { app: 'envoy' } } },
    status: { desiredNumberScheduled: 3, numberReady },
  });
  expect(partNamed('envoy', [envoy(3)])?.health).toBe('healthy');
  expect(partNamed('envoy', [envoy(2)])?.health).toBe('unwell');
});
