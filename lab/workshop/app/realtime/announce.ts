// Tells all who look at a document or a list that it was written. Called after the commit, never awaited: an answer neither waits for the
// queue's Redis nor fails with it, and what can't be said now is not said later.
import type { Values } from '../database/write-rows.ts';
import { toWire } from '../doctypes.ts';
import type { User, Workshop } from '../workshop.ts';
import { channel, rooms, type SiteEvent } from './events.ts';

/** A Redis that takes everything and answers nothing must not fill this process. */
const unansweredMax = 1_000;
let unanswered = 0;

export function announce(workshop: Workshop, user: User, doctype: string, document: Readonly<Values>): void {
  const name = String(document.name);
  const modified = toWire('datetime', document.modified ?? null);
  publish(workshop, 'doc_update', { modified, doctype, name }, rooms.document(doctype, name));
  publish(workshop, 'list_update', { doctype, name, user: user.name }, rooms.doctype(doctype));
}

function publish({ config, queue, metrics }: Workshop, event: string, message: object, room: string): void {
  if (unanswered >= unansweredMax) {
    metrics.announced(event, 'failed');
    return;
  }
  unanswered += 1;
  queue
    .publish(channel, JSON.stringify({ event, message, room, namespace: config.siteHost } satisfies SiteEvent))
    .then(
      () => metrics.announced(event, 'sent'),
      () => metrics.announced(event, 'failed'),
    )
    .finally(() => {
      unanswered -= 1;
    });
}
