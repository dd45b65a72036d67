// The lab is what it says: three workers of the wanted version, and a node that loses its power comes back by itself.
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { getJson, kubectl } from '../../lab/kubectl.ts';
import { network, paths, siteHost, stateDir } from '../../lab/places.ts';
import { until } from '../../lab/step.ts';
import { supervisorStatus, switchPower } from '../../lab/supervisor/client.ts';
import { ask, openSite } from '../integration/workshop/site.ts';
import { repo, run } from './shakedown.ts';

interface Nodes {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly conditions: readonly { readonly type: string; readonly status: string }[];
      readonly nodeInfo: { readonly kubeletVersion: string };
    };
  }[];
}

const ready = async (): Promise<Readonly<Record<string, string>>> => {
  const { items }: Nodes = JSON.parse(await kubectl(['get', 'nodes', '--output', 'json']));
  return Object.fromEntries(
    items.map(({ metadata, status }) => [
      metadata.name,
      status.conditions.find(({ type }) => type === 'Ready')?.status ?? '?',
    ]),
  );
};

it('has three Ready workers at v1.34.4', async () => {
  const { items }: Nodes = JSON.parse(await kubectl(['get', 'nodes', '--output', 'json']));
  expect(items.map(({ status }) => status.nodeInfo.kubeletVersion)).toEqual(['v1.34.4', 'v1.34.4', 'v1.34.4']);
  expect(await ready()).toEqual({ 'node-1': 'True', 'node-2': 'True', 'node-3': 'True' });
});

/** Its volumes as the node itself has them mounted, seen from this machine. */
async function volumesOf(node: string): Promise<string> {
  const { nodes = [] } = (await supervisorStatus()) ?? {};
  const pid = nodes.find(({ name }) => name === node)?.pid;
  const init = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  return `/proc/${init}/root${stateDir}/nodes/${node}/volumes`;
}

it('heals by itself when a node loses its power under bookings and gets it back; what it had not synced is lost', async () => {
  const site = await openSite();
  // Whoever is cut off in the middle leaves a transaction behind, and with it locks.
  const items = ['ITEM-0240', 'ITEM-0241', 'ITEM-0242'];
  const book = (item: string) =>
    ask(site, 'POST', '/api/resource/Stock%20Entry', {
      as: 'scanner',
      body: {
        stock_entry_type: 'Material Receipt',
        company: 'Wind Power LLC',
        items: [{ item_code: item, qty: 1, t_warehouse: 'Stores - WP', basic_rate: 10 }],
        docstatus: 1,
      },
    });
  let busy = true;
  let booked = 0;
  const hands = Array.from({ length: 12 }, async (_, hand) => {
    while (busy) {
      const reply = await book(items[hand % items.length] ?? '').catch(() => undefined);
      if (reply?.status === 200) booked += 1;
      else await sleep(500);
    }
  });
  await until('bookings are under way', 30_000, async () => booked > 50 || `${booked} booked`);
  const marker = `marker-${process.pid}`;
  const before = await volumesOf('node-3');
  const synced = await open(`${before}/${marker}-synced`, 'w');
  await synced.writeFile('was synced');
  await synced.sync();
  await synced.close();
  await writeFile(`${before}/${marker}-unsynced`, 'was not synced');
  await switchPower('node-3', 'off');
  try {
    await until('node-3 is seen to be gone', 90_000, async () => (await ready())['node-3'] !== 'True' || 'still Ready');
  } finally {
    await switchPower('node-3', 'on');
    busy = false;
  }
  await Promise.all(hands);
  let after = '';
  await until('node-3 has its volumes again', 30_000, async () => {
    after = await volumesOf('node-3');
    return (await readFile(`${after}/${marker}-synced`, 'utf8').catch(() => '')) === 'was synced' || 'no marker';
  });
  // The name may be there, when somebody else's sync took it along; what was written is not.
  expect(await readFile(`${after}/${marker}-unsynced`, 'utf8').catch(() => '')).toBe('');
  for (const kind of ['synced', 'unsynced']) await rm(`${after}/${marker}-${kind}`, { force: true });
  await until('node-3 is Ready again', 120_000, async () => (await ready())['node-3'] === 'True' || 'not Ready');
  await until('all three Galera nodes are ready again', 240_000, async () => {
    const set = await getJson<{ status: { readyReplicas?: number } }>('statefulset', 'erp', 'galera');
    return set?.status.readyReplicas === 3 || `${set?.status.readyReplicas ?? 0} ready`;
  });
  await until('every pod is ready', 120_000, async () => {
    const waiting = (await pods()).filter(({ status }) => !status.conditions?.some(isReady));
    return waiting.length === 0 || waiting.map(({ metadata }) => metadata.name).join(', ');
  });
  for (const item of items)
    await until(`${item} can be booked`, 60_000, async () => {
      const { status, text } = await book(item);
      return status === 200 || `${status} ${text.slice(0, 200)}`;
    });
  await until('the site answers ten times in a row', 60_000, async () => {
    for (let time = 1; time <= 10; time++) {
      const answered = await run('curl', [...viaFront, `https://${siteHost}/api/method/ping`], repo);
      if (!answered.stdout.includes('pong')) return `${answered.stdout}${answered.stderr} at the ${time}th time`;
    }
    return true;
  });
});

const viaFront = [
  '--silent',
  '--show-error',
  '--max-time',
  '2',
  '--cacert',
  paths.siteCa,
  '--resolve',
  `${siteHost}:443:${network.front}`,
];

interface Condition {
  readonly type: string;
  readonly status: string;
}

const isReady = ({ type, status }: Condition): boolean => type === 'Ready' && status === 'True';

async function pods() {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '--all-namespaces', '--output', 'json'])) as {
    items: { metadata: { name: string }; status: { phase: string; conditions?: Condition[] } }[];
  };
  // Of a job that ended, either way, nobody waits for the pod.
  return items.filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed');
}
