// A run folder of any size: what k6 and the ledger reader would have written, as they write it. Every acknowledged write is on each
// Galera node as it was sent, and the books balance, so that whatever a judge says of it can be told beforehand.
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Claim } from '../../lib/model/claim.ts';
import { runFiles } from '../../lib/model/run-folder.ts';
import { controlClaim, evidenceOf, nodes, start } from '../fixtures/evidence.ts';

export interface SyntheticRun {
  readonly scans: number;
  readonly writes: number;
  readonly perSecond: number;
}

const runId = 'rsynthetic-01';
const warehouse = 'Stores - WP';
const items = 500;

const claim = (): Claim =>
  controlClaim({ objectives: controlClaim().objectives.filter(({ source }) => source === 'k6') });

/** In the order of the answers, as k6 tells them; five in six operations only look something up when scans and writes are 5 : 1. */
export async function writeSyntheticRun(folder: string, { scans, writes, perSecond }: SyntheticRun): Promise<void> {
  await mkdir(folder, { recursive: true });
  const all = scans + writes;
  const beganAt = start + 10_000;
  const endedAt = beganAt + (all / perSecond) * 1000 + 5_000;
  await writeFile(join(folder, runFiles.claim), JSON.stringify(claim()));
  await writeFile(join(folder, runFiles.prometheus), '');
  await writeFile(join(folder, runFiles.journal), journal(endedAt, scans / all, perSecond));

  const samples = appender(join(folder, runFiles.samples));
  const random = chance(11);
  const moved = new Float64Array(items + 1);
  const waiting: { readonly at: number; readonly line: string }[] = [];
  let write = 0;
  for (let index = 0; index < all; index++) {
    const sentAt = Math.round(beganAt + (index / perSecond) * 1000);
    while (waiting.length > 0 && (waiting[0] as { at: number }).at <= sentAt)
      await samples.line((waiting.shift() as { line: string }).line);
    const durationMs = Math.round(8 + 180 * random() ** 4);
    const at = sentAt + durationMs;
    const isWrite = Math.floor(((index + 1) * writes) / all) > Math.floor((index * writes) / all);
    let line: string;
    if (isWrite) {
      const rows = rowsOf(write);
      for (const [item, qty] of rows) moved[item] = (moved[item] as number) + qty;
      const lines = `[${rows.map(([item, qty]) => `[\\"${itemName(item)}\\",\\"${warehouse}\\",${qty}]`).join(',')}]`;
      const marker = `${runId}-issue-${write}`;
      await samples.line(
        `{"metric":"write_sent","type":"Point","data":{"time":"${time(sentAt)}","value":1,"tags":{"journey":"parts-issue","scenario":"parts-issue"},"metadata":{"lines":"${lines}","marker":"${marker}","run":"${runId}","sentAt":"${sentAt}"}}}`,
      );
      line = `{"metric":"operation","type":"Point","data":{"time":"${time(at)}","value":${durationMs},"tags":{"journey":"parts-issue","outcome":"good","scenario":"parts-issue"},"metadata":{"document":"${documentName(write)}","lines":"${lines}","marker":"${marker}","run":"${runId}","sentAt":"${sentAt}","status":"200","write":"acknowledged"}}}`;
      write += 1;
    } else
      line = `{"metric":"operation","type":"Point","data":{"time":"${time(at)}","value":${durationMs},"tags":{"journey":"barcode-lookup","outcome":"good","scenario":"barcode-lookup"},"metadata":{"run":"${runId}","sentAt":"${sentAt}","status":"200"}}}`;
    let place = waiting.length;
    while (place > 0 && (waiting[place - 1] as { at: number }).at > at) place -= 1;
    waiting.splice(place, 0, { at, line });
  }
  for (const { line } of waiting) await samples.line(line);
  await samples.end();

  const ledger = appender(join(folder, runFiles.ledger));
  const line = (value: unknown) => ledger.line(JSON.stringify(value));
  for (const node of nodes) {
    const level = (when: string, item: number, stock: number) => ({
      kind: 'stock',
      level: {
        node,
        when,
        at: endedAt,
        item: itemName(item),
        warehouse,
        ledgerSum: stock,
        bin: stock,
        lastRunning: stock,
        runningMin: 0,
      },
    });
    for (let item = 1; item <= items; item++) await line(level('before', item, 1e9));
    await line({ kind: 'read', node, round: 0, at: beganAt, what: 'stock-before' });
    for (let number = 0; number < writes; number++)
      await line({
        kind: 'document',
        document: {
          node,
          round: 0,
          at: endedAt,
          marker: `${runId}-issue-${number}`,
          name: documentName(number),
          docstatus: 1,
          lines: rowsOf(number).map(([item, qty]) => ({ item: itemName(item), warehouse, qty })),
        },
      });
    await line({ kind: 'read', node, round: 0, at: endedAt, what: 'documents' });
    for (let item = 1; item <= items; item++) await line(level('after', item, 1e9 + (moved[item] as number)));
    await line({ kind: 'read', node, round: 0, at: endedAt, what: 'stock-after' });
  }
  await ledger.end();
}

/** One item or two; never the same twice. */
function rowsOf(write: number): readonly (readonly [item: number, qty: number])[] {
  const [first, second] = [1 + (write % items), 1 + ((write * 7) % items)];
  return write % 2 === 0 || first === second
    ? [[first, -2]]
    : [
        [first, -1],
        [second, -3],
      ];
}

function journal(endedAt: number, scanShare: number, perSecond: number): string {
  const { journal } = evidenceOf(claim(), { fault: null });
  const lines = journal.map((line) => {
    if (line.kind === 'header')
      return {
        ...line,
        header: {
          ...line.header,
          runId,
          load: {
            ...line.header.load,
            ratesPerSecond: { 'barcode-lookup': perSecond * scanShare, 'parts-issue': perSecond * (1 - scanShare) },
            virtualUsersMax: Math.ceil(perSecond * 31),
          },
        },
      };
    const isAfter = line.kind === 'phase' && line.phase === 'after';
    if (!isAfter && line.kind !== 'ended' && !(line.kind === 'load' && line.event === 'stopped')) return line;
    const at = isAfter ? endedAt - (endedAt - start) / 4 : endedAt;
    return { ...line, at, mono: at - start };
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const itemName = (item: number): string => `ITEM-${String(item).padStart(4, '0')}`;
const documentName = (write: number): string => `MAT-STE-2026-${String(write + 1).padStart(5, '0')}`;
/** k6 tells nanoseconds. */
const time = (at: number): string => `${new Date(at).toISOString().slice(0, -1)}577609Z`;

function appender(path: string) {
  const stream = createWriteStream(path);
  let buffered: string[] = [];
  const flush = async () => {
    const text = buffered.join('');
    buffered = [];
    if (!stream.write(text)) await new Promise((resolve) => stream.once('drain', () => resolve(undefined)));
  };
  return {
    async line(text: string): Promise<void> {
      buffered.push(`${text}\n`);
      if (buffered.length >= 2_000) await flush();
    },
    async end(): Promise<void> {
      await flush();
      stream.end();
      await finished(stream);
    },
  };
}

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
