// Many hands on a few items at once, against the lab's Galera: documents, ledger and bins must agree afterwards, whatever the
// interleaving. Takes the app's own settings (DB_HOST, DB_NAME, …, REDIS_CACHE_URL, SITE_HOST) from the environment.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCache } from '../../lab/workshop/app/cache.ts';
import { readConfig } from '../../lab/workshop/app/config.ts';
import { createDatabase, type Row } from '../../lab/workshop/app/database/database.ts';
import { migrate } from '../../lab/workshop/app/database/migrate.ts';
import { createPool } from '../../lab/workshop/app/database/pool.ts';
import { chooseDefects } from '../../lab/workshop/app/defects.ts';
import { createMetrics } from '../../lab/workshop/app/metrics.ts';
import { openRedis } from '../../lab/workshop/app/open-redis.ts';
import { Refusal } from '../../lab/workshop/app/refusals.ts';
import { createStockEntry, updateStockEntry } from '../../lab/workshop/app/stock-entry.ts';
import type { User, Workshop } from '../../lab/workshop/app/workshop.ts';

const handsPerShape = 24;
const items = ['ITEM-0290', 'ITEM-0291', 'ITEM-0292'] as const;
const user: User = { name: 'scanner@example.com', fullName: 'scanner', roles: ['Stock Manager'] };
const run = `concurrency-${Date.now()}`;

