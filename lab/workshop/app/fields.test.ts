import { describe, expect, it } from 'vitest';
import { toColumn, toDatetime, toNumber } from './fields.ts';

const column = (type: string, otherwise: string | number | null = null) => ({ name: 'c', type, default: otherwise });

describe('a value for a column', () => {
  it('is a number or nothing, as Frappe reads numbers', () => {
    expect([toNumber('1,234.5'), toNumber('abc'), toNumber('12 Nos'), toNumber(true), toNumber({})]).toEqual([
      1234.5, 0, 12, 1, 0,
    ]);
    expect(toColumn(column('int', 0), '2.7')).toBe(2);
    expect(toColumn(column('decimal', 0), null)).toBe(0);
    expect(() => toColumn(column('decimal', 0), 1e12)).toThrow('DataError');
  });

  it('is a date with or without a time of day, and nothing else', () => {
    expect(toDatetime('2026-11-23')).toBe('2026-11-23 00:00:00');
    expect(toDatetime('2026-11-23 6:05:00.5')).toBe('2026-11-23 06:05:00.500000');
    expect(toDatetime('2026-11-23T06:05')).toBe('2026-11-23 06:05:00');
    expect(toColumn(column('date'), '2026-11-23 10:00:00')).toBe('2026-11-23');
    for (const wrong of ['2026-13-01', 'now', 5, {}, '2026-11-23 25:00:00'])
      expect(() => toDatetime(wrong), JSON.stringify(wrong)).toThrow('is not a valid date');
  });

  it('is a text of at most 140 characters where the column is no longer', () => {
    expect(toColumn(column('varchar'), { a: 1 })).toBe('{"a":1}');
    expect(() => toColumn(column('varchar'), 'x'.repeat(141))).toThrow('CharacterLengthExceededError');
    expect(toColumn(column('text'), 'x'.repeat(141))).toHaveLength(141);
  });
});
