// The alerts on the real thing: a whole lab is quiet, a replica that is gone is told of by both Alertmanagers, and the alert ends by itself.
import { afterAll, expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state?: string;
}

async function ask<T>(pod: string, port: number, path: string): Promise<T> {
  return JSON.parse(await kubectl(['get', '--raw', `/api/v1/namespaces/monitoring/pods/${pod}:${port}/proxy${path}`]));
}

async function firing(): Promise<readonly string[]> {
  const { data } = await ask<{ data: { alerts: readonly Alert[] } }>('prometheus-0', 9090, '/api/v1/alerts');
  return [
    ...new Set(data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname ?? '?')),
  ];
}

/** Names of the alerts that an Alertmanager knows of, of both groups of a name. */
async function toldOf(pod: string): Promise<readonly string[]> {
  const alerts = await ask<readonly Alert[]>(pod, 9093, '/api/v2/alerts');
  return alerts.map(({ labels }) => labels.alertname ?? '?');
}

const scale = (replicas: number) =>
  kubectl(['scale', 'statefulset/redis-cache', '--namespace', 'erp', `--replicas=${replicas}`]);

// Only the one that shows that alerts work at all.
const quiet = async () => {
  const now = await firing();
  return (now.length === 1 && now[0] === 'AlertingWorks') || now.join(', ');
};

afterAll(() => scale(3));

it('every rule can be evaluated', async () => {
  interface Rule {
    readonly name: string;
    readonly health: string;
    readonly lastError?: string;
  }
  const { data } = await ask<{ data: { groups: readonly { rules: readonly Rule[] }[] } }>(
    'prometheus-0',
    9090,
    '/api/v1/rules',
  );
  const rules = data.groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(90);
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
});

it('a whole lab is quiet, and says that it would not be', async () => {
  await until('nothing fires but AlertingWorks', 120_000, quiet);
  for (const pod of ['alertmanager-0', 'alertmanager-1']) expect(await toldOf(pod)).toContain('AlertingWorks');
});

it('a replica that is gone fires, both Alertmanagers hear of it, and it ends when the replica is back', async () => {
  await scale(2);
  await until('RedisReplicasMissing fires', 120_000, async () => {
    const now = await firing();
    return now.includes('RedisReplicasMissing') || now.join(', ');
  });
  for (const pod of ['alertmanager-0', 'alertmanager-1'])
    await until(`${pod} was told`, 20_000, async () => {
      const told = await toldOf(pod);
      return told.includes('RedisReplicasMissing') || told.join(', ');
    });
  await scale(3);
  await until('all is quiet again', 120_000, quiet);
});
