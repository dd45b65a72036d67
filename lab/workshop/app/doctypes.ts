// The document types the workshop knows: their tables, who may do what, and how a row becomes a document on the wire.
import type { Row } from './database/database.ts';
import { type Table, tableOf } from './database/schema.ts';
import type { User } from './workshop.ts';

export interface Doctype {
  readonly name: string;
  readonly table: Table;
  /** Child tables by the field they fill in their parent. */
  readonly children: Readonly<Record<string, Doctype>>;
  readonly readBy: readonly string[];
  readonly createBy: readonly string[];
  /** The parents through which a child table may be read. */
  readonly parents: readonly string[];
}

const stockRoles = ['Stock User', 'Stock Manager'];

const itemBarcode = doctype('Item Barcode', { parents: ['Item'] });
const stockEntryDetail = doctype('Stock Entry Detail', { parents: ['Stock Entry'] });
const stockReconciliationItem = doctype('Stock Reconciliation Item', { parents: ['Stock Reconciliation'] });

// In ERPNext these are for the manufacturing roles; a technician here has one role, which is for stock.
const jobRoles = ['Manufacturing User', 'Manufacturing Manager', ...stockRoles];
const jobCardTimeLog = doctype('Job Card Time Log', { parents: ['Job Card'] });
const jobCardScheduledTime = doctype('Job Card Scheduled Time', { parents: ['Job Card'] });

const known: readonly Doctype[] = [
  doctype('Item', { readBy: stockRoles, createBy: ['Stock Manager'], children: { barcodes: itemBarcode } }),
  itemBarcode,
  doctype('Bin', { readBy: stockRoles }),
  doctype('Warehouse', { readBy: stockRoles }),
  doctype('Stock Entry', { readBy: stockRoles, createBy: stockRoles, children: { items: stockEntryDetail } }),
  stockEntryDetail,
  doctype('Stock Reconciliation', {
    readBy: stockRoles,
    createBy: stockRoles,
    children: { items: stockReconciliationItem },
  }),
  stockReconciliationItem,
  doctype('Notification Log', { readBy: stockRoles }),
  doctype('Scheduled Job Type', { readBy: ['System Manager'] }),
  doctype('Stock Ledger Entry', { readBy: stockRoles }),
  doctype('Job Card', {
    readBy: jobRoles,
    createBy: jobRoles,
    children: { time_logs: jobCardTimeLog, scheduled_time_logs: jobCardScheduledTime },
  }),
  jobCardTimeLog,
  jobCardScheduledTime,
  doctype('File', { readBy: stockRoles, createBy: stockRoles }),
];

/** Known by name and by who may use them, but with nothing behind. */
export const namesOnly: ReadonlySet<string> = new Set(['ToDo', 'User', 'Purchase Receipt', 'Work Order']);

export function findDoctype(name: string): Doctype | undefined {
  return known.find((type) => type.name === name);
}

export function may(user: User, roles: readonly string[]): boolean {
  return user.name === 'Administrator' || roles.some((role) => user.roles.includes(role));
}

/** The document as Frappe shows it: fields without a value are left out, unless asked for with `nulls`. */
export function toDocument(type: Doctype, row: Row, nulls = false): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (const { name, type: sqlType } of type.table.columns) {
    const value = row[name] ?? null;
    if (value !== null || nulls) document[name] = toWire(sqlType, value);
  }
  document.doctype = type.name;
  return document;
}

/** MariaDB says 06:52:31, Python's timedelta says 6:52:31; and Python leaves out microseconds that are none. */
export function toWire(sqlType: string, value: string | number | null): string | number | null {
  if (typeof value !== 'string') return value;
  if (sqlType === 'time') return value.replace(/^0(?=\d)/, '');
  return sqlType === 'datetime' ? value.replace(/\.000000$/, '') : value;
}

function doctype(name: string, more: Partial<Omit<Doctype, 'name' | 'table'>>): Doctype {
  return { name, table: tableOf(`tab${name}`), children: {}, readBy: [], createBy: [], parents: [], ...more };
}
