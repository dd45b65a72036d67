// Realtime through the ingress: sessions stick to a pod, whichever pod hears of a change tells its own, and a failover of the queue's Redis
// deafens nobody for good.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { io, type Socket } from 'socket.io-client';
import { afterEach, expect, it } from 'vitest';
import { readTargetFile } from '../../cli/target-file.ts';
import { kubectl } from '../../lab/kubectl.ts';
import { network, paths, siteHost } from '../../lab/places.ts';
import { until } from '../../lab/step.ts';
import { openReach } from '../../lib/clients/reach.ts';
import { readRedis } from '../../lib/probes/redis.ts';
import { ask, openSite, tokenOf, userOf } from '../integration/workshop/site.ts';

const clients = 12;
const selector = 'app.kubernetes.io/name=erpnext-socketio';
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

/** The site's name is in no DNS: whoever asks is sent to the front. */
const agent = () =>
  new Agent({
    ca: readFileSync(paths.siteCa),
    keepAlive: true,
    lookup: (_host, options, answer) =>
      options.all ? answer(null, [{ address: network.front, family: 4 }]) : answer(null, network.front, 4),
  });

interface Heard {
  readonly socket: Socket;
  readonly names: string[];
  readonly lost: string[];
}

/** Long polling throughout: each request may come to another Envoy, and must come to the same pod. */
async function listener(authorization: string, cookie: boolean): Promise<Heard> {
  const socket = io(`https://${siteHost}/${siteHost}`, {
    path: '/socket.io/',
    forceNew: true,
    transports: ['polling'],
    withCredentials: cookie,
    reconnection: false,
    // biome-ignore lint/suspicious/noExplicitAny: Node's agent, where the types know the browser's only
    agent: agent() as any,
    extraHeaders: { Origin: `https://${siteHost}`, Authorization: authorization },
  });
  sockets.push(socket);
  const names: string[] = [];
  const lost: string[] = [];
  socket.on('list_update', ({ name }: { name: string }) => names.push(name));
  socket.on('connect_error', (error) => lost.push(error.message));
  socket.on('disconnect', (reason) => lost.push(reason));
  await new Promise<void>((resolve) => {
    socket.once('pong', () => resolve());
    socket.once('connect_error', () => resolve());
    socket.once('disconnect', () => resolve());
    socket.once('connect', () => socket.emit('doctype_subscribe', 'Stock Entry').emit('ping'));
  });
  return { socket, names, lost };
}

async function makeEntry(site: Awaited<ReturnType<typeof openSite>>): Promise<string> {
  const items = [{ item_code: 'ITEM-0001', qty: 1, t_warehouse: 'Stores - WP', basic_rate: 10 }];
  const body = { stock_entry_type: 'Material Receipt', company: 'Wind Power LLC', items };
  const reply = await ask(site, 'POST', '/api/resource/Stock%20Entry', { as: 'scanner', body });
  expect(reply.status, reply.text).toBe(200);
  return reply.json.data.name;
}

/** Connections of each pod, as it says itself. */
async function connections(): Promise<number[]> {
  const pods = (
    await kubectl(['get', 'pods', '--namespace', 'erp', '--selector', selector, '--output', 'name'])
  ).trim();
  const ask = "fetch('http://127.0.0.1:9180/metrics').then((r) => r.text()).then(console.log)";
  return Promise.all(
    pods.split('\n').map(async (pod) => {
      const text = await kubectl(['exec', '--namespace', 'erp', pod, '--', '/usr/local/bin/node', '-e', ask]);
      return Number(/^workshop_realtime_connections (\d+)/m.exec(text)?.[1] ?? Number.NaN);
    }),
  );
}

it('long polling sticks to a pod, and every client of every pod is told once', async () => {
  await using site = await openSite();
  const token = tokenOf(userOf(site, 'scanner'));
  const all = await Promise.all(Array.from({ length: clients }, () => listener(token, true)));
  expect(all.flatMap(({ lost }) => lost)).toEqual([]);
  const counts = await connections();
  expect(counts.length).toBeGreaterThanOrEqual(2);
  // Which of them a session goes to is the hash of its cookie: twelve on one pod are one in two thousand.
  expect(Math.min(...counts)).toBeGreaterThan(0);
  const made = [await makeEntry(site), await makeEntry(site), await makeEntry(site)];
  await until('all are told of all three', 30_000, async () => {
    const short = all.filter(({ names }) => made.some((name) => !names.includes(name)));
    return short.length === 0 || `${short.length} of ${clients} not`;
  });
  for (const { names, lost } of all) {
    expect(names.filter((name) => made.includes(name)).sort()).toEqual([...made].sort());
    expect(lost).toEqual([]);
  }
});

it('without the cookie of the ingress a session is lost between the pods', async () => {
  await using site = await openSite();
  const token = tokenOf(userOf(site, 'scanner'));
  const all = await Promise.all(Array.from({ length: clients }, () => listener(token, false)));
  expect(all.filter(({ lost }) => lost.length > 0).length).toBeGreaterThan(0);
});

it('hears again after the queue’s Redis has failed over', async () => {
  await using site = await openSite();
  const heard = await listener(tokenOf(userOf(site, 'scanner')), true);
  const target = await readTargetFile(process.env.SHAKEDOWN_LAB ?? '');
  await using reach = await openReach(target, {
    runId: 'realtime-test',
    seed: 1,
    signal: AbortSignal.timeout(120_000),
  });
  const { redis } = reach;
  if (!redis) throw new Error('no Redis in reach');
  const masterNow = async () => {
    const { nodes } = await readRedis(redis, target);
    return nodes.filter(({ group, is }) => group === 'queue' && is.role === 'master').map(({ node }) => node);
  };
  const before = await masterNow();
  await redis.ask('sentinel', 'redis-sentinel-0', ['SENTINEL', 'FAILOVER', 'queue']);
  await until('the master moved', 60_000, async () => {
    const now = await masterNow();
    return (now.length === 1 && now[0] !== before[0]) || `master ${now.join(', ') || 'none'}`;
  });
  await until('the client is told again', 60_000, async () => {
    const name = await makeEntry(site);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return heard.names.includes(name) || `not of ${name}`;
  });
  expect(heard.lost).toEqual([]);
});
