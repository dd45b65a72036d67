// Stock Entries: made, changed, submitted, cancelled, deleted. Whatever is answered with 200 is committed before (unless a defect is built in).
// Order of locks, the same everywhere: the document, its bins (sorted), the number series.
import { acknowledgeBeforeCommit } from './acknowledge-before-commit.ts';
import type { Row, Session } from './database/database.ts';
import { duplicateKey } from './database/failures.ts';
import { tableOf } from './database/schema.ts';
import { insertRows, replaceChildRows, upsertRows, type Values } from './database/write-rows.ts';
import { findDoctype, toDocument } from './doctypes.ts';
import { notifySubmitted } from './jobs/notifications.ts';
import { type Bin, lockBins, moveAll, NotEnoughStock, negativeStock, peekBins, post } from './ledger.ts';
import { nextStockEntryName, peekStockEntryName } from './naming.ts';
import { announce } from './realtime/announce.ts';
import { notFound, nothingHere, notInWorkshop, Refusal, validationError } from './refusals.ts';
import { reverse } from './reversal.ts';
import {
  binsOf,
  type Fields,
  itemRows,
  movementsOf,
  type Plan,
  planStockEntry,
  readFacts,
  type Stamp,
  toRows,
} from './stock-entry-plan.ts';
import type { User, Workshop } from './workshop.ts';

export interface StockEntry {
  readonly entry: Row;
  readonly details: readonly Row[];
  /** Made by this very request: Frappe then still marks the rows. */
  readonly fresh: boolean;
}

/** Makes a draft, or with `docstatus: 1` a submitted entry in one transaction. */
export async function createStockEntry(
  workshop: Workshop,
  user: User,
  given: Fields,
  { quietly = false }: { readonly quietly?: boolean } = {},
): Promise<StockEntry> {
  const { database } = workshop;
  const wanted = Number(given.docstatus ?? 0);
  checkTransition(0, wanted);
  const submit = wanted === 1;
  const ownName = typeof given.name === 'string' && given.name !== '' ? given.name : undefined;
  const facts = await readFacts(database, given);
  const label =
    ownName ?? (itemRows(given).length > 0 && given.stock_entry_type ? '' : await peekStockEntryName(database));
  const plan = planStockEntry(given, facts, label);
  // A draft promises nothing, so it takes its rates without a lock; and before, not to hold one connection while waiting for another.
  const peeked = submit ? undefined : await peekBins(database, binsOf(plan));
  const started = performance.now();
  const defective = workshop.defects.active('ack-before-commit');
  const write = async (session: Session, name: string, bins: ReadonlyMap<string, Bin>) => {
    const at = await now(session);
    const stamp = { name, owner: user.name, user: user.name, creation: at, at, docstatus: submit ? 1 : 0 };
    const moved = submit ? movedBy(plan, bins, { name, at }) : undefined;
    const rows = toRows(plan, bins, stamp);
    await insertEntry(session, rows);
    return { rows, stamp, moved };
  };
  const made = defective
    ? await acknowledgeBeforeCommit(
        database,
        async (session) =>
          write(
            session,
            ownName ?? (await database.transaction(nextStockEntryName)),
            await peekBins(session, binsOf(plan)),
          ),
        async (session, { stamp }) => {
          if (submit) await postEntry(session, plan, stamp);
        },
        async ({ stamp }) => {
          if (submit) await notifySubmitted(workshop, user, stamp.name);
        },
      )
    : await database.transaction(async (session) => {
        const bins = peeked ?? (await lockBins(session, binsOf(plan), user.name));
        const written = await write(session, ownName ?? (await nextStockEntryName(session)), bins);
        if (written.moved) {
          const voucher = voucherOf(written.stamp);
          const { entries, bins: after } = written.moved;
          await post(session, voucher, entries, workshop.defects.strikes('stale-stock') ? new Map() : after);
          if (workshop.defects.strikes('apply-twice')) {
            const again = movedBy(plan, after, written.stamp);
            await post(session, voucher, again.entries, again.bins);
          }
        }
        return written;
      });
  announce(workshop, user, 'Stock Entry', made.rows.entry);
  if (submit) workshop.metrics.inventoryUpdate((performance.now() - started) / 1000);
  if (submit && !defective && !quietly) await notifySubmitted(workshop, user, made.stamp.name);
  if (submit && workshop.defects.strikes('refuse-but-keep')) throw validationError('Not enough of everything');
  return { entry: made.rows.entry, details: made.rows.details, fresh: true };
}

