// The workshop's documents over HTTP, in a real database: stock is moved and taken back, jobs are timed, files are attached. What the suite
// asks of the books after a run is asked here too, with the suite's own statement.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stockQuery } from '../../../lib/probes/ledger-readback.ts';
import { ask, openSite, type Reply, type Site, siteMissing } from './site.ts';

const missing = siteMissing();
if (missing) console.warn(`the workshop's documents are not tested: ${missing}`);

const [stores, dock] = ['Stores - WP', 'Dock - WP'];
const entryPath = '/api/resource/Stock%20Entry';
const cardPath = '/api/resource/Job%20Card';

describe.skipIf(missing !== undefined)('the workshop', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const post = (path: string, body: unknown) => ask(site, 'POST', path, { as: 'scanner', body });
  const put = (path: string, body: unknown) => ask(site, 'PUT', path, { as: 'scanner', body });
  const get = (path: string, as = 'scanner') => ask(site, 'GET', path, { as });

  const move = async (
    type: 'Receipt' | 'Issue' | 'Transfer',
    item: string,
    qty: number,
    from?: string,
    to?: string,
  ) => {
    const row = { item_code: item, qty, s_warehouse: from, t_warehouse: to, basic_rate: 10 };
    const reply = await post(entryPath, { stock_entry_type: `Material ${type}`, docstatus: 1, items: [row] });
    expect(reply.status, reply.text).toBe(200);
    return String(reply.json.data.name);
  };
  const cancel = (name: string) => put(`${entryPath}/${name}`, { docstatus: 2 });
  const stockOf = async (item: string, warehouse: string): Promise<number> => {
    const path = `/api/method/erpnext.stock.utils.get_stock_balance?item_code=${item}&warehouse=${encodeURIComponent(warehouse)}`;
    return Number((await get(path)).json.message);
  };

  it('says in each answer which pod gave it, and on which database member it wrote, if it did', async () => {
    const row = { item_code: 'ITEM-0271', qty: 1, t_warehouse: stores, basic_rate: 10 };
    const body = { stock_entry_type: 'Material Receipt', docstatus: 1, items: [row] };
    const [wrote, refused, read] = [
      await post(entryPath, body),
      await post(entryPath, { ...body, items: [{ ...row, qty: -1 }] }),
      await get('/api/method/ping'),
    ];
    expect([wrote.status, refused.status, read.status]).toEqual([200, 417, 200]);
    for (const { headers } of [wrote, refused, read]) expect(headers['x-served-by']).toMatch(/^[\w.-]+$/);
    expect(wrote.headers['x-database-member']).toMatch(/^[\w.-]+$/);
    expect([refused, read].map(({ headers }) => headers['x-database-member'])).toEqual([undefined, undefined]);
  });

  describe('cancelling', () => {
    const item = 'ITEM-0270';

    it('gives back a transfer to where it came from, and marks its entries', async () => {
      const before = [await stockOf(item, stores), await stockOf(item, dock)];
      const name = await move('Transfer', item, 3, stores, dock);
      const cancelled = await cancel(name);
      expect([cancelled.status, cancelled.json.data.docstatus]).toEqual([200, 2]);
      expect(cancelled.json.data.items.map((row: { docstatus: number }) => row.docstatus)).toEqual([2]);
      expect([await stockOf(item, stores), await stockOf(item, dock)]).toEqual(before);
      const filters = encodeURIComponent(JSON.stringify([['voucher_no', '=', name]]));
      const fields = encodeURIComponent(
        JSON.stringify(['actual_qty', 'qty_after_transaction', 'is_cancelled', 'warehouse']),
      );
      const entries = (await get(`/api/resource/Stock%20Ledger%20Entry?filters=${filters}&fields=${fields}`)).json.data;
      expect(entries).toHaveLength(4);
      expect(entries.every((entry: { is_cancelled: number }) => entry.is_cancelled === 1)).toBe(true);
      expect(entries.reduce((sum: number, entry: { actual_qty: number }) => sum + entry.actual_qty, 0)).toBe(0);
    });

    it('carries on what was posted later', async () => {
      const first = await move('Issue', item, 5, stores);
      await move('Issue', item, 2, stores);
      await move('Receipt', item, 1, undefined, stores);
      const before = await stockOf(item, stores);
      expect((await cancel(first)).status).toBe(200);
      expect(await stockOf(item, stores)).toBe(before + 5);
    });

    it('takes back a voucher that fills and empties one bin', async () => {
      const rows = [
        { item_code: item, qty: 4, s_warehouse: stores, t_warehouse: dock },
        { item_code: item, qty: 4, s_warehouse: dock, t_warehouse: stores },
      ];
      const before = await stockOf(item, dock);
      const made = await post(entryPath, { stock_entry_type: 'Material Transfer', docstatus: 1, items: rows });
      expect((await cancel(made.json.data.name)).status).toBe(200);
      expect(await stockOf(item, dock)).toBe(before);
    });

    it('refuses what has been used since, also when it was only short in between', async () => {
      const brought = await move('Transfer', item, 2, stores, dock);
      await move('Issue', item, await stockOf(item, dock), dock);
      const short = await cancel(brought);
      expect([short.status, short.json.exc_type]).toEqual([417, 'NegativeStockError']);
      await move('Transfer', item, 9, stores, dock);
      const between = await cancel(brought);
      expect([between.status, between.json.exc_type]).toEqual([417, 'NegativeStockError']);
      expect((await get(`${entryPath}/${brought}`)).json.data.docstatus).toBe(1);
    });

    it('happens once', async () => {
      const name = await move('Issue', item, 1, stores);
      expect((await cancel(name)).status).toBe(200);
      const again = await cancel(name);
      expect([again.status, again.json.exc_type]).toEqual([417, 'ValidationError']);
      expect((await ask(site, 'DELETE', `${entryPath}/${name}`, { as: 'scanner' })).status).toBe(501);
    });

    it('leaves books in which ledger, bins and newest entries agree, as the suite asks after a run', async ({
      skip,
    }) => {
      const { environment } = site;
      if (!environment) return skip('the database of a site elsewhere is not ours to ask');
      const connection = await createConnection({
        host: environment.DB_HOST ?? '',
        port: Number(environment.DB_PORT),
        user: environment.DB_USER ?? '',
        password: environment.DB_PASSWORD ?? '',
        database: environment.DB_NAME ?? '',
      });
      try {
        for (const warehouse of [stores, dock]) {
          const [rows] = await connection.query(stockQuery, [warehouse, warehouse]);
          const levels = rows as {
            item: string;
            ledger_sum: number;
            bin: number;
            last_running: number;
            running_min: number;
          }[];
          expect(levels.length).toBeGreaterThan(0);
          expect(
            levels.filter(
              (one) => one.bin !== one.ledger_sum || one.last_running !== one.ledger_sum || one.running_min < 0,
            ),
          ).toEqual([]);
        }
      } finally {
        await connection.end();
      }
    });
  });

  describe('a job card', () => {
    const timeLog = '/api/method/erpnext.manufacturing.doctype.job_card.job_card.make_time_log';
    const newCard = async (more: object = {}): Promise<string> => {
      const made = await post(cardPath, { work_order: 'MFG-WO-1', operation: 'Assemble', for_quantity: 5, ...more });
      expect(made.status, made.text).toBe(200);
      return String(made.json.data.name);
    };
    const read = async (name: string) => (await get(`${cardPath}/${name}`)).json.data;

    it('is started, paused, resumed, completed and submitted', async () => {
      const name = await newCard();
      expect(name).toMatch(/^PO-JOB\d{5}$/);
      expect((await read(name)).status).toBe('Open');
      const log = (args: object) => post(timeLog, { args: { job_card_id: name, ...args } });
      const started = await log({
        status: 'Work In Progress',
        start_time: '2026-11-23 08:00:00',
        employees: [{ employee: 'HR-EMP-1' }],
      });
      expect([started.status, started.json]).toEqual([200, {}]);
      expect(await read(name)).toMatchObject({ status: 'Work In Progress', started_time: '2026-11-23 08:00:00' });
      await log({ status: 'On Hold', complete_time: '2026-11-23 08:05:00', completed_qty: 2 });
      expect(await read(name)).toMatchObject({
        status: 'On Hold',
        total_completed_qty: 2,
        total_time_in_mins: 4.99998,
      });
      await log({ status: 'Resume Job', start_time: '2026-11-23 09:00:00', employees: '[{"employee":"HR-EMP-1"}]' });
      expect((await read(name)).status).toBe('Work In Progress');
      await log({ status: 'Complete', complete_time: '2026-11-23 09:10:00', completed_qty: 3 });
      const submitted = await put(`${cardPath}/${name}`, { docstatus: 1 });
      expect(submitted.json.data).toMatchObject({
        docstatus: 1,
        status: 'Completed',
        total_completed_qty: 5,
        process_loss_qty: 0,
        actual_start_date: '2026-11-23 08:00:00',
        actual_end_date: '2026-11-23 09:10:00',
      });
      expect(submitted.json.data.time_logs).toMatchObject([{ employee: 'HR-EMP-1', docstatus: 1 }, { docstatus: 1 }]);
      const late = await log({ status: 'Work In Progress', start_time: '2026-11-23 10:00:00' });
      expect([late.status, late.json.exc_type]).toEqual([417, 'DocstatusTransitionError']);
    });

    it('takes its arguments as JSON in a string too, and counts what was not completed as loss', async () => {
      const name = await newCard({ docstatus: 0 });
      await post(timeLog, {
        args: JSON.stringify({ job_card_id: name, status: 'Work In Progress', start_time: '2026-11-23 08:00:00' }),
      });
      await post(timeLog, {
        args: JSON.stringify({
          job_card_id: name,
          status: 'Complete',
          complete_time: '2026-11-23 08:30:00',
          completed_qty: 4,
        }),
      });
      expect((await put(`${cardPath}/${name}`, { docstatus: 1 })).json.data).toMatchObject({
        process_loss_qty: 1,
        status: 'Completed',
      });
    });

    it('is not submitted with more completed than wanted, nor with a time that ends before it begins', async () => {
      const name = await newCard();
      const row = { from_time: '2026-11-23 06:00:00', to_time: '2026-11-23 06:05:00', completed_qty: 9 };
      const tooMany = await put(`${cardPath}/${name}`, { time_logs: [row], docstatus: 1 });
      expect([tooMany.status, tooMany.json.exc_type]).toEqual([417, 'ValidationError']);
      const backwards = await put(`${cardPath}/${name}`, { time_logs: [{ ...row, to_time: '2026-11-23 05:00:00' }] });
      expect([backwards.status, backwards.json.exc_type]).toEqual([417, 'ValidationError']);
      expect((await read(name)).time_logs).toEqual([]);
    });

    it('keeps its rows by their names, and lets nobody name those of another card', async () => {
      const row = { from_time: '2026-11-23 06:00:00', to_time: '2026-11-23 06:05:00', completed_qty: 1 };
      const [mine, other] = [await newCard({ time_logs: [row] }), await newCard({ time_logs: [row] })];
      const [kept] = (await read(mine)).time_logs;
      const [foreign] = (await read(other)).time_logs;
      await put(`${cardPath}/${mine}`, {
        time_logs: [
          { ...kept, completed_qty: 2 },
          { ...foreign, completed_qty: 3 },
        ],
      });
      const after = (await read(mine)).time_logs;
      expect(after).toHaveLength(2);
      expect(after[0]).toMatchObject({ name: kept.name, completed_qty: 2 });
      expect(after[1].name).not.toBe(foreign.name);
      expect((await read(other)).time_logs).toMatchObject([{ name: foreign.name, completed_qty: 1 }]);
    });

    it('is cancelled and then left alone, and deleted only as a draft', async () => {
      const row = { from_time: '2026-11-23 06:00:00', to_time: '2026-11-23 06:05:00', completed_qty: 5 };
      const name = await newCard({ time_logs: [row], docstatus: 1 });
      expect((await ask(site, 'DELETE', `${cardPath}/${name}`, { as: 'scanner' })).status).toBe(417);
      expect((await put(`${cardPath}/${name}`, { docstatus: 2 })).json.data).toMatchObject({
        docstatus: 2,
        status: 'Cancelled',
      });
      expect((await put(`${cardPath}/${name}`, { remarks: 'x' })).status).toBe(417);
      expect((await ask(site, 'DELETE', `${cardPath}/${await newCard()}`, { as: 'scanner' })).status).toBe(202);
    });

    it('is for those who may', async () => {
      const name = await newCard();
      for (const reply of [
        await get(`${cardPath}/${name}`, 'clerk'),
        await ask(site, 'PUT', `${cardPath}/${name}`, { as: 'clerk', body: { remarks: 'x' } }),
        await ask(site, 'POST', timeLog, { as: 'clerk', body: { args: { job_card_id: name } } }),
        await ask(site, 'POST', timeLog, { body: { args: { job_card_id: name } } }),
      ])
        expect([reply.status, reply.json.exc_type]).toEqual([403, 'PermissionError']);
    });
  });

  describe('an attachment', () => {
    const run = `${Date.now()}`;

    const upload = async (bytes: Buffer, name: string, fields: Record<string, string> = {}, as = 'scanner') => {
      const form = new FormData();
      for (const [field, value] of Object.entries(fields)) form.set(field, value);
      form.set('file', new Blob([new Uint8Array(bytes)]), name);
      const encoded = new Response(form);
      const headers = { 'Content-Type': encoded.headers.get('content-type') ?? '' };
      const body = Buffer.from(await encoded.arrayBuffer());
      return ask(site, 'POST', '/api/method/upload_file', { headers, body, ...(as === 'guest' ? {} : { as }) });
    };
    const download = (url: string, as?: string): Promise<Reply> =>
      ask(site, 'GET', encodeURI(url), as === undefined ? {} : { as });

    it('comes back byte by byte, with its hash, for its owner and not for a guest', async ({ skip }) => {
      const bytes = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7 + Number(run)) % 256));
      const made = await upload(bytes, `Bremse vorn ${run}.jpg`, { is_private: '1' });
      if (made.status === 501) return skip('the site has no place for files');
      expect(made.json.message).toMatchObject({
        doctype: 'File',
        file_name: `Bremse vorn ${run}.jpg`,
        file_url: `/private/files/Bremse vorn ${run}.jpg`,
        file_size: bytes.length,
        file_type: 'JPG',
        is_private: 1,
        folder: 'Home',
      });
      expect(made.json.message.content_hash).toMatch(/^[0-9a-f]{32}$/);
      const back = await download(made.json.message.file_url, 'scanner');
      expect([back.status, back.headers['content-type']]).toEqual([200, 'image/jpeg']);
      expect(Buffer.from(back.text, 'latin1').equals(bytes)).toBe(true);
      for (const stranger of [undefined, 'clerk', 'technician-001'])
        expect((await download(made.json.message.file_url, stranger)).status).toBe(403);
      expect((await download('/private/files/nothing.jpg', 'scanner')).status).toBe(403);
    });

    it('is for anybody with its address when it is public, and for who may read what it hangs on', async ({ skip }) => {
      const open = await upload(Buffer.from(run), `open-${run}.txt`);
      if (open.status === 501) return skip('the site has no place for files');
      expect((await download(open.json.message.file_url)).text).toBe(run);
      expect((await download('/files/nothing.txt')).status).toBe(404);
      const fields = { is_private: '1', doctype: 'Item', docname: 'ITEM-0001' };
      const hung = await upload(Buffer.from(`item ${run}`), `item-${run}.txt`, fields);
      expect(hung.json.message).toMatchObject({ attached_to_doctype: 'Item', attached_to_name: 'ITEM-0001' });
      expect((await download(hung.json.message.file_url, 'technician-001')).status).toBe(200);
      expect((await download(hung.json.message.file_url, 'clerk')).status).toBe(403);
    });

    it('is kept once however often it is sent, and two of one name get two addresses', async ({ skip }) => {
      const bytes = Buffer.from(`twice ${run}`);
      const [first, ...more] = [
        await upload(bytes, `twice-${run}.txt`),
        await upload(bytes, `twice-${run}.txt`),
        await upload(bytes, `other-${run}.txt`),
      ];
      if (first?.status === 501) return skip('the site has no place for files');
      for (const again of more) {
        expect(again.json.message.file_url).toBe(first?.json.message.file_url);
        expect(again.json.message.name).not.toBe(first?.json.message.name);
      }
      const others = await upload(Buffer.from(`else ${run}`), `twice-${run}.txt`);
      const { content_hash: hash, file_url: url } = others.json.message;
      expect(url).toBe(`/files/twice-${run}${hash.slice(-6)}.txt`);
      expect((await download(url)).text).toBe(`else ${run}`);
      expect((await download(first?.json.message.file_url)).text).toBe(`twice ${run}`);
    });

    it('has as many documents as were sent at once, each with bytes', async ({ skip }) => {
      const replies = await Promise.all(
        Array.from({ length: 12 }, (_, index) => upload(Buffer.from(`${run} ${index % 3}`), `race-${run}.txt`)),
      );
      if (replies[0]?.status === 501) return skip('the site has no place for files');
      expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(200));
      for (const [index, { json }] of replies.entries())
        expect((await download(json.message.file_url)).text).toBe(`${run} ${index % 3}`);
    });

    it('is 25 MB at most, and named without a path', async ({ skip }) => {
      const limit = 25 * 1024 * 1024;
      const largest = await upload(Buffer.alloc(limit, run), `large-${run}.bin`);
      if (largest.status === 501) return skip('the site has no place for files');
      expect(largest.json.message.file_size).toBe(limit);
      const tooLarge = await upload(Buffer.alloc(limit + 1), `larger-${run}.bin`);
      expect([tooLarge.status, tooLarge.json.exc_type]).toEqual([417, 'MaxFileSizeReachedError']);
      expect((await upload(Buffer.alloc(limit + 2_000_000), 'huge.bin')).status).toBe(413);
      const sly = await upload(Buffer.from(`sly ${run}`), `../../${run}.txt`);
      expect(sly.json.message.file_url).toBe(`/files/__.._${run}.txt`);
    });

    it('is refused for guests, without a file, and on what its sender may not change', async ({ skip }) => {
      if ((await upload(Buffer.from('x'), 'x.txt')).status === 501) return skip('the site has no place for files');
      expect((await upload(Buffer.from('x'), 'x.txt', {}, 'guest')).status).toBe(403);
      const none = await ask(site, 'POST', '/api/method/upload_file', { as: 'scanner', body: {} });
      expect([none.status, none.json.exc_type]).toEqual([417, 'MandatoryError']);
      const hung = await upload(Buffer.from('x'), 'x.txt', { doctype: 'Item', docname: 'ITEM-0001' }, 'clerk');
      expect([hung.status, hung.json.exc_type]).toEqual([403, 'PermissionError']);
      const get = await ask(site, 'GET', '/api/method/upload_file', { as: 'scanner' });
      expect(get.status).toBe(403);
    });

    it('is there anew when its bytes were lost, and has no document when they can not be kept', async ({ skip }) => {
      const { environment } = site;
      if (!environment) return skip('the files of a site elsewhere are not ours to break');
      const bytes = Buffer.from(`lost ${run}`);
      const lost = await upload(bytes, `lost-${run}.txt`);
      const folder = environment.FILES_DIR ?? '';
      await rm(join(folder, 'public/files', `lost-${run}.txt`));
      expect((await download(lost.json.message.file_url)).status).toBe(404);
      const again = await upload(bytes, `lost-${run}.txt`);
      expect((await download(again.json.message.file_url)).text).toBe(`lost ${run}`);
      expect((await readdir(join(folder, 'public/files'))).filter((name) => name.startsWith('.'))).toEqual([]);

      await site.stopWeb();
      // Where the folder should be there is a file.
      await site.startWeb({ FILES_DIR: join(folder, 'public/files', `lost-${run}.txt`) });
      const failed = await upload(Buffer.from(`kept ${run}`), `kept-${run}.txt`);
      expect([failed.status, failed.json.exc_type]).toEqual([500, 'OSError']);
      const filters = encodeURIComponent(JSON.stringify([['file_name', '=', `kept-${run}.txt`]]));
      expect((await get(`/api/resource/File?filters=${filters}`)).json.data).toEqual([]);
      await site.stopWeb();
      await site.startWeb();
    });
  });
});
