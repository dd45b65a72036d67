import { describe, expect, it } from 'vitest';
import { Refusal } from './refusals.ts';
import { planReconciliation } from './stock-reconciliation-plan.ts';

const item = {
  name: 'ITEM-1',
  itemName: 'ITEM-1',
  description: '',
  group: 'Products',
  uom: 'Nos',
  rate: 10,
  disabled: false,
  stocked: true,
  barcode: null,
};
const facts = {
  items: new Map([
    ['ITEM-1', item],
    ['OLD', { ...item, name: 'OLD', disabled: true }],
  ]),
  warehouses: new Set(['Stores']),
};
const row = { item_code: 'ITEM-1', warehouse: 'Stores', qty: 5 };
const plan = (items: readonly object[], more: object = {}) => planReconciliation({ items, ...more }, facts);
const refusal = (items: readonly object[], more: object = {}) => {
  try {
    plan(items, more);
  } catch (error) {
    return error instanceof Refusal ? error.fields : error;
  }
  return undefined;
};

describe('a count of stock', () => {
  it('is taken as it was sent, what was not said staying open', () => {
    expect(plan([row])).toMatchObject([{ itemCode: 'ITEM-1', warehouse: 'Stores', qty: 5, rate: undefined }]);
    expect(plan([{ ...row, qty: null, valuation_rate: '7.5' }])).toMatchObject([{ qty: undefined, rate: 7.5 }]);
    expect(plan([{ ...row, qty: 0 }])).toMatchObject([{ qty: 0 }]);
  });

  it('is refused with all its wrong numbers at once', () => {
    expect(
      refusal([
        { ...row, qty: -1 },
        { ...row, qty: '' },
        { ...row, valuation_rate: -2 },
      ]),
    ).toMatchObject({
      excType: 'ValidationError',
      text: "['Row # 1: Negative Quantity is not allowed', 'Row # 2: Please specify either Quantity or Valuation Rate or both', 'Row # 3: Negative Valuation Rate is not allowed']",
    });
  });

  it.each([
    ['an empty one', [], 'MandatoryError'],
    ['the same bin twice', [row, row], 'ValidationError'],
    ['an item that is none', [{ ...row, item_code: 'NONE' }], 'ValidationError'],
    ['an item out of use', [{ ...row, item_code: 'OLD' }], 'ValidationError'],
    ['a warehouse that is none', [{ ...row, warehouse: 'Moon' }], 'LinkValidationError'],
    ['half a part', [{ ...row, qty: 1.5 }], 'UOMMustBeIntegerError'],
    ['more than the ledger holds', [{ ...row, qty: 1e12 }], 'DataError'],
  ])('is refused: %s', (_what, items, excType) => {
    expect(refusal(items)).toMatchObject({ excType });
  });

  it('is for now, and for one purpose', () => {
    expect(refusal([row], { set_posting_time: 1 })).toMatchObject({ excType: 'NotInWorkshop' });
    expect(refusal([row], { purpose: 'Opening Stock' })).toMatchObject({ excType: 'NotInWorkshop' });
  });
});
