import { expect, test } from 'vitest';
import { fakeCluster, fakePod } from '../../tests/fakes/cluster.ts';
import { type FakeAnswers, fakeReach, fakeTarget, viewRows } from '../../tests/fakes/reach.ts';
import type { Json } from '../model/fault.ts';
import type { Guard } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';
import {
  galeraSeenWhole,
  galeraWhole,
  guardianWatches,
  guards,
  ingressRetriesOff,
  noUnfinishedRun,
  prometheusFresh,
  redisWhole,
  singleWriter,
  siteTls,
  webTierReady,
} from './guards.ts';

type View = Parameters<typeof viewRows>[0] | 'silent';

/** Each guard has a case that holds, one that does not, and one that can't tell. */
const check = (guard: Guard, answers: FakeAnswers) => guard.check(fakeReach(answers));

const galera = (...views: View[]): FakeAnswers => ({
  nodes: views.map((_view, number) => `galera-${number}`),
  sql: (node) => {
    const view = views[Number(node.slice(-1))];
    if (view === undefined || view === 'silent') throw new Error('refused');
    return viewRows(view);
  },
});

test.each<[string, FakeAnswers, string]>([
  ['all Synced and Primary', galera({}, {}, {}), 'yes'],
  ['one is a donor', galera({}, { localState: 'Donor/Desynced' }, {}), 'no'],
  ['one sees only two', galera({}, { size: 2 }, {}), 'no'],
  ['one is of another cluster', galera({}, { stateUuid: 'uuid-2' }, {}), 'no'],
  ['one is not in the primary component', galera({}, { component: 'non-Primary' }, {}), 'no'],
  ['one is not ready', galera({}, { ready: 'OFF' }, {}), 'no'],
  ['there are only two', galera({ size: 2 }, { size: 2 }), 'no'],
  ['one can’t be asked', galera({}, 'silent', {}), 'cannot-tell'],
])('galera-whole when %s', async (_name, answers, is) => {
  expect(await check(galeraWhole, answers)).toMatchObject({ is });
});

test.each<[string, FakeAnswers, string]>([
  ['all connections are on one node', galera({}, { appConnections: 9 }, {}), 'yes'],
  ['they are on two', galera({ appConnections: 1 }, { appConnections: 9 }, {}), 'no'],
  ['there are none', galera({}, {}, {}), 'cannot-tell'],
  ['a node can’t be asked', galera({ appConnections: 1 }, 'silent', {}), 'cannot-tell'],
])('single-writer when %s', async (_name, answers, is) => {
  expect(await check(singleWriter, answers)).toMatchObject({ is });
});

const web = (...changes: Parameters<typeof fakePod>[0][]): FakeAnswers => ({
  cluster: fakeCluster({ pods: changes.map(fakePod) }),
});
const webPod = (name: string, change: object = {}) => ({ namespace: 'erp', name, labels: { tier: 'web' }, ...change });

test.each<[string, FakeAnswers, string]>([
  ['all are ready', web(webPod('web-1'), webPod('web-2')), 'yes'],
  ['there are fewer than wanted', web(webPod('web-1')), 'no'],
  ['one is not ready', web(webPod('web-1'), webPod('web-2'), webPod('web-3', { ready: false })), 'no'],
  ['one is on its way out', web(webPod('web-1'), webPod('web-2', { deleting: true })), 'no'],
])('web-tier-ready when %s', async (_name, answers, is) => {
  expect(await check(webTierReady, answers)).toMatchObject({ is });
});

test('a guard that throws can’t tell', async () => {
  const cluster = fakeCluster();
  cluster.down = new Error('API out of reach');
  for (const guard of [webTierReady, ingressRetriesOff, noUnfinishedRun]) {
    expect(await check(guard, { cluster })).toEqual({ is: 'cannot-tell', seen: 'API out of reach' });
  }
});

