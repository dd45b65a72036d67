import { describe, expect, it } from 'vitest';
import { findDoctype } from './doctypes.ts';
import { buildCount, buildList } from './listing.ts';
import { Refusal } from './refusals.ts';

const item = findDoctype('Item') ?? expect.fail('Item is not known');

describe('a list request', () => {
  it('asks for names, twenty of them, when nothing is said', () => {
    expect(buildList(item, {}).sql).toBe(
      'SELECT `tabItem`.`name` AS `name` FROM `tabItem` ORDER BY `tabItem`.name LIMIT 20 OFFSET 0',
    );
  });

  it('takes filters as lists, as lists with a doctype, and as an object', () => {
    const lists = buildList(item, { filters: '[["disabled", "=", 0], ["Item", "name", "like", "ITEM-00%"]]' });
    const object = buildList(item, { filters: { disabled: 0, name: ['like', 'ITEM-00%'] } });
    expect(lists.sql).toBe(object.sql);
    expect(lists.values).toEqual([0, 'ITEM-00%']);
    expect(lists.sql).toContain('WHERE `tabItem`.`disabled` = ? AND `tabItem`.`name` like ?');
  });

  it('joins a child table that a filter or a field speaks of', () => {
    const { sql, values } = buildList(item, {
      fields: '["name", "`tabItem Barcode`.barcode"]',
      filters: [['Item Barcode', 'barcode', '=', 'BC0000000009']],
    });
    expect(sql).toContain('JOIN `tabItem Barcode` ON `tabItem Barcode`.parent = `tabItem`.name');
    expect(values).toEqual(['BC0000000009']);
  });

  it('orders and pages', () => {
    const { sql } = buildList(item, { orderBy: 'modified desc, `tabItem`.`name` asc', start: '5', limit: '7' });
    expect(sql).toContain('ORDER BY `tabItem`.`modified` desc, `tabItem`.`name` asc LIMIT 7 OFFSET 5');
  });

  it('counts', () => {
    expect(buildCount(item, { disabled: 0 }).sql).toContain('SELECT COUNT(*) AS `n` FROM `tabItem` WHERE');
  });

  it('never lets a name from outside into the statement', () => {
    const evil = '1) OR SLEEP(9) -- ';
    for (const request of [
      { fields: [evil] },
      { fields: ['name as `x`, password'] },
      { filters: [[evil, '=', 1]] },
      { filters: { [evil]: 1 } },
      { filters: [['name', evil, 1]] },
      { filters: [['User', 'name', '=', 'x']] },
      { fields: ['`tab__Auth`.password'] },
      { orderBy: `name ${evil}` },
      { orderBy: 'name; DROP TABLE tabItem' },
    ])
      expect(() => buildList(item, request), JSON.stringify(request)).toThrow(Refusal);
    expect(buildList(item, { filters: [['name', '=', evil]] }).sql).not.toContain('SLEEP');
    expect(buildList(item, { limit: evil, start: evil }).sql).toContain('LIMIT 20 OFFSET 0');
  });

  it('refuses an unknown field as Frappe does, and filter values that are no plain values', () => {
    expect(() => buildList(item, { fields: ['no_such_col'] })).toThrow(
      'DataError: Field not permitted in query: no_such_col',
    );
    expect(() => buildList(item, { filters: { name: { a: 1 } } })).toThrow(Refusal);
    expect(() => buildList(item, { fields: '[oops' })).toThrow('JSONDecodeError');
  });
});
