// The journeys without k6: what they send, and what they make of the answers.
import { expect, test } from 'vitest';
import type { LoadTask } from '../lib/model/load-task.ts';
import { chanceOf } from './chance.ts';
import type { Answer } from './classify.ts';
import { numbered, pickNumber, pickNumbers } from './item-pool.ts';
import { barcodeLookup } from './journeys/barcode-lookup.ts';
import { goodsReceipt } from './journeys/goods-receipt.ts';
import { partsIssue } from './journeys/parts-issue.ts';

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
    barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
  },
  tokens: ['k:s'],
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
  const sent: { method: string; path: string; body: unknown }[] = [];
  return {
    sent,
    send: (method: string, path: string, body?: unknown): Answer => {
      sent.push({ method, path, body });
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
