// samples.ndjson into columns. k6 writes its points in few shapes, so that nearly every line is read from its bytes; any other one is read
// by JSON.parse and lib/evidence/samples.ts, whose word counts.

import { journeys } from '../model/claim.ts';
import { answeredBit, goodBit, writeBit } from '../tables/operation-table.ts';
import type { SampleTablesBuilder } from '../tables/run-tables.ts';
import { cancelledCode, outcomeCode, type WriteRow } from '../tables/write-table.ts';
import { byteWords } from './byte-words.ts';
import { textOf } from './read-lines.ts';
import { parseSample, sampleMetrics } from './samples.ts';
import { bytesOf, endOfText, no, type ScannedNumber, scanNumber, scanPair, skip } from './scan.ts';

const pointOf = (metric: string) => bytesOf(`{"metric":"${metric}","type":"Point","data":{"time":"`);
const operationStart = pointOf(sampleMetrics.operation);
const sentStart = pointOf(sampleMetrics.writeSent);
const valueKey = bytesOf('","value":');
const journeyKey = bytesOf(',"tags":{"journey":"');
const goodKey = bytesOf('","outcome":"good"');
const badKey = bytesOf('","outcome":"bad"');
const scenarioKey = bytesOf(',"scenario":"');
const metadataKey = bytesOf('},"metadata":{');
const keyEnd = bytesOf('":"');
const lineEnd = bytesOf('}}}');

const keys = [
  'cancelled',
  'document',
  'error',
  'excType',
  'exchanges',
  'lines',
  'marker',
  'run',
  'sentAt',
  'status',
  'technician',
  'user',
  'virtualUser',
  'write',
] as const;
type Key = (typeof keys)[number];

const unknown = outcomeCode('unknown');

