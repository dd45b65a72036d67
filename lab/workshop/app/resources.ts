// Documents read through the generic interfaces: lists, counts, single values, an Item with what belongs to it. Permission comes first, always.
import type { Row } from './database/database.ts';
import { type Doctype, findDoctype, may, namesOnly, toDocument, toWire } from './doctypes.ts';
import { jobCardDocument, readJobCard } from './job-card.ts';
import { buildCount, buildList, type Statement } from './listing.ts';
import { notFound, notInWorkshop, notPermitted, pythonError, Refusal } from './refusals.ts';
import { readStockEntry, stockEntryDocument } from './stock-entry.ts';
import { readReconciliation, toWire as reconciliationDocument } from './stock-reconciliation.ts';
import { company, type User, type Workshop, warehouses } from './workshop.ts';

/** Query parameters by either of their names, as both spellings are in use. */
export async function readListOf(
  workshop: Workshop,
  user: User,
  doctype: string,
  args: Readonly<Record<string, unknown>>,
  parent = '',
): Promise<Record<string, unknown>[]> {
  const type = readable(user, doctype, parent);
  const statement = buildList(type, {
    fields: args.fields,
    filters: args.filters,
    orderBy: args.order_by,
    start: args.limit_start ?? args.start,
    limit: args.limit_page_length ?? args.limit,
  });
  return runList(workshop, statement);
}

export async function countOf(workshop: Workshop, user: User, doctype: string, filters: unknown): Promise<number> {
  const [row] = await runList(workshop, buildCount(readable(user, doctype), filters));
  return Number(row?.n ?? 0);
}

export async function readValueOf(
  workshop: Workshop,
  user: User,
  doctype: string,
  fields: unknown,
  filters: unknown,
): Promise<Record<string, unknown>> {
  const [row] = await runList(workshop, buildList(readable(user, doctype), { fields, filters, limit: 1 }));
  return row ?? {};
}

export async function readDocument(workshop: Workshop, user: User, doctype: string, name: string): Promise<unknown> {
  const type = findDoctype(doctype);
  if (!type && !namesOnly.has(doctype))
    throw pythonError(
      'ImportError',
      `No module named 'frappe.core.doctype.${doctype.toLowerCase().replaceAll(' ', '_')}'`,
    );
  const permitted = type && may(user, type.readBy);
  if (!permitted) throw await forbiddenDocument(workshop, user, doctype, name, type);
  if (type.name === 'Stock Entry') return stockEntryDocument(await readStockEntry(workshop.database, name, false));
  if (type.name === 'Stock Reconciliation')
    return reconciliationDocument(await readReconciliation(workshop.database, name));
  if (type.name === 'Job Card') return jobCardDocument(await readJobCard(workshop.database, name));
  const [row] = await workshop.database.rows(`SELECT * FROM \`${type.table.name}\` WHERE name = ?`, [name]);
  if (!row) throw notFound(doctype, name);
  return type.name === 'Item' ? itemDocument(workshop, type, row) : toDocument(type, row);
}

export function mayCreate(user: User, doctype: string): void {
  const type = findDoctype(doctype);
  if (!type && !namesOnly.has(doctype)) throw notFound('DocType', doctype);
  if (!type || !may(user, type.createBy)) throw notPermitted(user.name, doctype, 'other');
}

function readable(user: User, doctype: string, parent = ''): Doctype {
  const type = findDoctype(doctype);
  if (!type && !namesOnly.has(doctype)) throw notFound('DocType', doctype);
  if (type && type.parents.length > 0) {
    const through = type.parents.includes(parent) ? findDoctype(parent) : undefined;
    if (!through || !may(user, through.readBy)) throw new Refusal({ status: 403, excType: 'PermissionError' });
    return type;
  }
  if (type && may(user, type.readBy)) return type;
  if (!type && user.name !== 'Guest') throw notInWorkshop(`The list of ${doctype}`);
  throw notPermitted(user.name, doctype, 'list');
}

/** A document that is there is refused in other words than one that isn't. */
async function forbiddenDocument(
  workshop: Workshop,
  user: User,
  doctype: string,
  name: string,
  type: Doctype | undefined,
): Promise<Refusal> {
  const found = type ? await workshop.database.rows(`SELECT 1 FROM \`${type.table.name}\` WHERE name = ?`, [name]) : [];
  return notPermitted(user.name, doctype, found.length > 0 ? 'document' : 'other');
}

async function runList(workshop: Workshop, statement: Statement): Promise<Record<string, unknown>[]> {
  const rows = await workshop.database.rows(statement.sql, statement.values);
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, toWire(statement.types.get(name) ?? '', value)]),
    ),
  );
}

/** The stockroom keeps barcodes only; the other tables of an Item are shown as an Item without anything special has them. */
async function itemDocument(workshop: Workshop, type: Doctype, row: Row): Promise<Record<string, unknown>> {
  const barcodeType = type.children.barcodes as Doctype;
  const barcodes = await workshop.database.rows('SELECT * FROM `tabItem Barcode` WHERE parent = ? ORDER BY idx', [
    row.name ?? null,
  ]);
  const child = (field: string, doctype: string, values: Record<string, unknown>) => [
    {
      name: `${row.name}-${field}`,
      owner: row.owner,
      creation: row.creation,
      modified: row.modified,
      modified_by: row.modified_by,
      docstatus: 0,
      idx: 1,
      ...values,
      parent: row.name,
      parentfield: field,
      parenttype: 'Item',
      doctype,
    },
  ];
  return {
    ...toDocument(type, row),
    taxes: [],
    attributes: [],
    barcodes: barcodes.map((barcode) => toDocument(barcodeType, barcode)),
    reorder_levels: [],
    customer_items: [],
    item_defaults: child('item_defaults', 'Item Default', { company, default_warehouse: warehouses[0] }),
    uoms: child('uoms', 'UOM Conversion Detail', { uom: row.stock_uom, conversion_factor: 1 }),
    supplier_items: [],
  };
}
