// From what a client sent to a Stock Entry that could be written: the checks, the rows, and the movements it stands for. Pure, apart from
// reading the items' facts; the name, the time and the rates come later, under the locks.
import type { Database, Row } from './database/database.ts';
import { type Column, tableOf } from './database/schema.ts';
import type { Values } from './database/write-rows.ts';
import { numberMax } from './fields.ts';
import type { Bin, BinKey, Movement } from './ledger.ts';
import { binKey } from './ledger.ts';
import { newRowName } from './naming.ts';
import { missingFields, notInWorkshop, outOfRange, thrown, validationError } from './refusals.ts';
import { company } from './workshop.ts';

export type Fields = Readonly<Record<string, unknown>>;

const purposes: readonly string[] = ['Material Receipt', 'Material Issue', 'Material Transfer'];

export interface Item {
  readonly name: string;
  readonly itemName: string;
  readonly description: string;
  readonly group: string;
  readonly uom: string;
  readonly rate: number;
  readonly disabled: boolean;
  readonly stocked: boolean;
  readonly barcode: string | null;
}

export interface Facts {
  readonly items: ReadonlyMap<string, Item>;
  readonly warehouses: ReadonlySet<string>;
}

export interface PlannedRow {
  readonly name: string;
  readonly item: Item;
  readonly qty: number;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly basicRate: number | undefined;
}

export interface Plan {
  readonly purpose: string;
  readonly rows: readonly PlannedRow[];
  readonly given: Fields;
}

export function itemRows(given: Fields): Fields[] {
  return Array.isArray(given.items) ? given.items.filter((row) => typeof row === 'object' && row !== null) : [];
}

export async function readFacts(database: Pick<Database, 'rows'>, given: Fields): Promise<Facts> {
  const codes = [...new Set(itemRows(given).map((row) => String(row.item_code ?? '')))];
  if (codes.length === 0) return { items: new Map(), warehouses: new Set() };
  const items = await database.rows(
    `SELECT i.name, i.item_name, i.description, i.item_group, i.stock_uom, i.valuation_rate, i.disabled, i.is_stock_item,
       (SELECT b.barcode FROM \`tabItem Barcode\` b WHERE b.parent = i.name ORDER BY b.idx LIMIT 1) AS barcode
     FROM tabItem i WHERE i.name IN (?)`,
    [codes],
  );
  const named = itemRows(given).flatMap((row) =>
    [row.s_warehouse, row.t_warehouse].filter((name) => typeof name === 'string'),
  );
  const warehouses = await database.rows('SELECT name FROM tabWarehouse WHERE name IN (?)', [[...new Set(named), '']]);
  return {
    items: new Map(items.map((row) => [String(row.name), toItem(row)])),
    warehouses: new Set(warehouses.map((row) => String(row.name))),
  };
}

/**
 * Refuses in the order in which ERPNext was seen to. `label` is the name that the document has or would get; `ownRows` are the
 * rows it has already: only these may be named by the client, lest a change reach into another document.
 */
export function planStockEntry(
  given: Fields,
  facts: Facts,
  label: string,
  ownRows: ReadonlySet<string> = new Set(),
): Plan {
  const type = text(given.stock_entry_type);
  const rows = itemRows(given);
  const missing = [
    ...(type ? [] : [{ name: 'stock_entry_type', says: 'Value missing for Stock Entry: Stock Entry Type' }]),
    ...(rows.length > 0 ? [] : [{ name: 'items', says: 'Data missing in table: Items' }]),
  ];
  if (rows.length === 0) throw missingFields(label, missing);
  const purpose = type ?? 'Material Issue';
  if (!purposes.includes(purpose)) throw notInWorkshop(`Stock Entry Type ${purpose}`);
  if (given.company !== undefined && given.company !== company) throw linkError(`Company: ${String(given.company)}`);
  checkPosting(given);
  const planned = rows.map((row, index) => planRow(row, index + 1, purpose, facts, ownRows));
  if (missing.length > 0) throw missingFields(label, missing);
  return { purpose, rows: planned, given };
}

