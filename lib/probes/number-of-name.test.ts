import { expect, test } from 'vitest';
import { numberOfName } from './number-of-name.ts';

test('a pod of a StatefulSet has its ordinal, also by its host’s name', () => {
  expect(numberOfName('galera-0')).toBe(0);
  expect(numberOfName('redis-cache-12')).toBe(12);
  expect(numberOfName('redis-cache-2.redis-cache.erp.svc.cluster.local')).toBe(2);
});

test('any other name, and an address, has a number of its own that is always the same', () => {
  const names = ['198.19.1.7', '198.19.1.8', 'redis-cache-8465554b98-rw8zt', 'redis-cache', ''];
  const numbers = names.map(numberOfName);
  expect(new Set(numbers).size).toBe(names.length);
  expect(numbers).toEqual(names.map(numberOfName));
  for (const number of numbers) expect(number).toBeGreaterThan(9_999);
});
