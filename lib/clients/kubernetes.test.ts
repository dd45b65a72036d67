import { afterEach, expect, test } from 'vitest';
import { type FakeApiHandlers, fakeApiServer, frame } from '../../tests/fakes/api-server.ts';
import { openApiServer } from './api-server.ts';
import { kubernetesCluster, podOf, type RawPod } from './kubernetes.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(handlers: FakeApiHandlers, signal = new AbortController().signal) {
  const server = await fakeApiServer(handlers);
  closing.push(server.close);
  const api = await openApiServer({ kubeconfig: server.kubeconfig, context: 'fake' }, signal);
  closing.push(api.close);
  return { server, cluster: kubernetesCluster(api, signal) };
}

const discovery: Record<string, unknown> = {
  '/api/v1': {
    resources: [
      { name: 'pods', kind: 'Pod', namespaced: true },
      { name: 'pods/exec', kind: 'PodExecOptions', namespaced: true },
      { name: 'configmaps', kind: 'ConfigMap', namespaced: true },
    ],
  },
  '/apis/networking.k8s.io/v1': { resources: [{ name: 'ingresses', kind: 'Ingress', namespaced: true }] },
};

const rawPod: RawPod = {
  metadata: { namespace: 'erp', name: 'galera-1', uid: 'u1', labels: { app: 'galera' } },
  spec: { nodeName: 'node-1' },
  status: {
    phase: 'Running',
    podIP: '198.18.1.4',
    conditions: [{ type: 'Ready', status: 'False' }],
    containerStatuses: [
      {
        name: 'mariadb',
        containerID: 'containerd://abc',
        ready: false,
        restartCount: 1,
        state: { running: { startedAt: '2026-11-23T12:00:00Z' } },
        lastState: {
          terminated: {
            containerID: 'containerd://before',
            exitCode: 137,
            finishedAt: '2026-11-23T11:59:59Z',
            reason: 'Error',
          },
        },
      },
    ],
  },
};

test('a pod is told in the words of the model', () => {
  expect(podOf(rawPod)).toEqual({
    namespace: 'erp',
    name: 'galera-1',
    uid: 'u1',
    kubernetesNode: 'node-1',
    ip: '198.18.1.4',
    phase: 'Running',
    ready: false,
    deleting: false,
    labels: { app: 'galera' },
    containers: [
      {
        name: 'mariadb',
        id: 'abc',
        ready: false,
        restarts: 1,
        startedAt: Date.UTC(2026, 10, 23, 12),
        lastTerminated: {
          id: 'before',
          exitCode: 137,
          finishedAt: Date.UTC(2026, 10, 23, 11, 59, 59),
          reason: 'Error',
        },
      },
    ],
  });
});

test('a container that is down right now has its end too, and a pod that is not placed yet has no node', () => {
  const [container] = podOf({
    ...rawPod,
    status: {
      containerStatuses: [
        {
          name: 'mariadb',
          containerID: 'containerd://abc',
          ready: false,
          restartCount: 0,
          state: { terminated: { containerID: 'containerd://abc', exitCode: 137, finishedAt: null } },
        },
      ],
    },
  }).containers;
  expect(container).toMatchObject({ id: 'abc', lastTerminated: { id: 'abc', exitCode: 137 } });
  expect(podOf({ metadata: rawPod.metadata, spec: {} })).toMatchObject({ kubernetesNode: '', containers: [] });
});

test('objects go by kind, with the plural from discovery, asked once', async () => {
  const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'erp', namespace: 'erp' } };
  const { server, cluster } = await open({
    http: ({ path }) => {
      if (discovery[path]) return { body: discovery[path] };
      if (path === '/apis/networking.k8s.io/v1/namespaces/erp/ingresses/erp') return { body: ingress };
      if (path === '/apis/networking.k8s.io/v1/namespaces/erp/ingresses')
        return { body: { items: [{ metadata: ingress.metadata }] } };
      return undefined;
    },
  });
  const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'erp' };
  expect(await cluster.get({ ...kind, name: 'erp' })).toEqual(ingress);
  expect(await cluster.get({ ...kind, name: 'other' })).toBeUndefined();
  expect(await cluster.list({ ...kind, labelSelector: 'a=b,c' })).toEqual([ingress]);
  expect(server.requests.filter(({ path }) => path === '/apis/networking.k8s.io/v1')).toHaveLength(1);
  expect(server.requests.at(-1)?.query.get('labelSelector')).toBe('a=b,c');
  expect(server.requests.at(-1)?.authorization).toBe('Bearer the-token');
  await expect(cluster.get({ ...kind, kind: 'Rollout', name: 'x' })).rejects.toThrow('no kind Rollout');
});

test('a conflict has its code, a missing right says what to do', async () => {
  const { cluster } = await open({
    http: ({ path, method }) =>
      discovery[path]
        ? { body: discovery[path] }
        : method === 'POST'
          ? { status: 409, body: { kind: 'Status', message: 'configmaps "x" already exists' } }
          : { status: 403, body: { kind: 'Status', message: 'pods is forbidden' } },
  });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'shakedown' } };
  await expect(cluster.create(object)).rejects.toMatchObject({ code: 409 });
  await expect(cluster.pods('erp', 'a=b')).rejects.toThrow('403 pods is forbidden. Next: give the suite’s user');
});

