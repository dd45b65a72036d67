// Whatever a client sends, it gets an answer of Frappe's kind that says why, and nothing is left behind: every endpoint is asked with what
// programmers, proxies and people send by mistake. A bare 500 means "nobody knows what became of it", so none may come of bad input.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, openSite, type Reply, type Site, siteMissing, tokenOf, userOf } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`bad input is not tested: ${missing}`);

const entryPath = '/api/resource/Stock%20Entry';
const cardPath = '/api/resource/Job%20Card';
const methods = [
  'login',
  'logout',
  'upload_file',
  'frappe.auth.get_logged_user',
  'frappe.client.insert',
  'frappe.client.submit',
  'frappe.client.cancel',
  'frappe.client.get_list',
  'frappe.client.get_count',
  'frappe.client.get_value',
  'erpnext.stock.utils.scan_barcode',
  'erpnext.stock.utils.get_stock_balance',
  'erpnext.manufacturing.doctype.job_card.job_card.make_time_log',
].map((name) => `/api/method/${name}`);
const writing = [
  entryPath,
  cardPath,
  '/api/resource/Item',
  '/api/resource/Nope',
  '/api/v2/document/Stock%20Entry',
  ...methods,
];

/** What stands where something else should. */
const values: readonly unknown[] = [
  null,
  true,
  -1,
  1e308,
  1.5,
  '',
  'x'.repeat(200),
  'x'.repeat(70_000),
  '\u0000',
  '\ud800',
  '💥',
  "'; DROP TABLE tabItem; --",
  '{"a":1}',
  [],
  [null],
  [[]],
  {},
  { a: { b: {} } },
  ['__proto__'],
];

const fields = {
  stock_entry_type: 'Material Issue',
  company: 'Wind Power LLC',
  docstatus: 1,
  custom_client_marker: null,
  name: null,
  modified: undefined,
  set_posting_time: 0,
  posting_date: undefined,
  remarks: 'x',
  items: [{ item_code: 'ITEM-0280', qty: 1, s_warehouse: 'Stores - WP' }],
};
const rowFields = ['item_code', 'qty', 's_warehouse', 't_warehouse', 'basic_rate', 'name', 'uom'];
const cardFields = [
  'work_order',
  'operation',
  'for_quantity',
  'posting_date',
  'time_logs',
  'expected_start_date',
  'remarks',
];
const logFields = ['from_time', 'to_time', 'completed_qty', 'employee', 'name'];
const timeLogFields = [
  'job_card_id',
  'status',
  'start_time',
  'complete_time',
  'completed_qty',
  'employees',
  'sub_operation',
];