function planRow(row: Fields, number: number, purpose: string, facts: Facts, ownRows: ReadonlySet<string>): PlannedRow {
  const code = String(row.item_code ?? '');
  const item = facts.items.get(code);
  const erpnext = { fromErpnext: true };
  if (!item?.stocked) throw validationError(`${code} is not a stock Item`, erpnext);
  if (item.disabled) throw validationError(`Item ${code} is not active or end of life has been reached`, erpnext);
  const qty = typeof row.qty === 'number' ? row.qty : Number(row.qty ?? 0) || 0;
  if (qty === 0 || !Number.isFinite(qty))
    throw validationError(`Row #${number}: Quantity for Item <strong>${code}</strong> cannot be zero.`, {
      ...erpnext,
      excType: 'InvalidQtyError',
      module: 'erpnext.controllers.accounts_controller',
      title: 'Invalid Quantity',
    });
  if (qty < 0)
    throw validationError(
      `Row ${number}: The item <strong>${code}</strong>, quantity must be positive number`,
      erpnext,
    );
  if (qty > numberMax) throw outOfRange('qty');
  if (!Number.isInteger(qty))
    throw validationError(
      `Row ${number}: Quantity (${qty}) cannot be a fraction. To allow this, disable '<strong>Must be Whole Number</strong>' in UOM <strong>${item.uom}</strong>.`,
      { ...erpnext, excType: 'UOMMustBeIntegerError', module: 'erpnext.utilities.transaction_base' },
    );
  const source = purpose === 'Material Receipt' ? undefined : warehouse(row.s_warehouse, 'Source', number, facts);
  const target = purpose === 'Material Issue' ? undefined : warehouse(row.t_warehouse, 'Target', number, facts);
  if (source !== undefined && source === target)
    throw validationError(`Source and target warehouse cannot be same for row ${number}`, erpnext);
  const rate = Number(row.basic_rate ?? 0) || 0;
  if (rate > numberMax) throw outOfRange('basic_rate');
  const named = text(row.name);
  const name = named !== undefined && ownRows.has(named) ? named : newRowName();
  return { name, item, qty, source, target, basicRate: rate > 0 ? rate : undefined };
}

function warehouse(given: unknown, side: 'Source' | 'Target', number: number, facts: Facts): string {
  const name = text(given);
  if (!name) throw validationError(`${side} warehouse is mandatory for row ${number}`, { fromErpnext: true });
  if (!facts.warehouses.has(name)) throw linkError(`Row #${number}: ${side} Warehouse: ${name}`);
  return name;
}

/** Postings are made now, so that their order is the order of their making; ERPNext would rewrite history here. */
function checkPosting(given: Fields): void {
  if (!Number(given.set_posting_time)) return;
  const date = text(given.posting_date) ?? '';
  const [year = '', month = '', day = ''] = date.split('-');
  if (date && year !== String(new Date().getUTCFullYear()))
    throw validationError(
      `Date ${day}-${month}-${year} is not in any active Fiscal Year for <strong>${company}</strong>`,
      {
        excType: 'FiscalYearError',
        module: 'erpnext.accounts.utils',
        fromErpnext: true,
        messages: [
          {
            message: `Date ${day}-${month}-${year} is not in any active Fiscal Year for <strong>${company}</strong>`,
            title: 'Message',
          },
        ],
      },
    );
  throw notInWorkshop('A posting time of its own (set_posting_time)');
}

/** The bins that a plan moves stock in or out of. */
export function binsOf(plan: Plan): BinKey[] {
  return plan.rows.flatMap(({ item, source, target }) =>
    [source, target].flatMap((name) => (name === undefined ? [] : [{ itemCode: item.name, warehouse: name }])),
  );
}

/** What one unit of a row is worth: as given for what comes in from outside, else as the source bin values it. */
export function rateOf(row: PlannedRow, bins: ReadonlyMap<string, Bin>): number {
  if (row.source === undefined) return row.basicRate ?? row.item.rate;
  const bin = bins.get(binKey({ itemCode: row.item.name, warehouse: row.source }));
  return bin && bin.rate > 0 ? bin.rate : row.item.rate;
}

