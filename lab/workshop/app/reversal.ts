// Taking a voucher back, as ERPNext does it: its ledger entries stay and are marked, each gets a marked twin with the opposite quantity,
// and whatever was posted to the same bins later is carried on from the new quantity. What is not marked still sums up to the bin.
import type { Row, Session } from './database/database.ts';
import {
  type Bin,
  type BinKey,
  binKey,
  lockBins,
  microsecondsAfter,
  move,
  NotEnoughStock,
  saveBins,
} from './ledger.ts';
import { newRowName } from './naming.ts';

export interface Reversal {
  readonly voucherNo: string;
  readonly user: string;
  /** By the database's clock. */
  readonly at: string;
}

interface Posted extends BinKey {
  readonly row: Row;
  readonly qty: number;
  readonly rate: number;
}

/** Locks the bins; throws NotEnoughStock when the stock has gone on since, also when it only was short in between. */
export async function reverse(session: Session, { voucherNo, user, at }: Reversal): Promise<void> {
  const bins = await lockBins(session, await postedBins(session, voucherNo), user);
  const posted = await readPosted(session, voucherNo);
  const after = new Map<string, Bin>(bins);
  for (const entry of posted) {
    const bin = after.get(binKey(entry));
    if (!bin) throw new Error(`workshop/reversal: the bin of ${entry.itemCode} in ${entry.warehouse} is not locked`);
    const back = {
      ...entry,
      qty: -entry.qty,
      incomingRate: entry.rate,
      detailName: String(entry.row.voucher_detail_no),
    };
    after.set(binKey(entry), move(bin, back).bin);
  }
  await session.change(
    "UPDATE `tabStock Ledger Entry` SET is_cancelled = 1, modified = ?, modified_by = ? WHERE voucher_no = ? AND voucher_type = 'Stock Entry'",
    [at, user, voucherNo],
  );
  for (const [index, entry] of posted.entries()) {
    await insertTwin(session, entry, user, microsecondsAfter(at, index));
    await carryOn(session, entry);
  }
  for (const key of bins.keys()) await checkNeverShort(session, key, posted);
  await saveBins(session, after, { user, at });
}

async function postedBins(session: Session, voucherNo: string): Promise<BinKey[]> {
  return (await readPosted(session, voucherNo)).map(({ itemCode, warehouse }) => ({ itemCode, warehouse }));
}

/** The last is taken back first, so that a bin which a voucher filled and emptied is never short on the way. */
async function readPosted(session: Session, voucherNo: string): Promise<Posted[]> {
  const rows = await session.rows(
    "SELECT * FROM `tabStock Ledger Entry` WHERE voucher_no = ? AND voucher_type = 'Stock Entry' AND is_cancelled = 0 ORDER BY creation DESC",
    [voucherNo],
  );
  return rows.map((row) => ({
    row,
    itemCode: String(row.item_code),
    warehouse: String(row.warehouse),
    qty: Number(row.actual_qty),
    rate: Number(row.stock_value_difference) / Number(row.actual_qty),
  }));
}

async function insertTwin(session: Session, { row, qty }: Posted, user: string, creation: string): Promise<void> {
  const twin: Record<string, string | number | null> = {
    ...row,
    name: newRowName(),
    owner: user,
    modified_by: user,
    creation,
    modified: creation,
    actual_qty: -qty,
    is_cancelled: 1,
    qty_after_transaction: 0,
    incoming_rate: 0,
    outgoing_rate: 0,
    valuation_rate: 0,
    stock_value: 0,
    stock_value_difference: 0,
  };
  const columns = Object.keys(twin);
  await session.change(`INSERT INTO \`tabStock Ledger Entry\` (${columns.join(', ')}) VALUES (?)`, [
    columns.map((column) => twin[column] ?? null),
  ]);
}

const later = `item_code = ? AND warehouse = ? AND is_cancelled = 0
  AND (posting_datetime > ? OR (posting_datetime = ? AND creation > ?))`;

const laterThan = ({ itemCode, warehouse, row }: Posted) => {
  const posting = String(row.posting_datetime);
  return [itemCode, warehouse, posting, posting, String(row.creation)];
};

async function carryOn(session: Session, entry: Posted): Promise<void> {
  await session.change(
    `UPDATE \`tabStock Ledger Entry\` SET qty_after_transaction = qty_after_transaction - ? WHERE ${later}`,
    [entry.qty, ...laterThan(entry)],
  );
}

async function checkNeverShort(session: Session, key: string, posted: readonly Posted[]): Promise<void> {
  const earliest = posted.findLast((entry) => binKey(entry) === key);
  if (!earliest) return;
  const [row] = await session.rows(
    `SELECT MIN(qty_after_transaction) AS least FROM \`tabStock Ledger Entry\` WHERE ${later} FOR UPDATE`,
    laterThan(earliest),
  );
  const least = Number(row?.least ?? 0);
  if (least < 0) throw new NotEnoughStock({ ...earliest, qty: -earliest.qty, incomingRate: 0, detailName: '' }, -least);
}
