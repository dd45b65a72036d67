// Network policies are enforced: a stranger is refused where a friend goes through, on the way in and on the way out.
import { expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';

interface From {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Whether a pod can open a TCP connection; it is asked by bash, which every image of the lab has. */
async function reaches({ namespace, pod, container }: From, host: string, port: number): Promise<boolean> {
  const open = `timeout 3 bash -c 'exec 3<>/dev/tcp/${host}/${port}' 2>/dev/null && echo open || echo closed`;
  const said = await kubectl([
    'exec',
    '--namespace',
    namespace,
    pod,
    '--container',
    container,
    '--',
    'bash',
    '-c',
    open,
  ]);
  return said.trim() === 'open';
}

const prometheus: From = { namespace: 'monitoring', pod: 'prometheus-0', container: 'prometheus' };
const galera: From = { namespace: 'erp', pod: 'galera-0', container: 'mariadb' };
const web: From = { namespace: 'erp', pod: 'deployment/workshop-erpnext-gunicorn', container: 'gunicorn' };
const redis = 'redis-cache-0.redis-cache.erp.svc.cluster.local';

it.each<[string, From, string, number, boolean]>([
  ['Prometheus reads metrics in the namespace of the app', prometheus, redis, 9121, true],
  ['Prometheus does not talk to Redis', prometheus, redis, 6379, false],
  ['the web tier talks to Redis', web, redis, 6379, true],
  ['a database does not talk to Redis', galera, redis, 6379, false],
  ['the web tier talks to the database proxies', web, 'database.erp.svc.cluster.local', 3306, true],
  [
    'the web tier does not talk to a database past the proxies',
    web,
    'galera-0.galera.erp.svc.cluster.local',
    3306,
    false,
  ],
  ['the web tier does not talk to realtime', web, 'workshop-erpnext-socketio.erp.svc.cluster.local', 9000, false],
  ['the web tier talks to the object store', web, 's3.storage.svc.cluster.local', 7070, true],
  ['a database does not talk to the object store', galera, 's3.storage.svc.cluster.local', 7070, false],
  ['Prometheus does not talk to the object store', prometheus, 's3.storage.svc.cluster.local', 7070, false],
  ['nothing leaves the namespace of the app', web, 'prometheus-0.prometheus.monitoring.svc.cluster.local', 9090, false],
])('%s', async (_what, from, host, port, wanted) => {
  expect(await reaches(from, host, port)).toBe(wanted);
});
