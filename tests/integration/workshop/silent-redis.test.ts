// A Redis whose machine lost its power answers nothing, and nobody says that its connections are gone: not a reset, not an end. Whoever
// waits for the kernel to give up waits for a quarter of an hour, a second at a time.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRedis } from '../../../lab/workshop/app/open-redis.ts';
import { answering, freePort, siteMissing, stopped } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`a silent Redis is not tested: ${missing}`);

describe.skipIf(missing !== undefined)('a connection that went silent', () => {
  const pairs: [Socket, Socket][] = [];
  let program: ChildProcess;
  let between: Server;
  let redis: Redis;

  beforeAll(async () => {
    const port = await freePort();
    program = spawn('/usr/bin/redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', ''], {
      stdio: 'ignore',
    });
    await answering(program, 'Redis', port);
    between = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const one of [client, server]) one.on('error', () => undefined);
      client.pipe(server).pipe(client);
      pairs.push([client, server]);
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    redis = openRedis({ url: `redis://127.0.0.1:${(between.address() as AddressInfo).port}` }, 'queue');
  });
  afterAll(async () => {
    redis?.disconnect();
    for (const one of pairs.flat()) one.destroy();
    between?.close();
    if (program) await stopped(program);
  });

  it('is given up after one answer that did not come, and the next command goes over a new one', async () => {
    await expect.poll(() => redis.set('a', '1').catch(String)).toBe('OK');
    for (const [client, server] of pairs) {
      client.unpipe(server);
      server.unpipe(client);
      client.pause();
    }
    await expect(redis.set('a', '2')).rejects.toThrow();
    await expect.poll(() => redis.set('a', '3').catch(String), { timeout: 10_000 }).toBe('OK');
    expect(pairs.length).toBeGreaterThan(1);
  });
});
