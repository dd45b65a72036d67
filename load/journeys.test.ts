// The journeys without k6: what they send, and what they make of the answers.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { LoadTask } from '../lib/model/load-task.ts';
import { chanceOf } from './chance.ts';
import type { Answer } from './classify.ts';
import { numbered, pickNumber, pickNumbers } from './item-pool.ts';
import { barcodeLookup } from './journeys/barcode-lookup.ts';
import { entryCancel } from './journeys/entry-cancel.ts';
import { goodsReceipt } from './journeys/goods-receipt.ts';
import { jobCard } from './journeys/job-card.ts';
import { partsIssue } from './journeys/parts-issue.ts';
import { photoUpload } from './journeys/photo-upload.ts';
import { sessionLogin } from './journeys/session-login.ts';
import { stockTransfer } from './journeys/stock-transfer.ts';
import type { Manner, Tools } from './turn.ts';

const task: LoadTask = {
  options: {},
  permitUrl: '',
  runId: 'r1',
  seed: 1,
  site: {
    url: 'https://site',
    markerField: 'custom_client_marker',
    company: 'Wind Power LLC',
    warehouse: 'Stores - WP',
    dockWarehouse: 'Dock - WP',
    jobCards: { workOrder: 'MFG-WO-1', operation: 'Assemble' },
    barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
  },
  tokens: ['k:s'],
  logins: [{ user: 'technician-1', password: 'pw' }],
  requestTimeoutMs: 20_000,
  goodWithinMs: { 'barcode-lookup': 1_000, 'goods-receipt': 2_000, 'parts-issue': 2_000 },
  barcodes: { skew: 1, missRatio: 0 },
  twoStepRatio: 0,
};
const noAnswer: Answer = { status: 0, body: '', error: 'request timeout' };
const json = (status: number, body: unknown): Answer => ({ status, body: JSON.stringify(body), error: '' });
const stored = (docstatus: number, marker = 'r1-issue-5'): Answer =>
  json(200, { data: { name: 'MAT-STE-1', docstatus, custom_client_marker: marker } });
const deadlock = json(500, { exc_type: 'QueryDeadlockError' });

/** Plays the turn against these answers, in this order; what was sent stands in `sent`. */
function playing(answers: readonly Answer[]) {
  const sent: { method: string; path: string; body: unknown; how?: Manner }[] = [];
  return {
    sent,
    send: (method: string, path: string, body?: unknown, how?: Manner): Answer => {
      sent.push({ method, path, body, ...(how ? { how } : {}) });
      const answer = answers[sent.length - 1];
      if (!answer) throw new Error('one exchange too many');
      return answer;
    },
  };
}

test('a scan is right only with the item of its barcode', () => {
  const turn = barcodeLookup(task, 0);
  const { sent, send } = playing([json(200, { message: {} })]);
  expect(turn.play(send)).toEqual({ right: false, status: 200 });
  const number = Number(/BC(\d{10})$/.exec(sent[0]?.path ?? '')?.[1]);
  expect(turn.play(() => json(200, { message: { item_code: numbered('ITEM-%04d', number) } })).right).toBe(true);
  expect(turn.play(() => json(200, { message: { item_code: numbered('ITEM-%04d', number + 1) } })).right).toBe(false);
  expect(turn.play(() => noAnswer)).toEqual({ right: false, status: 0 });
});

test('a scan of a code that does not exist is right only with an empty answer', () => {
  const turn = barcodeLookup({ ...task, barcodes: { skew: 1, missRatio: 1 } }, 0);
  expect(turn.play(() => json(200, { message: {} })).right).toBe(true);
  expect(turn.play(() => json(200, { message: { item_code: 'ITEM-0001' } })).right).toBe(false);
  expect(turn.play(() => json(200, {})).right).toBe(false);
});

test('a receipt is one submitted entry into the warehouse under its marker', () => {
  const turn = goodsReceipt(task, 5);
  const { sent, send } = playing([stored(1, 'r1-receipt-5')]);
  expect(turn.play(send)).toEqual({
    right: true,
    status: 200,
    write: { outcome: 'acknowledged', document: 'MAT-STE-1' },
  });
  expect(sent).toMatchObject([
    {
      method: 'POST',
      path: '/api/resource/Stock%20Entry',
      body: { stock_entry_type: 'Material Receipt', docstatus: 1, custom_client_marker: 'r1-receipt-5' },
    },
  ]);
  expect(turn.write?.lines.every(({ qty, warehouse }) => qty > 0 && warehouse === 'Stores - WP')).toBe(true);
});

