import { expect, test } from 'vitest';
import { labelsOfSelector, matches } from './label-selector.ts';

const labels = { app: 'web', tier: 'front' };

test.each([
  ['an empty selector', {}, true],
  ['labels that are all there', { matchLabels: { app: 'web' } }, true],
  ['a label of another value', { matchLabels: { app: 'web', tier: 'back' } }, false],
  ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'api'] }] }, true],
  ['In, of others', { matchExpressions: [{ key: 'app', operator: 'In', values: ['api'] }] }, false],
  ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  [
    'NotIn of a label that is not there',
    { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
    true,
  ],
  ['Exists', { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
  ['DoesNotExist', { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
])('%s selects as the API does', (_name, selector, selects) => {
  expect(matches(labels, selector)).toBe(selects);
});

test('an operator that is not known is not guessed', () => {
  expect(() => matches(labels, { matchExpressions: [{ key: 'app', operator: 'Like' }] })).toThrow('Like');
});

test('only selectors of equalities can be written as labels', () => {
  expect(labelsOfSelector('a.b/c=d,e==f')).toEqual({ 'a.b/c': 'd', e: 'f' });
  for (const other of ['a!=b', 'a in (b,c)', 'a', '!a']) expect(labelsOfSelector(other)).toBeUndefined();
});
