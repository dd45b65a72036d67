// Realtime as browsers and the load speak it: the real server in a process of its own, beside a site of this machine, heard by
// socket.io's own client and by a bare WebSocket.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, request } from 'node:http';
import { connect as connectTo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from '@playwright/test';
import { Redis as Client } from 'ioredis';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, openSite, type Site, siteMissing, tokenOf, userOf } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`realtime is not tested: ${missing}`);

const app = join(import.meta.dirname, '../../../lab/workshop/app/main.ts');
const withinMs = 15_000;
/** Long enough for what should not come to have come. */
const quietMs = 700;

type Change = { doctype: string; name: string; user?: string; modified?: string };

describe.skipIf(missing !== undefined)('realtime', () => {
  let site: Site;
  let redis: Redis;
  let realtime: Realtime;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    site = await openSite('own');
    redis = await startRedis();
    await site.stopWeb();
    await site.startWeb({ REDIS_QUEUE_URL: redis.url });
    realtime = await startRealtime(site, { REDIS_QUEUE_URL: redis.url });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });
  afterAll(async () => {
    await realtime?.stop();
    await site?.[Symbol.asyncDispose]();
    await redis?.stop();
  });

  /** As the browser's page, or with whatever else is given. */
  function connect(
    options: { headers?: Record<string, string>; namespace?: string; transport?: 'polling'; port?: number } = {},
  ): Socket {
    const headers = options.headers ?? { Origin: 'https://localhost', Authorization: tokenOf(userOf(site, 'scanner')) };
    const socket = io(`http://127.0.0.1:${options.port ?? realtime.port}${options.namespace ?? '/localhost'}`, {
      path: '/socket.io/',
      forceNew: true,
      transports: [options.transport ?? 'websocket'],
      extraHeaders: headers,
      reconnectionDelay: 100,
      reconnectionDelayMax: 300,
    });
    sockets.push(socket);
    return socket;
  }

  async function connected(options: Parameters<typeof connect>[0] = {}): Promise<Socket> {
    const socket = connect(options);
    await told(socket, 'connect');
    return socket;
  }

  async function refusal(options: Parameters<typeof connect>[0]): Promise<string> {
    const socket = connect(options);
    const error = await Promise.race([
      told<Error>(socket, 'connect_error'),
      told(socket, 'connect').then(() => new Error('admitted')),
    ]);
    return error.message;
  }

  /** Asks for something, and waits until the server has done it. */
  async function asked(socket: Socket, message: string, ...names: string[]): Promise<void> {
    const pong = told(socket, 'pong');
    socket.emit(message, ...names);
    socket.emit('ping');
    await pong;
  }

  async function makeEntry(fields: Record<string, unknown> = {}): Promise<{ name: string; modified: string }> {
    const reply = await ask(site, 'POST', '/api/resource/Stock%20Entry', {
      as: 'scanner',
      body: {
        stock_entry_type: 'Material Receipt',
        company: 'Wind Power LLC',
        items: [{ item_code: 'ITEM-0001', qty: 1, t_warehouse: 'Stores - WP', basic_rate: 10 }],
        ...fields,
      },
    });
    expect(reply.status, reply.text).toBe(200);
    return reply.json.data;
  }

  async function change(name: string, body: unknown): Promise<void> {
    const reply = await ask(site, 'PUT', `/api/resource/Stock%20Entry/${name}`, { as: 'scanner', body });
    expect(reply.status, reply.text).toBe(200);
  }

  function heard(socket: Socket, event: string): Change[] {
    const changes: Change[] = [];
    socket.on(event, (one: Change) => changes.push(one));
    return changes;
  }

  /** The site has a connection of its own to Redis, which comes back in its own time. */
  async function heardAgain(lists: readonly Change[]): Promise<void> {
    await until(async () => {
      const { name } = await makeEntry();
      await sleep(100);
      return lists.some((one) => one.name === name);
    });
  }

  it('tells of an entry that is made, submitted and cancelled, each once', async () => {
    const socket = await connected();
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const lists = heard(socket, 'list_update');
    const { name } = await makeEntry();
    await asked(socket, 'doc_subscribe', 'Stock Entry', name);
    const documents = heard(socket, 'doc_update');
    await change(name, { docstatus: 1 });
    await change(name, { docstatus: 2 });
    await until(() => documents.length === 2 && lists.length === 3);
    await sleep(quietMs);
    const list = { doctype: 'Stock Entry', name, user: 'scanner@example.com' };
    expect(lists).toEqual([list, list, list]);
    expect(documents).toMatchObject([
      { doctype: 'Stock Entry', name },
      { doctype: 'Stock Entry', name },
    ]);
    const now = await ask(site, 'GET', `/api/resource/Stock%20Entry/${name}`, { as: 'scanner' });
    expect(documents[1]?.modified).toBe(now.json.data.modified);
  });

  it('tells of job cards, and of the time logged on them', async () => {
    const socket = await connected();
    await asked(socket, 'doctype_subscribe', 'Job Card');
    const lists = heard(socket, 'list_update');
    const post = async (path: string, body: unknown) => {
      const reply = await ask(site, 'POST', path, { as: 'scanner', body });
      expect(reply.status, reply.text).toBe(200);
      return reply.json.data;
    };
    const card = { work_order: 'MFG-WO-1', operation: 'Assemble', for_quantity: 5 };
    const { name } = await post('/api/resource/Job%20Card', card);
    const args = { job_card_id: name, start_time: '2026-11-23 08:00:00', status: 'Work In Progress' };
    await post('/api/method/erpnext.manufacturing.doctype.job_card.job_card.make_time_log', { args });
    await until(() => lists.length === 2);
    expect(lists).toMatchObject([
      { doctype: 'Job Card', name },
      { doctype: 'Job Card', name },
    ]);
  });

  it('tells by long polling as well', async () => {
    const socket = await connected({ transport: 'polling' });
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const lists = heard(socket, 'list_update');
    const { name } = await makeEntry();
    await until(() => lists.length === 1);
    expect(lists[0]?.name).toBe(name);
  });

  it('speaks the lines that the load speaks', async () => {
    const lines: string[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${realtime.port}/socket.io/?EIO=4&transport=websocket`, {
      headers: { Authorization: tokenOf(userOf(site, 'technician')), Origin: 'https://localhost' },
    });
    socket.addEventListener('message', ({ data }) => lines.push(String(data)));
    const line = async (wanted: RegExp): Promise<string> => {
      await until(
        () => lines.some((one) => wanted.test(one)),
        () => JSON.stringify(lines),
      );
      return lines.find((one) => wanted.test(one)) ?? '';
    };
    await line(/^0\{/);
    socket.send('40/localhost,');
    await line(/^40\/localhost,\{"sid":/);
    socket.send('42/localhost,["doctype_subscribe","Stock Entry"]');
    socket.send('42/localhost,["ping"]');
    await line(/^42\/localhost,\["pong"\]$/);
    const { name } = await makeEntry({ docstatus: 1 });
    expect(await line(/list_update/)).toBe(
      `42/localhost,["list_update",{"doctype":"Stock Entry","name":"${name}","user":"scanner@example.com"}]`,
    );
    socket.close();
  });

  it.each([
    ['nothing that says who it is', { Origin: 'https://localhost' }, /^No authentication method used/],
    ['an unknown key', { Origin: 'https://localhost', Authorization: 'token no:body' }, /^Unauthorized: Auth/],
    ['a page of another site', { Origin: 'https://elsewhere.example', Authorization: '' }, /^Invalid origin$/],
    ['no origin', { Cookie: 'sid=x' }, /^Invalid origin$/],
  ])('refuses %s', async (_what, headers, says) => {
    const token = tokenOf(userOf(site, 'scanner'));
    const all = Object.entries(headers).map(([key, value]) => [key, value || token]);
    expect(await refusal({ headers: Object.fromEntries(all) })).toMatch(says);
  });

  it.each(['/', '/elsewhere'])('refuses the namespace %s', async (namespace) => {
    expect(await refusal({ namespace })).toBe('Invalid namespace');
  });

  it('takes a session’s cookie, and tells nothing of a doctype to who may not read it', async () => {
    const cookieOf = async (name: string) => {
      const { user, password } = userOf(site, name);
      const reply = await ask(site, 'POST', '/api/method/login', { body: { usr: user, pwd: password } });
      return /sid=[^;]+/.exec(String(reply.headers['set-cookie']))?.[0] ?? '';
    };
    const as = async (cookie: string) => connected({ headers: { Origin: 'http://localhost:8000', Cookie: cookie } });
    const technician = await as(await cookieOf('technician'));
    const clerk = await as(await cookieOf('clerk'));
    const guest = await as('sid=Guest');
    const all = [technician, clerk, guest];
    for (const socket of all) await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const changes = all.map((socket) => heard(socket, 'list_update'));
    await makeEntry();
    await until(() => changes[0]?.length === 1);
    await sleep(quietMs);
    expect(changes.map(({ length }) => length)).toEqual([1, 0, 0]);
  });

  it('tells nobody who has unsubscribed, however quickly', async () => {
    const socket = await connected();
    const lists = heard(socket, 'list_update');
    socket.emit('doctype_subscribe', 'Stock Entry');
    await asked(socket, 'doctype_unsubscribe', 'Stock Entry');
    await makeEntry();
    await sleep(quietMs);
    expect(lists).toEqual([]);
  });

  it('shows on a technician’s page what others take, as it happens', async () => {
    await using front = await startFront(Number(new URL(site.url).port), realtime.port);
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(`${front.url}/app/technician`);
      const { user, password } = userOf(site, 'technician');
      await page.getByLabel('E-mail').fill(user);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByLabel('Scan a part').fill('BC0000000001');
      await page.keyboard.press('Enter');
      const shown = async () => Number((await page.locator('#stock dd').first().textContent())?.replace(/[^\d]/g, ''));
      await page.getByText('ITEM-0001').first().waitFor();
      await until(async () => (await realtime.metric('workshop_realtime_connections')) === 1);
      // When it begins to listen it looks by itself; only after that it is the event that makes it look.
      await sleep(quietMs);
      await until(() => page.evaluate<boolean>('stockLook === undefined'));
      const before = await shown();
      await makeEntry({ docstatus: 1 });
      await expect.poll(shown, { timeout: 5_000 }).toBe(before + 1);
      expect(complaints.filter((one) => /WebSocket|Content Security/.test(one))).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('counts connections and events', async () => {
    const socket = await connected();
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const lists = heard(socket, 'list_update');
    const before = await realtime.metric('workshop_realtime_events_total{event="list_update"}');
    await makeEntry();
    await until(() => lists.length === 1);
    expect(await realtime.metric('workshop_realtime_events_total{event="list_update"}')).toBe(before + 1);
    expect(await realtime.metric('workshop_realtime_connections')).toBe(1);
    expect(await realtime.metric('workshop_realtime_listening')).toBe(1);
  });

  it('hears again after Redis was gone, and clients need do nothing', async () => {
    const socket = await connected();
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const lists = heard(socket, 'list_update');
    await redis.stop();
    await until(async () => (await realtime.metric('workshop_realtime_listening')) === 0);
    const untold = await makeEntry();
    await redis.start();
    await until(async () => (await realtime.metric('workshop_realtime_listening')) === 1);
    await heardAgain(lists);
    expect(lists.map(({ name }) => name)).not.toContain(untold.name);
    expect(socket.connected).toBe(true);
  });

  it('hears again after Redis was frozen without a word', async () => {
    const socket = await connected();
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const lists = heard(socket, 'list_update');
    redis.signal('SIGSTOP');
    try {
      await until(async () => (await realtime.metric('workshop_realtime_listening')) === 0);
      // Nobody can be told, so nobody waits for that. A draft: a submit waits a second for its job to be queued.
      const started = performance.now();
      await makeEntry({ docstatus: 0 });
      expect(performance.now() - started).toBeLessThan(1_000);
    } finally {
      redis.signal('SIGCONT');
    }
    await until(async () => (await realtime.metric('workshop_realtime_listening')) === 1);
    await heardAgain(lists);
  });

  it('books without delay while Redis is down, and says that nobody was told', async () => {
    const failed = () =>
      metricAt(
        Number(site.environment?.METRICS_PORT),
        'workshop_realtime_announced_total{event="list_update",result="failed"}',
      );
    const before = await failed();
    await redis.stop();
    try {
      const ms: number[] = [];
      for (let n = 0; n < 10; n += 1) {
        const started = performance.now();
        await makeEntry({ docstatus: 1 });
        ms.push(performance.now() - started);
      }
      expect(Math.max(...ms)).toBeLessThan(1_000);
      expect(await failed()).toBe(before + 10);
    } finally {
      await redis.start();
      await until(async () => (await realtime.metric('workshop_realtime_listening')) === 1);
    }
  });

  it('follows the master when the Sentinels have made another', async () => {
    const group = await startGroup();
    const settings = { REDIS_SENTINELS: group.sentinel, REDIS_CACHE_URL: undefined, REDIS_QUEUE_URL: undefined };
    const follower = await startRealtime(site, settings);
    try {
      const socket = connect({ port: follower.port });
      await told(socket, 'connect');
      await asked(socket, 'doctype_subscribe', 'Stock Entry');
      const names = heard(socket, 'list_update');
      const tell = (name: string) =>
        group.publish({
          event: 'list_update',
          message: { doctype: 'Stock Entry', name },
          room: 'doctype:Stock Entry',
          namespace: 'localhost',
        });
      await tell('before');
      await until(() => names.length === 1);
      await group.killMaster();
      await until(async () => (await follower.metric('workshop_realtime_listening')) === 1);
      await until(async () => {
        await tell('after');
        await sleep(100);
        return names.some(({ name }) => name === 'after');
      });
      expect(socket.connected).toBe(true);
    } finally {
      await follower.stop();
      await group.stop();
    }
  });

  it('ends with a word, so that clients are at the next one at once', async () => {
    const socket = await connected();
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const gone = told<string>(socket, 'disconnect');
    const started = performance.now();
    expect(await realtime.stop()).toBe(0);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await gone).toBe('transport close');
    const back = told(socket, 'connect');
    realtime = await startRealtime(site, { REDIS_QUEUE_URL: redis.url }, realtime.port);
    await back;
    // Nobody there knows what it had asked for.
    const lists = heard(socket, 'list_update');
    await makeEntry();
    await asked(socket, 'doctype_subscribe', 'Stock Entry');
    const { name } = await makeEntry();
    await until(() => lists.length > 0);
    expect(lists).toMatchObject([{ name }]);
  });
});

interface Realtime {
  readonly port: number;
  metric(name: string): Promise<number>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

async function startRealtime(
  site: Site,
  settings: Readonly<Record<string, string | undefined>>,
  samePort?: number,
): Promise<Realtime> {
  const port = samePort ?? (await freePort());
  const metricsPort = await freePort();
  const env = { ...site.environment, DB_POOL_SIZE: '2', ...settings };
  const program = spawn(process.execPath, [app, 'socketio'], {
    env: { ...env, SOCKETIO_PORT: String(port), METRICS_PORT: String(metricsPort) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const metric = (name: string) => metricAt(metricsPort, name);
  await until(async () => (await metric('workshop_realtime_listening').catch(() => 0)) === 1);
  expect(await (await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).text()).toBe('ok\n');
  return { port, metric, stop: () => ended(program, 'SIGTERM') };
}

interface Redis {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}

async function startRedis(): Promise<Redis> {
  const port = await freePort();
  let server: ChildProcess;
  const start = async () => {
    server = spawn('/usr/bin/redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', ''], {
      stdio: 'ignore',
    });
    await until(() => isOpen(port));
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    async stop() {
      await ended(server, 'SIGKILL');
    },
    signal: (signal) => server.kill(signal),
  };
}

/** What the ingress does: one address for both. */
async function startFront(webPort: number, realtimePort: number): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createHttpServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const passed = request({ host: '127.0.0.1', port: webPort, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    incoming.pipe(passed);
  });
  server.on('upgrade', (incoming, socket, head) => {
    const behind = connectTo(realtimePort, '127.0.0.1', () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${String(value)}`);
      behind.write([`GET ${incoming.url} HTTP/1.1`, ...headers, '', ''].join('\r\n'));
      behind.write(head);
      socket.pipe(behind).pipe(socket);
    });
    behind.on('error', () => socket.destroy());
    socket.on('error', () => behind.destroy());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Group {
  /** host:port of the Sentinel. */
  readonly sentinel: string;
  /** At whichever is master now; false when there is none. */
  publish(event: object): Promise<boolean>;
  killMaster(): Promise<void>;
  stop(): Promise<void>;
}

