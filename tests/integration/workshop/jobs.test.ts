// Background jobs over real processes: workers that are stopped, killed in a job and cut off from Redis, a scheduler, and the account that
// must come out even afterwards: each submitted Stock Entry has one notification, or its job is known to have failed.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stockQuery } from '../../../lib/probes/ledger-readback.ts';
import { casesOf, replay, type Setting } from '../../contract/replay.ts';
import { ask, openSite, type Site, type Spawned, siteMissing } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`background jobs are not tested: ${missing}`);

const entryPath = '/api/resource/Stock%20Entry';
const reconciliationPath = '/api/resource/Stock%20Reconciliation';
const bulkPath = '/api/method/frappe.desk.doctype.bulk_update.bulk_update.submit_cancel_or_update_docs';
const healthPath = '/api/resource/System%20Health%20Report/System%20Health%20Report';
const queueKey = (kind: string, queue: string) => `rq:${kind}:home-frappe-frappe-bench:${queue}`;
const quick = { REGISTRY_CLEANUP_SECONDS: '1', SCHEDULER_TICK_SECONDS: '1', DB_POOL_SIZE: '2' };

describe.skipIf(missing !== undefined)('background jobs', () => {
  let site: Site;
  let database: Connection;
  let redis: Redis;

  beforeAll(async () => {
    site = await openSite('own');
    const { DB_PORT, REDIS_QUEUE_URL = '' } = site.environment ?? {};
    const login = { user: 'erp', password: 'erp', database: 'erp' };
    database = await createConnection({ host: '127.0.0.1', port: Number(DB_PORT), ...login });
    redis = new Redis(REDIS_QUEUE_URL, { maxRetriesPerRequest: null });
    redis.on('error', () => {});
  });
  afterAll(async () => {
    redis?.disconnect();
    await database?.end();
    await site?.[Symbol.asyncDispose]();
  });

  const worker = async (queues: string): Promise<Spawned> => {
    const spawned = await site.spawn(['worker', '--queue', queues], quick);
    await until(`a worker for ${queues}`, () => spawned.log().includes('"working"'));
    return spawned;
  };
  const stop = async (spawned: Spawned) => {
    spawned.process.kill('SIGTERM');
    expect(await spawned.ended).toBe(0);
  };
  const submit = async (item = 'ITEM-0250') => {
    const items = [{ item_code: item, qty: 1, t_warehouse: 'Stores - WP', basic_rate: 10 }];
    const body = { stock_entry_type: 'Material Receipt', docstatus: 1, items };
    const reply = await ask(site, 'POST', entryPath, { as: 'scanner', body });
    expect(reply.status, reply.text).toBe(200);
    return String(reply.json.data.name);
  };
  const notificationsOf = async (names: readonly string[]): Promise<number[]> => {
    const [rows] = await database.query(
      'SELECT document_name AS name, COUNT(*) AS n FROM `tabNotification Log` WHERE document_name IN (?) GROUP BY 1',
      [[...names]],
    );
    const counts = new Map((rows as { name: string; n: number }[]).map(({ name, n }) => [name, Number(n)]));
    return names.map((name) => counts.get(name) ?? 0);
  };
  const once = (names: readonly string[]) => names.map(() => 1);
  const drained = (queue = 'short') =>
    until(`${queue} is empty`, async () => {
      const waiting = await redis.llen(queueKey('queue', queue));
      return waiting + (await redis.zcard(queueKey('wip', queue))) === 0;
    });
  const metrics = async ({ metricsPort }: Spawned) => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const asRecorded = async (setting?: Setting) => {
    const results = await replay(site, setting);
    expect(results).toHaveLength(casesOf(setting).length);
    expect(results.filter(({ differences }) => differences.length > 0)).toEqual([]);
  };
  const jobIdIn = async (queue: string): Promise<string> => {
    const [id = ''] = await redis.zrange(queueKey('wip', queue), '0', '-1');
    return id;
  };

  it('does one for each submitted entry, and keeps it as RQ would', async () => {
    const waiting = await submit();
    const id = (await redis.lindex(queueKey('queue', 'short'), 0)) ?? '';
    expect(id).toMatch(/^localhost::[0-9a-f-]{36}$/);
    const queued = await redis.hgetall(`rq:job:${id}`);
    expect(queued).toMatchObject({ status: 'queued', origin: 'home-frappe-frappe-bench:short', timeout: '300' });
    expect(await redis.smembers('rq:queues')).toContain(queueKey('queue', 'short'));
    const short = await worker('short,default');
    const draft = {
      stock_entry_type: 'Material Issue',
      items: [{ item_code: 'ITEM-0250', qty: 1, s_warehouse: 'Stores - WP' }],
    };
    const made = await ask(site, 'POST', entryPath, { as: 'scanner', body: draft });
    const { name } = made.json.data;
    await drained();
    expect(await notificationsOf([waiting, name])).toEqual([1, 0]);
    for (const _ of [1, 2]) await ask(site, 'PUT', `${entryPath}/${name}`, { as: 'scanner', body: { docstatus: 1 } });
    await drained();
    expect(await notificationsOf([name])).toEqual([1]);
    const finished = await redis.hgetall(`rq:job:${id}`);
    expect(finished.status).toBe('finished');
    expect(Date.parse(finished.ended_at ?? '')).toBeGreaterThanOrEqual(Date.parse(finished.started_at ?? ''));
    expect(await redis.zscore(queueKey('finished', 'short'), id)).not.toBeNull();
    expect(await redis.ttl(`rq:job:${id}`)).toBeGreaterThan(50);
    const [[row]] = (await database.query('SELECT * FROM `tabNotification Log` WHERE custom_job_id = ?', [id])) as [
      Record<string, unknown>[],
      unknown,
    ];
    expect(row).toMatchObject({
      document_type: 'Stock Entry',
      document_name: waiting,
      for_user: 'scanner@example.com',
    });
    await stop(short);
    expect(await redis.smembers('rq:workers')).toEqual([]);
  });

  it('tells Prometheus what waits and who works, and the kubelet that it does not hang', async () => {
    await submit();
    await sleep(1_100);
    const long = await worker('long');
    const told = await metrics(long);
    expect(told).toContain('workshop_queue_depth{queue="short"} 1');
    expect(told).toContain('workshop_queue_depth{queue="long"} 0');
    expect(told).toContain('workshop_queue_oldest_job_age_seconds{queue="default"} 0');
    expect(Number(/oldest_job_age_seconds\{queue="short"\} (\S+)/.exec(told)?.[1])).toBeGreaterThan(1);
    expect(told).toContain('workshop_workers{queue="short"} 0');
    expect(told).toContain('workshop_workers{queue="long"} 1');
    expect(told).not.toContain('workshop_scheduler_last_tick_timestamp_seconds');
    for (const path of ['alive', 'ready'])
      expect((await fetch(`http://127.0.0.1:${long.metricsPort}/${path}`)).status).toBe(200);
    const short = await worker('short');
    await drained();
    expect(await metrics(short)).toContain('workshop_jobs_total{queue="short",status="finished"} 1');
    await stop(short);
    await stop(long);
  });

  it('answers as recorded with a worker, and without one', async () => {
    const all = await worker('short,default,long');
    await submit();
    await drained();
    await drained('default');
    await asRecorded('idle-worker');
    await drained('default');
    await stop(all);
    await asRecorded('no-worker');
  });

  it('submits the large count that was queued, unlocks it, and fails as a whole where a document is not there', async () => {
    // Left by the cases above: a bulk action of documents that don't exist, and a locked Stock Reconciliation.
    const [locked] = (await database.query('SELECT name FROM __document_lock')) as [{ name: string }[], unknown];
    expect(locked).toHaveLength(1);
    const path = `${reconciliationPath}/${locked[0]?.name}`;
    expect((await ask(site, 'PUT', path, { as: 'scanner', body: { docstatus: 1 } })).json.exc_type).toBe(
      'DocumentLockedError',
    );
    const all = await worker('long,default,short');
    for (const queue of ['short', 'default', 'long']) await drained(queue);
    expect((await ask(site, 'GET', path, { as: 'scanner' })).json.data).toMatchObject({ docstatus: 1 });
    expect((await ask(site, 'PUT', path, { as: 'scanner', body: { docstatus: 1 } })).status).toBe(200);
    const filters = encodeURIComponent(JSON.stringify([['RQ Job', 'status', '=', 'failed']]));
    const failed = await ask(site, 'GET', `/api/resource/RQ%20Job?order_by=modified+desc&filters=${filters}`, {
      as: 'scanner',
    });
    expect(failed.json.data).toHaveLength(1);
    expect(failed.json.data[0].exc_info).toContain('DoesNotExistError: Stock Entry X0 not found');
    const stores = 'Stores - WP';
    const [stock] = (await database.query(stockQuery, [stores, stores])) as [Record<string, number>[], unknown];
    expect(stock.length).toBeGreaterThanOrEqual(300);
    const apart = stock.filter(({ bin, ledger_sum, last_running }) => bin !== ledger_sum || last_running !== bin);
    expect(apart).toEqual([]);
    await stop(all);
  });

  it('submits twenty drafts in one job, and each of them is announced', async () => {
    const items = [{ item_code: 'ITEM-0251', qty: 1, t_warehouse: 'Stores - WP' }];
    const names: string[] = [];
    for (let n = 0; n < 20; n += 1) {
      const body = { stock_entry_type: 'Material Receipt', items };
      names.push(String((await ask(site, 'POST', entryPath, { as: 'scanner', body })).json.data.name));
    }
    const body = { doctype: 'Stock Entry', docnames: names, action: 'submit' };
    expect((await ask(site, 'POST', bulkPath, { as: 'clerk', body })).status).toBe(403);
    expect((await ask(site, 'POST', bulkPath, { as: 'scanner', body })).json.message).toBeUndefined();
    const short = await worker('short');
    await until('all are announced', async () => (await notificationsOf(names)).every((count) => count === 1));
    await stop(short);
  });

  it('finishes the job it has when told to stop, and takes no other', async () => {
    const short = await worker('short');
    const [held, later] = await whileHeld(async () => {
      const first = await submit();
      await until('the job is begun', async () => (await jobIdIn('short')) !== '');
      const second = await submit();
      short.process.kill('SIGTERM');
      await sleep(1_500);
      expect(short.process.exitCode).toBeNull();
      return [first, second];
    });
    expect(await short.ended).toBe(0);
    expect(await notificationsOf([held, later])).toEqual([1, 0]);
    const next = await worker('short');
    await drained();
    expect(await notificationsOf([held, later])).toEqual([1, 1]);
    await stop(next);
  });

  it('gives up the job of a worker that was killed, and never runs it again', async () => {
    const killed = await worker('short');
    let id = '';
    const name = await whileHeld(async () => {
      const held = await submit();
      await until('the job is begun', async () => (await jobIdIn('short')) !== '');
      id = await jobIdIn('short');
      killed.process.kill('SIGKILL');
      await killed.ended;
      return held;
    });
    const other = await worker('short');
    const after = await submit();
    await until('the next job is done', async () => (await notificationsOf([after]))[0] === 1);
    // Not lost, and not failed yet: its worker may only be slow.
    expect(await redis.hget(`rq:job:${id}`, 'status')).toBe('started');
    await until('the job is given up', async () => (await redis.hget(`rq:job:${id}`, 'status')) === 'failed', 40_000);
    expect(await redis.zscore(queueKey('failed', 'short'), id)).not.toBeNull();
    expect(await redis.hget(`rq:job:${id}`, 'exc_info')).toContain('AbandonedJob');
    await until('the dead one is not counted', async () =>
      (await metrics(other)).includes('workshop_workers{queue="short"} 1'),
    );
    expect(await metrics(other)).toContain('workshop_jobs_total{queue="short",status="abandoned"} 1');
    await sleep(2_500);
    expect(await notificationsOf([name])).toEqual([0]);
    await stop(other);
  }, 90_000);

  it('does not run again what a master hands out again that had lost the end of it', async () => {
    const short = await worker('short');
    const name = await submit();
    await until('the job is done', async () => (await notificationsOf([name]))[0] === 1);
    await drained();
    const [[row]] = (await database.query(
      'SELECT custom_job_id AS id FROM `tabNotification Log` WHERE document_name = ?',
      [name],
    )) as [{ id: string }[], unknown];
    const id = row?.id ?? '';
    const handOutAgain = async () => {
      await redis.multi().hset(`rq:job:${id}`, 'status', 'queued').rpush(queueKey('queue', 'short'), id).exec();
      await until('it is ended again', async () => (await redis.hget(`rq:job:${id}`, 'status')) === 'finished');
      expect(await notificationsOf([name])).toEqual([1]);
    };
    await handOutAgain();
    await stop(short);
    // One that never had it finds its row.
    const other = await worker('short');
    await handOutAgain();
    expect(other.log()).toContain('is done already');
    await stop(other);
  });

  it('fails a job that takes longer than it may, and ends the process that it hangs in', async () => {
    const name = await submit();
    const id = (await redis.lindex(queueKey('queue', 'short'), 0)) ?? '';
    await redis.hset(`rq:job:${id}`, 'timeout', '1');
    await whileHeld(async () => {
      const short = await worker('short');
      expect(await short.ended).toBe(1);
      expect(await redis.hget(`rq:job:${id}`, 'exc_info')).toContain('JobTimeoutException');
    });
    expect(await redis.hget(`rq:job:${id}`, 'status')).toBe('failed');
    await sleep(500);
    expect(await notificationsOf([name])).toEqual([0]);
  });

  it('loses nothing and does nothing twice when workers come and go in good order', async () => {
    const names: string[] = [];
    const submitting = (async () => {
      for (let n = 0; n < 90; n += 1) names.push(await submit(`ITEM-02${60 + (n % 30)}`));
    })();
    let old = await worker('short,default');
    for (let round = 0; round < 3; round += 1) {
      const fresh = await worker('long,default,short');
      await sleep(200);
      await stop(old);
      old = fresh;
    }
    await submitting;
    await drained();
    expect(await notificationsOf(names)).toEqual(once(names));
    await stop(old);
  });

  it('goes without its queue as recorded, says that it is blind, and comes back by itself', async () => {
    const short = await worker('short,default');
    await site.services?.queue.kill();
    await asRecorded('queue-down');
    const blind = await metrics(short);
    expect(blind).toContain('# TYPE workshop_queue_depth gauge');
    expect(blind).not.toMatch(/^workshop_(queue_|workers)/m);
    expect((await fetch(`http://127.0.0.1:${short.metricsPort}/alive`)).status).toBe(200);
    expect(site.log()).toContain('a job was not queued');
    await site.services?.queue.start();
    await until('the worker is back', async () => (await metrics(short)).includes('workshop_workers{queue="short"} 1'));
    await until('jobs can be queued', async () => {
      const body = { doctype: 'Stock Entry', docnames: Array.from({ length: 20 }, () => 'none'), action: 'submit' };
      return (await ask(site, 'POST', bulkPath, { as: 'scanner', body })).status === 200;
    });
    const name = await submit();
    await until('the worker works again', async () => (await notificationsOf([name]))[0] === 1);
    await stop(short);
  });

  it('ends a job that was under way while Redis was away, once', async () => {
    const short = await worker('short');
    const name = await whileHeld(async () => {
      const held = await submit();
      await until('the job is begun', async () => (await jobIdIn('short')) !== '');
      await site.services?.queue.kill();
      return held;
    });
    await until('the job is done', async () => (await notificationsOf([name]))[0] === 1);
    await site.services?.queue.start();
    await until('the worker is back', async () => (await metrics(short)).includes('workshop_workers{queue="short"} 1'));
    await sleep(1_000);
    expect(await notificationsOf([name])).toEqual([1]);
    await stop(short);
  });

  it('queues what is due once, however often it looks, and the worker writes down that it ran', async () => {
    await redis.flushall();
    await database.query('UPDATE `tabScheduled Job Type` SET last_execution = NULL');
    const [one, two] = [await site.spawn(['schedule'], quick), await site.spawn(['schedule'], quick)];
    for (const spawned of [one, two]) await until('a scheduler', () => spawned.log().includes('"scheduling"'));
    const tick = async () =>
      Number(/^workshop_scheduler_last_tick_timestamp_seconds (\S+)/m.exec(await metrics(one))?.[1] ?? 0);
    await until('it ticks', async () => (await tick()) > 0);
    const first = await tick();
    await until('it ticks again', async () => (await tick()) > first + 2);
    const methods = [
      'frappe.core.doctype.log_settings.log_settings.run_log_clean_up',
      'frappe.sessions.clear_expired_sessions',
    ];
    expect((await redis.lrange(queueKey('queue', 'default'), 0, -1)).sort()).toEqual(
      methods.map((method) => `localhost::scheduled_job::${method}`),
    );
    await database.query(
      "INSERT INTO tabSessions (sid, user, sessiondata, lastupdate, status) VALUES ('old', 'clerk@example.com', '{}', NOW(6) - INTERVAL 30 DAY, 'Active')",
    );
    const ran = async () => {
      const sql = 'SELECT method, CAST(last_execution AS CHAR) AS at FROM `tabScheduled Job Type` ORDER BY method';
      return (await database.query(sql))[0] as { method: string; at: string | null }[];
    };
    const all = await worker('default');
    await drained('default');
    const [old] = (await database.query("SELECT 1 FROM tabSessions WHERE sid = 'old'")) as [unknown[], unknown];
    expect(old).toEqual([]);
    const before = await ran();
    expect(before.map(({ method }) => method)).toEqual(methods);
    await sleep(2_500);
    expect([await ran(), await redis.llen(queueKey('queue', 'default'))]).toEqual([before, 0]);
    // Due every four minutes, and every hour.
    await database.query('UPDATE `tabScheduled Job Type` SET last_execution = NOW(6) - INTERVAL 5 MINUTE');
    const [hourly] = await ran();
    await until('what is due again runs again', async () => (await ran())[1]?.at !== hourly?.at);
    await sleep(1_500);
    expect((await ran())[0]).toEqual(hourly);
    expect((await ask(site, 'GET', healthPath, { as: 'scanner' })).json.data.scheduler_status).toBe('Active');
    await stop(all);
    await stop(one);
    await stop(two);
  });

  it('closes the site for maintenance, in all pods, and opens it again', async () => {
    const set = async (mode: string) => expect(await (await site.spawn(['maintenance', mode])).ended).toBe(0);
    const status = async () => (await ask(site, 'GET', '/api/method/ping')).status;
    await set('on');
    await until('the site is closed', async () => (await status()) === 503);
    await asRecorded('maintenance');
    // One that starts now knows it from the start.
    await site.stopWeb();
    await site.startWeb();
    expect(await status()).toBe(503);
    await set('reads');
    await until('reading is allowed', async () => (await status()) === 200);
    await asRecorded('maintenance-reads');
    expect((await ask(site, 'GET', healthPath, { as: 'scanner' })).json.data.scheduler_status).toBe('Inactive');
    await set('off');
    await until('the site is open', async () => {
      const reply = await ask(site, 'POST', entryPath, { as: 'scanner', body: {} });
      return reply.json.exc_type === 'MandatoryError';
    });
  });

  it('refuses commands that are none, naming what there is', async () => {
    for (const words of [[], ['worker'], ['worker', '--queue', 'fast'], ['maintenance', 'maybe'], ['web', 'now']]) {
      const spawned = await site.spawn(words);
      expect([words, await spawned.ended]).toEqual([words, 64]);
      expect(spawned.log()).toContain('usage: workshop');
    }
  });

  /** A job that writes a notification hangs for as long: another holds the table. */
  async function whileHeld<T>(work: () => Promise<T>): Promise<T> {
    await database.query('LOCK TABLES `tabNotification Log` READ');
    try {
      return await work();
    } finally {
      await database.query('UNLOCK TABLES');
    }
  }
});

async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    await sleep(100);
  }
}
