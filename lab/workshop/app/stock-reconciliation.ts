// Stock Reconciliations: stock is counted, and the bins are set to what was found. A large one that is submitted by `frappe.client.submit`
// is queued and locked meanwhile; by PUT it is submitted at once, whatever its size, as recorded.
import type { Row, Session } from './database/database.ts';
import { tableOf } from './database/schema.ts';
import { insertRows, replaceChildRows, upsertRows, type Values } from './database/write-rows.ts';
import { findDoctype, toDocument } from './doctypes.ts';
import { checkNotLocked, lockDocument, unlockDocument } from './document-lock.ts';
import type { Job } from './jobs/job.ts';
import { executeActionMethod } from './jobs/method-names.ts';
import { enqueue } from './jobs/queue.ts';
import { type Bin, type BinKey, binKey, type Entry, lockBins, peekBins, post, round } from './ledger.ts';
import { nextReconciliationName } from './naming.ts';
import { notFound, nothingHere, notInWorkshop, notWhitelisted, validationError } from './refusals.ts';
import { checkNotChanged, checkTransition, now } from './stock-entry.ts';
import { type Fields, itemRows, readFacts } from './stock-entry-plan.ts';
import { type CountedRow, planReconciliation } from './stock-reconciliation-plan.ts';
import { company, type User, type Workshop } from './workshop.ts';

const doctype = 'Stock Reconciliation';
const headTable = tableOf('tabStock Reconciliation');
const itemTable = tableOf('tabStock Reconciliation Item');
/** With more rows than this, `submit` is queued. */
const rowsAtOnceMax = 100;
const jobSeconds = 4_600;

export interface Reconciliation {
  readonly head: Readonly<Values>;
  readonly items: readonly Readonly<Values>[];
  readonly fresh: boolean;
}

interface Stamp {
  readonly name: string;
  readonly owner: string;
  readonly creation: string;
  readonly user: string;
  readonly at: string;
  readonly docstatus: number;
}

export async function createReconciliation(workshop: Workshop, user: User, given: Fields): Promise<Reconciliation> {
  const { database } = workshop;
  const docstatus = Number(given.docstatus ?? 0);
  checkTransition(0, docstatus);
  const rows = await plan(database, given);
  return database.transaction(async (session) => {
    const bins = await (docstatus === 1 ? lockBins(session, rows, user.name) : peekBins(session, rows));
    const name = await nextReconciliationName(session);
    const at = await now(session);
    const stamp = { name, owner: user.name, creation: at, user: user.name, at, docstatus };
    const made = await counted(rows, bins, stamp);
    await insertRows(session, headTable.name, [made.head]);
    await insertRows(session, itemTable.name, made.items);
    if (docstatus === 1) await setBins(session, made, bins, stamp);
    return { ...made, fresh: true };
  });
}

/** What PUT does: changes a draft, and submits it with `docstatus: 1`. */
export async function updateReconciliation(
  workshop: Workshop,
  user: User,
  name: string,
  given: Fields,
): Promise<Reconciliation> {
  return workshop.database.transaction(async (session) => {
    const before = await readReconciliation(session, name, true);
    await checkNotLocked(session, doctype, name);
    const at = await now(session);
    checkNotChanged(before.head, given.modified, at);
    const was = Number(before.head.docstatus);
    const docstatus = given.docstatus === undefined ? was : Number(given.docstatus);
    checkTransition(was, docstatus);
    if (docstatus === 2) throw notInWorkshop(`Cancelling a ${doctype}`);
    if (was === 1) return touched(session, before, user, at);
    const rows = await plan(session, { ...before.head, items: before.items, ...given });
    const bins = await (docstatus === 1 ? lockBins(session, rows, user.name) : peekBins(session, rows));
    const { owner, creation } = before.head;
    const stamp = { name, owner: String(owner), creation: String(creation), user: user.name, at, docstatus };
    // Whoever posts after us got our locks after us.
    const after = await counted(rows, bins, docstatus === 1 ? { ...stamp, at: await now(session) } : stamp);
    await upsertRows(session, headTable.name, [after.head]);
    await replaceChildRows(session, itemTable.name, before.items, [...after.items]);
    if (docstatus === 1) await setBins(session, after, bins, { ...stamp, at: String(after.head.modified) });
    return after;
  });
}