test('removed means gone: it waits for the object to leave, and for nothing when it never was', async () => {
  let looks = 0;
  const { server, cluster } = await open({
    http: ({ path, method }) => {
      if (discovery[path]) return { body: discovery[path] };
      const pod = { kind: 'Pod', metadata: { name: 'helper', uid: 'u1', deletionTimestamp: 'now' } };
      if (path.endsWith('/pods/helper')) return method === 'DELETE' || ++looks < 3 ? { body: pod } : undefined;
      if (path.endsWith('/configmaps/ticket')) return { body: { kind: 'Status', status: 'Success' } };
      // Made again under the same name by somebody else: not the one that was removed.
      if (path.endsWith('/pods/again'))
        return { body: { kind: 'Pod', metadata: { uid: method === 'DELETE' ? 'old' : 'new' } } };
      return undefined;
    },
  });
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shakedown' };
  await cluster.remove({ ...ref, name: 'helper' }, { graceSeconds: 0 });
  expect(looks).toBe(3);
  expect(server.requests.find(({ method }) => method === 'DELETE')?.body).toBe('{"gracePeriodSeconds":0}');
  await cluster.remove({ ...ref, name: 'never-was' });
  await cluster.remove({ ...ref, kind: 'ConfigMap', name: 'ticket' });
  await cluster.remove({ ...ref, name: 'again' });
});

test('a secret is decoded', async () => {
  const { cluster } = await open({
    http: ({ path }) =>
      path === '/api/v1/namespaces/erp/secrets/reader'
        ? { body: { data: { username: Buffer.from('reader').toString('base64') } } }
        : undefined,
  });
  expect(await cluster.secret('erp', 'reader')).toEqual({ username: 'reader' });
});

test('an API that does not answer is told with where it was looked for', async () => {
  const { server, cluster } = await open({});
  await server.close();
  await expect(cluster.version()).rejects.toMatchObject({ kind: 'target-unusable', where: 'GET /version' });
  await expect(cluster.version()).rejects.toThrow(server.url);
});

test('an aborted signal ends a request under way with its reason', async () => {
  const controller = new AbortController();
  const { cluster } = await open({ http: () => 'hang' }, controller.signal);
  setTimeout(() => controller.abort(new Error('Ctrl-C')), 50);
  await expect(cluster.version()).rejects.toThrow('Ctrl-C');
});

const status = (code: number) =>
  JSON.stringify(
    code === 0
      ? { status: 'Success' }
      : {
          status: 'Failure',
          reason: 'NonZeroExitCode',
          details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
        },
  );

test.each([0, 3])('exec tells what was said and exit code %i', async (code) => {
  const asked: string[][] = [];
  const { server, cluster } = await open({
    socket: (path, query) => {
      if (path !== '/api/v1/namespaces/shakedown/pods/helper/exec') return undefined;
      asked.push(query.getAll('command'));
      return (socket) => {
        socket.send(frame(1, 'out '));
        socket.send(frame(2, 'err'));
        socket.send(frame(1, 'more'));
        socket.send(frame(3, status(code)));
        socket.close();
      };
    },
  });
  const pod = { namespace: 'shakedown', name: 'helper' };
  expect(await cluster.exec(pod, ['sh', '-c', 'echo "a b"'], 5_000)).toEqual({
    exitCode: code,
    stdout: 'out more',
    stderr: 'err',
  });
  expect(asked).toEqual([['sh', '-c', 'echo "a b"']]);
  await expect.poll(server.openSockets).toBe(0);
});

test.each<[string, FakeApiHandlers['socket'], string]>([
  ['the pod is not there', () => undefined, '404'],
  [
    'the connection ends before the command',
    () => (socket) => socket.close(1011, 'kubelet went away'),
    'kubelet went away',
  ],
  ['nothing comes', () => () => undefined, 'nothing within 300 ms'],
  [
    'the command can’t be started',
    () => (socket) => socket.send(frame(3, JSON.stringify({ status: 'Failure', message: 'sh: not found' }))),
    'sh: not found',
  ],
])('exec fails, and closes, when %s', async (_name, socket, says) => {
  const { server, cluster } = await open({ socket: socket as never });
  const pod = { namespace: 'shakedown', name: 'helper', container: 'main' };
  await expect(cluster.exec(pod, ['true'], 300)).rejects.toThrow(says);
  await expect.poll(server.openSockets).toBe(0);
});

test('a kubeconfig that can’t be used says why', async () => {
  const { server } = await open({});
  const { signal } = new AbortController();
  await expect(openApiServer({ kubeconfig: '/nowhere/kubeconfig' }, signal)).rejects.toThrow('ENOENT');
  await expect(openApiServer({ kubeconfig: server.kubeconfig, context: 'prod' }, signal)).rejects.toThrow(
    'no context prod, only fake',
  );
});
