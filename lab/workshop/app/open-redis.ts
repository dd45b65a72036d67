// A connection to one Redis, or to whichever is master of a group now. It never queues commands while it is down: who asks is told at once.
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './config.ts';
import { log } from './log.ts';

const connectMsMax = 500;
const commandMsMax = 1_000;

/** `what` is its name in the log, where it is said once when it goes and once when it is back. */
export function openRedis(address: RedisAddress, what: string): Redis {
  const redis = connection(address);
  let said: 'up' | 'down' = 'up';
  const say = (state: 'up' | 'down', reason = '') => {
    if (said !== state) log(state === 'up' ? 'info' : 'warning', `Redis for the ${what} is ${state}`, { reason });
    said = state;
  };
  reviveWhenEnded(redis);
  return redis.on('ready', () => say('up')).on('error', (error: Error) => say('down', error.message));
}

/**
 * A client that hears of a failover while it asks the Sentinels for the master gives itself up for good, as if it had been told to close: its
 * connector is closed under it, and ioredis takes that for the end. Whoever did not ask for the end begins again.
 */
function reviveWhenEnded(redis: Redis): void {
  let wanted = false;
  const { disconnect, quit } = redis;
  redis.disconnect = (again = false) => {
    wanted ||= !again;
    disconnect.call(redis, again);
  };
  redis.quit = (...args: []) => {
    wanted = true;
    return quit.apply(redis, args);
  };
  redis.on('end', () => {
    if (!wanted) setTimeout(() => wanted || redis.connect().catch(() => undefined), waitMs(5)); // told by its error event
  });
}

function connection(address: RedisAddress): Redis {
  const common = {
    connectTimeout: connectMsMax,
    commandTimeout: commandMsMax,
    // A command that is not answered ends the connection too: one to a machine without power would stay silent for a quarter of an hour.
    socketTimeout: commandMsMax,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: waitMs,
    // After a failover the old master may still answer, read-only: connect again, and be led to the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } as const satisfies RedisOptions;
  if ('url' in address) return new Redis(address.url, common);
  return new Redis({
    ...common,
    sentinels: [...address.sentinels],
    name: address.group,
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
    sentinelRetryStrategy: waitMs,
    sentinelCommandTimeout: commandMsMax,
    // A master that was frozen keeps its connections: only the Sentinels say that it is none any more.
    failoverDetector: true,
  });
}

const waitMs = (tries: number): number => Math.min(50 * 2 ** Math.min(tries, 5), 1_000);
