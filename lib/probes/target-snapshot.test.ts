import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import type { Json } from '../model/fault.ts';
import { takeSnapshot } from './target-snapshot.ts';

const object = (kind: string, name: string, spec: Json, more: object = {}): Json => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: kind === 'Node' ? '' : 'erp', ...more },
  spec,
});

const settings = (node: string) => (node === 'galera-2' ? 'ON' : 'OFF');

test('holds objects, Kubernetes nodes and settings, each under its place', async () => {
  const reach = fakeReach({
    cluster: fakeCluster({
      objects: [
        object('Deployment', 'web', { replicas: 2, a: 1 }),
        object('Ingress', 'solver', { host: 'x' }, { ownerReferences: [{ kind: 'Challenge' }] }),
        object('Node', 'node-1', {
          unschedulable: true,
          taints: [
            { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
            { key: 'ours', effect: 'NoSchedule' },
          ],
        }),
      ],
    }),
    sql: (node) => [{ Variable_name: 'read_only', Value: settings(node) }],
    redis: {
      groups: ['cache', 'sentinel'],
      nodes: async () => ['redis-cache-0'],
      ask: async () => ['maxmemory', '0', 'appendonly', 'no'],
    },
  });
  expect(await takeSnapshot(reach)).toEqual({
    'Deployment erp/web': '{"a":1,"replicas":2}',
    'Kubernetes node node-1': '{"taints":["ours:NoSchedule"],"unschedulable":true}',
    'read_only of galera-0': 'OFF',
    'read_only of galera-1': 'OFF',
    'read_only of galera-2': 'ON',
    'maxmemory of redis-cache-0': '0',
    'appendonly of redis-cache-0': 'no',
  });
});

test('what may hold a secret is compared by its hash alone; a group that the cluster does not have has no objects', async () => {
  const pod = (value: string) => ({ containers: [{ env: [{ name: 'PASSWORD', value }], args: ['--key', value] }] });
  const look = async (value: string) => {
    const reach = fakeReach({ cluster: fakeCluster({ objects: [object('Deployment', 'web', pod(value))] }) });
    const { list } = reach.cluster;
    reach.cluster.list = async (kind) => {
      if (kind.kind === 'HTTPProxy') throw Object.assign(new Error('refused: 404 page not found'), { code: 404 });
      return list(kind);
    };
    return takeSnapshot(reach);
  };
  const [one, two] = [await look('hunter2'), await look('correct horse')];
  expect(JSON.stringify(one)).not.toContain('hunter2');
  expect(one['Deployment erp/web']).not.toBe(two['Deployment erp/web']);
  expect(Object.values(one)).not.toContain(null);
});

test('where nobody could look, the place says so', async () => {
  const reach = fakeReach({
    sql: (node) => {
      if (node === 'galera-1') throw new Error('connection refused');
      return [{ Variable_name: 'read_only', Value: 'OFF' }];
    },
  });
  const { list } = reach.cluster;
  reach.cluster.list = async (kind) => {
    if (kind.kind === 'HTTPProxy') throw new Error('/apis/projectcontour.io/v1: no kind HTTPProxy of it');
    if (kind.kind === 'Ingress') throw new Error('403 forbidden');
    return list(kind);
  };
  expect(await takeSnapshot(reach)).toEqual({
    'objects of kind Ingress in erp': null,
    'read_only of galera-0': 'OFF',
    'settings of galera-1': null,
    'read_only of galera-2': 'OFF',
  });
});