export async function deleteReconciliation({ database }: Workshop, name: string): Promise<void> {
  await database.transaction(async (session) => {
    const [head] = await session.rows(`SELECT docstatus FROM \`${headTable.name}\` WHERE name = ? FOR UPDATE`, [name]);
    if (!head) throw nothingHere();
    await checkNotLocked(session, doctype, name);
    if (head.docstatus !== 0) throw validationError(`${doctype} ${name}: Submitted Record cannot be deleted.`);
    await session.change(`DELETE FROM \`${itemTable.name}\` WHERE parent = ?`, [name]);
    await session.change(`DELETE FROM \`${headTable.name}\` WHERE name = ?`, [name]);
  });
}

/** `frappe.client.submit`: the body of the answer. */
export async function submitByClient(workshop: Workshop, user: User, doc: Fields): Promise<Record<string, unknown>> {
  const { database } = workshop;
  if (typeof doc.name !== 'string' || doc.name === '')
    return { message: toWire(await createReconciliation(workshop, user, { ...doc, docstatus: 1 }), true) };
  const { name } = doc;
  const stored = await readReconciliation(database, name);
  if (stored.head.docstatus !== 0 || stored.items.length <= rowsAtOnceMax)
    return { message: toWire(await updateReconciliation(workshop, user, name, { docstatus: 1 }), true) };
  await database.transaction(async (session) => {
    await readReconciliation(session, name, true);
    await checkNotLocked(session, doctype, name);
    await lockDocument(session, doctype, name);
  });
  try {
    await enqueue(workshop, user, {
      queue: 'long',
      method: executeActionMethod,
      timeoutSeconds: jobSeconds,
      kwargs: { __doctype: doctype, __name: name, __action: 'submit' },
    });
  } catch (error) {
    await unlockDocument(database, doctype, name);
    throw error;
  }
  const message = `The task has been enqueued as a background job. In case there is any issue on processing in background, the system will add a comment about the error on this ${doctype} and revert to the Draft stage`;
  const said = JSON.stringify({ message, title: 'Message' });
  return { message: toWire(stored, true), _server_messages: JSON.stringify([said]) };
}

/** The lock ends when the work begins: a worker that dies leaves a draft that can be submitted again. */
export async function submitByJob(workshop: Workshop, { call }: Job): Promise<void> {
  const { __doctype: type, __name: name, __action: action } = call.kwargs;
  if (type !== doctype || action !== 'submit') throw notInWorkshop(`The action ${String(action)} of a ${String(type)}`);
  await unlockDocument(workshop.database, doctype, String(name));
  const user = { name: call.user, fullName: call.user, roles: [] };
  await updateReconciliation(workshop, user, String(name), { docstatus: 1 });
}

/** ERPNext's own `submit` of this type is not for calling. */
export const submitNotWhitelisted = (): Error =>
  notWhitelisted('erpnext.stock.doctype.stock_reconciliation.stock_reconciliation.submit');

export async function readReconciliation(
  session: Pick<Session, 'rows'>,
  name: string,
  lock = false,
): Promise<Reconciliation> {
  const forUpdate = lock ? ' FOR UPDATE' : '';
  const [head] = await session.rows(`SELECT * FROM \`${headTable.name}\` WHERE name = ?${forUpdate}`, [name]);
  if (!head) throw notFound(doctype, name);
  const items = await session.rows(`SELECT * FROM \`${itemTable.name}\` WHERE parent = ? ORDER BY idx`, [name]);
  return { head, items, fresh: false };
}

/** On the wire; `frappe.client` methods also show the fields without a value, and mark the rows that the client sent. */
export function toWire({ head, items, fresh }: Reconciliation, byClient = false): Record<string, unknown> {
  const [type, itemType] = [findDoctype(doctype), findDoctype(`${doctype} Item`)];
  if (!type || !itemType) throw new Error(`workshop/stock-reconciliation: doctype ${doctype} is not registered`);
  const mark = fresh || byClient ? { __unsaved: 1 } : {};
  const rows = items.map((row) => ({ ...toDocument(itemType, row as Row, byClient), ...mark }));
  return { ...toDocument(type, head as Row, byClient), items: rows };
}

async function plan(session: Pick<Session, 'rows'>, given: Fields): Promise<CountedRow[]> {
  const asStockRows = itemRows(given).map(({ item_code, warehouse }) => ({ item_code, t_warehouse: warehouse }));
  return planReconciliation(given, await readFacts(session, { items: asStockRows }));
}