describe.skipIf(missing !== undefined)('bad input', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite('own');
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  /** An answer that a client can do something with: success, or a refusal with its type. */
  const wrong: string[] = [];
  const judge = (what: string, reply: Reply): void => {
    const named = typeof reply.json?.exc_type === 'string' || typeof reply.json?.errors?.[0]?.type === 'string';
    if (reply.status < 400 || named || [403, 404, 405, 413].includes(reply.status)) return;
    wrong.push(`${what}: ${reply.status} ${reply.text.slice(0, 120)}`);
  };
  const send = async (method: string, path: string, body: unknown): Promise<Reply> => {
    const reply = await ask(site, method, path, { as: 'scanner', body });
    judge(`${method} ${path} ${JSON.stringify(body)?.slice(0, 160)}`, reply);
    return reply;
  };
  const nothingWrong = (): void => {
    expect(wrong.splice(0)).toEqual([]);
    expect(
      site
        .log()
        .split('\n')
        .filter((line) => line.includes('own bug'))
        .slice(0, 3),
    ).toEqual([]);
  };

  it('is told as malformed where it is no JSON, on every endpoint that takes a body', async () => {
    for (const path of writing) {
      const reply = await send('POST', path, '{"description": ');
      expect([path, reply.status, reply.json?.exc_type ?? reply.json?.errors?.[0]?.type]).toEqual([
        path,
        500,
        'JSONDecodeError',
      ]);
    }
    for (const path of [`${entryPath}/x`, `${cardPath}/x`])
      expect((await send('PUT', path, '[1,')).json.exc_type).toBe('JSONDecodeError');
    nothingWrong();
  });

  it('may be JSON, and no object', async () => {
    for (const path of writing)
      for (const body of ['null', '[]', '[1]', '"x"', '1', 'true']) await send('POST', path, body);
    nothingWrong();
  });

  it('may be of the wrong type in any field of a Stock Entry', async () => {
    for (const field of Object.keys(fields))
      for (const value of values) await send('POST', entryPath, { ...fields, [field]: value });
    for (const field of rowFields)
      for (const value of values)
        await send('POST', entryPath, { ...fields, docstatus: 0, items: [{ ...fields.items[0], [field]: value }] });
    const draft = await send('POST', entryPath, { ...fields, docstatus: 0 });
    for (const field of Object.keys(fields))
      for (const value of values) await send('PUT', `${entryPath}/${draft.json.data.name}`, { [field]: value });
    nothingWrong();
  });

  it('may be longer or larger than there is room for', async () => {
    const items = fields.items[0];
    for (const [body, status, excType] of [
      [{ custom_client_marker: 'x'.repeat(141) }, 417, 'CharacterLengthExceededError'],
      [{ name: 'x'.repeat(141) }, 417, 'CharacterLengthExceededError'],
      [{ items: [{ ...items, qty: 1e12 }] }, 500, 'DataError'],
      [
        {
          stock_entry_type: 'Material Receipt',
          items: [{ ...items, t_warehouse: items?.s_warehouse, basic_rate: 1e308 }],
        },
        500,
        'DataError',
      ],
      [{ docstatus: 2 }, 417, 'DocstatusTransitionError'],
    ] as const) {
      const reply = await send('POST', entryPath, { ...fields, ...body });
      expect([body, reply.status, reply.json.exc_type]).toEqual([body, status, excType]);
    }
    nothingWrong();
  });

  it('may be of the wrong type in any field of a Job Card, and of its time logs', async () => {
    const card = { work_order: 'MFG-WO-1', operation: 'Assemble', for_quantity: 5 };
    for (const field of cardFields)
      for (const value of values) await send('POST', cardPath, { ...card, [field]: value });
    for (const field of logFields)
      for (const value of values)
        await send('POST', cardPath, { ...card, time_logs: [{ from_time: '2026-11-23 08:00:00', [field]: value }] });
    const { name } = (await send('POST', cardPath, card)).json.data;
    const path = methods.at(-1) ?? '';
    for (const field of timeLogFields)
      for (const value of values)
        await send('POST', path, {
          args: { job_card_id: name, status: 'Work In Progress', start_time: '2026-11-23 08:00:00', [field]: value },
        });
    for (const value of values) await send('POST', path, { args: value });
    nothingWrong();
  });

  it('may be of the wrong type in any argument of a method', async () => {
    const names = [
      'usr',
      'pwd',
      'doc',
      'doctype',
      'name',
      'fields',
      'filters',
      'fieldname',
      'parent',
      'order_by',
      'limit_start',
      'limit_page_length',
      'search_value',
      'item_code',
      'warehouse',
    ];
    for (const path of methods)
      for (const name of names)
        for (const value of values.slice(0, 6).concat(values.slice(8)))
          await send('POST', path, { doctype: 'Item', [name]: value });
    nothingWrong();
  });

  it('may be in the address', async () => {
    const long = 'x'.repeat(3_000);
    const odd = ['%00', '%ff', '%F0%9F%92%A5', '..%2f..%2fetc', '__proto__', 'constructor', '%', "'", long];
    for (const part of odd)
      for (const path of [
        `/api/resource/${part}`,
        `${entryPath}/${part}`,
        `/api/resource/Item/${part}`,
        `/api/method/${part}`,
        `/files/${part}`,
        `/private/files/${part}`,
        `/app/${part}`,
        `/${part}`,
        `/api/v2/document/Item/${part}/method/${part}`,
      ])
        for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
          await send(method, path, method === 'GET' || method === 'OPTIONS' ? undefined : {});
    nothingWrong();
  });

  it('may be in a list’s fields, filters, order and page', async () => {
    const odd = [
      ...values.map((value) => JSON.stringify(value)),
      '[[',
      'x',
      '[["name"]]',
      '[["name","="]]',
      '[["name","in",[]]]',
      '[["name","between",[1]]]',
      '[["a","b","c","d","e"]]',
      '{"name":["like"]}',
      '[["name","=",{"a":1}]]',
      '[["docstatus","=","x"]]',
      '[["creation",">","never"]]',
    ];
    for (const name of ['fields', 'filters', 'order_by', 'limit_start', 'limit_page_length', 'limit', 'parent'])
      for (const value of odd.filter((each) => each.length < 5_000))
        await send('GET', `/api/resource/Item?${name}=${encodeURIComponent(value)}`, undefined);
    nothingWrong();
  });

  it('may be in the headers', async () => {
    const headers: Record<string, string>[] = [
      { Authorization: 'token' },
      { Authorization: 'token a:b:c' },
      { Authorization: `Basic ${'x'.repeat(5_000)}` },
      { Authorization: 'Basic \u00ff\u00fe' },
      { Cookie: 'sid=%00' },
      { Cookie: '=;;=x; sid' },
      { Cookie: `sid=${'x'.repeat(5_000)}` },
      { 'X-Frappe-CSRF-Token': 'x'.repeat(1_000) },
      { Accept: '' },
      { 'Content-Type': 'nothing/like it' },
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      { 'Content-Type': 'multipart/form-data' },
      { 'Content-Type': 'multipart/form-data; boundary=' },
    ];
    for (const one of headers)
      for (const path of [entryPath, '/api/method/upload_file', '/api/method/erpnext.stock.utils.scan_barcode'])
        judge(JSON.stringify(one).slice(0, 80), await ask(site, 'POST', path, { headers: one, body: '%=%' }));
    nothingWrong();
  });

  it('is ignored where it is a field that nobody knows, as recorded', async () => {
    const reply = await send('POST', entryPath, {
      ...fields,
      nonexistent_field: 'x',
      __proto__x: 1,
      items: [{ ...fields.items[0], nope: {} }],
    });
    expect(reply.status).toBe(200);
    expect(reply.text).not.toContain('nonexistent_field');
  });

  it('is too much in one body, and the answer still arrives', async () => {
    const huge = Buffer.alloc(8_000_000, 'x');
    for (const path of [entryPath, cardPath, '/api/method/login', methods.at(-1) ?? '']) {
      const reply = await ask(site, 'POST', path, { as: 'scanner', body: huge });
      expect([reply.status, reply.headers['content-type']]).toEqual([413, 'text/html; charset=utf-8']);
    }
    expect((await ask(site, 'GET', '/api/method/ping')).status).toBe(200);
  });

  it('is half a body, then silence: nobody is answered, and nothing is made', async () => {
    const marker = `half-${Date.now()}`;
    const body = JSON.stringify({ ...fields, custom_client_marker: marker });
    const head = `POST ${entryPath} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${tokenOf(userOf(site, 'scanner'))}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(site.environment?.PORT), '127.0.0.1', () => {
        socket.write(head + body.slice(0, 40));
        setTimeout(() => socket.destroy(), 100);
      });
      socket.once('close', () => resolve()).once('error', reject);
    });
    await expect.poll(() => site.log()).toContain('the client went away');
    const filters = encodeURIComponent(JSON.stringify([['custom_client_marker', '=', marker]]));
    expect((await ask(site, 'GET', `${entryPath}?filters=${filters}`, { as: 'scanner' })).json.data).toEqual([]);
    nothingWrong();
  });

  it('is a session that has ended: told as such, on reading and on writing', async () => {
    const { user, password } = userOf(site, 'technician-001');
    const login = await ask(site, 'POST', '/api/method/login', { body: { usr: user, pwd: password } });
    const cookie = login.headers['set-cookie']?.find((one) => one.startsWith('sid='))?.split(';')[0] ?? '';
    const headers = { Cookie: cookie };
    expect((await ask(site, 'GET', `${entryPath}?limit=1`, { headers })).status).toBe(200);
    await ask(site, 'POST', '/api/method/logout', { headers });
    for (const [method, path, body] of [
      ['GET', entryPath, undefined],
      ['GET', '/api/method/erpnext.stock.utils.scan_barcode?search_value=x', undefined],
      ['POST', entryPath, fields],
      ['POST', cardPath, {}],
      ['POST', methods.at(-1) ?? '', { args: {} }],
      ['POST', '/api/method/upload_file', {}],
      ['PUT', `${entryPath}/x`, { docstatus: 1 }],
    ] as const) {
      const reply = await ask(site, method, path, { headers, body });
      expect([path, reply.status, reply.json.session_expired, reply.json.exc_type]).toEqual([
        path,
        403,
        1,
        'PermissionError',
      ]);
    }
  });
});
