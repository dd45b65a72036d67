// Redis and Sentinel, pod by pod, one command at a time. Every command gets a connection of its own: a client that reconnects or follows
// a failover behind our back would answer for another node than the one that was asked.
import type { Duplex } from 'node:stream';
import { AbstractConnector, Redis as Client } from 'ioredis';
import { messageOf, Problem } from '../errors.ts';
import type { Redis, RedisGroup } from '../model/reach.ts';

export interface RedisOptions {
  /** The groups that the target has. */
  readonly groups: readonly RedisGroup[];
  readonly nodes: (group: RedisGroup) => Promise<readonly string[]>;
  readonly openStream: (group: RedisGroup, node: string, withinMs: number) => Promise<Duplex>;
  /** Undefined where the target has none. */
  readonly password: (group: RedisGroup) => Promise<string | undefined>;
  readonly answerMs?: number;
}

export function redisOnNodes(options: RedisOptions): Redis {
  const { groups, nodes, openStream, answerMs = 5_000 } = options;
  return {
    groups,
    nodes,
    async ask(group, node, command) {
      const password = await options.password(group);
      const client = new Client({
        Connector: connectorTo(() => openStream(group, node, answerMs)),
        ...(password === undefined ? {} : { password }),
        lazyConnect: true,
        enableReadyCheck: false,
        enableOfflineQueue: false,
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
        connectTimeout: answerMs,
        commandTimeout: answerMs,
      });
      // The command that waited only hears that the connection is closed; why, is said here.
      let why: unknown;
      client.on('error', (error) => {
        why ??= error;
      });
      try {
        await client.connect();
        const [name = 'PING', ...args] = command;
        return await client.call(name, ...args);
      } catch (error) {
        throw new Problem({
          kind: 'target-unusable',
          where: `Redis ${node}`,
          what: `no good answer to ${command.slice(0, 2).join(' ')}`,
          seen: messageOf(why ?? error),
          next: `look at the log of ${node}`,
          cause: why ?? error,
        });
      } finally {
        client.disconnect();
      }
    },
  };
}

/** What ioredis wants of a socket, over any stream. */
function connectorTo(open: () => Promise<Duplex>) {
  return class extends AbstractConnector {
    constructor() {
      super(0);
    }

    async connect() {
      const stream = Object.assign(await open(), {
        setTimeout: () => stream,
        setKeepAlive: () => stream,
        setNoDelay: () => stream,
      });
      this.stream = stream as never;
      return this.stream;
    }
  };
}