/** What PUT does: submits with `docstatus: 1`, cancels with 2, and changes a draft. */
export async function updateStockEntry(
  workshop: Workshop,
  user: User,
  name: string,
  given: Fields,
): Promise<StockEntry> {
  const started = performance.now();
  let moved = false;
  let submitted = false;
  const facts = await readFacts(workshop.database, given);
  const updated = await workshop.database.transaction(async (session) => {
    const before = await readStockEntry(session, name, true);
    const at = await now(session);
    checkNotChanged(before.entry, given.modified, at);
    const was = Number(before.entry.docstatus);
    const wanted = given.docstatus === undefined ? was : Number(given.docstatus);
    checkTransition(was, wanted);
    moved = wanted > was;
    submitted = was === 0 && wanted === 1;
    if (was === 1 && wanted === 2) return cancelRows(session, before, user, at);
    if (was === 1) {
      checkUnchangedAfterSubmit(before, given);
      await touch(session, name, user, at, 1);
      return readStockEntry(session, name, false);
    }
    const stamp: Stamp = {
      name,
      owner: String(before.entry.owner),
      creation: String(before.entry.creation),
      user: user.name,
      at,
      docstatus: wanted,
    };
    const fields = { ...before.entry, items: before.details, ...given, set_posting_time: given.set_posting_time ?? 0 };
    const ownRows = new Set(before.details.map((row) => String(row.name)));
    const plan = planStockEntry(
      fields,
      given.items === undefined ? await readFacts(session, fields) : facts,
      name,
      ownRows,
    );
    if (moved) return submitRows(session, before.details, plan, stamp);
    const rows = toRows(plan, await peekBins(session, binsOf(plan)), stamp);
    await replaceRows(session, before.details, rows);
    return { ...rows, fresh: false };
  });
  announce(workshop, user, 'Stock Entry', updated.entry);
  if (moved) workshop.metrics.inventoryUpdate((performance.now() - started) / 1000);
  if (submitted) await notifySubmitted(workshop, user, name);
  return updated;
}

export async function deleteStockEntry(workshop: Workshop, name: string): Promise<void> {
  await workshop.database.transaction(async (session) => {
    const [entry] = await session.rows('SELECT docstatus FROM `tabStock Entry` WHERE name = ? FOR UPDATE', [name]);
    if (!entry) throw nothingHere();
    if (entry.docstatus === 2) throw notInWorkshop('Deleting a cancelled Stock Entry');
    if (entry.docstatus === 1)
      throw validationError(
        `Stock Entry ${name}: Submitted Record cannot be deleted. You must <a href='https://docs.erpnext.com//docs/user/manual/en/setting-up/articles/delete-submitted-document' target='_blank'> Cancel </a> it first.`,
      );
    await session.change('DELETE FROM `tabStock Entry Detail` WHERE parent = ?', [name]);
    await session.change('DELETE FROM `tabStock Entry` WHERE name = ?', [name]);
  });
}

export async function readStockEntry(session: Pick<Session, 'rows'>, name: string, lock: boolean): Promise<StockEntry> {
  const [entry] = await session.rows(`SELECT * FROM \`tabStock Entry\` WHERE name = ?${lock ? ' FOR UPDATE' : ''}`, [
    name,
  ]);
  if (!entry) throw notFound('Stock Entry', name);
  const details = await session.rows('SELECT * FROM `tabStock Entry Detail` WHERE parent = ? ORDER BY idx', [name]);
  return { entry, details, fresh: false };
}

/** On the wire; `frappe.client` methods also show the fields without a value. Rows of a document that the client sent are still marked. */
export function stockEntryDocument(
  stock: StockEntry,
  nulls = false,
  unsaved = stock.fresh || nulls,
): Record<string, unknown> {
  const type = findDoctype('Stock Entry');
  const detailType = findDoctype('Stock Entry Detail');
  if (!type || !detailType) throw new Error('workshop/stock-entry: doctype Stock Entry is not registered');
  const items = stock.details.map((row) => ({
    ...toDocument(detailType, row, nulls),
    ...(unsaved ? { __unsaved: 1 } : {}),
  }));
  return { ...toDocument(type, stock.entry, nulls), additional_costs: [], items };
}

/** A document sent back must be the one that is stored: ERPNext compares `modified`. */
export function checkNotChanged(entry: Row, modified: unknown, at: string, required = false): void {
  if (modified === undefined && !required) return;
  if (modified === entry.modified) return;
  const text = `Error: Document has been modified after you have opened it (${entry.modified}, ${at}). Please refresh to get the latest document.`;
  throw validationError(text, { excType: 'TimestampMismatchError' });
}

const statusNames = ['Draft', 'Submitted', 'Cancelled'];

export function checkTransition(from: number, to: number): void {
  if (from === 2) throw validationError('Cannot edit cancelled document');
  if (from === to || (from === 0 && to === 1) || (from === 1 && to === 2)) return;
  throw new Refusal({
    status: 417,
    excType: 'DocstatusTransitionError',
    text: `Cannot change docstatus from ${from} (${statusNames[from]}) to ${to} (${statusNames[to] ?? '?'})`,
  });
}