test('an issue takes out of the warehouse what its lines say', () => {
  const turn = partsIssue(task, 5);
  const { sent, send } = playing([stored(1)]);
  turn.play(send);
  const { items } = (sent[0] as { body: { items: { item_code: string; qty: number; s_warehouse: string }[] } }).body;
  expect(turn.write?.lines).toEqual(
    items.map(({ item_code, qty, s_warehouse }) => ({ item: item_code, warehouse: s_warehouse, qty: -qty })),
  );
  expect(items.every(({ qty }) => qty > 0)).toBe(true);
});

test('an acknowledgement without the marker is no right answer, but it is an acknowledgement', () => {
  const result = partsIssue(task, 5).play(() => json(200, { data: { name: 'MAT-STE-1', docstatus: 1 } }));
  expect(result).toMatchObject({ right: false, write: { outcome: 'acknowledged' } });
});

const twoStep = { ...task, twoStepRatio: 1 };

test('two steps give the draft a name of their own and submit it', () => {
  const { sent, send } = playing([stored(0), stored(1)]);
  expect(partsIssue(twoStep, 5).play(send)).toMatchObject({ right: true, write: { outcome: 'acknowledged' } });
  expect(sent).toMatchObject([
    { method: 'POST', path: '/api/resource/Stock%20Entry', body: { name: 'r1-issue-5', docstatus: 0 } },
    { method: 'PUT', path: '/api/resource/Stock%20Entry/r1-issue-5', body: { docstatus: 1 } },
  ]);
});

test.each([
  ['a draft that was refused is refused', [deadlock], 'refused'],
  ['a draft that was not answered is unknown', [noAnswer], 'unknown'],
  ['a submit that was refused is refused: no stock has moved', [stored(0), deadlock], 'refused'],
  ['a submit that was not answered is unknown', [stored(0), noAnswer], 'unknown'],
  ['a submit answered with a draft is unknown', [stored(0), stored(0)], 'unknown'],
] as const)('%s, and nothing is sent twice', (_, answers, outcome) => {
  const { sent, send } = playing(answers);
  expect(partsIssue(twoStep, 5).play(send)).toMatchObject({ right: false, write: { outcome } });
  expect(sent.length).toBe(answers.length);
});

test('the same iteration plans the same write, another one another marker', () => {
  expect(partsIssue(task, 5).write).toEqual(partsIssue(task, 5).write);
  expect(partsIssue(task, 6).write?.marker).toBe('r1-issue-6');
});

test('rows are different items in ascending order', () => {
  for (let iteration = 0; iteration < 200; iteration++) {
    const numbers = pickNumbers(task, chanceOf(1, 'x', iteration), 3);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  }
});

test('numbers run from 0 to the last of the pool', () => {
  const pool = {
    ...task,
    barcodes: { skew: 0, missRatio: 0 },
    site: { barcodes: { ...task.site.barcodes, count: 3 } },
  };
  const picked = new Set(Array.from({ length: 100 }, (_, iteration) => pickNumber(pool, chanceOf(1, 'x', iteration))));
  expect([...picked].sort()).toEqual([0, 1, 2]);
});

test('patterns take the number with and without a width', () => {
  expect(numbered('BC%010d', 7)).toBe('BC0000000007');
  expect(numbered('PART-%d', 7)).toBe('PART-7');
});

test('a transfer takes from the one warehouse what it brings to the other', () => {
  const turn = stockTransfer(task, 5);
  const { sent, send } = playing([stored(1, 'r1-transfer-5')]);
  expect(turn.play(send)).toMatchObject({ right: true, write: { outcome: 'acknowledged' } });
  const { items, stock_entry_type } = (
    sent[0] as {
      body: {
        stock_entry_type: string;
        items: { item_code: string; qty: number; s_warehouse: string; t_warehouse: string }[];
      };
    }
  ).body;
  expect(stock_entry_type).toBe('Material Transfer');
  expect(turn.write?.lines).toEqual(
    items.flatMap(({ item_code, qty, s_warehouse, t_warehouse }) => [
      { item: item_code, warehouse: s_warehouse, qty: -qty },
      { item: item_code, warehouse: t_warehouse, qty },
    ]),
  );
  expect(
    items.every(({ s_warehouse, t_warehouse }) => s_warehouse === 'Stores - WP' && t_warehouse === 'Dock - WP'),
  ).toBe(true);
});

