// What a client sent for a column, as the column takes it. Frappe is forgiving with numbers ("abc" is 0) and strict with lengths and dates.
import type { Column } from './database/schema.ts';
import { Refusal, thrown, validationError } from './refusals.ts';

const lengthMax = 140;
const wholeTypes = new Set(['int', 'bigint']);

export function toColumn(
  doctype: string,
  { name, type, default: otherwise }: Column,
  value: unknown,
): string | number | null {
  if (value === null || value === undefined || value === '') return typeof otherwise === 'number' ? otherwise : null;
  if (wholeTypes.has(type)) return Math.trunc(toNumber(value));
  if (type === 'decimal') return toNumber(value);
  if (type === 'datetime') return toDatetime(value);
  const text = toText(value);
  if (type === 'date') return toDatetime(text)?.slice(0, 10) ?? null;
  if (type === 'varchar' && text.length > lengthMax) throw tooLong(doctype, name, text);
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

function tooLong(doctype: string, field: string, text: string): Refusal {
  const message = `${doctype}: '<strong>${field}</strong>' (${text.slice(0, 40)}) will get truncated, as max characters allowed is ${lengthMax}`;
  return validationError(message, { excType: 'CharacterLengthExceededError', title: 'Value too big' });
}

function noDate(value: unknown): Refusal {
  const message = `${JSON.stringify(value)?.slice(0, 60)} is not a valid date`;
  return new Refusal({ status: 417, excType: 'ValidationError', text: message, messages: [thrown(message)] });
}
