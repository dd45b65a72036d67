import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import type { Drop, Operation, Write } from '../model/evidence.ts';
import { type SampleTables, sampleTablesBuilder } from '../tables/run-tables.ts';
import { parseSample } from './samples.ts';
import { sampleScanner } from './scan-samples.ts';

const scan =
  '{"metric":"operation","type":"Point","data":{"time":"2026-11-23T19:31:28.714295326Z","value":106,"tags":{"journey":"barcode-lookup","outcome":"good","scenario":"barcode-lookup"},"metadata":{"run":"r1-01","sentAt":"1795462288608","status":"200"}}}';
const write =
  '{"metric":"operation","type":"Point","data":{"time":"2026-11-23T19:31:28.753657200Z","value":173.25,"tags":{"journey":"goods-receipt","outcome":"bad","scenario":"goods-receipt"},"metadata":{"document":"MAT-STE-2026-02803","excType":"X","lines":"[[\\"ITEM-0002\\",\\"Stores - WP\\",11],[\\"ITEM-0007\\",\\"Stores - WP\\",-0.5]]","marker":"r1-01-receipt-0","run":"r1-01","sentAt":"1795462288580","status":"200","write":"acknowledged"}}}';
const sent = write
  .replace('"operation"', '"write_sent"')
  .replace('"outcome":"bad",', '')
  .replace('"document":"MAT-STE-2026-02803",', '')
  .replace(',"write":"acknowledged"', '')
  .replace('receipt-0', 'receipt-12');
const drop =
  '{"metric":"dropped_iterations","type":"Point","data":{"time":"2026-11-23T01:30:00.5Z","value":3,"tags":{"scenario":"goods-receipt"}}}';

/** What the tables say, in full. */
function contents({ operations, drops, writes }: SampleTables) {
  const all: string[] = [];
  for (const { count, sentAt, durationMs, code } of operations.inOrder())
    for (let row = 0; row < count; row++) all.push(`${sentAt[row]} ${durationMs[row]} ${code[row]}`);
  const markers: unknown[] = [];
  writes.each((row, prefix, number) => {
    const marker = writes.texts.textOf(prefix, number);
    const requests: string[] = [];
    writes.eachRequest(row, (...request) => requests.push(request.join()));
    markers.push({ write: writes.write(row, marker), requests });
  });
  const texts = (some: readonly unknown[]) => some.map((one) => JSON.stringify(one)).sort();
  return { operations: all.sort(), drops, markers: texts(markers) };
}

type Answer = ReturnType<typeof contents> & { readonly errors: number };

function byBytes(lines: readonly string[]): Answer {
  const tables = sampleTablesBuilder();
  const take = sampleScanner(tables);
  let errors = 0;
  for (const line of lines) {
    // Something else before and behind it: a scanner must not look beyond its line.
    const bytes = Buffer.from(`}}}\n${line}\n{"metric"`);
    try {
      take(bytes, 4, bytes.length - 10);
    } catch {
      errors += 1;
    }
  }
  return { ...contents(tables.done()), errors };
}

/** As JSON.parse has it. */
function byObjects(lines: readonly string[]): Answer {
  const tables = sampleTablesBuilder();
  let errors = 0;
  for (const line of lines) {
    const sample = parseSample(line);
    if (sample?.kind === 'unreadable') errors += 1;
    if (sample?.kind === 'operation') tables.operation(sample.operation as Operation);
    if (sample?.kind === 'write-sent') tables.sent(sample.operation as Operation & { write: Write });
    if (sample?.kind === 'drop') tables.drop(sample.drop as Drop);
  }
  return { ...contents(tables.done()), errors };
}

const same = (...lines: readonly string[]) => expect(byBytes(lines)).toEqual(byObjects(lines));

test('lines as k6 writes them are read from their bytes as JSON.parse reads them', () => {
  same(scan, write, sent, drop);
  const { markers, operations, errors } = byBytes([scan, write, sent, drop]);
  expect(errors).toBe(0);
  // The write that was only sent is an operation without an end.
  expect(operations).toHaveLength(3);
  expect(markers[0]).toContain('MAT-STE-2026-02803');
});

