// The cache in Redis: scans, and counts that run out. It may be down and nobody should notice: every failure reads as "not cached", and a
// count as none. Only two things show: a frozen Redis costs its time-out, and a full one refuses to keep a scan (answered as recorded).
import type { RedisAddress } from './config.ts';
import { openRedis } from './open-redis.ts';
import { Refusal } from './refusals.ts';

// As in ERPNext: a hit may be two minutes stale, since nothing invalidates it.
const scanTtlSeconds = 120;

export type CacheRead =
  | { readonly is: 'hit'; readonly value: unknown }
  | { readonly is: 'miss' }
  | { readonly is: 'unavailable' };

export interface Cache {
  read(barcode: string): Promise<CacheRead>;
  write(barcode: string, value: unknown): Promise<void>;
  /** Adds to a count that ends so many seconds after it began, and says where it stands; by 0 it only asks. */
  count(name: string, by: number, seconds: number): Promise<number>;
  forget(name: string): Promise<void>;
  /** How much is in it; throws when it is away. */
  size(): Promise<{ readonly keys: number; readonly memory: string }>;
  close(): void;
}

export function createCache(address: RedisAddress, databaseName: string): Cache {
  const redis = openRedis(address, 'cache');
  const keyOf = (barcode: string) => `${databaseName}|erpnext:barcode_scan:${barcode}`;

  return {
    async read(barcode) {
      try {
        const text = await redis.get(keyOf(barcode));
        return text === null ? { is: 'miss' } : { is: 'hit', value: JSON.parse(text) };
      } catch {
        return { is: 'unavailable' };
      }
    },
    async write(barcode, value) {
      try {
        await redis.set(keyOf(barcode), JSON.stringify(value), 'EX', scanTtlSeconds);
      } catch (error) {
        const text = error instanceof Error ? error.message : '';
        if (text.startsWith('OOM'))
          throw new Refusal({
            status: 500,
            excType: 'ResponseError',
            module: 'redis.exceptions',
            text: text.slice(text.indexOf('OOM')),
            fromErpnext: true,
          });
      }
    },
    async count(name, by, seconds) {
      const key = `${databaseName}|${name}`;
      try {
        if (by === 0) return Number((await redis.get(key)) ?? 0);
        const count = await redis.incrby(key, by);
        if (count === by) await redis.expire(key, seconds);
        return count;
      } catch {
        return 0;
      }
    },
    async forget(name) {
      await redis.del(`${databaseName}|${name}`).catch(() => 0);
    },
    async size() {
      const [keys, info] = await Promise.all([redis.dbsize(), redis.info('memory')]);
      return { keys, memory: /used_memory_human:(\S+)/.exec(info)?.[1] ?? '' };
    },
    close: () => redis.disconnect(),
  };
}
