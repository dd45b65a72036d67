// What a client may ask for once it is connected: to be told of a doctype, a document or a task. Whoever may not read a doctype is told
// nothing of it, and nothing of being refused, as in Frappe.
import type { Socket } from 'socket.io';
import { findDoctype, may } from '../doctypes.ts';
import { log } from '../log.ts';
import type { User } from '../workshop.ts';
import type { WhoIsIt } from './admission.ts';
import { rooms } from './events.ts';

/** More than any page asks for while its first is being looked up. */
const waitingMax = 200;

export function takeSubscriptions(socket: Socket, user: User, whoIsIt: WhoIsIt): void {
  void socket.join([
    rooms.website,
    rooms.user(user.name),
    ...(user.roles.length > 0 && !isGuest(user) ? [rooms.site] : []),
  ]);

  const on = (message: string, answer: (...names: string[]) => void | Promise<void>) => {
    socket.on(message, (...given: unknown[]) => {
      const names = given.filter((one) => typeof one === 'string');
      inOrder(() => answer(...names));
    });
  };
  const mayRead = async (doctype: string): Promise<boolean> => {
    const type = findDoctype(doctype);
    return type !== undefined && may(await whoIsIt(), type.readBy);
  };

  on('ping', () => {
    socket.emit('pong');
  });
  on('doctype_subscribe', async (doctype) => {
    if (doctype && (await mayRead(doctype))) await socket.join(rooms.doctype(doctype));
  });
  on('doctype_unsubscribe', (doctype) => {
    if (doctype) void socket.leave(rooms.doctype(doctype));
  });
  on('doc_subscribe', async (doctype, name) => {
    if (doctype && name && (await mayRead(doctype))) await socket.join(rooms.document(doctype, name));
  });
  on('doc_unsubscribe', (doctype, name) => {
    if (doctype && name) void socket.leave(rooms.document(doctype, name));
  });
  for (const message of ['task_subscribe', 'progress_subscribe'])
    on(message, (id) => {
      if (id) void socket.join(rooms.task(id));
    });
  on('task_unsubscribe', (id) => {
    if (id) void socket.leave(rooms.task(id));
  });

  // One after the other, so that who unsubscribes at once is not subscribed in the end, and a pong says that all before it is done.
  let last = Promise.resolve();
  let waiting = 0;
  function inOrder(answer: () => void | Promise<void>): void {
    if (waiting >= waitingMax) return;
    waiting += 1;
    last = last
      .then(answer)
      .catch((error: unknown) => log('info', 'a subscription came to nothing', { reason: String(error) }))
      .finally(() => {
        waiting -= 1;
      });
  }
}

const isGuest = ({ name }: User): boolean => name === 'Guest';
