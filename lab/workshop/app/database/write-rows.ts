// Whole rows into tables: every column is written, and only columns that the table has.
import type { Session } from './database.ts';
import { tableOf } from './schema.ts';

export type Values = Record<string, string | number | null>;

export async function insertRows(session: Session, table: string, rows: readonly Values[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = tableOf(table).columns.map(({ name }) => name);
  await session.change(`INSERT INTO \`${table}\` (${columns.map((column) => `\`${column}\``).join(', ')}) VALUES ?`, [
    rows.map((row) => columns.map((column) => row[column] ?? null)),
  ]);
}

/** Row by row under its key: deleting by parent would lock the gaps in which others are just inserting. */
export async function upsertRows(session: Session, table: string, rows: readonly Values[]): Promise<void> {
  const columns = tableOf(table).columns.map(({ name }) => name);
  for (const row of rows) {
    const values = columns.map((column) => row[column] ?? null);
    const sets = columns.map((column) => `\`${column}\` = ?`).join(', ');
    const changed = await session.change(`UPDATE \`${table}\` SET ${sets} WHERE name = ?`, [
      ...values,
      row.name ?? null,
    ]);
    if (changed.affectedRows === 0) await insertRows(session, table, [row]);
  }
}

/** The rows of a child table as they are now, those that are gone taken out. */
export async function replaceChildRows(
  session: Session,
  table: string,
  before: readonly Readonly<Values>[],
  rows: readonly Values[],
): Promise<void> {
  const kept = new Set(rows.map((row) => row.name));
  const gone = before.flatMap((row) => (kept.has(row.name ?? null) ? [] : [String(row.name)]));
  if (gone.length > 0) await session.change(`DELETE FROM \`${table}\` WHERE name IN (?)`, [gone]);
  await upsertRows(session, table, rows);
}
