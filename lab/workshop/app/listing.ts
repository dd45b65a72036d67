// Turns fields, filters, order and page of a list request into one parameterised statement. Names are only ever taken from the table's own
// columns, so nothing a client writes reaches the SQL text.
import type { SqlValue } from './database/database.ts';
import { type Doctype, findDoctype } from './doctypes.ts';
import { parseJson, validationError } from './refusals.ts';

export interface ListRequest {
  readonly fields?: unknown;
  readonly filters?: unknown;
  readonly orFilters?: unknown;
  readonly orderBy?: unknown;
  readonly start?: unknown;
  readonly limit?: unknown;
}

export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** SQL types of the answered columns, by their name in the answer. */
  readonly types: ReadonlyMap<string, string>;
}

/** Frappe has no upper bound; here a list that would fill the memory ends. */
const rowsMax = 10_000;
const operators = new Set(['=', '!=', '<', '>', '<=', '>=', 'like', 'not like', 'in', 'not in', 'is', 'between']);

export function buildList(type: Doctype, request: ListRequest): Statement {
  const scope: Scope = { type, joined: new Set() };
  const types = new Map<string, string>();
  const columns = readFields(request.fields).map((field) => selectColumn(scope, field, types));
  const conditions = readFilters(request.filters).map((filter) => condition(scope, filter));
  const order = orderBy(scope, request.orderBy);
  const limit = wholeNumber(request.limit, 20);
  const joins = [...scope.joined].map(
    (child) => ` JOIN \`${child.table.name}\` ON \`${child.table.name}\`.parent = \`${type.table.name}\`.name`,
  );
  const where = conditions.length > 0 ? ` WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}` : '';
  const page = ` LIMIT ${limit === 0 ? rowsMax : Math.min(limit, rowsMax)} OFFSET ${wholeNumber(request.start, 0)}`;
  return {
    sql: `SELECT ${columns.join(', ')} FROM \`${type.table.name}\`${joins.join('')}${where}${order}${page}`,
    values: conditions.flatMap(({ values }) => values),
    types,
  };
}

export function buildCount(type: Doctype, filters: unknown): Statement {
  return buildList(type, { fields: ['count(name) as n'], filters, limit: 1 });
}

interface Scope {
  readonly type: Doctype;
  readonly joined: Set<Doctype>;
}

interface Filter {
  readonly doctype: string | undefined;
  readonly field: unknown;
  readonly operator: string;
  readonly value: unknown;
}

interface Condition {
  readonly sql: string;
  readonly values: SqlValue[];
}

function readFields(fields: unknown): string[] {
  const list = typeof fields === 'string' ? (fields.startsWith('[') ? parseJson(fields) : [fields]) : fields;
  if (list === undefined || list === null || list === '') return ['name'];
  if (!Array.isArray(list) || !list.every((field) => typeof field === 'string'))
    throw notPermittedField(String(fields));
  return list.length > 0 ? list : ['name'];
}

/** Frappe takes `[[field, operator, value]]`, the same with a doctype in front, and `{field: value}` or `{field: [operator, value]}`. */
export function readFilters(filters: unknown): Filter[] {
  const given = typeof filters === 'string' && filters !== '' ? parseJson(filters) : filters;
  if (given === undefined || given === null || given === '') return [];
  if (typeof given === 'string') return [{ doctype: undefined, field: 'name', operator: '=', value: given }];
  if (Array.isArray(given)) return given.map(readTriple);
  if (typeof given !== 'object') throw notPermittedField(String(given));
  return Object.entries(given).map(([field, wanted]) => {
    const [operator, value] = Array.isArray(wanted) ? wanted : ['=', wanted];
    return { doctype: undefined, field, operator: readOperator(operator), value };
  });
}

function readTriple(filter: unknown): Filter {
  if (!Array.isArray(filter)) throw notPermittedField(String(filter));
  if (filter.length >= 4)
    return { doctype: String(filter[0]), field: filter[1], operator: readOperator(filter[2]), value: filter[3] };
  const [field, operator, value] = filter.length === 2 ? [filter[0], '=', filter[1]] : filter;
  return { doctype: undefined, field, operator: readOperator(operator), value };
}

