import { expect, test } from 'vitest';
import { steps } from './lab.ts';
import { scopes } from './parts.ts';

test.each(scopes)('each step of the %s lab comes after what it needs', (scope) => {
  const names = steps(scope).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const early = steps(scope).flatMap(({ name, needs }, index) =>
    needs.filter((need) => !names.slice(0, index).includes(need)).map((need) => `${name} needs ${need}`),
  );
  expect(early).toEqual([]);
});
