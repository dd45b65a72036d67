// The site that the tests of the workshop ask: the one that the environment names (the lab's), or else one of its own on this machine,
// with a MariaDB and a Redis that live in a temporary folder on loopback ports and are gone afterwards.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const app = join(import.meta.dirname, '../../../lab/workshop/app/main.ts');
const mariadbd = '/usr/sbin/mariadbd';
const redisServer = '/usr/bin/redis-server';
const patienceMs = 30_000;

export interface SiteUser {
  readonly user: string;
  readonly fullName: string;
  readonly password: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly roles: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined when the answer is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field, and a wrong one fails the test
  readonly json: any;
}

/** A server that a site of this machine stands on. */
export interface Service {
  readonly port: number;
  /** As a crash: nothing is handed over. A database's data stay where they are; Redis keeps none. */
  kill(): Promise<void>;
  /** Again on the same port. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export interface Site extends AsyncDisposable {
  readonly url: string;
  readonly connectAddress: string | undefined;
  readonly caFile: string | undefined;
  readonly users: readonly SiteUser[];
  /** The app's own settings; only for a site of this machine. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** Only of a site of this machine. */
  readonly services: { readonly database: Service; readonly cache: Service; readonly queue: Service } | undefined;
  /** What the app wrote to its log; empty for a site elsewhere. */
  log(): string;
  /** Stops the app, and starts it again: a technician's dead spot. Only for a site of this machine. */
  stopWeb(): Promise<void>;
  startWeb(more?: Settings): Promise<void>;
  /** Another process of the app: `['worker', '--queue', 'short']`. Killed with the site, if not before. */
  spawn(words: readonly string[], more?: Settings): Promise<Spawned>;
}

/** Beside the site's own; `undefined` takes one away. */
export type Settings = Readonly<Record<string, string | undefined>>;

