// Makes the tables and the stockroom. Safe to run again at any point, also after it was cut off half way: each part looks whether it is there.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sealPassword, sealSecret } from '../credentials.ts';
import { seedScheduledJobs } from '../jobs/scheduled-jobs.ts';
import { log } from '../log.ts';
import { createStockEntry } from '../stock-entry.ts';
import { company, type User, type Workshop, warehouses } from '../workshop.ts';
import type { Database } from './database.ts';
import { tables } from './schema.ts';

/** ITEM-0000 with barcode BC0000000000 to ITEM-0299, as the load expects them. */
export const itemCount = 300;
/** So much of each that a load of hours issues none to the end. */
const openingQty = 100_000;
const itemsPerReceipt = 50;
const patienceMs = 60_000;

const usersFile = z.array(
  z.object({
    user: z.string().min(1),
    fullName: z.string(),
    password: z.string().min(1),
    apiKey: z.string().min(1),
    apiSecret: z.string().min(1),
    roles: z.array(z.string()),
  }),
);

const administrator: User = { name: 'Administrator', fullName: 'Administrator', roles: [] };

export async function migrate(workshop: Workshop): Promise<void> {
  const { database, config } = workshop;
  await untilReachable(database);
  for (const table of tables.values()) await database.change(table.create);
  await seedStockroom(database);
  await seedScheduledJobs(database);
  if (config.usersFile) await seedUsers(database, config.usersFile);
  await seedOpeningStock(workshop);
}

async function untilReachable(database: Database): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      await database.rows('SELECT 1');
      return;
    } catch (error) {
      if (performance.now() > end)
        throw new Error(`workshop/migrate: no database within ${patienceMs / 1000} s; last seen: ${String(error)}`, {
          cause: error,
        });
      log('warning', 'waiting for the database', { reason: String(error) });
      await sleep(1_000);
    }
  }
}

async function seedStockroom(database: Database): Promise<void> {
  const columns = '(name, owner, modified_by, creation, modified, ';
  const stamp = "'Administrator', 'Administrator', NOW(6), NOW(6)";
  await database.change(
    `INSERT IGNORE INTO tabCompany ${columns}company_name, abbr, default_currency) VALUES (?, ${stamp}, ?, 'WP', 'USD')`,
    [company, company],
  );
  for (const name of warehouses)
    await database.change(
      `INSERT IGNORE INTO tabWarehouse ${columns}warehouse_name, company) VALUES (?, ${stamp}, ?, ?)`,
      [name, name.replace(/ - WP$/, ''), company],
    );
  const items = stockItems();
  await database.change(
    `INSERT IGNORE INTO tabItem ${columns}naming_series, item_code, item_name, description, item_group, stock_uom, valuation_rate, valuation_method, customer_code, disabled) VALUES ${items
      .map(() => `(?, ${stamp}, 'STO-ITEM-.YYYY.-', ?, ?, ?, 'Products', 'Nos', 10, '', '', ?)`)
      .join(', ')}`,
    items.flatMap(({ name, disabled }) => [name, name, name, name, disabled ? 1 : 0]),
  );
  const coded = items.filter(({ barcode }) => barcode !== undefined);
  await database.change(
    `INSERT IGNORE INTO \`tabItem Barcode\` ${columns}idx, barcode, barcode_type, parent, parentfield, parenttype) VALUES ${coded
      .map(() => `(?, ${stamp}, 1, ?, '', ?, 'barcodes', 'Item')`)
      .join(', ')}`,
    coded.flatMap(({ name, barcode }) => [`barcode-${name}`, barcode ?? null, name]),
  );
}

/** The 300, and a few beside them as on the recorded site: without stock, one of them out of use. */
function stockItems(): { name: string; barcode?: string; disabled?: boolean }[] {
  const numbered = Array.from({ length: itemCount }, (_, index) => ({
    name: itemName(index),
    barcode: `BC${String(index).padStart(10, '0')}`,
  }));
  return [...numbered, { name: 'RM-1' }, { name: 'RM-2' }, { name: 'OLD-1', barcode: 'BC-OLD-1', disabled: true }];
}

const itemName = (index: number): string => `ITEM-${String(index).padStart(4, '0')}`;

/** Users are as the file says: a password or a key changed there is changed here. */
async function seedUsers(database: Database, path: string): Promise<void> {
  const read = usersFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!read.success) throw new Error(`workshop/migrate: USERS_FILE: ${z.prettifyError(read.error)}`);
  const sealed = await Promise.all(
    read.data.map(async (user) => ({
      ...user,
      password: await sealPassword(user.password),
      secret: sealSecret(user.apiSecret),
    })),
  );
  if (sealed.length === 0) return;
  await database.transaction(async (session) => {
    await session.change(
      `INSERT INTO tabUser (name, owner, modified_by, creation, modified, full_name, email, enabled, api_key) VALUES ${sealed
        .map(() => "(?, 'Administrator', 'Administrator', NOW(6), NOW(6), ?, ?, 1, ?)")
        .join(', ')} ON DUPLICATE KEY UPDATE full_name = VALUES(full_name), enabled = 1, api_key = VALUES(api_key)`,
      sealed.flatMap(({ user, fullName, apiKey }) => [user, fullName, user, apiKey]),
    );
    await session.change(
      `INSERT INTO __Auth (doctype, name, fieldname, password, encrypted) VALUES ? ON DUPLICATE KEY UPDATE password = VALUES(password)`,
      [
        sealed.flatMap(({ user, password, secret }) => [
          ['User', user, 'password', password, 0],
          ['User', user, 'api_secret', secret, 0],
        ]),
      ],
    );
    await session.change('DELETE FROM `tabHas Role` WHERE parent IN (?)', [sealed.map(({ user }) => user)]);
    const roles = sealed.flatMap(({ user, roles }) =>
      roles.map((role) => [`${user}-${role}`, role, user, 'roles', 'User']),
    );
    if (roles.length > 0)
      await session.change('INSERT INTO `tabHas Role` (name, role, parent, parentfield, parenttype) VALUES ?', [roles]);
  });
}

/** By real Material Receipts, so that documents, ledger and bins agree from the first day. A marker each makes them happen once. */
async function seedOpeningStock(workshop: Workshop): Promise<void> {
  for (let first = 0; first < itemCount; first += itemsPerReceipt) {
    const marker = `opening-stock-${first}`;
    const [made] = await workshop.database.rows('SELECT name FROM `tabStock Entry` WHERE custom_client_marker = ?', [
      marker,
    ]);
    if (made) continue;
    const items = Array.from({ length: Math.min(itemsPerReceipt, itemCount - first) }, (_, index) => ({
      item_code: itemName(first + index),
      qty: openingQty,
      t_warehouse: warehouses[0],
      basic_rate: 10,
    }));
    const receipt = {
      stock_entry_type: 'Material Receipt',
      company,
      custom_client_marker: marker,
      docstatus: 1,
      items,
    };
    await createStockEntry(workshop, administrator, receipt, { quietly: true });
  }
}