test.each([
  ['a letter that is not ASCII', scan.replace('r1-01', 'rü')],
  ['an escape', write.replace('Stores - WP', 'Stores \\\\u0026 more')],
  ['an escaped letter', scan.replace('barcode-lookup","outcome', '\\u0062arcode-lookup","outcome')],
  ['keys in another order', scan.replace('"type":"Point",', '').replace('{"metric"', '{"type":"Point","metric"')],
  ['metadata in another order', scan.replace('"run":"r1-01",', '').replace('"200"', '"200","run":"r1-01"')],
  ['a key twice', scan.replace('"status":"200"', '"status":"500","status":"0"')],
  ['a key that nobody knows', scan.replace('"run"', '"vu":"3","run"')],
  ['an exponent', scan.replace('106', '1.06e2')],
  ['a number as a number', scan.replace('"1795462288608"', '1795462288608.125')],
  ['a fraction', scan.replace('106', '0.1')],
  ['more digits than are exact', scan.replace('106', '106.12345678901234567')],
  ['a leading zero', scan.replace('106', '0106')],
  ['a leading zero in text', scan.replace('"200"', '"0200"')],
  ['a point without digits', scan.replace('106', '106.')],
  ['minus zero', scan.replace('106', '-0')],
  ['a negative duration', scan.replace('106', '-1')],
  ['white space', scan.replaceAll(',', ', ')],
  ['a blank line', '  '],
  ['a declaration', '{"type":"Metric","metric":"operation","data":{"type":"trend"}}'],
  ['half a line', write.slice(0, 150)],
  ['a line and a half', `${scan}${scan.slice(0, 40)}`],
  ['a line within another', `${write.slice(0, 120)}${scan}${write.slice(120)}`],
  ['a NUL byte', scan.replace('r1-01', 'r1\0')],
  ['another journey', scan.replace('"journey":"barcode-lookup"', '"journey":"coffee"')],
  ['no outcome', scan.replace('"outcome":"good",', '')],
  ['a write outcome that nobody knows', write.replace('acknowledged', 'probably')],
  ['a write without an outcome', write.replace(',"write":"acknowledged"', '')],
  ['lines that are none', write.replace('[[\\"ITEM-0002\\"', '[[7')],
  ['lines that hold more', write.replace(',11]', ',11,12]')],
  ['no lines', write.replace(/"lines":"[^,]*.*?\]\]",/, '"lines":"[]",')],
  ['empty lines', write.replace(/"lines":".*?\]\]",/, '"lines":"",')],
  ['a bracket in a name', write.replace('ITEM-0002', 'ITEM]0002')],
  ['an empty marker', write.replace('r1-01-receipt-0', '')],
  ['a marker without a number', write.replace('r1-01-receipt-0', 'lost')],
  ['a marker of many digits', write.replace('receipt-0', 'receipt-00012345678901234567')],
  ['no time of sending', scan.replace('"sentAt":"1795462288608",', '')],
  ['a cancelling', write.replace('{"document"', '{"cancelled":"unknown","document"')],
  ['a cancelling that nobody knows', write.replace('{"document"', '{"cancelled":"perhaps","document"')],
])('%s means what it means to JSON.parse', (_, line) => same(line, line.replace('r1-01-receipt-0', 'r1-01-receipt-1')));

test('lines spoilt in any place mean what they mean to JSON.parse', () => {
  const random = chance(5);
  const pick = (some: string) => some[Math.floor(random() * some.length)] ?? '';
  const lines = Array.from({ length: 3_000 }, (_, index) => {
    const line = ([scan, write, sent, drop][index % 4] as string).replace(/receipt-\d+/, `receipt-${index % 700}`);
    const at = Math.floor(random() * line.length);
    const how = random();
    if (how < 0.3) return line.slice(0, at) + pick('"\\{}[]:,.0-e\u0001é ') + line.slice(at + 1);
    if (how < 0.5) return line.slice(0, at) + line.slice(at + 1 + Math.floor(4 * random()));
    if (how < 0.6) return line.slice(0, at) + line.slice(Math.floor(random() * line.length));
    return line;
  });
  const answer = byBytes(lines);
  expect(answer).toEqual(byObjects(lines));
  expect(answer.errors).toBeGreaterThan(500);
  expect(answer.operations.length).toBeGreaterThan(500);
});

test('the order of lines decides nothing, also where several requests share a marker', () => {
  const at = (line: string, ms: number) => line.replace(/17954622885\d\d/, String(1795462288500 + ms));
  const lines = [
    scan,
    write,
    at(write, 90).replace('"acknowledged"', '"refused"'),
    at(write, 90).replace('"acknowledged"', '"unknown"'),
    sent.replace('receipt-12', 'receipt-0'),
    at(sent, 95).replace('receipt-12', 'receipt-0'),
    at(sent, 20).replace('receipt-12', 'receipt-0'),
    at(sent, 99).replace('receipt-12', 'receipt-0'),
    sent,
    drop,
  ];
  const random = chance(9);
  for (let round = 0; round < 40; round++) {
    const shuffled = lines.map((line) => ({ line, by: random() })).sort((a, b) => a.by - b.by);
    expect(byBytes(shuffled.map(({ line }) => line))).toEqual(byBytes(lines));
  }
});

/** mulberry32 */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