export interface Spawned {
  readonly process: ChildProcess;
  readonly metricsPort: number;
  log(): string;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** `any`: the one that is named, if there is one. `own`: always one of this machine, for tests that leave much behind or set it up anew. */
export type Which = 'any' | 'own';

/** Why there can be no site, or undefined when there can. */
export function siteMissing(which: Which = 'any'): string | undefined {
  if (which === 'any' && process.env.WORKSHOP_URL)
    return process.env.WORKSHOP_USERS_FILE ? undefined : 'WORKSHOP_URL is set and WORKSHOP_USERS_FILE is not';
  const missing = [mariadbd, redisServer].filter((program) => !existsSync(program));
  return missing.length > 0 ? `no ${missing.join(' and no ')} to make a site with` : undefined;
}

export async function openSite(which: Which = 'any'): Promise<Site> {
  const { WORKSHOP_URL: url, WORKSHOP_USERS_FILE: usersFile = '' } = process.env;
  return url && which === 'any' ? namedSite(url, JSON.parse(readFileSync(usersFile, 'utf8'))) : localSite();
}

export function userOf(site: Pick<Site, 'users'>, name: string): SiteUser {
  const found = site.users.find(({ user }) => user.startsWith(name));
  if (!found) throw new Error(`tests/integration/workshop: the site has no user ${name}`);
  return found;
}

export const tokenOf = ({ apiKey, apiSecret }: SiteUser): string => `token ${apiKey}:${apiSecret}`;

/** One request; `body` is sent as JSON unless it is bytes or a string already. */
export async function ask(
  site: Site,
  method: string,
  path: string,
  options: { readonly as?: string; readonly headers?: Record<string, string>; readonly body?: unknown } = {},
): Promise<Reply> {
  const url = new URL(site.url);
  const secure = url.protocol === 'https:';
  const { body } = options;
  const bytes =
    body === undefined || body instanceof Buffer
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const headers = {
    Host: url.host,
    Accept: 'application/json',
    ...(options.as ? { Authorization: tokenOf(userOf(site, options.as)) } : {}),
    ...(bytes ? { 'Content-Type': 'application/json', 'Content-Length': String(bytes.length) } : {}),
    ...options.headers,
  };
  const host = site.connectAddress ?? url.hostname;
  const ca = site.caFile ? { ca: readFileSync(site.caFile) } : {};
  const port = url.port || (secure ? 443 : 80);
  return new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(
      { method, path, host, port, servername: url.hostname, headers, timeout: patienceMs, ...ca },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1');
          const utf8 = Buffer.concat(chunks).toString();
          const isJson = incoming.headers['content-type']?.includes('application/json');
          const json = isJson ? JSON.parse(utf8) : undefined;
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json });
        });
      },
    );
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${patienceMs / 1000} s`)));
    sent.end(bytes);
  });
}

function namedSite(url: string, users: readonly SiteUser[]): Site {
  const notHere = () => Promise.reject(new Error('tests/integration/workshop: this site is not ours to stop'));
  return {
    url,
    connectAddress: process.env.WORKSHOP_CONNECT_ADDRESS,
    caFile: process.env.WORKSHOP_CA_FILE,
    users,
    environment: undefined,
    services: undefined,
    log: () => '',
    stopWeb: notHere,
    startWeb: notHere,
    spawn: notHere,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function localSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'shakedown-workshop-'));
  const stops: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const end = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const services = {
      database: await startDatabase(folder, stops),
      cache: await startRedis(folder, stops),
      queue: await startRedis(folder, stops),
    };
    const { database, cache, queue } = services;
    const users = localUsers();
    const usersFile = join(folder, 'users.json');
    await writeFile(usersFile, JSON.stringify(users), { mode: 0o600 });
    await mkdir(join(folder, 'files'));
    const port = await freePort();
    // All that the app is told: what the tests of the lab are told of another site must not reach it.
    const environment = {
      PATH: process.env.PATH ?? '',
      SITE_HOST: 'localhost',
      DB_HOST: '127.0.0.1',
      DB_PORT: String(database.port),
      DB_NAME: 'erp',
      DB_USER: 'erp',
      DB_PASSWORD: 'erp',
      REDIS_CACHE_URL: `redis://127.0.0.1:${cache.port}`,
      REDIS_QUEUE_URL: `redis://127.0.0.1:${queue.port}`,
      FILES_DIR: join(folder, 'files'),
      PORT: String(port),
      METRICS_PORT: String(await freePort()),
    };
    await promisify(execFile)(process.execPath, [app, 'migrate'], {
      env: { ...environment, USERS_FILE: usersFile },
    });
    let web: ChildProcess | undefined;
    let log = '';
    const stopWeb = async () => {
      const running = web;
      web = undefined;
      if (!running) return;
      await stopped(running);
      if (running.signalCode === 'SIGKILL')
        throw new Error(
          `tests/integration/workshop: the app does not end by itself. Its log ends with ${log.slice(-500)}`,
        );
    };
    const startWeb = async (more: Settings = {}) => {
      const started = spawn(process.execPath, [app, 'web'], {
        env: { ...environment, ...more },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      started.stdout?.on('data', (text: Buffer) => {
        log += String(text);
      });
      web = started;
      await answering(started, 'the app', port);
    };
    stops.push(stopWeb);
    await startWeb();
    return {
      url: `http://localhost:${port}`,
      connectAddress: '127.0.0.1',
      caFile: undefined,
      users,
      environment,
      services,
      log: () => log,
      stopWeb,
      startWeb,
      async spawn(words, more = {}) {
        const metricsPort = await freePort();
        const started = spawn(process.execPath, [app, ...words], {
          env: { ...environment, METRICS_PORT: String(metricsPort), ...more },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let text = '';
        started.stdout?.on('data', (chunk: Buffer) => {
          text += String(chunk);
        });
        stops.push(() => stopped(started));
        const ended = new Promise<number | string>((resolve) =>
          started.once('exit', (code, signal) => resolve(code ?? signal ?? 'nothing')),
        );
        return { process: started, metricsPort, log: () => text, ended };
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function localUsers(): SiteUser[] {
  const user = (name: string, roles: readonly string[]): SiteUser => ({
    user: `${name}@example.com`,
    fullName: name,
    password: `${name}-password`,
    apiKey: `${name}-key`,
    apiSecret: `${name}-secret`,
    roles,
  });
  return [
    user('technician-001', ['Stock User']),
    user('scanner', ['Stock User', 'Stock Manager', 'Manufacturing User', 'System Manager']),
    user('clerk', []),
  ];
}

async function startDatabase(folder: string, stops: (() => Promise<void>)[]): Promise<Service> {
  const data = join(folder, 'mariadb');
  const init = join(folder, 'init.sql');
  // The server reads one statement a line.
  await writeFile(
    init,
    [
      'CREATE DATABASE erp CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;',
      "CREATE USER erp@'127.0.0.1' IDENTIFIED BY 'erp';",
      "GRANT ALL ON erp.* TO erp@'127.0.0.1';",
      // For tests that play the administrator.
      "GRANT ALL ON *.* TO admin@'127.0.0.1' IDENTIFIED BY 'admin';",
      '',
    ].join('\n'),
  );
  await promisify(execFile)('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--user=root',
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ]);
  const port = await freePort();
  return service('MariaDB', port, stops, () =>
    spawn(
      mariadbd,
      [
        '--no-defaults',
        `--datadir=${data}`,
        '--user=root',
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        `--socket=${join(folder, 'mariadb.sock')}`,
        `--pid-file=${join(folder, 'mariadb.pid')}`,
        `--init-file=${init}`,
        '--skip-name-resolve',
        '--innodb-buffer-pool-size=64M',
        '--innodb-log-file-size=16M',
        '--innodb-flush-log-at-trx-commit=0',
        '--character-set-server=utf8mb4',
        '--collation-server=utf8mb4_unicode_ci',
      ],
      { stdio: 'ignore' },
    ),
  );
}

async function startRedis(folder: string, stops: (() => Promise<void>)[]): Promise<Service> {
  const port = await freePort();
  return service('Redis', port, stops, () =>
    spawn(
      redisServer,
      ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'],
      { stdio: 'ignore' },
    ),
  );
}

async function service(
  what: string,
  port: number,
  stops: (() => Promise<void>)[],
  run: () => ChildProcess,
): Promise<Service> {
  let server: ChildProcess;
  const start = async () => {
    server = run();
    await answering(server, what, port);
  };
  stops.push(async () => {
    server.kill('SIGCONT');
    await stopped(server);
  });
  await start();
  return {
    port,
    start,
    async kill() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await gone;
    },
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
  };
}

export async function answering(program: ChildProcess, what: string, port: number): Promise<void> {
  const { createConnection } = await import('node:net');
  const until = Date.now() + patienceMs;
  for (;;) {
    if (program.exitCode !== null)
      throw new Error(`tests/integration/workshop: ${what} ended with ${program.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    if (Date.now() > until)
      throw new Error(`tests/integration/workshop: ${what} is not at port ${port} within ${patienceMs / 1000} s`);
    await sleep(50);
  }
}

/** SIGTERM, and SIGKILL when that is not heard. */
export async function stopped(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const gone = new Promise((resolve) => program.once('exit', resolve));
  program.kill('SIGTERM');
  const patience = setTimeout(() => program.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(patience);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