describe('many hands on few items', () => {
  const pods: { workshop: Workshop; close(): Promise<void> }[] = [];

  beforeAll(async () => {
    pods.push(openWorkshop(), openWorkshop());
    await migrate(pod(0));
  }, 60_000);

  afterAll(async () => {
    for (const { close } of pods) await close();
  });

  const pod = (index: number): Workshop => (pods[index % pods.length] as { workshop: Workshop }).workshop;

  /** So many at a time from both pods; says how each ended. */
  async function all(count: number, make: (index: number) => Promise<unknown>): Promise<string[]> {
    const ended = await Promise.allSettled(Array.from({ length: count }, (_, index) => make(index)));
    return ended.map((end) => (end.status === 'fulfilled' ? 'ok' : nameOf(end.reason)));
  }

  it('makes receipts and issues of one item without losing any', async () => {
    const ended = await all(handsPerShape * 2, (index) =>
      createStockEntry(pod(index), user, index % 3 === 0 ? receipt(items[0], 2) : issue([items[0], 1])),
    );
    expect(ended.filter((end) => end !== 'ok')).toEqual([]);
  }, 60_000);

  it('makes two-row issues whose rows stand in opposite order without a deadlock that shows', async () => {
    const ended = await all(handsPerShape * 2, (index) =>
      createStockEntry(
        pod(index),
        user,
        index % 2 === 0 ? issue([items[0], 1], [items[1], 1]) : issue([items[1], 1], [items[0], 1]),
      ),
    );
    expect(ended.filter((end) => end !== 'ok')).toEqual([]);
  }, 60_000);

  it('submits drafts with several rows, some of one and the same item, in two steps', async () => {
    const ended = await all(handsPerShape, async (index) => {
      const rows: [string, number][] = [
        [items[1], 1],
        [items[2], 2],
        [items[1], 3],
      ];
      const given = issue(...(index % 2 === 0 ? rows : rows.reverse()));
      const draft = await createStockEntry(pod(index), user, { ...given, docstatus: 0 });
      await updateStockEntry(pod(index + 1), user, String(draft.entry.name), { docstatus: 1 });
    });
    expect(ended.filter((end) => end !== 'ok')).toEqual([]);
  }, 60_000);

  it('moves stock between two warehouses in both directions at once', async () => {
    const [store, dock] = ['Stores - WP', 'Dock - WP'];
    await createStockEntry(pod(0), user, transfer(items[2], handsPerShape, store, dock));
    const ended = await all(handsPerShape, (index) =>
      createStockEntry(
        pod(index),
        user,
        index % 2 === 0 ? transfer(items[2], 1, store, dock) : transfer(items[2], 1, dock, store),
      ),
    );
    expect(ended.filter((end) => end !== 'ok')).toEqual([]);
  }, 60_000);

  it('keeps one of several documents with one marker, and one of several with one name', async () => {
    const marked = { ...receipt(items[0], 1), custom_client_marker: `${run}-marker` };
    const named = { ...receipt(items[0], 1), name: `${run}-name` };
    expect((await all(8, (index) => createStockEntry(pod(index), user, marked))).sort()).toEqual([
      ...Array(7).fill('UniqueValidationError'),
      'ok',
    ]);
    expect((await all(8, (index) => createStockEntry(pod(index), user, named))).sort()).toEqual([
      ...Array(7).fill('DuplicateEntryError'),
      'ok',
    ]);
  }, 60_000);

  // Seen red with a draft that asked the pool for a second connection while it held one: then everybody waits for everybody.
  it('makes more drafts at once than there are connections', async () => {
    const ended = await all(80, (index) =>
      createStockEntry(pod(index), user, { ...issue([items[0], 1]), docstatus: 0 }),
    );
    expect(ended.filter((end) => end !== 'ok')).toEqual([]);
  }, 60_000);

  it('never issues more than there is, however many ask at once', async () => {
    const emptied = 'ITEM-0293';
    const before = await qtyIn(pod(0), emptied, 'Dock - WP');
    await createStockEntry(pod(0), user, transfer(emptied, 5, 'Stores - WP', 'Dock - WP'));
    const ended = await all(12 + before, (index) =>
      createStockEntry(pod(index), user, issueFrom('Dock - WP', [emptied, 1])),
    );
    expect(ended.filter((end) => end === 'ok')).toHaveLength(5 + before);
    expect(new Set(ended)).toEqual(new Set(['ok', 'NegativeStockError']));
    expect(await qtyIn(pod(0), emptied, 'Dock - WP')).toBe(0);
  }, 60_000);

  it('cancels entries while others of the same items are made, and refuses what would leave too little', async () => {
    const made = await Promise.all(
      Array.from({ length: handsPerShape }, (_, index) =>
        createStockEntry(
          pod(index),
          user,
          index % 2 === 0 ? receipt(items[0], 1) : transfer(items[1], 1, 'Stores - WP', 'Dock - WP'),
        ),
      ),
    );
    const cancelled = all(handsPerShape, (index) =>
      updateStockEntry(pod(index + 1), user, String(made[index]?.entry.name), { docstatus: 2 }),
    );
    const issued = all(handsPerShape, (index) =>
      createStockEntry(pod(index), user, issue([items[index % 2 === 0 ? 0 : 1], 1])),
    );
    expect([...(await cancelled), ...(await issued)].filter((end) => end !== 'ok')).toEqual([]);
    const brought = await createStockEntry(pod(0), user, transfer(items[2], 3, 'Stores - WP', 'Dock - WP'));
    const there = await qtyIn(pod(0), items[2], 'Dock - WP');
    await createStockEntry(pod(0), user, issueFrom('Dock - WP', [items[2], there]));
    await createStockEntry(pod(1), user, transfer(items[2], 3, 'Stores - WP', 'Dock - WP'));
    const short = updateStockEntry(pod(1), user, String(brought.entry.name), { docstatus: 2 });
    await expect(short).rejects.toMatchObject({ fields: { excType: 'NegativeStockError' } });
  }, 60_000);

  it('leaves bins, ledger and documents in agreement, entry by entry', async () => {
    const { database } = pod(0);
    const entries = await database.rows(
      'SELECT item_code, warehouse, actual_qty, qty_after_transaction, voucher_type, voucher_no FROM `tabStock Ledger Entry` WHERE is_cancelled = 0 ORDER BY item_code, warehouse, posting_datetime, creation',
    );
    const running = new Map<string, number>();
    /** By Stock Entries alone: a Stock Reconciliation of another test moves stock too. */
    const booked = new Map<string, number>();
    const wrong: Row[] = [];
    for (const entry of entries) {
      const key = `${entry.item_code} ${entry.warehouse}`;
      const qty = (running.get(key) ?? 0) + Number(entry.actual_qty);
      running.set(key, qty);
      if (entry.voucher_type === 'Stock Entry') booked.set(key, (booked.get(key) ?? 0) + Number(entry.actual_qty));
      if (qty !== Number(entry.qty_after_transaction)) wrong.push(entry);
    }
    expect(wrong).toEqual([]);
    const bins = await database.rows('SELECT item_code, warehouse, actual_qty FROM tabBin');
    expect(
      bins.filter((bin) => Number(bin.actual_qty) !== (running.get(`${bin.item_code} ${bin.warehouse}`) ?? 0)),
    ).toEqual([]);
    const documents = await database.rows(
      `SELECT item_code, warehouse, SUM(qty) AS qty FROM (
         SELECT item_code, t_warehouse AS warehouse, qty FROM \`tabStock Entry Detail\` WHERE docstatus = 1 AND t_warehouse IS NOT NULL
         UNION ALL SELECT item_code, s_warehouse, -qty FROM \`tabStock Entry Detail\` WHERE docstatus = 1 AND s_warehouse IS NOT NULL
       ) AS moved GROUP BY item_code, warehouse`,
    );
    expect(documents.filter((row) => Number(row.qty) !== booked.get(`${row.item_code} ${row.warehouse}`))).toEqual([]);
    const twins = await database.rows(
      'SELECT voucher_no FROM `tabStock Ledger Entry` WHERE is_cancelled = 1 GROUP BY voucher_no, item_code, warehouse HAVING SUM(actual_qty) != 0',
    );
    expect(twins).toEqual([]);
    const numbers = await database.rows(
      "SELECT COUNT(*) AS n, MAX(CAST(SUBSTRING(name, 14) AS INT)) AS last FROM `tabStock Entry` WHERE name LIKE 'MAT-STE-%'",
    );
    expect(Number(numbers[0]?.n)).toBeGreaterThan(0);
  }, 60_000);
});

