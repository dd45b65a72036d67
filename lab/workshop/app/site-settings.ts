// What all pods of the site must agree on, kept in tabSingles. In Frappe these stand in site_config.json, on a volume that all pods share.
import type { Database } from './database/database.ts';

const doctype = 'Site Config';

export async function readSetting(database: Pick<Database, 'rows'>, field: string): Promise<string | undefined> {
  const [row] = await database.rows('SELECT value FROM tabSingles WHERE doctype = ? AND field = ?', [doctype, field]);
  return row?.value === null || row?.value === undefined ? undefined : String(row.value);
}

export async function writeSetting(database: Pick<Database, 'change'>, field: string, value: string): Promise<void> {
  await database.change(
    'INSERT INTO tabSingles (doctype, field, value) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE value = VALUES(value)',
    [doctype, field, value],
  );
}
