// Documents of ledger.ndjson into the books of their Galera node: three for each write of a run. As lib/probes writes them they are read
// from their bytes; any other line is read by JSON.parse, whose word counts.
import type { FoundDocument } from '../model/evidence.ts';
import type { BooksBuilder, DocumentRow } from '../tables/books-table.ts';
import { documentRow } from '../tables/run-tables.ts';
import type { WriteTableBuilder } from '../tables/write-table.ts';
import { byteWords } from './byte-words.ts';
import { textOf } from './read-lines.ts';
import { bytesOf, endOfText, no, type ScannedNumber, scanNumber, scanPair, skip } from './scan.ts';

const start = bytesOf('{"kind":"document","document":{"node":"');
const roundKey = bytesOf('","round":');
const atKey = bytesOf(',"at":');
const markerKey = bytesOf(',"marker":"');
const nameKey = bytesOf('","name":"');
const docstatusKey = bytesOf('","docstatus":');
const linesKey = bytesOf(',"lines":[');
const lineEnd = bytesOf('}}');
const itemKey = bytesOf('{"item":"');

/** Whether a line begins as a document does: what is no document is read before. */
export const beginsAsDocument = (bytes: Uint8Array, from: number): boolean => skip(bytes, from, start) !== no;

/** Takes one document that begins so, as bytes; throws what is wrong with it. `parse` reads what is not as usual. */
export function documentScanner(
  books: BooksBuilder,
  writes: WriteTableBuilder,
  parse: (line: string) => FoundDocument,
): (bytes: Buffer, from: number, to: number) => void {
  const { texts, pool } = writes;
  const nodes: string[] = [];
  const nodeWords = byteWords((text) => nodes.push(text) - 1);
  const prefixWords = byteWords((text) => texts.code(text));
  const lineWords = byteWords((text) => lineCode(text));
  const number: ScannedNumber = { value: 0, end: 0 };
  const marker = { prefix: 0, number: 0 };
  const name = { prefix: 0, number: 0 };
  const codes: number[] = [];
  const row: { -readonly [Field in keyof DocumentRow]: DocumentRow[Field] } = {
    node: '',
    round: 0,
    prefix: 0,
    number: 0,
    name,
    docstatus: 0,
    lines: codes,
  };

  function lineCode(text: string): number {
    try {
      const { item, warehouse, qty, ...more } = JSON.parse(text) as Record<string, unknown>;
      if (typeof item !== 'string' || typeof warehouse !== 'string' || typeof qty !== 'number') return no;
      return Object.keys(more).length === 0 ? pool.code({ item, warehouse, qty }) : no;
    } catch {
      return no;
    }
  }

  /** The place behind the list. */
  function scanLines(bytes: Uint8Array, from: number, to: number): number {
    codes.length = 0;
    if (bytes[from] === 0x5d) return from + 1;
    for (let at = from; ; at++) {
      if (skip(bytes, at, itemKey) === no) return no;
      let ends = at;
      for (; bytes[ends] !== 0x7d; ends++) {
        const byte = bytes[ends] as number;
        if (ends >= to || byte < 0x20 || byte > 0x7e || byte === 0x5c) return no;
      }
      const code = lineWords.code(bytes, at, ends + 1);
      if (code === no) return no;
      codes.push(code);
      at = ends + 1;
      if (bytes[at] === 0x5d) return at + 1;
      if (bytes[at] !== 0x2c) return no;
    }
  }

  /** True when it took the line. */
  function scanned(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from + start.length;
    const nodeEnds = endOfText(bytes, at, to);
    if (nodeEnds === no) return false;
    row.node = nodes[nodeWords.code(bytes, at, nodeEnds)] as string;
    at = skip(bytes, nodeEnds, roundKey);
    if (at === no || !scanNumber(bytes, at, number)) return false;
    row.round = number.value;
    at = skip(bytes, number.end, atKey);
    if (at === no || !scanNumber(bytes, at, number)) return false;
    at = skip(bytes, number.end, markerKey);
    if (at === no) return false;
    const markerEnds = endOfText(bytes, at, to);
    if (markerEnds === no) return false;
    scanPair(bytes, at, markerEnds, prefixWords.code, marker);
    row.prefix = marker.prefix;
    row.number = marker.number;
    at = skip(bytes, markerEnds, nameKey);
    if (at === no) return false;
    const nameEnds = endOfText(bytes, at, to);
    if (nameEnds === no) return false;
    scanPair(bytes, at, nameEnds, prefixWords.code, name);
    at = skip(bytes, nameEnds, docstatusKey);
    if (at === no || !scanNumber(bytes, at, number)) return false;
    row.docstatus = number.value;
    at = skip(bytes, number.end, linesKey);
    if (at === no) return false;
    at = scanLines(bytes, at, to);
    if (at === no || skip(bytes, at, lineEnd) !== to) return false;
    books.document(row);
    return true;
  }

  return (bytes, from, to) => {
    if (scanned(bytes, from, to)) return;
    books.document(documentRow(writes, parse(textOf(bytes, from, to))));
  };
}
