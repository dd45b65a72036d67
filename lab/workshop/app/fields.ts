// What a client sent for a column, as the column takes it. Frappe is forgiving with numbers ("abc" is 0) and strict with lengths and dates.
import type { Column } from './database/schema.ts';
import { outOfRange, Refusal, thrown, tooLong } from './refusals.ts';

const lengthMax = 140;
/** Up to here the ledger's sums are exact. */
export const numberMax = 1e9;
const wholeTypes = new Set(['int', 'bigint']);

export function toColumn({ name, type, default: otherwise }: Column, value: unknown): string | number | null {
  if (value === null || value === undefined || value === '') return typeof otherwise === 'number' ? otherwise : null;
  if (wholeTypes.has(type) || type === 'decimal') {
    const number = toNumber(value);
    if (Math.abs(number) > numberMax) throw outOfRange(name);
    return type === 'decimal' ? number : Math.trunc(number);
  }
  if (type === 'datetime') return toDatetime(value);
  const text = toText(value);
  if (type === 'date') return toDatetime(text)?.slice(0, 10) ?? null;
  if (type === 'varchar' && text.length > lengthMax) throw tooLong(name);
  return text;
}

/** Frappe's flt: what is no number is nothing. */
export function toNumber(value: unknown): number {
  const number = typeof value === 'boolean' ? Number(value) : Number.parseFloat(String(value).replaceAll(',', ''));
  return Number.isFinite(number) ? number : 0;
}

/** `2026-11-23`, with a time of day or without, as MariaDB shows it. */
export function toDatetime(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null;
  const found = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d?:\d\d(?::\d\d)?)(\.\d{1,6})?)?$/.exec(String(value));
  const [, day = '', time = '00:00:00', fraction = ''] = found ?? [];
  const clock = time.length < 6 ? `${time}:00` : time;
  const padded = clock.padStart(8, '0');
  if (!found || Number.isNaN(Date.parse(`${day}T${padded}Z`))) throw noDate(value);
  return `${day} ${padded}${fraction.padEnd(fraction ? 7 : 0, '0')}`;
}

function toText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function noDate(value: unknown): Refusal {
  const message = `${JSON.stringify(value)?.slice(0, 60)} is not a valid date`;
  return new Refusal({ status: 417, excType: 'ValidationError', text: message, messages: [thrown(message)] });
}
