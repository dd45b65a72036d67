// A page that is open on somebody's phone, as far as the site can tell: Engine.IO 4 and Socket.IO 5, the little of them that a client needs
// which only listens. By hand, since k6 has WebSockets and no Socket.IO.
import type { Socket } from './turn.ts';

/** What is said to the site and what it says, told apart by its first letters. */
const packets = { open: '0', ping: '2', pong: '3', connect: '40', event: '42', refused: '44' } as const;

export interface Page {
  /** True once the site takes us and was told what we want to hear of; false when that will not be. */
  readonly ready: Promise<boolean>;
  /** True once the site told of this document, also when it did so before it was asked for; false when it can't any more. */
  heardOf(name: string): Promise<boolean>;
  /** When the connection is gone, whoever ended it. */
  readonly over: Promise<void>;
  close(): void;
}

export const socketIoPath = '/socket.io/?EIO=4&transport=websocket';

/** `site` is the site's name, which Frappe takes as the namespace. */
export function openPage(socket: Socket, site: string, doctype: string): Page {
  const namespace = `/${site},`;
  const heard = new Set<string>();
  const waiting = new Map<string, (heard: boolean) => void>();
  const ready = deferred<boolean>();
  const over = deferred<void>();
  let gone = false;

  socket.listen((text) => {
    if (text === undefined) return end();
    if (text === packets.ping) return socket.send(packets.pong);
    if (text.startsWith(packets.open)) return socket.send(packets.connect + namespace);
    if (text.startsWith(packets.connect + namespace)) {
      socket.send(packets.event + namespace + JSON.stringify(['doctype_subscribe', doctype]));
      return ready.resolve(true);
    }
    if (text.startsWith(packets.event + namespace)) return hear(text.slice((packets.event + namespace).length));
    if (text.startsWith(packets.refused)) return ready.resolve(false);
  });

  function hear(text: string): void {
    const [event, data] = eventOf(text);
    if (event !== 'list_update' || data?.doctype !== doctype || typeof data.name !== 'string') return;
    heard.add(data.name);
    waiting.get(data.name)?.(true);
  }

  function end(): void {
    gone = true;
    ready.resolve(false);
    for (const tell of waiting.values()) tell(false);
    over.resolve();
  }

  return {
    ready: ready.promise,
    over: over.promise,
    heardOf: (name) =>
      heard.has(name) || gone
        ? Promise.resolve(heard.has(name))
        : new Promise((resolve) => void waiting.set(name, resolve)),
    close: () => socket.close(),
  };
}

/** An event's name may be preceded by the number under which an answer is wanted. */
function eventOf(text: string): [unknown, Record<string, unknown> | undefined] {
  try {
    const value: unknown = JSON.parse(text.replace(/^\d+/, ''));
    return Array.isArray(value) ? [value[0], value[1] as Record<string, unknown> | undefined] : [undefined, undefined];
  } catch {
    return [undefined, undefined];
  }
}

/** k6's engine may be older than Promise.withResolvers. */
function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value) => resolve(value) };
}