test('what is booked to be taken back is on record as such before it is sent', () => {
  const turn = entryCancel(task, 5);
  expect(turn.write).toMatchObject({ marker: 'r1-cancel-5', cancelled: 'unknown' });
  const { sent, send } = playing([stored(1, 'r1-cancel-5'), stored(2, 'r1-cancel-5')]);
  expect(turn.play(send)).toEqual({
    right: true,
    status: 200,
    write: { outcome: 'acknowledged', document: 'MAT-STE-1', cancelled: 'acknowledged' },
  });
  expect(sent).toMatchObject([
    { method: 'POST', body: { docstatus: 1, stock_entry_type: 'Material Issue' } },
    { method: 'PUT', path: '/api/resource/Stock%20Entry/MAT-STE-1', body: { docstatus: 2 } },
  ]);
});

const booked = stored(1, 'r1-cancel-5');
test.each([
  ['an issue that was refused: nothing to take back', [deadlock], { outcome: 'refused' }],
  ['an issue that was not answered: it may be there, booked', [noAnswer], { outcome: 'unknown' }],
  ['a cancelling that was refused: it is there, booked', [booked, deadlock], { outcome: 'acknowledged' }],
  [
    'one that was not answered: booked or cancelled',
    [booked, noAnswer],
    { outcome: 'acknowledged', cancelled: 'unknown' },
  ],
  ['one answered with another status', [booked, booked], { outcome: 'acknowledged', cancelled: 'unknown' }],
] as const)('%s, and nothing is sent twice', (_, answers, write) => {
  const { sent, send } = playing(answers);
  const { document: __, ...told } = entryCancel(task, 5).play(send).write ?? { outcome: 'unknown' };
  expect(told).toEqual(write);
  expect(sent.length).toBe(answers.length);
  expect(entryCancel(task, 5).play(playing(answers).send).right).toBe(false);
});

test('a job is right when the site adds up the quantity that was told to its clock', () => {
  const done = (quantity: unknown) =>
    json(200, { data: { name: 'PO-JOB1', docstatus: 1, total_completed_qty: quantity } });
  const made = json(200, { data: { name: 'PO-JOB1', docstatus: 0 } });
  const { sent, send } = playing([made, json(200, {}), json(200, {}), done(0)]);
  expect(jobCard(task, 3).play(send)).toEqual({ right: false, status: 200 });
  const { for_quantity: quantity } = (sent[0]?.body ?? {}) as { for_quantity?: number };
  expect(jobCard(task, 3).play(playing([made, json(200, {}), json(200, {}), done(quantity)]).send).right).toBe(true);
  expect(sent.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'PUT']);
  expect(sent[1]?.body).toMatchObject({ args: { job_card_id: 'PO-JOB1', status: 'Work In Progress' } });
  const times = [sent[1], sent[2]].map((one) =>
    Object.values(((one?.body ?? {}) as { args?: object }).args ?? {}).join(' '),
  );
  for (const time of times) expect(time).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
});

test.each([0, 1, 2, 3])('a job whose exchange %i goes badly ends there, and is bad', (bad) => {
  const made = json(200, { data: { name: 'PO-JOB1', docstatus: 0 } });
  const answers = [made, json(200, {}), json(200, {})].slice(0, bad);
  const { sent, send } = playing([...answers, deadlock]);
  expect(jobCard(task, 3).play(send)).toEqual({ right: false, status: 500, excType: 'QueryDeadlockError' });
  expect(sent.length).toBe(bad + 1);
});

const md5 = (bytes: ArrayBuffer) => createHash('md5').update(Buffer.from(bytes)).digest('hex');
const tools = { md5 } as Tools;

