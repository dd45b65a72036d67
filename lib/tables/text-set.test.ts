import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textSet } from './text-set.ts';

test('counts each text once, as a set of texts would', () => {
  const piece = fc.oneof(fc.constantFrom('', 'r1-issue-', 'r1-', '0', '007', '-'), fc.string({ maxLength: 3 }));
  const number = fc.oneof(fc.nat(30).map(String), fc.nat().map(String), fc.constant(''));
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, number).map(([a, b]) => a + b)), (all) => {
      const set = textSet();
      for (const text of all) set.add(text);
      expect(set.size).toBe(new Set(all).size);
    }),
  );
});
