import { describe, expect, it } from 'vitest';
import {
  type Bin,
  binKey,
  inLockingOrder,
  type Movement,
  microsecondsAfter,
  move,
  moveAll,
  NotEnoughStock,
} from './ledger.ts';
import { stockEntryName } from './naming.ts';

const bin: Bin = { name: 'b', itemCode: 'ITEM-0001', warehouse: 'Stores - WP', qty: 10, rate: 5, value: 50 };
const movement = (qty: number, incomingRate = 0): Movement => ({
  itemCode: 'ITEM-0001',
  warehouse: 'Stores - WP',
  detailName: 'd',
  qty,
  incomingRate,
});

describe('a movement through a bin', () => {
  it('comes in at its own rate and moves the average', () => {
    expect(move(bin, movement(10, 15)).bin).toMatchObject({ qty: 20, rate: 10, value: 200 });
  });

  it('goes out at the average and leaves it', () => {
    const { bin: after, entry } = move(bin, movement(-4));
    expect(after).toMatchObject({ qty: 6, rate: 5, value: 30 });
    expect(entry).toMatchObject({ qty: -4, qtyAfter: 6, valueAfter: 30, valueDifference: -20 });
  });

  it('may empty the bin, which is then worth nothing, and not one unit more', () => {
    expect(move(bin, movement(-10)).bin).toMatchObject({ qty: 0, value: 0, rate: 5 });
    expect(() => move(bin, movement(-11))).toThrow(NotEnoughStock);
    expect(() => move(bin, movement(-13))).toThrow('3 of ITEM-0001 missing in Stores - WP');
  });

  it('builds on the row before, when one voucher moves a bin twice', () => {
    const { entries, bins } = moveAll(new Map([[binKey(bin), bin]]), [movement(-4), movement(-6)]);
    expect(entries.map((entry) => entry.qtyAfter)).toEqual([6, 0]);
    expect(bins.get(binKey(bin))?.qty).toBe(0);
    expect(() => moveAll(new Map([[binKey(bin), bin]]), [movement(-6), movement(-6)])).toThrow(NotEnoughStock);
  });

  it('does not touch a bin that nobody locked', () => {
    expect(() => moveAll(new Map(), [movement(1)])).toThrow('is not locked');
  });
});

describe('the order in which bins are locked', () => {
  it('is the same whatever order the rows stand in, each bin once', () => {
    const a = { itemCode: 'ITEM-0001', warehouse: 'Dock - WP' };
    const b = { itemCode: 'ITEM-0001', warehouse: 'Stores - WP' };
    const c = { itemCode: 'ITEM-0002', warehouse: 'Dock - WP' };
    expect(inLockingOrder([c, a, b, a])).toEqual([a, b, c]);
    expect(inLockingOrder([b, c, a])).toEqual([a, b, c]);
  });
});

describe('names and times', () => {
  it('numbers a series with five digits or more', () => {
    expect(stockEntryName('2026', 7)).toBe('MAT-STE-2026-00007');
    expect(stockEntryName('2026', 123_456)).toBe('MAT-STE-2026-123456');
  });

  it('counts microseconds over a second, and over a year', () => {
    expect(microsecondsAfter('2026-11-23 06:52:30.843528', 2)).toBe('2026-11-23 06:52:30.843530');
    expect(microsecondsAfter('2026-12-31 23:59:59.999999', 1)).toBe('2027-01-01 00:00:00.000000');
  });
});