export function movementsOf(plan: Plan, bins: ReadonlyMap<string, Bin>): Movement[] {
  return plan.rows.flatMap((row) => {
    const incomingRate = rateOf(row, bins);
    const common = { itemCode: row.item.name, detailName: row.name, incomingRate };
    const out = row.source === undefined ? [] : [{ ...common, warehouse: row.source, qty: -row.qty }];
    const into = row.target === undefined ? [] : [{ ...common, warehouse: row.target, qty: row.qty }];
    return [...out, ...into];
  });
}

export interface Stamp {
  readonly name: string;
  readonly owner: string;
  readonly user: string;
  readonly creation: string;
  readonly at: string;
  readonly docstatus: number;
}

const entryTable = tableOf('tabStock Entry');
const detailTable = tableOf('tabStock Entry Detail');

/** The row of tabStock Entry and those of tabStock Entry Detail, with every column. */
export function toRows(plan: Plan, bins: ReadonlyMap<string, Bin>, stamp: Stamp): { entry: Values; details: Values[] } {
  const [date, time] = stamp.at.split(' ') as [string, string];
  const common = {
    owner: stamp.owner,
    modified_by: stamp.user,
    creation: stamp.creation,
    modified: stamp.at,
    docstatus: stamp.docstatus,
  };
  const details = plan.rows.map((row, index): Values => {
    const rate = rateOf(row, bins);
    return {
      ...defaultsOf(detailTable.columns),
      ...common,
      name: row.name,
      idx: index + 1,
      barcode: row.item.barcode,
      s_warehouse: row.source ?? null,
      t_warehouse: row.target ?? null,
      item_code: row.item.name,
      item_name: row.item.itemName,
      description: row.item.description,
      item_group: row.item.group,
      qty: row.qty,
      transfer_qty: row.qty,
      uom: row.item.uom,
      stock_uom: row.item.uom,
      conversion_factor: 1,
      basic_rate: rate,
      valuation_rate: rate,
      basic_amount: row.qty * rate,
      amount: row.qty * rate,
      expense_account: 'Stock Adjustment - WP',
      cost_center: 'Main - WP',
      parent: stamp.name,
      parentfield: 'items',
      parenttype: 'Stock Entry',
    };
  });
  const total = (side: 's_warehouse' | 't_warehouse') =>
    details.reduce((sum, row) => sum + (row[side] === null ? 0 : Number(row.amount)), 0);
  const outgoing = total('s_warehouse');
  const incoming = total('t_warehouse');
  const entry: Values = {
    ...defaultsOf(entryTable.columns),
    ...common,
    name: stamp.name,
    naming_series: 'MAT-STE-.YYYY.-',
    stock_entry_type: plan.purpose,
    purpose: plan.purpose,
    company,
    posting_date: date,
    posting_time: time,
    total_outgoing_value: outgoing,
    total_incoming_value: incoming,
    value_difference: incoming - outgoing,
    total_amount: details.reduce((sum, row) => sum + Number(row.amount), 0),
    is_opening: 'No',
    remarks: text(plan.given.remarks) ?? null,
    custom_client_marker: text(plan.given.custom_client_marker) ?? null,
  };
  return { entry, details };
}

function defaultsOf(columns: readonly Column[]): Values {
  return Object.fromEntries(columns.map((column) => [column.name, column.default]));
}

function linkError(what: string): Error {
  const message = `Could not find ${what}`;
  return validationError(message, { excType: 'LinkValidationError', messages: [thrown(message)] });
}

/** A string that says something; a number becomes one. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function toItem(row: Row): Item {
  return {
    name: String(row.name),
    itemName: String(row.item_name),
    description: String(row.description),
    group: String(row.item_group),
    uom: String(row.stock_uom),
    rate: Number(row.valuation_rate),
    disabled: Number(row.disabled) === 1,
    stocked: Number(row.is_stock_item) === 1,
    barcode: row.barcode === null || row.barcode === undefined ? null : String(row.barcode),
  };
}
