// The stock ledger: what a movement does to a bin, and how that is written. Callers hold the bins' row locks from before the first look
// until COMMIT, and take them sorted, so concurrent movements of one item queue up instead of losing updates or deadlocking.

import type { Row, Session } from './database/database.ts';
import { newRowName } from './naming.ts';
import { validationError } from './refusals.ts';

export interface BinKey {
  readonly itemCode: string;
  readonly warehouse: string;
}

export interface Bin extends BinKey {
  readonly name: string;
  readonly qty: number;
  readonly rate: number;
  readonly value: number;
}

export interface Movement extends BinKey {
  readonly detailName: string;
  /** Positive comes in, negative goes out. */
  readonly qty: number;
  /** What one unit costs that comes in; what goes out goes at the bin's own rate. */
  readonly incomingRate: number;
}

export interface Entry extends Movement {
  readonly qtyAfter: number;
  readonly rateAfter: number;
  readonly valueAfter: number;
  readonly valueDifference: number;
}

export interface Voucher {
  /** A Stock Entry when nothing else is said. */
  readonly type?: string;
  readonly name: string;
  readonly company: string;
  readonly user: string;
  /** `2026-11-23 06:52:30.843528` by the database's clock, taken under the locks. */
  readonly at: string;
}

export class NotEnoughStock extends Error {
  readonly movement: Movement;
  readonly missing: number;
  constructor(movement: Movement, missing: number) {
    super(`${missing} of ${movement.itemCode} missing in ${movement.warehouse}`);
    this.movement = movement;
    this.missing = missing;
  }
}

export const binKey = ({ itemCode, warehouse }: BinKey): string => `${itemCode}\n${warehouse}`;

/** One movement through one bin, valued at the moving average. Throws NotEnoughStock rather than going below zero. */
export function move(bin: Bin, movement: Movement): { readonly bin: Bin; readonly entry: Entry } {
  const qty = round(bin.qty + movement.qty);
  if (qty < 0) throw new NotEnoughStock(movement, -qty);
  const moved = movement.qty * (movement.qty > 0 ? movement.incomingRate : bin.rate);
  const value = qty === 0 ? 0 : round(bin.value + moved);
  const rate = qty === 0 ? bin.rate : round(value / qty);
  return {
    bin: { ...bin, qty, rate, value },
    entry: {
      ...movement,
      qtyAfter: qty,
      rateAfter: rate,
      valueAfter: value,
      valueDifference: round(value - bin.value),
    },
  };
}

/** All movements of a voucher in their order; two of one bin build on each other. */
export function moveAll(
  bins: ReadonlyMap<string, Bin>,
  movements: readonly Movement[],
): { bins: Map<string, Bin>; entries: Entry[] } {
  const after = new Map(bins);
  const entries = movements.map((movement) => {
    const bin = after.get(binKey(movement));
    if (!bin) throw new Error(`workshop/ledger: bin of ${movement.itemCode} in ${movement.warehouse} is not locked`);
    const moved = move(bin, movement);
    after.set(binKey(movement), moved.bin);
    return moved.entry;
  });
  return { bins: after, entries };
}

/** The bins wanted, once each, in the one order in which everybody locks them. */
export function inLockingOrder(keys: readonly BinKey[]): BinKey[] {
  const unique = new Map(keys.map((key) => [binKey(key), { itemCode: key.itemCode, warehouse: key.warehouse }]));
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
}

/** Locks each bin's row until the transaction ends; a bin that was never used is made. */
export async function lockBins(session: Session, keys: readonly BinKey[], user: string): Promise<Map<string, Bin>> {
  const bins = new Map<string, Bin>();
  for (const key of inLockingOrder(keys)) {
    const sql = `${selectBin} WHERE item_code = ? AND warehouse = ? FOR UPDATE`;
    let [row] = await session.rows(sql, [key.itemCode, key.warehouse]);
    if (!row) {
      await session.change(
        'INSERT IGNORE INTO tabBin (name, owner, modified_by, creation, modified, item_code, warehouse, stock_uom) VALUES (?, ?, ?, NOW(6), NOW(6), ?, ?, ?)',
        [newRowName(), user, user, key.itemCode, key.warehouse, 'Nos'],
      );
      [row] = await session.rows(sql, [key.itemCode, key.warehouse]);
    }
    if (row) bins.set(binKey(key), toBin(row));
  }
  return bins;
}

/** The bins as they are just now, without a lock: for drafts, which promise nothing. */
export async function peekBins(session: Pick<Session, 'rows'>, keys: readonly BinKey[]): Promise<Map<string, Bin>> {
  const wanted = inLockingOrder(keys);
  if (wanted.length === 0) return new Map();
  const rows = await session.rows(`${selectBin} WHERE item_code IN (?) AND warehouse IN (?)`, [
    [...new Set(wanted.map(({ itemCode }) => itemCode))],
    [...new Set(wanted.map(({ warehouse }) => warehouse))],
  ]);
  const found = new Map(rows.map(toBin).map((bin) => [binKey(bin), bin]));
  return new Map(
    wanted.map((key) => [binKey(key), found.get(binKey(key)) ?? { ...key, name: '', qty: 0, rate: 0, value: 0 }]),
  );
}

