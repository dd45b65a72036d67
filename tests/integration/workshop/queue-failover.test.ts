// The queue's master is killed and Sentinel makes its replica the next one: web and worker find it by themselves, a job under way is ended
// once, and what could not be queued meanwhile is told, document by document.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answering, ask, freePort, openSite, type Site, siteMissing, stopped } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`a failover of the queue is not tested: ${missing}`);

describe.skipIf(missing !== undefined)('a failover of the queue', () => {
  let site: Site;
  let database: Connection;
  let folder: string;
  let sentinelPort = 0;
  const programs: ChildProcess[] = [];

  const start = async (words: readonly string[], port: number): Promise<ChildProcess> => {
    const program = spawn('/usr/bin/redis-server', words, { stdio: 'ignore' });
    programs.push(program);
    await answering(program, 'Redis', port);
    return program;
  };
  const redis = (port: number, more: readonly string[] = []) =>
    start(['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', ...more], port);

  beforeAll(async () => {
    site = await openSite('own');
    folder = await mkdtemp(join(tmpdir(), 'shakedown-sentinel-'));
    const { DB_PORT } = site.environment ?? {};
    const login = { user: 'erp', password: 'erp', database: 'erp' };
    database = await createConnection({ host: '127.0.0.1', port: Number(DB_PORT), ...login });
  });
  afterAll(async () => {
    await database?.end();
    await site?.[Symbol.asyncDispose]();
    for (const program of programs) await stopped(program);
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('is survived by web and worker: every document has one notification or is told to have none', async () => {
    const [first, second] = [await freePort(), await freePort()];
    sentinelPort = await freePort();
    const master = await redis(first);
    await redis(second, ['--replicaof', '127.0.0.1', String(first)]);
    const file = join(folder, 'sentinel.conf');
    const groups = ['queue', 'cache'].flatMap((group) => [
      `sentinel monitor ${group} 127.0.0.1 ${first} 1`,
      `sentinel down-after-milliseconds ${group} 1000`,
      `sentinel failover-timeout ${group} 6000`,
    ]);
    await writeFile(file, [`port ${sentinelPort}`, 'bind 127.0.0.1', `dir ${folder}`, ...groups, ''].join('\n'));
    await start([file, '--sentinel'], sentinelPort);
    const bySentinel = {
      REDIS_QUEUE_URL: undefined,
      REDIS_CACHE_URL: undefined,
      REDIS_SENTINELS: `127.0.0.1:${sentinelPort}`,
      DB_POOL_SIZE: '2',
    };
    const sentinel = new Redis(sentinelPort, '127.0.0.1');
    // It must have found the replica before the master dies.
    await until('Sentinel knows the replica', async () => {
      const replicas = (await sentinel.call('SENTINEL', 'replicas', 'queue')) as unknown[];
      return replicas.length === 1;
    });
    await site.stopWeb();
    await site.startWeb(bySentinel);
    const worker = await site.spawn(['worker', '--queue', 'short'], bySentinel);
    const before = await submit();
    await until('the first job is done', async () => (await notifications([before]))[0] === 1);

    // One is under way when the master dies, and ends when there is a new one.
    await database.query('LOCK TABLES `tabNotification Log` READ');
    const held = await submit();
    const replica = new Redis(second, '127.0.0.1');
    await until('it is begun', async () => (await replica.zcard('rq:wip:home-frappe-frappe-bench:short')) === 1);
    master.kill('SIGKILL');
    await database.query('UNLOCK TABLES');
    const during: string[] = [];
    const end = Date.now() + 12_000;
    while (Date.now() < end) {
      during.push(await submit());
      await sleep(150);
    }
    const masterNow = (await sentinel.call('SENTINEL', 'get-master-addr-by-name', 'queue')) as string[];
    expect(masterNow).toEqual(['127.0.0.1', String(second)]);
    await until('the queue is empty', async () => {
      const waiting = await replica.llen('rq:queue:home-frappe-frappe-bench:short');
      return waiting + (await replica.zcard('rq:wip:home-frappe-frappe-bench:short')) === 0;
    });
    expect(await notifications([held])).toEqual([1]);
    const told = new Set(
      site
        .log()
        .split('\n')
        .filter((line) => line.includes('a job was not queued'))
        .map((line) => (JSON.parse(line) as { about: string }).about),
    );
    expect(told.size).toBeGreaterThan(0);
    expect(await notifications(during)).toEqual(during.map((name) => (told.has(name) ? 0 : 1)));
    expect(told.has(during.at(-1) ?? '')).toBe(false);
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toBe(0);
    replica.disconnect();
    sentinel.disconnect();
  }, 90_000);

  async function submit(): Promise<string> {
    const items = [{ item_code: 'ITEM-0250', qty: 1, t_warehouse: 'Stores - WP', basic_rate: 10 }];
    const body = { stock_entry_type: 'Material Receipt', docstatus: 1, items };
    const reply = await ask(site, 'POST', '/api/resource/Stock%20Entry', { as: 'scanner', body });
    expect(reply.status, reply.text).toBe(200);
    return String(reply.json.data.name);
  }

  async function notifications(names: readonly string[]): Promise<number[]> {
    const sql = 'SELECT document_name AS name, COUNT(*) AS n FROM `tabNotification Log` GROUP BY 1';
    const [rows] = (await database.query(sql)) as [{ name: string; n: number }[], unknown];
    const counts = new Map(rows.map(({ name, n }) => [name, Number(n)]));
    return names.map((name) => counts.get(name) ?? 0);
  }
});

async function until(what: string, holds: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    await sleep(100);
  }
}
