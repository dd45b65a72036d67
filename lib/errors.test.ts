import { expect, test } from 'vitest';
import { exitCodeOf, messageOf, Problem } from './errors.ts';

const answers = {
  where: 'network/partition',
  what: 'undo not complete after 10 s',
  seen: 'rule shakedown-7f3a still in erp/galera-1 (wanted none)',
  next: 'shakedown undo runs/latest',
} as const;

test('an error answers what, where, seen and next in one line', () => {
  expect(new Problem({ kind: 'internal', ...answers }).message).toBe(
    'network/partition: undo not complete after 10 s: rule shakedown-7f3a still in erp/galera-1 (wanted none). Next: shakedown undo runs/latest',
  );
});

test('it keeps its cause', () => {
  const cause = new Error('EPIPE');
  expect(new Problem({ kind: 'internal', ...answers, cause }).cause).toBe(cause);
});

test.each([
  ['usage', 64],
  ['target-unusable', 2],
  ['internal', 70],
  ['interrupted', 130],
] as const)('%s exits with %i', (kind, code) => {
  expect(exitCodeOf(new Problem({ kind, ...answers }))).toBe(code);
});

test('what nobody expected is our own bug', () => {
  expect(exitCodeOf(new TypeError('x is not a function'))).toBe(70);
  expect(exitCodeOf('thrown text')).toBe(70);
});

test('whatever is thrown reads as a line', () => {
  expect(messageOf(new Error('plain'))).toBe('plain');
  expect(messageOf(new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]))).toBe(
    '::1 refused; 127.0.0.1 refused',
  );
  expect(messageOf({ type: 'error', message: 'Unexpected server response: 404' })).toBe(
    'Unexpected server response: 404',
  );
  expect(messageOf('text')).toBe('text');
});