function readOperator(operator: unknown): string {
  const text = String(operator).toLowerCase();
  if (!operators.has(text)) throw validationError(`Operator must be one of ${[...operators].join(', ')}`);
  return text;
}

function condition(scope: Scope, filter: Filter): Condition {
  const { column } = columnOf(scope, filter.field, filter.doctype);
  const { operator, value } = filter;
  if (operator === 'is')
    return {
      sql: value === 'set' ? `(${column} IS NOT NULL AND ${column} != '')` : `(${column} IS NULL OR ${column} = '')`,
      values: [],
    };
  if (operator === 'in' || operator === 'not in') {
    const list = (Array.isArray(value) ? value : String(value).split(',')).map(scalar);
    return { sql: `${column} ${operator} (?)`, values: [list.length > 0 ? list : ['']] };
  }
  if (operator === 'between') {
    const [from, to] = Array.isArray(value) ? value : [];
    return { sql: `${column} BETWEEN ? AND ?`, values: [scalar(from), scalar(to)] };
  }
  if (value === null && operator === '=') return { sql: `${column} IS NULL`, values: [] };
  return { sql: `${column} ${operator} ?`, values: [scalar(value)] };
}

function scalar(value: unknown): string | number | null {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || value === undefined) return null;
  throw validationError('A filter takes plain values');
}

function selectColumn(scope: Scope, field: string, types: Map<string, string>): string {
  if (field === '*') {
    for (const { name, type } of scope.type.table.columns) types.set(name, type);
    return `\`${scope.type.table.name}\`.*`;
  }
  const count = /^count\((?:name|\*)\)(?:\s+as\s+(\w{1,40}))?$/i.exec(field);
  if (count) return `COUNT(*) AS \`${count[1] ?? 'count(name)'}\``;
  const [, plain = field, alias] = /^(.+?)\s+as\s+(\w{1,40})$/i.exec(field) ?? [];
  const { column, name, type } = columnOf(scope, plain, undefined);
  types.set(alias ?? name, type);
  return `${column} AS \`${alias ?? name}\``;
}

/** `name`, "`tabItem`.name" or "`tabItem Barcode`.barcode", checked against the columns there are. */
function columnOf(
  scope: Scope,
  field: unknown,
  doctype: string | undefined,
): { column: string; name: string; type: string } {
  const [, table, name = ''] = /^(?:`?(?:tab)?([^`.]+)`?\.)?`?(\w+)`?$/.exec(String(field)) ?? [];
  const wanted = doctype ?? table ?? scope.type.name;
  let type = scope.type;
  if (wanted !== scope.type.name) {
    const child = Object.values(scope.type.children).find((one) => one === findDoctype(wanted));
    if (!child) throw notPermittedField(String(field));
    scope.joined.add(child);
    type = child;
  }
  const column = type.table.columns.find((one) => one.name === name);
  if (!column) throw notPermittedField(String(field));
  return { column: `\`${type.table.name}\`.\`${name}\``, name, type: column.type };
}

function orderBy(scope: Scope, order: unknown): string {
  if (typeof order !== 'string' || order.trim() === '') return ` ORDER BY \`${scope.type.table.name}\`.name`;
  const parts = order.split(',').map((part) => {
    const [, field = part, direction = 'asc'] = /^(\S.*?)(?:\s+(asc|desc))?$/i.exec(part.trim()) ?? [];
    return `${columnOf(scope, field, undefined).column} ${direction}`;
  });
  return ` ORDER BY ${parts.join(', ')}`;
}

function wholeNumber(value: unknown, otherwise: number): number {
  const number = Math.trunc(Number(value ?? otherwise));
  return number >= 0 && number <= Number.MAX_SAFE_INTEGER ? number : otherwise;
}

function notPermittedField(field: string): Error {
  return validationError(`Field not permitted in query: ${field}`, { excType: 'DataError' });
}
