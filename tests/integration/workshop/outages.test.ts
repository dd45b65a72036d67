// What the site answers while something that it stands on is down, frozen, full or killed under a request, held against the recordings:
// from these answers the load tells what was stored, what was not and what nobody knows. The faults are real, on a site of this machine.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyWrite } from '../../../load/classify.ts';
import { casesOf, replay, type Setting } from '../../contract/replay.ts';
import { ask, openSite, type Reply, type Service, type Site, siteMissing } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`outages are not tested: ${missing}`);
const marker = 'custom_client_marker';

describe.skipIf(missing !== undefined)('a site that lost something', () => {
  let site: Site;
  let services: NonNullable<Site['services']>;
  beforeAll(async () => {
    site = await openSite('own');
    if (!site.services) throw new Error('a site of this machine has services of its own');
    services = site.services;
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const asRecorded = async (setting: Setting) => {
    const results = await replay(site, setting);
    expect(results).toHaveLength(casesOf(setting).length);
    expect(results.filter(({ differences }) => differences.length > 0)).toEqual([]);
  };
  const restart = async () => {
    await site.stopWeb();
    await site.startWeb();
  };
  const administrator = (): Promise<Connection> =>
    createConnection({ host: '127.0.0.1', port: services.database.port, user: 'admin', password: 'admin' });
  /** Runs one statement as the administrator. */
  const set = async (statement: string) => {
    const connection = await administrator();
    await connection.query(statement);
    await connection.end();
  };
  const redisOf = (service: Service) => new Redis({ port: service.port, host: '127.0.0.1', lazyConnect: true });
  const receipt = (name: string, item = 'ITEM-0003') => ({
    stock_entry_type: 'Material Receipt',
    company: 'Wind Power LLC',
    items: [{ item_code: item, qty: 1, t_warehouse: 'Stores - WP', basic_rate: 10 }],
    docstatus: 1,
    [marker]: name,
  });
  const book = (name: string, item?: string): Promise<Reply> =>
    ask(site, 'POST', '/api/resource/Stock%20Entry', { as: 'scanner', body: receipt(name, item) });
  const meaningOf = ({ status, text }: Reply) => classifyWrite({ status, body: text, error: '' }, 1, marker).outcome;
  const stored = async (name: string): Promise<number> => {
    const filters = encodeURIComponent(JSON.stringify([[marker, '=', name]]));
    const { json } = await ask(site, 'GET', `/api/resource/Stock%20Entry?filters=${filters}`, { as: 'scanner' });
    return json.data.length;
  };
  /** Nobody can book this item until the connection is given back. */
  const holding = async (item: string): Promise<Connection> => {
    const connection = await administrator();
    await connection.query('begin');
    await connection.query('select * from erp.tabBin where item_code = ? for update', [item]);
    return connection;
  };

  describe('its database', () => {
    it('is down, and back', async () => {
      await services.database.kill();
      try {
        await asRecorded('database-down');
        expect(meaningOf(await book('while-down'))).toBe('unknown');
      } finally {
        await services.database.start();
      }
      await asRecorded('database-back');
      expect(await stored('while-down')).toBe(0);
    });

    it('has no connection left', async () => {
      await site.stopWeb();
      await set('set global max_connections = 10');
      const held = await Promise.all(Array.from({ length: 10 }, administrator));
      try {
        await site.startWeb();
        await asRecorded('database-full');
      } finally {
        await held[0]?.query('set global max_connections = 150');
        await Promise.all(held.map((connection) => connection.end()));
      }
      expect(meaningOf(await book('after-full'))).toBe('acknowledged');
    });

    it('is read-only', async () => {
      await set('set global read_only = 1');
      try {
        await asRecorded('database-read-only');
      } finally {
        await set('set global read_only = 0');
      }
    });

    it('has the item locked by somebody else for too long', async () => {
      await set('set global innodb_lock_wait_timeout = 1');
      await restart();
      const holder = await holding('ITEM-0001');
      try {
        await asRecorded('database-locked');
      } finally {
        await holder.query('rollback');
        await holder.end();
        await set('set global innodb_lock_wait_timeout = 50');
        await restart();
      }
    });

    it('freezes under a booking: nobody knows, and after the thaw it is there or not, but once', async () => {
      const holder = await holding('ITEM-0003');
      const under = book('frozen-under-way');
      await sleep(300);
      services.database.freeze();
      const late = book('frozen-before');
      const early = await Promise.race([late, sleep(20_000)]);
      services.database.thaw();
      await holder.query('rollback');
      await holder.end();
      expect(early && meaningOf(early)).toBe('unknown');
      const answers = [meaningOf(await under), meaningOf(await late)];
      for (const [index, name] of ['frozen-under-way', 'frozen-before'].entries())
        expect(answers[index] === 'acknowledged' ? [1] : [0, 1]).toContain(await stored(name));
      expect(meaningOf(await book('after-thaw'))).toBe('acknowledged');
    });

    // k07
    it('ends the connection under a booking: a bare 500, which says nothing, and nothing is stored twice', async () => {
      const holder = await holding('ITEM-0003');
      const under = book('killed-under-way');
      await sleep(300);
      const [waiting] = await holder.query(
        "select id from information_schema.processlist where user = 'erp' and command = 'Query'",
      );
      for (const { id } of waiting as { id: number }[]) await holder.query(`kill connection ${Number(id)}`);
      const reply = await under;
      await holder.query('rollback');
      await holder.end();
      expect((waiting as unknown[]).length).toBeGreaterThan(0);
      expect([reply.status, reply.json]).toEqual([500, undefined]);
      expect(meaningOf(reply)).toBe('unknown');
      expect(await stored('killed-under-way')).toBe(0);
    });
  });

  /** The app tries again by itself, and is not to be judged before it has the cache back. */
  const cacheInUse = async () => {
    await using redis = closing(redisOf(services.cache));
    await expect
      .poll(async () => {
        await redis.client.flushall();
        await ask(site, 'GET', '/api/method/erpnext.stock.utils.scan_barcode?search_value=BC0000000008', {
          as: 'scanner',
        });
        return redis.client.dbsize();
      })
      .toBeGreaterThan(0);
  };

  describe('its cache', () => {
    it('is down, and nobody notices; it is back, and so are the sessions', async () => {
      await services.cache.kill();
      try {
        await asRecorded('cache-down');
      } finally {
        await services.cache.start();
      }
      await asRecorded('cache-back');
    });

    it('is emptied, and sessions live on', async () => {
      await using redis = closing(redisOf(services.cache));
      await redis.client.flushall();
      await asRecorded('cache-flushed');
    });

    it('freezes: a scan takes a second longer, and a booking none', async () => {
      await cacheInUse();
      services.cache.freeze();
      try {
        const asked = Date.now();
        const scan = await ask(site, 'GET', '/api/method/erpnext.stock.utils.scan_barcode?search_value=BC0000000009', {
          as: 'scanner',
        });
        expect(scan.status).toBe(200);
        // It did wait for an answer: the cache was frozen, and not away.
        expect(Date.now() - asked).toBeGreaterThan(900);
        expect(meaningOf(await book('cache-frozen'))).toBe('acknowledged');
      } finally {
        services.cache.thaw();
      }
      await asRecorded('cache-thawed');
    });

    it('is full: a scan that is not cached fails, and is no answer that a technician could take for one', async () => {
      await cacheInUse();
      await using redis = closing(redisOf(services.cache));
      await redis.client.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
      try {
        await asRecorded('cache-full');
      } finally {
        await redis.client.config('SET', 'maxmemory', '0');
      }
    });
  });

  it('lost the queue: bookings, scans and logins go on', async () => {
    await services.queue.kill();
    try {
      await asRecorded('queue-down');
    } finally {
      await services.queue.start();
    }
  });

  it('was away itself, and answers again', async () => {
    await site.stopWeb();
    await expect(ask(site, 'GET', '/api/method/ping')).rejects.toThrow('ECONNREFUSED');
    await site.startWeb();
    await asRecorded('web-back');
  });

  // p01, p02, p03
  it('is sent one booking many times at once: it is made once, and the others are told so', async () => {
    const replies = await Promise.all(Array.from({ length: 8 }, () => book('eight-times')));
    const meanings = replies.map(meaningOf);
    expect(meanings.filter((meaning) => meaning === 'acknowledged')).toHaveLength(1);
    const others = replies.filter(({ status }) => status !== 200).map(({ status, json }) => [status, json.exc_type]);
    expect(others).toEqual(Array.from({ length: 7 }, () => [417, 'UniqueValidationError']));
    expect(await stored('eight-times')).toBe(1);
  });

  it('is sent one name many times at once: it is made once, and the others are told so', async () => {
    const named = (index: number) =>
      ask(site, 'POST', '/api/resource/Stock%20Entry', {
        as: 'scanner',
        body: { ...receipt(`same-name-${index}`), name: 'same-name' },
      });
    const replies = await Promise.all(Array.from({ length: 8 }, (_, index) => named(index)));
    const others = replies.filter(({ status }) => status !== 200).map(({ status, json }) => [status, json.exc_type]);
    expect(others).toEqual(Array.from({ length: 7 }, () => [409, 'DuplicateEntryError']));
  });
});

const closing = (client: Redis) => ({ client, [Symbol.asyncDispose]: async () => client.disconnect() });
