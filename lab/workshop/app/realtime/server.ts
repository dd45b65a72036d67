// Socket.IO as Frappe serves it: one namespace, named as the site, in which whoever is admitted joins rooms and is told what is announced in
// them. Each pod tells its own clients, so there may be any number of pods and none needs to know of another.
import { createServer, type Server as HttpServer } from 'node:http';
import { Counter, Gauge } from 'prom-client';
import { Server } from 'socket.io';
import { log } from '../log.ts';
import type { User, Workshop } from '../workshop.ts';
import { admission, type WhoIsIt } from './admission.ts';
import { listen } from './listen.ts';
import { takeSubscriptions } from './subscriptions.ts';

/** Everything that a client says is a few names. */
const messageBytesMax = 10_000;
const knownEvents = new Set(['list_update', 'doc_update', 'progress', 'task_progress', 'msgprint']);

interface Admitted {
  user: User;
  whoIsIt: WhoIsIt;
}

type Nothing = Record<string, never>;

export interface Realtime {
  readonly http: HttpServer;
  /** Ends every connection with a word, so that the clients look for another pod at once. */
  close(): Promise<void>;
}

export function createRealtime({ config, database, queue, metrics }: Workshop): Realtime {
  const http = createServer((_, response) => response.writeHead(404).end());
  const io = new Server<
    Record<string, (...names: unknown[]) => void>,
    Record<string, (...message: unknown[]) => void>,
    Nothing,
    Admitted
  >(http, {
    path: '/socket.io/',
    serveClient: false,
    maxHttpBufferSize: messageBytesMax,
  });
  io.use((_, next) => next(new Error('Invalid namespace')));
  const site = io.of(`/${config.siteHost}`);
  site.use((socket, next) => {
    const whoIsIt = admission(config, database, socket.request);
    whoIsIt().then(
      (user) => {
        socket.data = { user, whoIsIt };
        next();
      },
      (error: Error) => {
        log('info', 'refused', { reason: error.message });
        next(error);
      },
    );
  });
  site.on('connection', (socket) => takeSubscriptions(socket, socket.data.user, socket.data.whoIsIt));

  const registers = [metrics.registry];
  const events = new Counter({
    name: 'workshop_realtime_events_total',
    help: 'Events heard from the queue’s Redis and told to the clients of this pod that are in their room.',
    labelNames: ['event'],
    registers,
  });
  const listener = listen(queue, ({ namespace, room, event, message }) => {
    if (namespace !== config.siteHost) return;
    events.inc({ event: knownEvents.has(event) ? event : 'other' });
    (room ? site.to(room) : site).emit(event, message);
  });
  new Gauge({
    name: 'workshop_realtime_connections',
    help: 'Clients that are admitted and connected.',
    registers,
    collect() {
      this.set(site.sockets.size);
    },
  });
  new Gauge({
    name: 'workshop_realtime_listening',
    help: '1 while this pod is subscribed to what is announced.',
    registers,
    collect() {
      this.set(listener.hears() ? 1 : 0);
    },
  });
  return {
    http,
    async close() {
      listener.close();
      await io.close();
    },
  };
}
