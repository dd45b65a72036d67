// Against a real server that answers as Alertmanager's OpenAPI document (api/v2/openapi.yaml) says, behind an API server's pod proxy.
import { afterEach, expect, test } from 'vitest';
import { type FakeApiHandlers, type FakeApiServer, fakeApiServer } from '../../tests/fakes/api-server.ts';
import { fakeCluster, fakePod } from '../../tests/fakes/cluster.ts';
import { alertmanagerAlerts, alertmanagerSilences } from '../../tests/fixtures/alertmanager.ts';
import { alertmanagerReplicas } from './alertmanager.ts';
import { openApiServer } from './api-server.ts';

let server: FakeApiServer | undefined;
const end = new AbortController();
afterEach(async () => {
  await server?.close();
});

const target = { namespace: 'monitoring', selector: 'app=alertmanager', port: 9093 };
const pods = ['alertmanager-1', 'alertmanager-0'].map((name) =>
  fakePod({ namespace: 'monitoring', name, labels: { app: 'alertmanager' } }),
);

async function open(http: NonNullable<FakeApiHandlers['http']>) {
  server = await fakeApiServer({ http });
  const api = await openApiServer({ kubeconfig: server.kubeconfig }, end.signal);
  return alertmanagerReplicas(api, fakeCluster({ pods }), target);
}

test('each replica is asked for its alerts and silences through the pod proxy, and tells what it has', async () => {
  const alertmanager = await open(({ path }) => ({
    body: path.endsWith('alerts') ? alertmanagerAlerts : alertmanagerSilences,
  }));
  const told = { alerts: alertmanagerAlerts, silences: alertmanagerSilences };
  expect(await alertmanager.ask()).toEqual([
    { replica: 'alertmanager-0', ...told },
    { replica: 'alertmanager-1', ...told },
  ]);
  expect(server?.requests.map(({ path }) => path).sort()[0]).toBe(
    '/api/v1/namespaces/monitoring/pods/alertmanager-0:9093/proxy/api/v2/alerts',
  );
});

test('a replica that does not tell both says why, and never looks as if it had nothing', async () => {
  const alertmanager = await open(({ path }) =>
    path.includes('alertmanager-0')
      ? { status: 503, body: { kind: 'Status', message: 'no endpoints available' } }
      : path.endsWith('silences')
        ? { status: 200, body: '<html>' }
        : { body: [] },
  );
  const [first, second] = await alertmanager.ask();
  expect(first).toEqual({ replica: 'alertmanager-0', error: expect.stringContaining('HTTP 503') });
  expect(second).toEqual({ replica: 'alertmanager-1', error: 'HTTP 200, not JSON: <html>' });
});