function openWorkshop(): { workshop: Workshop; close(): Promise<void> } {
  const config = readConfig({ ...process.env, WORKSHOP_DEFECT: '' });
  const pool = createPool(config.database);
  const metrics = createMetrics(pool.state, []);
  const cache = createCache(config.redisCache, config.database.name);
  const queue = openRedis(config.redisQueue, 'queue');
  const database = createDatabase(pool, metrics.transactionRetry);
  const workshop: Workshop = {
    config: { ...config, usersFile: undefined },
    database,
    cache,
    queue,
    files: undefined,
    metrics,
    defects: chooseDefects([]),
  };
  return {
    workshop,
    async close() {
      cache.close();
      queue.disconnect();
      await pool.close();
    },
  };
}

async function qtyIn(workshop: Workshop, item: string, warehouse: string): Promise<number> {
  const sql = 'SELECT actual_qty FROM tabBin WHERE item_code = ? AND warehouse = ?';
  const [bin] = await workshop.database.rows(sql, [item, warehouse]);
  return Number(bin?.actual_qty ?? 0);
}

function receipt(item: string, qty: number) {
  return {
    stock_entry_type: 'Material Receipt',
    docstatus: 1,
    items: [{ item_code: item, qty, t_warehouse: 'Stores - WP', basic_rate: 10 }],
  };
}

function issue(...rows: [string, number][]) {
  return issueFrom('Stores - WP', ...rows);
}

function issueFrom(warehouse: string, ...rows: [string, number][]) {
  const list = rows.map(([item_code, qty]) => ({ item_code, qty, s_warehouse: warehouse }));
  return { stock_entry_type: 'Material Issue', docstatus: 1, items: list };
}

function transfer(item: string, qty: number, from = '', to = '') {
  const row = { item_code: item, qty, s_warehouse: from, t_warehouse: to };
  return { stock_entry_type: 'Material Transfer', docstatus: 1, items: [row] };
}

function nameOf(error: unknown): string {
  return error instanceof Refusal ? error.fields.excType : String(error);
}
