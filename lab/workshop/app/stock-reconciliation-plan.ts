// From what a client sent to the rows of a Stock Reconciliation: the checks, in the order in which ERPNext was seen to refuse.
import { numberMax } from './fields.ts';
import type { BinKey } from './ledger.ts';
import { binKey } from './ledger.ts';
import { newRowName } from './naming.ts';
import { missingFields, notInWorkshop, outOfRange, thrown, validationError } from './refusals.ts';
import { type Facts, type Fields, type Item, itemRows } from './stock-entry-plan.ts';
import { company } from './workshop.ts';

const doctype = 'Stock Reconciliation';

export interface CountedRow extends BinKey {
  readonly name: string;
  readonly item: Item;
  readonly barcode: string | null;
  /** What was not said stays as it is. */
  readonly qty: number | undefined;
  readonly rate: number | undefined;
}

export function planReconciliation(given: Fields, facts: Facts): CountedRow[] {
  const rows = itemRows(given);
  if (rows.length === 0)
    throw missingFields('new-stock-reconciliation', [{ name: 'items', says: 'Data missing in table: Items' }], doctype);
  if (given.purpose !== undefined && given.purpose !== doctype)
    throw notInWorkshop(`The purpose ${String(given.purpose)}`);
  if (given.company !== undefined && given.company !== company) throw linkError(`Company: ${String(given.company)}`);
  if (Number(given.set_posting_time)) throw notInWorkshop('A posting time of its own (set_posting_time)');
  checkNumbers(rows);
  const seen = new Set<string>();
  return rows.map((row, index) => {
    const planned = planRow(row, index + 1, facts);
    if (seen.has(binKey(planned)))
      throw rowErrors([`Row # ${index + 1}: Same item and warehouse combination already entered.`]);
    seen.add(binKey(planned));
    return planned;
  });
}

/** All rows at once: ERPNext collects these. */
function checkNumbers(rows: readonly Fields[]): void {
  const wrong = rows.flatMap((row, index) => {
    const [qty, rate] = [numberIn(row.qty), numberIn(row.valuation_rate)];
    if (qty === undefined && rate === undefined)
      return [`Row # ${index + 1}: Please specify either Quantity or Valuation Rate or both`];
    if ((qty ?? 0) < 0) return [`Row # ${index + 1}: Negative Quantity is not allowed`];
    return (rate ?? 0) < 0 ? [`Row # ${index + 1}: Negative Valuation Rate is not allowed`] : [];
  });
  if (wrong.length > 0) throw rowErrors(wrong);
}

function planRow(row: Fields, number: number, facts: Facts): CountedRow {
  const code = String(row.item_code ?? '');
  const warehouse = String(row.warehouse ?? '');
  const item = facts.items.get(code);
  const fromErpnext = true;
  if (!item?.stocked) throw validationError(`${code} is not a stock Item`, { fromErpnext });
  if (item.disabled)
    throw validationError(`Item ${code} is not active or end of life has been reached`, { fromErpnext });
  if (!facts.warehouses.has(warehouse)) throw linkError(`Row #${number}: Warehouse: ${warehouse}`);
  const [qty, rate] = [numberIn(row.qty), numberIn(row.valuation_rate)];
  if ((qty ?? 0) > numberMax) throw outOfRange('qty');
  if ((rate ?? 0) > numberMax) throw outOfRange('valuation_rate');
  if (qty !== undefined && !Number.isInteger(qty))
    throw validationError(
      `Row ${number}: Quantity (${qty}) cannot be a fraction. To allow this, disable '<strong>Must be Whole Number</strong>' in UOM <strong>${item.uom}</strong>.`,
      { fromErpnext, excType: 'UOMMustBeIntegerError', module: 'erpnext.utilities.transaction_base' },
    );
  const barcode = typeof row.barcode === 'string' && row.barcode !== '' ? row.barcode.slice(0, 140) : null;
  return { name: newRowName(), item, itemCode: code, warehouse, barcode, qty, rate };
}

function rowErrors(texts: readonly string[]): Error {
  return validationError(`[${texts.map((text) => `'${text}'`).join(', ')}]`, {
    fromErpnext: true,
    messages: texts.map((message) => ({ message, title: 'Message' })),
  });
}

function linkError(what: string): Error {
  const message = `Could not find ${what}`;
  return validationError(message, { excType: 'LinkValidationError', messages: [thrown(message)] });
}

function numberIn(value: unknown): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : 0;
}