/** Takes one line, as bytes; throws what is wrong with it. */
export function sampleScanner(tables: SampleTablesBuilder): (bytes: Buffer, from: number, to: number) => void {
  const { texts, pool } = tables.writes;
  const journeyWords = byteWords((text) => journeys.indexOf(text as (typeof journeys)[number]));
  const keyWords = byteWords((text) => keys.indexOf(text as Key));
  const outcomeWords = byteWords((text) => Math.max(0, outcomeCode(text as 'unknown')));
  const cancelledWords = byteWords((text) => cancelledCode(text as 'unknown'));
  const prefixWords = byteWords((text) => texts.code(text));
  const lineWords = byteWords((text) => lineCode(text));

  // What was read of the line at hand; one object each for all lines, for there are ten million.
  const number: ScannedNumber = { value: 0, end: 0 };
  const marker = { prefix: 0, number: 0 };
  const document = { prefix: 0, number: 0 };
  const codes: number[] = [];
  const write: { -readonly [Field in keyof WriteRow]: WriteRow[Field] } = {
    prefix: 0,
    number: 0,
    journey: 0,
    sentAt: 0,
    durationMs: 0,
    outcome: 0,
    cancelled: 0,
    document: undefined,
    lines: 0,
  };

  /** `\"ITEM-0001\",\"Stores - WP\",-2`, as it stands inside of the metadata; no when it is anything else. */
  function lineCode(escaped: string): number {
    try {
      const [item, warehouse, qty, ...more] = JSON.parse(`[${escaped.replaceAll('\\"', '"')}]`) as unknown[];
      if (typeof item !== 'string' || typeof warehouse !== 'string' || typeof qty !== 'number') return no;
      return more.length === 0 ? pool.code({ item, warehouse, qty }) : no;
    } catch {
      return no;
    }
  }

  /** `[[…],[…]]`; the place of the quotation mark behind it. */
  function scanLines(bytes: Uint8Array, from: number, to: number): number {
    codes.length = 0;
    if (bytes[from] !== 0x5b) return no;
    let at = from + 1;
    if (bytes[at] === 0x5d) return bytes[at + 1] === 0x22 ? at + 1 : no;
    for (;;) {
      if (bytes[at] !== 0x5b) return no;
      const begins = at + 1;
      at = endOfLine(bytes, begins, to);
      if (at === no) return no;
      const code = lineWords.code(bytes, begins, at);
      if (code === no) return no;
      codes.push(code);
      at += 1;
      if (bytes[at] === 0x2c) at += 1;
      else if (bytes[at] === 0x5d && bytes[at + 1] === 0x22) return at + 1;
      else return no;
    }
  }

  /** The place of the bracket that ends it; of escapes there is none but that of a quotation mark. */
  function endOfLine(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (byte === 0x5d) return at;
      if (byte < 0x20 || byte > 0x7e || byte === 0x22) return no;
      if (byte === 0x5c) {
        at += 1;
        if (bytes[at] !== 0x22) return no;
      }
    }
    return no;
  }

  /** True when it took the line. */
  function scanned(bytes: Uint8Array, from: number, to: number): boolean {
    let at = skip(bytes, from, operationStart);
    const isOperation = at !== no;
    if (!isOperation) at = skip(bytes, from, sentStart);
    if (at === no) return false;
    at = endOfText(bytes, at, to);
    if (at === no) return false;
    at = skip(bytes, at, valueKey);
    if (at === no || !scanNumber(bytes, at, number) || number.value < 0) return false;
    const durationMs = isOperation ? number.value : Number.NaN;
    at = skip(bytes, number.end, journeyKey);
    if (at === no) return false;
    const journeyEnds = endOfText(bytes, at, to);
    if (journeyEnds === no) return false;
    const journey = journeyWords.code(bytes, at, journeyEnds);
    if (journey === no) return false;
    at = journeyEnds;
    let code = journey;
    if (isOperation) {
      at = skip(bytes, journeyEnds, goodKey);
      if (at !== no) code |= goodBit;
      else at = skip(bytes, journeyEnds, badKey);
      if (at === no) return false;
    } else at += 1;
    at = skip(bytes, at, scenarioKey);
    if (at === no) return false;
    at = endOfText(bytes, at, to);
    if (at === no) return false;
    at = skip(bytes, at + 1, metadataKey);
    if (at === no) return false;

    let [sentAt, status, technician, outcome, cancelled] = [Number.NaN, Number.NaN, Number.NaN, 0, 0];
    let [hasMarker, hasDocument, hasLines] = [false, false, false];
    for (;;) {
      if (bytes[at] !== 0x22) return false;
      const keyEnds = endOfText(bytes, at + 1, to);
      if (keyEnds === no) return false;
      const key = keys[keyWords.code(bytes, at + 1, keyEnds)];
      const begins = skip(bytes, keyEnds, keyEnd);
      if (key === undefined || begins === no) return false;
      if (key === 'lines') {
        if (hasLines) return false;
        at = scanLines(bytes, begins, to);
        if (at === no) return false;
        hasLines = true;
      } else {
        at = endOfText(bytes, begins, to);
        if (at === no) return false;
        if (key === 'sentAt' || key === 'status' || key === 'technician') {
          if (!scanNumber(bytes, begins, number) || number.end !== at) return false;
          if (key === 'sentAt') sentAt = number.value;
          else if (key === 'status') status = number.value;
          else if (number.value < 0) return false;
          else technician = number.value;
        } else if (key === 'marker') {
          scanPair(bytes, begins, at, prefixWords.code, marker);
          hasMarker = at > begins;
        } else if (key === 'document') {
          scanPair(bytes, begins, at, prefixWords.code, document);
          hasDocument = at > begins;
        } else if (key === 'write') {
          outcome = outcomeWords.code(bytes, begins, at);
          if (outcome === 0) return false;
        } else if (key === 'cancelled') {
          cancelled = cancelledWords.code(bytes, begins, at);
          if (cancelled === no) return false;
        }
      }
      at += 1;
      if (bytes[at] !== 0x2c) break;
      at += 1;
    }
    if (skip(bytes, at, lineEnd) !== to || Number.isNaN(sentAt)) return false;

    if (!hasMarker) {
      if (!isOperation || Number.isNaN(status)) return false;
      tables.operationRow(sentAt, durationMs, code | (status > 0 ? answeredBit : 0), technician, undefined);
      return true;
    }
    write.prefix = marker.prefix;
    write.number = marker.number;
    write.journey = journey;
    write.sentAt = sentAt;
    write.durationMs = durationMs;
    write.cancelled = cancelled;
    if (isOperation) {
      if (outcome === 0 || Number.isNaN(status)) return false;
      write.outcome = outcome;
      write.document = hasDocument ? document : undefined;
      write.lines = hasLines ? pool.keep(codes) : 0;
      tables.operationRow(sentAt, durationMs, code | writeBit | (status > 0 ? answeredBit : 0), technician, write);
    } else {
      write.outcome = unknown;
      write.document = undefined;
      write.lines = hasLines ? pool.keep(codes) : 0;
      tables.sentRow(write);
    }
    return true;
  }

  return (bytes, from, to) => {
    if (scanned(bytes, from, to)) return;
    const sample = parseSample(textOf(bytes, from, to));
    switch (sample?.kind) {
      case 'unreadable':
        throw new Error(sample.what);
      case 'operation':
        return tables.operation(sample.operation);
      case 'write-sent':
        return tables.sent(sample.operation);
      case 'drop':
        return tables.drop(sample.drop);
    }
  };
}
