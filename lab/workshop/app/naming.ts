// Names of documents and rows. A Stock Entry's number comes from tabSeries inside its own transaction, so a refused one leaves no gap
// (and, as in ERPNext, everybody who needs a number waits for the one before).
import { randomBytes } from 'node:crypto';
import type { Session } from './database/database.ts';

const letters = '0123456789abcdefghijklmnopqrstuv';

/** Ten characters, as Frappe names child rows. */
export function newRowName(): string {
  return Array.from(randomBytes(10), (byte) => letters[byte % 32]).join('');
}

export const seriesOf = (year: string): string => `MAT-STE-${year}-`;

export function stockEntryName(year: string, number: number): string {
  return `${seriesOf(year)}${String(number).padStart(5, '0')}`;
}

/** Takes the next number and holds the series until the transaction ends. */
export async function nextStockEntryName(session: Session): Promise<string> {
  const year = String(new Date().getUTCFullYear());
  return stockEntryName(year, await nextNumber(session, seriesOf(year)));
}

export async function nextReconciliationName(session: Session): Promise<string> {
  const series = `MAT-RECO-${new Date().getUTCFullYear()}-`;
  return `${series}${String(await nextNumber(session, series)).padStart(5, '0')}`;
}

export async function nextJobCardName(session: Session): Promise<string> {
  const series = 'PO-JOB';
  return `${series}${String(await nextNumber(session, series)).padStart(5, '0')}`;
}

async function nextNumber(session: Session, series: string): Promise<number> {
  const take = () =>
    session.change('UPDATE tabSeries SET current = LAST_INSERT_ID(current + 1) WHERE name = ?', [series]);
  let taken = await take();
  if (taken.affectedRows === 0) {
    await session.change('INSERT IGNORE INTO tabSeries (name, current) VALUES (?, 0)', [series]);
    taken = await take();
  }
  return taken.insertId;
}

/** The name the next document would get: only for telling about one that is refused. */
export async function peekStockEntryName(session: Pick<Session, 'rows'>): Promise<string> {
  const year = String(new Date().getUTCFullYear());
  const [row] = await session.rows('SELECT current FROM tabSeries WHERE name = ?', [seriesOf(year)]);
  return stockEntryName(year, Number(row?.current ?? 0) + 1);
}
