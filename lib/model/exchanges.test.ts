import { expect, test } from 'vitest';
import { type Exchange, exchangesIn, exchangesText } from './exchanges.ts';

const whole: Exchange = {
  at: 1795462318922,
  method: 'POST',
  status: 200,
  durationMs: 32,
  servedBy: 'erp-web-7d9f-x2x',
  member: 'galera-1',
  connection: 'kept',
  remote: '[fd00::3]:443',
};
const bare: Exchange = { at: 1795462318999, method: 'PUT', status: 0, durationMs: 20_000 };

test('exchanges come back as they were written, with what is not known left out', () => {
  expect(exchangesIn(exchangesText([whole, bare]))).toEqual([whole, bare]);
});

test('a header with anything in it stays one word, and wants no escape in JSON', () => {
  const text = exchangesText([{ ...whole, servedBy: 'a b; "c"\\\n\u001b[2J', member: 'x'.repeat(500) }]);
  expect(JSON.stringify(text)).toBe(`"${text}"`);
  expect(exchangesIn(text)).toMatchObject([{ servedBy: 'a_b_c_[2J', member: 'x'.repeat(120) }]);
});

test('what is no exchange is no exchange', () => {
  for (const text of ['', 'POST', 'POST 200 soon 3 a b kept c', '; ; ']) expect(exchangesIn(text)).toEqual([]);
});
