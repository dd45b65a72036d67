// Where the lab's pods are now, under the names by which the workshop app is told. Asked anew for each file of tests: a pod whose Kubernetes
// node lost its power comes back with another address.
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';

interface Pods {
  readonly items: readonly {
    readonly status: {
      readonly podIP?: string;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  }[];
}

/** Of the first pod that is ready: one that lost its node is on the list still. */
async function podAddress(name: string): Promise<string> {
  let address: string | undefined;
  await until(`a pod of ${name} is ready`, 60_000, async () => {
    const selector = `app.kubernetes.io/name=${name}`;
    const found = await kubectl(['get', 'pods', '--namespace', 'erp', '--selector', selector, '--output', 'json']);
    const { items }: Pods = JSON.parse(found);
    address = items.find(({ status }) =>
      status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
    )?.status.podIP;
    return address !== undefined || `${items.length} pods`;
  });
  return address ?? '';
}

if (process.env.SHAKEDOWN_LAB) {
  process.env.DB_HOST = await podAddress('database-proxy');
  for (const group of ['cache', 'queue'])
    process.env[`REDIS_${group.toUpperCase()}_URL`] =
      `redis://:${process.env[`REDIS_${group.toUpperCase()}_PASSWORD`]}@${await podAddress(`redis-${group}`)}:6379`;
}