/** Writes the ledger entries and the bins that follow from them. */
export async function post(
  session: Session,
  voucher: Voucher,
  entries: readonly Entry[],
  bins: ReadonlyMap<string, Bin>,
): Promise<void> {
  const [date, time] = voucher.at.split(' ') as [string, string];
  await session.change(`INSERT INTO \`tabStock Ledger Entry\` (${entryColumns.join(', ')}) VALUES ?`, [
    entries.map((entry, index) => entryValues(voucher, entry, index, date, time)),
  ]);
  const touched = new Set(entries.map(binKey));
  await saveBins(session, new Map([...bins].filter(([key]) => touched.has(key))), voucher);
}

export async function saveBins(
  session: Session,
  bins: ReadonlyMap<string, Bin>,
  { user, at }: Pick<Voucher, 'user' | 'at'>,
): Promise<void> {
  for (const bin of bins.values())
    await session.change(
      'UPDATE tabBin SET actual_qty = ?, projected_qty = ?, valuation_rate = ?, stock_value = ?, modified = ?, modified_by = ? WHERE name = ?',
      [bin.qty, bin.qty, bin.rate, bin.value, at, user, bin.name],
    );
}

const selectBin = 'SELECT name, item_code, warehouse, actual_qty, valuation_rate, stock_value FROM tabBin';

const entryColumns = [
  'name',
  'owner',
  'modified_by',
  'creation',
  'modified',
  'docstatus',
  'item_code',
  'warehouse',
  'posting_date',
  'posting_time',
  'posting_datetime',
  'voucher_type',
  'voucher_no',
  'voucher_detail_no',
  'actual_qty',
  'qty_after_transaction',
  'incoming_rate',
  'outgoing_rate',
  'valuation_rate',
  'stock_value',
  'stock_value_difference',
  'company',
  'stock_uom',
  'fiscal_year',
];

function entryValues(voucher: Voucher, entry: Entry, index: number, date: string, time: string): (string | number)[] {
  const { user, at } = voucher;
  // One voucher's entries share their posting time; their creation tells them apart, so the order of a bin's entries is never in doubt.
  const creation = microsecondsAfter(at, index);
  const stamp = [newRowName(), user, user, creation, creation, 1];
  const where = [
    entry.itemCode,
    entry.warehouse,
    date,
    time,
    at,
    voucher.type ?? 'Stock Entry',
    voucher.name,
    entry.detailName,
  ];
  const rates = [entry.qty > 0 ? entry.incomingRate : 0, entry.qty < 0 ? entry.rateAfter : 0, entry.rateAfter];
  const values = [entry.valueAfter, entry.valueDifference];
  return [...stamp, ...where, entry.qty, entry.qtyAfter, ...rates, ...values, voucher.company, 'Nos', date.slice(0, 4)];
}

/** `2026-11-23 06:52:30.843528` and so many microseconds. */
export function microsecondsAfter(at: string, count: number): string {
  const total = Number(at.slice(20)) + count;
  const seconds = new Date(Date.parse(`${at.slice(0, 10)}T${at.slice(11, 19)}Z`) + Math.floor(total / 1e6) * 1000);
  const whole = seconds.toISOString().slice(0, 19).replace('T', ' ');
  return `${whole}.${String(total % 1e6).padStart(6, '0')}`;
}

function toBin(row: Row): Bin {
  return {
    name: String(row.name),
    itemCode: String(row.item_code),
    warehouse: String(row.warehouse),
    qty: Number(row.actual_qty),
    rate: Number(row.valuation_rate),
    value: Number(row.stock_value),
  };
}

/** As ERPNext words it; the voucher is named when it is submitted as it is made. */
export function negativeStock(
  { movement, missing }: NotEnoughStock,
  voucher?: { name: string; at: string; purpose: string },
): Error {
  const link = (kind: string, name: string, text: string) =>
    `<a href="/app/Form/${kind}/${name}" style="font-weight: bold;">${text}</a>`;
  const item = link('Item', movement.itemCode, `Item ${movement.itemCode}`);
  const warehouse = link(
    'Warehouse',
    movement.warehouse,
    movement.warehouse.startsWith('Warehouse') ? movement.warehouse : `Warehouse ${movement.warehouse}`,
  );
  const when = voucher
    ? ` on ${voucher.at} for ${link('Stock Entry', voucher.name, `Stock Entry ${voucher.purpose}`)}`
    : '';
  return validationError(
    `<strong>${missing.toFixed(Number.isInteger(missing) ? 1 : 3)}</strong> units of ${item} needed in ${warehouse}${when} to complete this transaction.`,
    {
      excType: 'NegativeStockError',
      module: 'erpnext.stock.stock_ledger',
      fromErpnext: true,
      title: 'Insufficient Stock',
    },
  );
}

/** The columns keep nine decimals; doubles are rounded to six, which they hold exactly enough up to 10^9. */
export function round(number: number): number {
  return Math.round(number * 1e6) / 1e6;
}