test('a photo is a form with bytes of its own, and right when the site knows it by their hash', () => {
  const { sent, send } = playing([json(200, { message: {} })]);
  expect(photoUpload(task, 7, 0).play(send, tools)).toEqual({ right: false, status: 200 });
  const body = Buffer.from(sent[0]?.body as ArrayBuffer);
  const [, boundary = ''] = /^multipart\/form-data; boundary=(.+)$/.exec(sent[0]?.how?.contentType ?? '') ?? [];
  const parts = body.toString('latin1').split(`--${boundary}`);
  expect(parts.length).toBe(5);
  const file = Buffer.from(parts[3]?.split('\r\n\r\n').slice(1).join('\r\n\r\n').slice(0, -2) ?? '', 'latin1');
  expect(file.length).toBe(30_000);
  expect([file.subarray(0, 4).toString('hex'), file.subarray(-2).toString('hex')]).toEqual(['ffd8fffe', 'ffd9']);
  expect(file.toString('latin1')).toContain('r1-photo-7');
  const hash = createHash('md5').update(file).digest('hex');
  const answered = (message: object) => photoUpload(task, 7, 0).play(() => json(200, { message }), tools);
  expect(answered({ file_url: '/private/files/x.jpg', content_hash: hash })).toMatchObject({ right: true });
  expect(answered({ file_url: '/files/x.jpg', content_hash: hash })).toMatchObject({ right: false });
  expect(answered({ file_url: '/private/files/x.jpg', content_hash: md5(new ArrayBuffer(1)) })).toMatchObject({
    right: false,
  });
  expect(photoUpload(task, 7, 0).play(() => noAnswer, tools)).toMatchObject({ right: false, status: 0 });
});

test('each photo has bytes that no other has, and the same again for the same one', () => {
  const bytesOf = (iteration: number, runId = 'r1') => {
    const { sent, send } = playing([noAnswer]);
    photoUpload({ ...task, runId }, iteration, 0).play(send, tools);
    return md5(sent[0]?.body as ArrayBuffer);
  };
  expect(bytesOf(1)).toBe(bytesOf(1));
  expect(new Set([bytesOf(1), bytesOf(2), bytesOf(1, 'r2')]).size).toBe(3);
});

const welcome: Answer = { ...json(200, { message: 'Logged In' }), sid: 'abc' };
const farewell = json(200, { message: 'No App' });

test('a login is a password without a token, a scan with the session, and a logout', () => {
  const turn = sessionLogin(task, 4, 0);
  const { sent, send } = playing([welcome, json(200, { message: {} }), farewell]);
  expect(turn.play(send, tools)).toEqual({ right: false, status: 200 });
  expect(sent).toMatchObject([
    { path: '/api/method/login', body: { usr: 'technician-1', pwd: 'pw' }, how: { as: 'nobody' } },
    { method: 'GET', how: { as: { sid: 'abc' } } },
    { path: '/api/method/logout', how: { as: { sid: 'abc' } } },
  ]);
  const number = Number(/BC(\d{10})$/.exec(sent[1]?.path ?? '')?.[1]);
  const found = json(200, { message: { item_code: numbered('ITEM-%04d', number) } });
  expect(turn.play(playing([welcome, found, farewell]).send, tools)).toMatchObject({ right: true });
  expect(turn.play(playing([welcome, found, noAnswer]).send, tools)).toMatchObject({ right: false });
});

test.each([
  ['refused', json(401, { exc_type: 'AuthenticationError' })],
  ['answered without a session', json(200, { message: 'Logged In' })],
  ['answered with the guest’s', { ...welcome, sid: 'Guest' }],
  ['not answered', noAnswer],
])('a login that was %s is bad, and nothing more is sent', (_, answer) => {
  const { sent, send } = playing([answer]);
  expect(sessionLogin(task, 4, 0).play(send, tools)).toMatchObject({ right: false });
  expect(sent.length).toBe(1);
});

test('a journey without what it needs says so', () => {
  const { dockWarehouse: _, jobCards: __, ...bare } = task.site;
  const poor = { ...task, site: bare };
  expect(() => stockTransfer(poor, 1)).toThrow('names no dockWarehouse');
  expect(() => jobCard(poor, 1)).toThrow('names no jobCards');
  expect(() => sessionLogin(task, 1, 7)).toThrow('no password for technician 7');
});

test('hot items are picked as often as their share says, and beside them the skew stays as it is', () => {
  const hot = { ...task, barcodes: { skew: 0, missRatio: 0, hotItems: { count: 3, ratio: 0.5 } } };
  const chance = chanceOf(1, 'hot', 1);
  const picks = Array.from({ length: 10_000 }, () => pickNumber(hot, chance));
  const share = picks.filter((number) => number < 3).length / picks.length;
  // Half of them, and three in three hundred of the other half.
  expect(Math.abs(share - 0.505)).toBeLessThan(0.025);
  expect(new Set(picks).size).toBe(300);
});