test('redis-whole', async () => {
  const master = ['master', 7, []];
  const redis = (ask: (node: string) => unknown, nodes = ['redis-0']): FakeAnswers => ({
    redis: { groups: ['cache'], nodes: async () => nodes, ask: async (_group, node) => ask(node) },
  });
  expect(
    await check(
      redisWhole,
      redis(() => master),
    ),
  ).toEqual({ is: 'yes', seen: 'cache: master redis-0 of 1' });
  const loading = () => {
    throw new Error('LOADING Redis is loading the dataset in memory');
  };
  expect(await check(redisWhole, redis(loading))).toMatchObject({ is: 'no', seen: expect.stringContaining('LOADING') });
  expect(
    await check(
      redisWhole,
      redis(() => master, []),
    ),
  ).toMatchObject({ is: 'no' });
  expect(await check(redisWhole, {})).toMatchObject({ is: 'cannot-tell' });
});

test('prometheus-fresh', async () => {
  const answers = (...ages: (string | undefined)[]): FakeAnswers => ({
    prometheus: () =>
      ages.map((age, number) => ({
        replica: `prometheus-${number}`,
        response: { status: 'success', data: { result: age === undefined ? [] : [{ value: [1, age] }] } },
      })),
  });
  expect(await check(prometheusFresh, answers('2.5', '4'))).toMatchObject({ is: 'yes' });
  expect(await check(prometheusFresh, answers('2.5', '16'))).toMatchObject({ is: 'no' });
  expect(await check(prometheusFresh, answers('2.5'))).toMatchObject({ is: 'no' });
  expect(await check(prometheusFresh, answers('2.5', 'NaN'))).toMatchObject({ is: 'cannot-tell' });
  expect(await check(prometheusFresh, answers('2.5', undefined))).toMatchObject({ is: 'cannot-tell' });
  const down = () => ['a', 'b'].map((replica) => ({ replica, error: 'connection refused' }));
  expect(await check(prometheusFresh, { prometheus: down })).toMatchObject({ is: 'cannot-tell' });
});

const ingress = (annotations?: Record<string, string>): FakeAnswers => ({
  cluster: fakeCluster({
    objects: [
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'erp', namespace: 'erp', ...(annotations ? { annotations } : {}) },
      },
    ],
  }),
});

test.each<[string, FakeAnswers, string]>([
  ['nothing is set', ingress(), 'yes'],
  ['only a time-out is set', ingress({ 'projectcontour.io/response-timeout': '60s' }), 'yes'],
  [
    'it retries what never arrived',
    ingress({ 'projectcontour.io/retry-on': 'connect-failure, refused-stream' }),
    'yes',
  ],
  ['it retries on 5xx', ingress({ 'projectcontour.io/retry-on': '5xx' }), 'no'],
  ['it retries on resets', ingress({ 'projectcontour.io/retry-on': 'connect-failure,reset' }), 'no'],
  [
    'the number of retries looks like none',
    ingress({ 'projectcontour.io/retry-on': 'gateway-error', 'projectcontour.io/num-retries': '-1' }),
    'no',
  ],
  ['there is no such Ingress', {}, 'cannot-tell'],
])('ingress-retries-off when %s', async (_name, answers, is) => {
  expect(await check(ingressRetriesOff, answers)).toMatchObject({ is });
});

const proxied: Target = {
  ...fakeTarget,
  ingress: { ...fakeTarget.ingress, ingress: { namespace: 'erp', name: 'erp', kind: 'HTTPProxy' } },
};
const proxy = (...routes: Json[]): FakeAnswers => proxyWith({ routes });
const proxyWith = (spec: Json): FakeAnswers => ({
  target: proxied,
  cluster: fakeCluster({
    objects: [
      { apiVersion: 'projectcontour.io/v1', kind: 'HTTPProxy', metadata: { name: 'erp', namespace: 'erp' }, spec },
    ],
  }),
});

test.each<[string, FakeAnswers, string]>([
  ['no route retries', proxy({ services: [] }, { timeoutPolicy: { response: '120s' } }), 'yes'],
  ['a route retries what never arrived', proxy({ retryPolicy: { retryOn: ['connect-failure'] } }), 'yes'],
  ['a route retries on 5xx', proxy({}, { retryPolicy: { count: 1, retryOn: ['5xx'] } }), 'no'],
  ['a route retries without saying on what', proxy({ retryPolicy: { count: 3 } }), 'no'],
  ['the routes stand elsewhere', proxyWith({ includes: [{ name: 'more' }] }), 'cannot-tell'],
  ['there is only an Ingress', { ...ingress(), target: proxied }, 'cannot-tell'],
])('ingress-retries-off of an HTTPProxy when %s', async (_name, answers, is) => {
  expect(await check(ingressRetriesOff, answers)).toMatchObject({ is });
});