/** The document against the bins as they are: rows that change nothing are taken out, and when none is left there is nothing to do. */
async function counted(
  rows: readonly CountedRow[],
  bins: ReadonlyMap<string, Bin>,
  stamp: Stamp,
): Promise<Reconciliation> {
  const common = {
    owner: stamp.owner,
    creation: stamp.creation,
    modified: stamp.at,
    modified_by: stamp.user,
    docstatus: stamp.docstatus,
  };
  const items = rows.flatMap((row): Values[] => {
    const bin = binOf(bins, row);
    const qty = row.qty ?? bin.qty;
    const currentRate = bin.qty === 0 ? 0 : bin.rate;
    const rate = row.rate ?? (bin.rate > 0 ? bin.rate : row.item.rate);
    if (qty === bin.qty && (rate === bin.rate || qty === 0)) return [];
    const [amount, currentAmount] = [round(qty * rate), round(bin.qty * currentRate)];
    return [
      {
        ...defaultsOf(itemTable.columns),
        ...common,
        name: row.name,
        item_code: row.item.name,
        item_name: row.item.itemName,
        item_group: row.item.group,
        barcode: row.barcode,
        warehouse: row.warehouse,
        qty,
        valuation_rate: rate,
        amount,
        current_qty: bin.qty,
        current_valuation_rate: currentRate,
        current_amount: currentAmount,
        quantity_difference: round(qty - bin.qty),
        amount_difference: round(amount - currentAmount),
        parent: stamp.name,
        parentfield: 'items',
        parenttype: doctype,
      },
    ];
  });
  if (items.length === 0)
    throw validationError('None of the items have any change in quantity or value.', {
      excType: 'EmptyStockReconciliationItemsError',
      module: 'erpnext.stock.doctype.stock_reconciliation.stock_reconciliation',
      fromErpnext: true,
    });
  const [date = '', time = ''] = stamp.at.split(' ');
  const head: Values = {
    ...defaultsOf(headTable.columns),
    ...common,
    name: stamp.name,
    naming_series: 'MAT-RECO-.YYYY.-',
    company,
    purpose: doctype,
    posting_date: date,
    posting_time: time,
    expense_account: 'Stock Adjustment - WP',
    cost_center: 'Main - WP',
    difference_amount: round(items.reduce((sum, row) => sum + Number(row.amount_difference), 0)),
  };
  return { head, items: items.map((row, index) => ({ ...row, idx: index + 1 })), fresh: false };
}

/** Each ledger entry carries the difference, so that a bin's entries still sum up to it. */
async function setBins(
  session: Session,
  { items }: Reconciliation,
  bins: ReadonlyMap<string, Bin>,
  { name, user, at }: Stamp,
): Promise<void> {
  const after = new Map(bins);
  const entries = items.map((row): Entry => {
    const key: BinKey = { itemCode: String(row.item_code), warehouse: String(row.warehouse) };
    const bin = binOf(bins, key);
    const [qty, rate] = [Number(row.qty), Number(row.valuation_rate)];
    const value = round(qty * rate);
    after.set(binKey(key), { ...bin, qty, rate, value });
    return {
      ...key,
      detailName: String(row.name),
      qty: round(qty - bin.qty),
      incomingRate: rate,
      qtyAfter: qty,
      rateAfter: rate,
      valueAfter: value,
      valueDifference: round(value - bin.value),
    };
  });
  await post(session, { type: doctype, name, company, user, at }, entries, after);
}

async function touched(session: Session, before: Reconciliation, user: User, at: string): Promise<Reconciliation> {
  await session.change(`UPDATE \`${headTable.name}\` SET modified = ?, modified_by = ? WHERE name = ?`, [
    at,
    user.name,
    before.head.name ?? null,
  ]);
  return { ...before, head: { ...before.head, modified: at, modified_by: user.name } };
}

function binOf(bins: ReadonlyMap<string, Bin>, key: BinKey): Bin {
  const bin = bins.get(binKey(key));
  if (!bin)
    throw new Error(`workshop/stock-reconciliation: the bin of ${key.itemCode} in ${key.warehouse} was not read`);
  return bin;
}

const defaultsOf = (columns: readonly { name: string; default: string | number | null }[]): Values =>
  Object.fromEntries(columns.map(({ name, default: value }) => [name, value]));
