// A small Kubernetes API over real TLS on this machine: what the clients say on the wire is what they would say to a cluster.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// ws comes with @kubernetes/client-node and brings no types.
const { WebSocketServer } = createRequire(import.meta.url)('ws') as {
  WebSocketServer: new (
    options: object,
  ) => {
    handleUpgrade(request: IncomingMessage, socket: object, head: Buffer, done: (one: FakeSocket) => void): void;
  };
};

export interface FakeSocket {
  send(data: Buffer): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
}

/** One frame of the channel protocol. */
export const frame = (channel: number, data: string | Buffer) =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(data)]);

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly authorization: string | undefined;
}

export interface FakeApiServer {
  readonly url: string;
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly port: number;
  readonly requests: FakeRequest[];
  readonly openSockets: () => number;
  close(): Promise<void>;
}

export interface FakeApiHandlers {
  readonly http?: (
    request: FakeRequest,
  ) => { status?: number; body?: unknown; headers?: Record<string, string> } | 'hang' | undefined;
  /** Undefined: 404. */
  readonly socket?: (path: string, query: URLSearchParams) => ((socket: FakeSocket) => void) | undefined;
}

export async function fakeApiServer(handlers: FakeApiHandlers): Promise<FakeApiServer> {
  const { key, cert, caFile, folder } = certificate();
  const requests: FakeRequest[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'https://fake');
      const told: FakeRequest = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        body: Buffer.concat(chunks).toString('utf8'),
        authorization: request.headers.authorization,
      };
      requests.push(told);
      const answer = handlers.http?.(told);
      if (answer === 'hang') return;
      const { status = 200, body = {}, headers = {} } = answer ?? { status: 404, body: { message: 'not found' } };
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const upgrades = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered: Set<string>) => (offered.has('v4.channel.k8s.io') ? 'v4.channel.k8s.io' : false),
  });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'https://fake');
    const serve = handlers.socket?.(url.pathname, url.searchParams);
    if (!serve) return socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    upgrades.handleUpgrade(request, socket, head, serve);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'fake',
      clusters: [{ name: 'fake', cluster: { server: url, 'certificate-authority': caFile } }],
      users: [{ name: 'suite', user: { token: 'the-token' } }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'suite' } }],
    }),
  );
  return {
    url,
    kubeconfig,
    caFile,
    port,
    requests,
    openSockets: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let made: { key: Buffer; cert: Buffer; caFile: string; folder: string } | undefined;

/** For 127.0.0.1 and erp.example, its own authority. */
function certificate() {
  if (made) return made;
  const folder = mkdtempSync(join(tmpdir(), 'shakedown-fake-api-'));
  const file = (name: string) => join(folder, name);
  const names = 'subjectAltName=IP:127.0.0.1,DNS:erp.example';
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const out = ['-keyout', file('key.pem'), '-out', file('cert.pem')];
  execFileSync('openssl', ['req', '-x509', ...kind, '-subj', '/CN=fake', '-addext', names, ...out], {
    stdio: 'ignore',
  });
  made = { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')), caFile: file('cert.pem'), folder };
  return made;
}
