import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRedis } from './open-redis.ts';

/** Answers everything as a Redis that is well. */
let server: Server;
let port: number;
const sockets = new Set<Socket>();

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (data) => {
      for (const command of data.toString().split('*').slice(1))
        socket.write(/info/i.test(command) ? '$9\r\nloading:0\r\n' : '+PONG\r\n');
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const open = async () => {
  const redis = openRedis({ url: `redis://127.0.0.1:${port}` }, 'test');
  await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
};

test('a client that gave itself up, which nobody asked for, is there again', async () => {
  const redis = await open();
  const again = new Promise((resolve) => redis.once('ready', resolve));
  // What ioredis does when its connector was closed under it while it was connecting.
  (redis as unknown as { setStatus(status: string): void }).setStatus('end');
  await again;
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

test('one that was told to end stays ended', async () => {
  const redis = await open();
  const ended = new Promise((resolve) => redis.once('end', resolve));
  redis.disconnect();
  await ended;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(redis.status).toBe('end');
});