/** A master, its replica, and a Sentinel that waits a second. */
async function startGroup(): Promise<Group> {
  const folder = await mkdtemp(join(tmpdir(), 'shakedown-sentinel-'));
  const [first, second, sentinel] = [await freePort(), await freePort(), await freePort()];
  const run = async (port: number, ...more: string[]) => {
    const program = spawn('/usr/bin/redis-server', more, { cwd: folder, stdio: 'ignore' });
    await until(() => isOpen(port));
    return program;
  };
  const server = (port: number, ...more: string[]) =>
    run(port, '--bind', '127.0.0.1', '--port', String(port), '--save', '', ...more);
  const names = ['cache', 'queue'];
  const file = join(folder, 'sentinel.conf');
  await writeFile(
    file,
    [
      'bind 127.0.0.1',
      `port ${sentinel}`,
      ...names.flatMap((name) => [
        `sentinel monitor ${name} 127.0.0.1 ${first} 1`,
        `sentinel down-after-milliseconds ${name} 1000`,
        `sentinel failover-timeout ${name} 5000`,
      ]),
      '',
    ].join('\n'),
  );
  const programs = [
    await server(first),
    await server(second, '--replicaof', '127.0.0.1', String(first)),
    await run(sentinel, file, '--sentinel'),
  ];
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0 };
  const clients = [first, second].map((port) =>
    new Client({ host: '127.0.0.1', port, ...options }).on('error', () => {}),
  );
  const watcher = new Client({ host: '127.0.0.1', port: sentinel });
  const masterNow = async () => {
    const [, port] = (await watcher.call('SENTINEL', 'get-master-addr-by-name', 'queue')) as string[];
    return Number(port) === first ? 0 : 1;
  };
  // Only a replica that the Sentinel knows of can become master.
  await until(async () => JSON.stringify(await watcher.call('SENTINEL', 'replicas', 'queue')).includes(String(second)));
  return {
    sentinel: `127.0.0.1:${sentinel}`,
    async publish(event) {
      return Boolean(await clients[await masterNow()]?.publish('events', JSON.stringify(event)).catch(() => 0));
    },
    async killMaster() {
      const [killed] = programs;
      if (killed) await ended(killed, 'SIGKILL');
      await until(async () => (await masterNow()) === 1);
    },
    async stop() {
      for (const client of [...clients, watcher]) client.disconnect();
      for (const program of programs) await ended(program, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function metricAt(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function ended(program: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  if (program.exitCode !== null || program.signalCode !== null) return program.exitCode;
  const gone = new Promise<number | null>((resolve) => program.once('exit', resolve));
  program.kill(signal);
  const patience = setTimeout(() => program.kill('SIGKILL'), 10_000);
  const code = await gone;
  clearTimeout(patience);
  return code;
}

function told<T = void>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error(`no ${event} within ${withinMs / 1000} s`)), withinMs);
    socket.once(event, (value: T) => {
      clearTimeout(patience);
      resolve(value);
    });
  });
}

async function until(holds: () => boolean | Promise<boolean>, seen: () => string = () => ''): Promise<void> {
  const last = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > last) throw new Error(`not within ${withinMs / 1000} s: ${holds.toString()} ${seen()}`);
    await sleep(50);
  }
}

async function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
