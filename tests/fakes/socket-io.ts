// The little of Engine.IO 4 and Socket.IO 5 that a Frappe site speaks to a page which only listens: handshake, namespace, subscription,
// news. Its WebSockets are real ones; what it says is written down here from the protocol's documents, so it shows that the client speaks
// it, not that the site does.
import type { IncomingMessage, Server } from 'node:http';
import { createRequire } from 'node:module';

interface FakeSocket {
  send(text: string): void;
  close(): void;
  terminate(): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
  on(event: 'close', listener: () => void): void;
}

// ws comes with @kubernetes/client-node and brings no types.
const { WebSocketServer } = createRequire(import.meta.url)('ws') as {
  WebSocketServer: new (
    options: object,
  ) => {
    handleUpgrade(request: IncomingMessage, socket: object, head: Buffer, done: (one: FakeSocket) => void): void;
  };
};

export type RealtimeMood =
  | 'well'
  /** Takes the page and its subscription, and tells it nothing. */
  | 'silent'
  /** Does not answer the namespace's connect well. */
  | 'refuses'
  /** Never answers the upgrade at all. */
  | 'hangs';

interface Connection {
  destroy(): void;
}

export interface FakeRealtime {
  /** Pages that said what they want to hear of, with the token that each showed. */
  readonly subscribed: readonly { readonly doctype: string; readonly authorization: string; readonly origin: string }[];
  /** Pings that were answered. */
  readonly pongs: number;
  become(mood: RealtimeMood): void;
  tell(doctype: string, name: string): void;
}

/** Pings often, so that a test of seconds sees them answered. */
const pingEveryMs = 200;

export function fakeRealtime(server: Pick<Server, 'on'>, site: string): FakeRealtime {
  const sockets = new WebSocketServer({ noServer: true });
  const pages = new Map<FakeSocket, Set<string>>();
  const subscribed: { doctype: string; authorization: string; origin: string }[] = [];
  const namespace = `/${site},`;
  let mood: RealtimeMood = 'well';
  let hanging: Connection[] = [];
  let pongs = 0;

  server.on('upgrade', (request: IncomingMessage, connection: object, head: Buffer) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://site');
    if (mood === 'hangs') return void hanging.push(connection as Connection);
    if (pathname !== '/socket.io/' || searchParams.get('EIO') !== '4' || searchParams.get('transport') !== 'websocket')
      return (connection as Connection).destroy();
    sockets.handleUpgrade(request, connection, head, (socket) => serve(socket, request));
  });

  function serve(socket: FakeSocket, { headers }: IncomingMessage): void {
    const wanted = new Set<string>();
    pages.set(socket, wanted);
    socket.send('0{"sid":"engine","upgrades":[],"pingInterval":200,"pingTimeout":20000,"maxPayload":1000000}');
    const ping = setInterval(() => socket.send('2'), pingEveryMs);
    socket.on('close', () => {
      clearInterval(ping);
      pages.delete(socket);
    });
    socket.on('message', (data) => {
      const text = data.toString();
      if (text === '3') pongs += 1;
      if (text === `40${namespace}`)
        socket.send(
          mood === 'refuses' ? `44${namespace}{"message":"Invalid origin"}` : `40${namespace}{"sid":"socket"}`,
        );
      if (text.startsWith(`42${namespace}`)) {
        const [event, doctype] = JSON.parse(text.slice(2 + namespace.length)) as [string, string];
        if (event !== 'doctype_subscribe') return;
        wanted.add(doctype);
        subscribed.push({ doctype, authorization: headers.authorization ?? '', origin: headers.origin ?? '' });
      }
    });
  }

  return {
    subscribed,
    get pongs() {
      return pongs;
    },
    become(next) {
      mood = next;
      for (const connection of hanging) connection.destroy();
      hanging = [];
    },
    tell(doctype, name) {
      if (mood === 'silent') return;
      for (const [socket, wanted] of pages)
        if (wanted.has(doctype))
          socket.send(`42${namespace}${JSON.stringify(['list_update', { doctype, name, user: 'x' }])}`);
    },
  };
}
