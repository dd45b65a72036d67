// The scan cache in Redis. It may be down and nobody should notice: every failure reads as "not cached". Only two things show:
// a frozen Redis costs its time-out, and a full one refuses writes (answered as recorded).
import { Redis } from 'ioredis';
import { log } from './log.ts';
import { Refusal } from './refusals.ts';

// As in ERPNext: a hit may be two minutes stale, since nothing invalidates it.
const scanTtlSeconds = 120;
const connectMsMax = 500;
const commandMsMax = 1_000;

export type CacheRead =
  | { readonly is: 'hit'; readonly value: unknown }
  | { readonly is: 'miss' }
  | { readonly is: 'unavailable' };

export interface Cache {
  read(barcode: string): Promise<CacheRead>;
  write(barcode: string, value: unknown): Promise<void>;
  close(): void;
}

export function createCache(url: string, databaseName: string): Cache {
  const redis = new Redis(url, {
    connectTimeout: connectMsMax,
    commandTimeout: commandMsMax,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 5), 1_000),
    // After a failover the old master may still answer, read-only: connect again, and be led to the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let said: 'up' | 'down' = 'up';
  const say = (state: 'up' | 'down', reason = '') => {
    if (said !== state) log(state === 'up' ? 'info' : 'warning', `scan cache is ${state}`, { reason });
    said = state;
  };
  redis.on('ready', () => say('up'));
  redis.on('error', (error: Error) => say('down', error.message));
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
    close: () => redis.disconnect(),
  };
}
