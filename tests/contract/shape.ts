// The shape of a body: every key with the type of its value, sorted, one line each. Two bodies of one shape differ only in values.
// What Frappe hides in strings (`_server_messages` is JSON in JSON) is looked into, so that a missing key in there shows as well.

export type Shape = readonly string[];

/** `['html']` for anything that is not JSON. */
export function shapeOf(body: unknown): string[] {
  if (typeof body === 'string') return ['html'];
  const lines = new Set<string>();
  collect('', body, lines);
  return [...lines].sort();
}

/** What is missing and what is too much, in words; empty when the shapes are the same. */
export function shapeDifferences(expected: Shape, seen: Shape): string[] {
  const missing = expected.filter((line) => !seen.includes(line)).map((line) => `missing ${line}`);
  const surplus = seen.filter((line) => !expected.includes(line)).map((line) => `not expected ${line}`);
  return [...missing, ...surplus];
}

function collect(path: string, value: unknown, lines: Set<string>): void {
  if (path === '_server_messages' && typeof value === 'string') {
    for (const message of JSON.parse(value) as string[]) collect(`${path}[]`, JSON.parse(message), lines);
    return;
  }
  if (Array.isArray(value)) {
    if (value.length === 0) lines.add(`${path}: empty list`);
    for (const entry of value) collect(`${path}[]`, entry, lines);
    return;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([key]) => key !== '__frappe_exc_id');
    if (entries.length === 0) lines.add(`${path}: empty object`);
    for (const [key, inner] of entries) collect(path === '' ? key : `${path}.${key}`, inner, lines);
    return;
  }
  lines.add(`${path}: ${value === null ? 'null' : typeof value}`);
}
