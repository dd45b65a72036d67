// What a run folder has on record of one marker, and of the moment at which it was sent. Files are searched, never loaded.
import { join } from 'node:path';
import type { Drop, FoundDocument, JournalLine, LedgerLine, Operation, RangeResponse } from '../model/evidence.ts';
import { alertsRange } from '../model/evidence.ts';
import { exchangesIn } from '../model/exchanges.ts';
import type { MarkerTrace, TracedWrite } from '../model/explanation.ts';
import { runFiles } from '../model/run-folder.ts';
import { readClaim } from './claim-file.ts';
import { findLines } from './find-lines.ts';
import { parseSample, sampleMetrics } from './samples.ts';

/** Of other operations, before and after the sending. */
const aroundMs = 1_000;

type Damage = MarkerTrace['damaged'][number];

/** `sent` and `found` are both empty when the folder has nothing of the marker. Throws only when there is no readable claim. */
export async function traceMarker(folder: string, marker: string): Promise<MarkerTrace> {
  const search = searchIn(folder);
  const claim = await readClaim(join(folder, runFiles.claim));
  const journal = await search.parsed<JournalLine>(runFiles.journal, ['"kind":']);
  const writes = await writesOf(search, marker);
  const [first] = writes;
  const near = first ? await nearby(search, first.sentAt, marker) : { around: [], drops: [] };
  const documents = [...new Set(writes.flatMap(({ write }) => write.document ?? []))];
  const books = await booksOf(search, marker, documents, writes);
  const ranges = await search.parsed<RangeResponse>(runFiles.prometheus, [`"objective":"${alertsRange.objective}"`]);
  return { marker, claim, journal, writes, aroundMs, ...near, ...books, ranges, damaged: search.damaged };
}

/** The header of a run folder's journal: whose run it is. Undefined when the journal lost it. */
export async function headerOf(folder: string) {
  const lines = await searchIn(folder).parsed<JournalLine>(runFiles.journal, ['"kind":"header"']);
  return lines.flatMap((line) => (line.kind === 'header' ? [line.header] : []))[0];
}

/** Visits every marker that the samples have, as often as it is there. */
export async function eachMarker(folder: string, visit: (marker: string) => void): Promise<void> {
  await searchIn(folder).lines(runFiles.samples, [sampleStart(sampleMetrics.writeSent)], (line) => {
    const sample = parseSample(line);
    if (sample?.kind === 'write-sent') visit(sample.operation.write.marker);
  });
}

const sampleStart = (metric: string): string => `{"metric":"${metric}"`;

function searchIn(folder: string) {
  const damaged: Damage[] = [];
  const tell = (file: string, what: string) => {
    if (!damaged.some((one) => one.file === file && one.what === what)) damaged.push({ file, what });
  };
  return {
    damaged,
    async lines(file: string, words: readonly string[], found: (line: string) => void): Promise<void> {
      try {
        const { cutOff, tooLong } = await findLines(join(folder, file), words, found);
        if (cutOff) tell(file, 'cut off in its last line');
        if (tooLong > 0) tell(file, 'a line of it is too long to be read');
      } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        tell(file, missing ? 'missing' : `can't be read: ${(error as Error).message}`);
      }
    },
    /** Lines that are JSON objects; what else holds one of the words is told. */
    async parsed<T>(file: string, words: readonly string[]): Promise<readonly T[]> {
      const all: T[] = [];
      await this.lines(file, words, (line) => {
        const value = objectIn(line);
        if (value) all.push(value as T);
        else tell(file, 'a line of it is not understood');
      });
      return all;
    },
  };
}

type Search = ReturnType<typeof searchIn>;

function objectIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** Answered ones, and those of whose sending nothing more was heard. */
async function writesOf(search: Search, marker: string): Promise<readonly TracedWrite[]> {
  const [answered, sent]: [TracedWrite[], TracedWrite[]] = [[], []];
  await search.lines(runFiles.samples, [JSON.stringify(marker)], (line) => {
    const sample = parseSample(line);
    if (sample?.kind !== 'operation' && sample?.kind !== 'write-sent') return;
    const { write } = sample.operation;
    if (write?.marker !== marker) return;
    (sample.kind === 'operation' ? answered : sent).push({ ...sample.operation, write, ...wayIn(line) });
  });
  const byTime = (a: TracedWrite, b: TracedWrite) => a.sentAt - b.sentAt;
  sent.sort(byTime);
  // The answers belong to the earliest sendings.
  return [...answered, ...sent.slice(answered.length)].sort(byTime);
}

function wayIn(line: string): Pick<TracedWrite, 'user' | 'virtualUser' | 'exchanges' | 'error'> {
  const { data } = (objectIn(line) ?? {}) as { data?: { metadata?: Readonly<Record<string, unknown>> } };
  const { user, virtualUser, exchanges, error } = data?.metadata ?? {};
  const number = typeof virtualUser === 'string' || typeof virtualUser === 'number' ? Number(virtualUser) : Number.NaN;
  return {
    exchanges: typeof exchanges === 'string' ? exchangesIn(exchanges) : [],
    ...(typeof user === 'string' && user !== '' ? { user } : {}),
    ...(Number.isFinite(number) ? { virtualUser: number } : {}),
    ...(typeof error === 'string' && error !== '' ? { error } : {}),
  };
}

/** What everybody else did: sent within the window, answered whenever. */
async function nearby(search: Search, at: number, marker: string): Promise<Pick<MarkerTrace, 'around' | 'drops'>> {
  const isNear = (when: number) => Math.abs(when - at) <= aroundMs;
  const around: Operation[] = [];
  const drops: Drop[] = [];
  const sent = new Map<string, Operation>();
  // All but the last four digits of a time are the same for ten seconds: one or two words find them all.
  const tens = new Set([at - aroundMs, at + aroundMs].map((when) => String(Math.floor(when)).slice(0, -4)));
  const words = [...[...tens].map((ten) => `"sentAt":"${ten}`), sampleStart(sampleMetrics.dropped)];
  await search.lines(runFiles.samples, words, (line) => {
    const sample = parseSample(line);
    if (sample?.kind === 'drop' && isNear(sample.drop.at)) drops.push(sample.drop);
    if (sample?.kind !== 'operation' && sample?.kind !== 'write-sent') return;
    const { operation } = sample;
    if (!isNear(operation.sentAt) || operation.write?.marker === marker) return;
    const key = `${operation.sentAt} ${operation.write?.marker ?? ''}`;
    if (sample.kind === 'write-sent') sent.set(key, operation);
    else {
      around.push(operation);
      sent.delete(key);
    }
  });
  return { around: [...around, ...sent.values()], drops };
}

async function booksOf(
  search: Search,
  marker: string,
  documents: readonly string[],
  writes: readonly TracedWrite[],
): Promise<Pick<MarkerTrace, 'ledger' | 'namesakes'>> {
  const ledger: LedgerLine[] = [];
  const namesakes: FoundDocument[] = [];
  const items = new Set(writes.flatMap(({ write }) => write.lines.map(({ item }) => item)));
  const words = [...[marker, ...documents].map((text) => JSON.stringify(text)), '"kind":"stock"', '"kind":"read"'];
  for (const line of await search.parsed<LedgerLine>(runFiles.ledger, words)) {
    if (line.kind === 'read') ledger.push(line);
    if (line.kind === 'stock' && items.has(line.level?.item)) ledger.push(line);
    if (line.kind === 'job-rows' && line.rows?.marker === marker) ledger.push(line);
    if (line.kind === 'queued-job' && documents.includes(line.queued?.document)) ledger.push(line);
    if (line.kind !== 'document') continue;
    if (line.document?.marker === marker) ledger.push(line);
    else if (documents.includes(line.document?.name)) namesakes.push(line.document);
  }
  return { ledger, namesakes };
}