function checkUnchangedAfterSubmit({ entry }: StockEntry, given: Fields): void {
  const columns = new Set(tableOf('tabStock Entry').columns.map(({ name }) => name));
  const fixed = Object.keys(given).filter(
    (field) => !['docstatus', 'modified', 'remarks', 'doctype', 'name'].includes(field),
  );
  const changed = fixed.find(
    (field) => field === 'items' || (columns.has(field) && String(given[field]) !== String(entry[field] ?? '')),
  );
  if (!changed) return;
  const label = changed.replaceAll('_', ' ').replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
  const change =
    changed === 'items' ? '' : ` from <strong>${entry[changed]}</strong> to <strong>${String(given[changed])}</strong>`;
  throw validationError(` Not allowed to change <strong>${label}</strong> after submission${change}`, {
    excType: 'UpdateAfterSubmitError',
    title: 'Cannot Update After Submit',
  });
}

async function submitRows(session: Session, before: readonly Row[], plan: Plan, stamp: Stamp): Promise<StockEntry> {
  const bins = await lockBins(session, binsOf(plan), stamp.user);
  // The time counts from here on: whoever posts after us got our locks after us.
  const posted = { ...stamp, at: await now(session) };
  const moved = movedBy(plan, bins);
  const rows = toRows(plan, bins, posted);
  await replaceRows(session, before, rows);
  await post(session, voucherOf(posted), moved.entries, moved.bins);
  return { ...rows, fresh: false };
}

/** The documents keep their rows and their time of posting; the ledger takes the movements back. */
async function cancelRows(session: Session, before: StockEntry, user: User, at: string): Promise<StockEntry> {
  const name = String(before.entry.name);
  try {
    await reverse(session, { voucherNo: name, user: user.name, at });
  } catch (error) {
    if (!(error instanceof NotEnoughStock)) throw error;
    throw negativeStock(error, { name, at, purpose: String(before.entry.purpose) });
  }
  await touch(session, name, user, at, 2);
  return readStockEntry(session, name, false);
}

/** The ledger half of an entry whose rows are written already. */
async function postEntry(session: Session, plan: Plan, stamp: Stamp): Promise<void> {
  const bins = await lockBins(session, binsOf(plan), stamp.user);
  const at = await now(session);
  const moved = movedBy(plan, bins, { name: stamp.name, at });
  await post(session, voucherOf({ ...stamp, at }), moved.entries, moved.bins);
}

function movedBy(plan: Plan, bins: ReadonlyMap<string, Bin>, made?: { name: string; at: string }) {
  try {
    return moveAll(bins, movementsOf(plan, bins));
  } catch (error) {
    if (error instanceof NotEnoughStock) throw negativeStock(error, made && { ...made, purpose: plan.purpose });
    throw error;
  }
}

function voucherOf(stamp: Stamp) {
  return { name: stamp.name, company: 'Wind Power LLC', user: stamp.user, at: stamp.at };
}

async function insertEntry(session: Session, rows: { entry: Values; details: Values[] }): Promise<void> {
  try {
    await insertRows(session, 'tabStock Entry', [rows.entry]);
  } catch (error) {
    throw duplicateRefusal(error, String(rows.entry.name)) ?? error;
  }
  await insertRows(session, 'tabStock Entry Detail', rows.details);
}

async function replaceRows(
  session: Session,
  before: readonly Row[],
  rows: { entry: Values; details: Values[] },
): Promise<void> {
  try {
    await upsertRows(session, 'tabStock Entry', [rows.entry]);
  } catch (error) {
    throw duplicateRefusal(error, String(rows.entry.name)) ?? error;
  }
  await replaceChildRows(session, 'tabStock Entry Detail', before, rows.details);
}

function duplicateRefusal(error: unknown, name: string): Refusal | undefined {
  const duplicate = duplicateKey(error);
  if (!duplicate) return undefined;
  const text = `('Stock Entry', '${name}', IntegrityError(1062, "${duplicate.text}"))`;
  if (duplicate.key === 'PRIMARY') {
    const message = `Stock Entry <strong>${name}</strong> already exists`;
    const messages = [{ message, title: 'Duplicate Name', indicator: 'red' as const }];
    return new Refusal({ status: 409, excType: 'DuplicateEntryError', text, messages });
  }
  return new Refusal({
    status: 417,
    excType: 'UniqueValidationError',
    text,
    messages: [{ message: 'Client Marker must be unique', title: 'Message' }],
  });
}

async function touch(session: Session, name: string, user: User, at: string, docstatus: 1 | 2): Promise<void> {
  const set = 'SET docstatus = ?, modified = ?, modified_by = ?';
  const values = [docstatus, at, user.name, name];
  await session.change(`UPDATE \`tabStock Entry\` ${set} WHERE name = ?`, values);
  await session.change(`UPDATE \`tabStock Entry Detail\` ${set} WHERE parent = ?`, values);
}

/** The database's clock, one for all web pods. */
export async function now(session: Session): Promise<string> {
  const [row] = await session.rows('SELECT NOW(6) AS at');
  return String(row?.at);
}
