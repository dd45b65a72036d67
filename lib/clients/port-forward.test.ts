import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { type FakeApiHandlers, type FakeSocket, fakeApiServer, frame } from '../../tests/fakes/api-server.ts';
import { openApiServer } from './api-server.ts';
import { openPodStream } from './port-forward.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(socket: NonNullable<FakeApiHandlers['socket']>) {
  const server = await fakeApiServer({ socket });
  closing.push(server.close);
  const api = await openApiServer({ kubeconfig: server.kubeconfig }, new AbortController().signal);
  closing.push(api.close);
  const connect = () => openPodStream(api, { namespace: 'erp', pod: 'redis-0', port: 6379 }, 2_000);
  return { server, connect };
}

/** Both channels begin with the port's number, as the kubelet sends them. */
const begin = (socket: FakeSocket) => {
  const number = Buffer.from([0xeb, 0x18]);
  socket.send(frame(0, number));
  socket.send(frame(1, number));
};

const redis = (answer: string) => (socket: FakeSocket) => {
  begin(socket);
  socket.on('message', (data) => {
    if (data.toString() === '\0PING\r\n') socket.send(frame(0, answer));
  });
};

/** Asks and waits for one line; the reason when the stream fails or ends first. */
async function ping(connect: () => Promise<Duplex>): Promise<string> {
  const stream = await connect();
  return new Promise<string>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => resolve(chunk.toString().trimEnd()));
    stream.on('error', reject).on('close', () => reject(new Error('the connection closed')));
    stream.write('PING\r\n');
  }).finally(() => stream.destroy());
}

test('carries bytes both ways, and is gone when it is closed', async () => {
  const { server, connect } = await open((path, query) =>
    path === '/api/v1/namespaces/erp/pods/redis-0/portforward' && query.get('ports') === '6379'
      ? redis('+PONG\r\n')
      : undefined,
  );
  expect(await ping(connect)).toBe('+PONG');
  await expect.poll(server.openSockets).toBe(0);
});

test('bytes are not understood, only carried', async () => {
  const { connect } = await open(() => redis('-NOAUTH Authentication required.\r\n'));
  expect(await ping(connect)).toBe('-NOAUTH Authentication required.');
});

test('a port where nothing listens is an error of the stream, in the kubelet’s words', async () => {
  const { connect } = await open(() => (socket) => {
    begin(socket);
    socket.send(frame(1, 'dial tcp4 127.0.0.1:6379: connect: connection refused'));
  });
  await expect(ping(connect)).rejects.toThrow('connection refused');
});

test('an end of the other side is the end of the stream', async () => {
  const { connect } = await open(() => (socket) => {
    begin(socket);
    setTimeout(() => socket.terminate(), 30);
  });
  await expect(ping(connect)).rejects.toThrow('the connection closed');
});

test('a pod that is not there is told at once', async () => {
  const { connect } = await open(() => undefined);
  await expect(connect()).rejects.toThrow('port 6379 of erp/redis-0: no connection: Unexpected server response: 404');
});
