// Hears what is announced. Frappe's own client knows one address and stays deaf after a failover; this one is led to the new master by the
// Sentinels, tries again with bounded waits, and asks every few seconds whether anybody is there, since silence alone says nothing.
import type { Redis } from 'ioredis';
import { log } from '../log.ts';
import { channel, eventSchema, type SiteEvent } from './events.ts';

const askEveryMs = 2_000;

export interface Listener {
  /** True from a confirmed subscription to the loss of its connection. */
  hears(): boolean;
  close(): void;
}

export function listen(redis: Redis, onEvent: (event: SiteEvent) => void): Listener {
  let hears = false;
  const subscribe = async () => {
    try {
      await redis.subscribe(channel);
      if (!hears) log('info', 'listening for events', { channel });
      hears = true;
    } catch {
      // Connected and not subscribed is the same as deaf: begin again.
      startOver();
    }
  };
  const deaf = () => {
    hears = false;
  };
  const startOver = () => {
    deaf();
    if (redis.status === 'ready') redis.disconnect(true);
  };
  const onMessage = (from: string, text: string) => {
    const event = from === channel ? readEvent(text) : undefined;
    if (event) onEvent(event);
  };
  redis.on('message', onMessage).on('ready', subscribe).on('close', deaf);
  if (redis.status === 'ready') void subscribe();
  const asking = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(startOver);
  }, askEveryMs);
  return {
    hears: () => hears,
    close() {
      clearInterval(asking);
      redis.off('message', onMessage).off('ready', subscribe).off('close', deaf);
    },
  };
}

function readEvent(text: string): SiteEvent | undefined {
  try {
    return eventSchema.parse(JSON.parse(text));
  } catch {
    log('warning', 'what was announced is no event', { bytes: text.length });
    return undefined;
  }
}
