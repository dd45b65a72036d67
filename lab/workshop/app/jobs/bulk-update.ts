// Many documents at once: fewer than twenty in the request itself, more in a job. Each document is a transaction of its own; one that is
// refused is told by name, one that isn't there ends the whole, as recorded.
import { findDoctype } from '../doctypes.ts';
import { writerOf } from '../documents.ts';
import { missingFields, notFound, notInWorkshop, parseJson, Refusal } from '../refusals.ts';
import { mayCreate } from '../resources.ts';
import type { User, Workshop } from '../workshop.ts';
import { bulkActionMethod } from './method-names.ts';
import { enqueue } from './queue.ts';

const inRequestMax = 19;
const jobSeconds = 1_000;
const docstatusOf: Readonly<Record<string, number>> = { submit: 1, cancel: 2 };

/** The body of the answer: the names that were refused, or only the word that it is being worked on. */
export async function submitOrCancelMany(
  workshop: Workshop,
  user: User,
  args: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const doctype = String(args.doctype ?? '');
  const action = String(args.action ?? 'submit');
  mayCreate(user, doctype);
  const docnames = namesIn(args.docnames);
  if (docnames.length <= inRequestMax)
    return { message: await bulkAction(workshop, user.name, doctype, docnames, action) };
  await enqueue(workshop, user, {
    queue: 'short',
    method: bulkActionMethod,
    timeoutSeconds: jobSeconds,
    kwargs: { doctype, docnames, action, data: null, task_id: null },
  });
  const said = { message: 'Bulk operation is enqueued in background.', title: 'Message', alert: 1 };
  return { _server_messages: JSON.stringify([JSON.stringify(said)]) };
}

export async function bulkAction(
  workshop: Workshop,
  userName: string,
  doctype: unknown,
  docnames: unknown,
  action: unknown,
): Promise<string[]> {
  const type = findDoctype(String(doctype));
  if (!type) throw notFound('DocType', String(doctype));
  const docstatus = docstatusOf[String(action)];
  if (docstatus === undefined) throw notInWorkshop(`The bulk action ${String(action)}`);
  const writer = writerOf(type.name);
  const user: User = { name: userName, fullName: userName, roles: [] };
  const refused: string[] = [];
  for (const name of namesIn(docnames)) {
    const [found] = await workshop.database.rows(`SELECT 1 FROM \`${type.table.name}\` WHERE name = ?`, [name]);
    if (!found) throw notFound(type.name, name);
    try {
      await writer.update(workshop, user, name, { docstatus });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused.push(name);
    }
  }
  return refused;
}

function namesIn(docnames: unknown): string[] {
  const given = typeof docnames === 'string' ? parseJson(docnames) : docnames;
  if (!Array.isArray(given)) throw missingFields('', [{ name: 'docnames', says: 'Value missing' }], 'Bulk Update');
  return given.map(String);
}
