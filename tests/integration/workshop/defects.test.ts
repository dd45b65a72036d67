// The defects that can be built into the workshop: each does what it says, and nothing else is wrong. A self-test that seeds a defect which
// is none would praise the judge for nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DefectName } from '../../../lab/workshop/app/defects.ts';
import { ask, openSite, type Reply, type Site, siteMissing } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`the workshop's defects are not tested: ${missing}`);

/** As often as a defect is asked, it strikes twice. */
const tries = 40;
const item = 'ITEM-0240';
const warehouse = 'Stores - WP';

describe.skipIf(missing !== undefined)('a defect that is built in', () => {
  let site: Site;
  let database: Connection;
  beforeAll(async () => {
    site = await openSite('own');
    const login = { user: 'erp', password: 'erp', database: 'erp' };
    database = await createConnection({ host: '127.0.0.1', port: Number(site.environment?.DB_PORT), ...login });
  });
  afterAll(async () => {
    await database?.end();
    await site?.[Symbol.asyncDispose]();
  });

  const seed = async (defect: DefectName | undefined) => {
    await site.stopWeb();
    await site.startWeb({ WORKSHOP_DEFECT: defect });
  };
  const receive = (): Promise<Reply> => {
    const items = [{ item_code: item, qty: 1, t_warehouse: warehouse, basic_rate: 10 }];
    const body = { stock_entry_type: 'Material Receipt', docstatus: 1, items };
    return ask(site, 'POST', '/api/resource/Stock%20Entry', { as: 'scanner', body });
  };
  const receipts = async (): Promise<readonly Reply[]> => {
    const replies: Reply[] = [];
    for (let count = 0; count < tries; count++) replies.push(await receive());
    return replies;
  };
  const numberOf = async (sql: string): Promise<number> => {
    const [rows] = await database.query(sql, [item, warehouse]);
    return Number((rows as { n: unknown }[])[0]?.n ?? 0);
  };
  const booked = () =>
    numberOf('SELECT SUM(actual_qty) AS n FROM `tabStock Ledger Entry` WHERE item_code = ? AND warehouse = ?');
  const shown = () => numberOf('SELECT actual_qty AS n FROM tabBin WHERE item_code = ? AND warehouse = ?');
  const stored = () =>
    numberOf(
      'SELECT COUNT(*) AS n FROM `tabStock Entry` e JOIN `tabStock Entry Detail` d ON d.parent = e.name WHERE d.item_code = ? AND d.t_warehouse = ? AND e.docstatus = 1',
    );
  /** What so many receipts of one piece each changed. */
  const changed = async () => {
    const before = [await booked(), await shown(), await stored()] as const;
    const replies = await receipts();
    const after = [await booked(), await shown(), await stored()] as const;
    return {
      booked: after[0] - before[0],
      shown: after[1] - before[1],
      stored: after[2] - before[2],
      refused: replies.filter(({ status }) => status !== 200),
    };
  };

  it('is none while nobody asks for it', async () => {
    await seed(undefined);
    expect(await changed()).toEqual({ booked: tries, shown: tries, stored: tries, refused: [] });
  });

  it('apply-twice books twice what was sent once', async () => {
    await seed('apply-twice');
    expect(await changed()).toEqual({ booked: tries + 2, shown: tries + 2, stored: tries, refused: [] });
  });

  it('refuse-but-keep refuses what it has stored, with a word that is known to roll back', async () => {
    await seed('refuse-but-keep');
    const { refused, ...rest } = await changed();
    expect(rest).toEqual({ booked: tries, shown: tries, stored: tries });
    expect(refused.map(({ status, json }) => [status, json.exc_type])).toEqual([
      [417, 'ValidationError'],
      [417, 'ValidationError'],
    ]);
  });

  it('stale-stock shows less than is booked', async () => {
    await seed('stale-stock');
    expect(await changed()).toEqual({ booked: tries, shown: tries - 2, stored: tries, refused: [] });
  });

  it('hide-errors answers 200 with an error, now and then', async () => {
    await seed('hide-errors');
    const path = '/api/method/erpnext.stock.utils.scan_barcode?search_value=4006381340240';
    const replies: Reply[] = [];
    for (let count = 0; count < tries; count++) replies.push(await ask(site, 'GET', path, { as: 'scanner' }));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(replies.filter(({ json }) => json.message.exc_type === 'OperationalError')).toHaveLength(2);
  });

  it('lose-jobs reports as done what it did not do', async () => {
    await seed(undefined);
    const worker = await site.spawn(['worker', '--queue', 'short'], { WORKSHOP_DEFECT: 'lose-jobs' });
    const names = (await receipts()).map(({ json }) => String(json.data.name));
    const told = async () => {
      const [rows] = await database.query(
        'SELECT COUNT(DISTINCT document_name) AS n FROM `tabNotification Log` WHERE document_name IN (?)',
        [names],
      );
      return Number((rows as { n: unknown }[])[0]?.n);
    };
    // Receipts of the tests before have jobs that waited for this worker: one in twenty of all is lost.
    let seen = await told();
    for (let still = 0; still < 10; ) {
      await sleep(200);
      const now = await told();
      still = now === seen ? still + 1 : 0;
      seen = now;
    }
    expect(seen).toBe(tries - 2);
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toBe(0);
  });
});