const site = (secure: object, plain: object): FakeAnswers => ({ http: (_path, isPlain) => (isPlain ? plain : secure) });
const moved = { status: 301, headers: { location: 'https://erp.example/api/method/ping' } };

test('site-tls', async () => {
  expect(await check(siteTls, site({}, moved))).toMatchObject({ is: 'yes' });
  expect(await check(siteTls, site({}, {}))).toMatchObject({ is: 'no', seen: expect.stringContaining('answers 200') });
  expect(await check(siteTls, site({ status: 503 }, moved))).toMatchObject({ is: 'no' });
  const elsewhere = { status: 301, headers: { location: 'https://erp.example.evil/' } };
  expect(await check(siteTls, site({}, elsewhere))).toMatchObject({ is: 'no' });
  const refused = () => {
    throw new Error('unable to verify the first certificate');
  };
  expect(await check(siteTls, { http: refused })).toMatchObject({ is: 'cannot-tell' });
});

test('Galera is whole by what each replica of Prometheus scraped last; the last word of a node that was away is no answer', async () => {
  const says = (...values: (string | undefined)[]): FakeAnswers => ({
    prometheus: () =>
      values.map((value, number) => ({
        replica: `prometheus-${number}`,
        ...(value === undefined
          ? { error: 'connection refused' }
          : { response: { status: 'success', data: { result: value === '' ? [] : [{ value: [1, value] }] } } }),
      })),
  });
  expect(await check(galeraSeenWhole, says('3', '3'))).toMatchObject({ is: 'yes' });
  expect(await check(galeraSeenWhole, says('3', '2'))).toMatchObject({ is: 'no' });
  expect(await check(galeraSeenWhole, says('3', ''))).toMatchObject({ is: 'no' });
  expect(await check(galeraSeenWhole, says('3', undefined))).toMatchObject({ is: 'cannot-tell' });
  expect(await check(galeraSeenWhole, says())).toMatchObject({ is: 'cannot-tell' });
});

test('a guardian watches, too few do, nobody is named, and nobody can tell', async () => {
  const target: Target = {
    ...fakeTarget,
    suite: { ...fakeTarget.suite, guardian: { selector: 'app=guardian', replicasMin: 2 } },
  };
  const pods = (...ready: boolean[]) =>
    fakeCluster({
      pods: ready.map((is, number) =>
        fakePod({ namespace: 'shakedown', name: `guardian-${number}`, labels: { app: 'guardian' }, ready: is }),
      ),
    });
  expect(await check(guardianWatches, { target, cluster: pods(true, true) })).toMatchObject({ is: 'yes' });
  expect(await check(guardianWatches, { target, cluster: pods(true, false) })).toMatchObject({
    is: 'no',
    seen: expect.stringContaining('1 of 2 guardians ready'),
  });
  expect(await check(guardianWatches, { cluster: pods(true, true) })).toMatchObject({
    is: 'no',
    seen: expect.stringContaining('names no guardian'),
  });
  const down = pods(true, true);
  down.down = new Error('connection refused');
  expect(await check(guardianWatches, { target, cluster: down })).toMatchObject({ is: 'cannot-tell' });
});

test('no-unfinished-run', async () => {
  const labels = (part: string) => ({ 'app.kubernetes.io/managed-by': 'shakedown', 'shakedown.dev/part': part });
  expect(await check(noUnfinishedRun, {})).toEqual({ is: 'yes', seen: 'nothing left in shakedown' });
  const ticket = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 't1', namespace: 'shakedown', labels: labels('ticket') },
  };
  expect(await check(noUnfinishedRun, { cluster: fakeCluster({ objects: [ticket] }) })).toMatchObject({
    is: 'no',
    seen: expect.stringContaining('ticket t1'),
  });
  const helper = fakePod({ namespace: 'shakedown', name: 'h1', labels: labels('helper') });
  expect(await check(noUnfinishedRun, { cluster: fakeCluster({ pods: [helper] }) })).toMatchObject({
    is: 'no',
    seen: expect.stringContaining('helper h1'),
  });
});

test('guards have unique names', () => {
  const names = guards.map(({ name }) => name);
  expect([...new Set(names)]).toEqual(names);
});
