// A run folder → Evidence, or the columns that the judge reads. A folder of a run that was killed is evidence too: each file is read as far
// as it goes, and what is missing, cut off or not understood is said in `damaged`, so that the judge can refuse to conclude from it.
import { join } from 'node:path';
import type {
  Drop,
  Evidence,
  FoundDocument,
  JournalLine,
  LedgerLine,
  Operation,
  RangeResponse,
  Recorded,
  Write,
} from '../model/evidence.ts';
import { manifestSchemaName } from '../model/manifest.ts';
import { runFiles } from '../model/run-folder.ts';
import { booksBuilder } from '../tables/books-table.ts';
import { documentRow, type RunTables, sampleTablesBuilder, tablesOf } from '../tables/run-tables.ts';
import { isKnownVersion, readClaim } from './claim-file.ts';
import { isFields, isJournalLine, isLedgerLine, isRangeResponse } from './lines.ts';
import { checkManifest } from './manifest.ts';
import { type LineReader, lineBytesMax, readLines, textOf } from './read-lines.ts';
import { parseSample } from './samples.ts';
import { beginsAsDocument, documentScanner } from './scan-documents.ts';
import { sampleScanner } from './scan-samples.ts';

type Damage = Recorded['damaged'][number];
type Fields = Readonly<Record<string, unknown>>;

/**
 * As objects: for a run of minutes. Throws only when there is no readable claim: without it nobody knows what to judge. Of a run of another
 * version nothing more is read, for nobody here knows what it means.
 */
export async function readRunFolder(folder: string): Promise<Evidence> {
  const damaged: Damage[] = [];
  const { claim, manifest, refused } = await readTerms(folder);
  if (refused) return refused;
  const journal = await readJournal(folder, damaged);
  const { operations, drops } = await readSamples(folder, damaged);
  const ledger = await readObjects<LedgerLine>(folder, runFiles.ledger, damaged, isLedgerLine);
  const ranges = await readRanges(folder, damaged);
  return { claim, journal, operations, drops, ledger, ranges, damaged, manifest };
}

/** In columns: for a run of any length, in memory that does not depend on how its lines are ordered. Throws as readRunFolder does. */
export async function readRunTables(folder: string): Promise<RunTables> {
  const damaged: Damage[] = [];
  const { claim, manifest, refused } = await readTerms(folder);
  if (refused) return tablesOf(refused);
  const journal = await readJournal(folder, damaged);
  const samples = sampleTablesBuilder();
  await eachLine(folder, runFiles.samples, damaged, sampleScanner(samples), shortLineBytesMax);
  const built = samples.done();

  // Twice: which rounds were read to the end stands behind their documents, and nobody said that it must.
  const path = runFiles.ledger;
  const ledger: LedgerLine[] = [];
  const strange: FoundDocument[] = [];
  const readLine = objectReader<LedgerLine>(isLedgerLine, (line) => {
    if (line.kind === 'document') strange.push(line.document);
    else ledger.push(line);
  });
  const withoutDocuments: Take = (bytes, from, to) => {
    if (!beginsAsDocument(bytes, from)) readLine(bytes, from, to);
  };
  await eachLine(folder, path, damaged, withoutDocuments, shortLineBytesMax);
  const books = booksBuilder(ledger, samples.writes, built.writes);
  const readDocument = documentScanner(books, samples.writes, documentOf);
  const documents: Take = (bytes, from, to) => {
    if (beginsAsDocument(bytes, from)) readDocument(bytes, from, to);
  };
  // What is wrong with the file as a whole was told by the first look.
  const again: Damage[] = [];
  await eachLine(folder, path, again, documents, shortLineBytesMax);
  damaged.push(...again.filter((one) => !damaged.some(({ file, what }) => file === one.file && what === one.what)));
  for (const document of strange) books.document(documentRow(samples.writes, document));

  const ranges = await readRanges(folder, damaged);
  return { claim, journal, ranges, damaged, manifest, ...built, ledger, books: books.done() };
}

/** By what the rest is judged. */
async function readTerms(folder: string) {
  const claim = await readClaim(join(folder, runFiles.claim));
  const manifest = await checkManifest(folder);
  if (isKnownVersion(claim) && (manifest.schema ?? manifestSchemaName) === manifestSchemaName)
    return { claim, manifest };
  const refused: Evidence = {
    claim,
    journal: [],
    operations: [],
    drops: [],
    ledger: [],
    ranges: [],
    damaged: [],
    manifest,
  };
  return { claim, manifest, refused };
}

function documentOf(text: string): FoundDocument {
  const line = JSON.parse(text) as Fields;
  if (!isLedgerLine(line)) throw new Error(`not understood: ${text.slice(0, 120)}`);
  return line.document as FoundDocument;
}

/** No line of samples or of the ledger is longer: k6's have some hundred bytes. */
const shortLineBytesMax = 1 << 20;

const readJournal = (folder: string, damaged: Damage[]) =>
  readObjects<JournalLine>(folder, runFiles.journal, damaged, isJournalLine);

const readRanges = (folder: string, damaged: Damage[]) =>
  readObjects<RangeResponse>(folder, runFiles.prometheus, damaged, isRangeResponse);

/** A write that was sent and of which nothing more was heard is an operation too: its outcome is unknown. */
async function readSamples(folder: string, damaged: Damage[]) {
  const operations: Operation[] = [];
  const drops: Drop[] = [];
  const sent: (Operation & { readonly write: Write })[] = [];
  const answered = new Map<string, number>();
  const take: Take = (bytes, from, to) => {
    const sample = parseSample(textOf(bytes, from, to));
    if (sample?.kind === 'unreadable') throw new Error(sample.what);
    if (sample?.kind === 'drop') drops.push(sample.drop);
    if (sample?.kind === 'write-sent') sent.push(sample.operation);
    if (sample?.kind === 'operation') {
      operations.push(sample.operation);
      const marker = sample.operation.write?.marker;
      if (marker) answered.set(marker, (answered.get(marker) ?? 0) + 1);
    }
  };
  await eachLine(folder, runFiles.samples, damaged, take, shortLineBytesMax);
  // One marker may go out twice (draft, then submit). The answers belong to the earliest sendings.
  sent.sort((a, b) => a.sentAt - b.sentAt);
  for (const operation of sent) {
    const left = answered.get(operation.write.marker) ?? 0;
    if (left > 0) answered.set(operation.write.marker, left - 1);
    else operations.push(operation);
  }
  operations.sort((a, b) => a.sentAt - b.sentAt);
  drops.sort((a, b) => a.at - b.at);
  return { operations, drops };
}

type Take = LineReader['line'];

async function readObjects<T>(
  folder: string,
  file: string,
  damaged: Damage[],
  check: (line: Fields) => boolean,
): Promise<T[]> {
  const lines: T[] = [];
  await eachLine(
    folder,
    file,
    damaged,
    objectReader<T>(check, (line) => lines.push(line)),
  );
  return lines;
}

const objectReader =
  <T>(check: (line: Fields) => boolean, take: (line: T) => void): Take =>
  (bytes, from, to) => {
    const text = textOf(bytes, from, to);
    if (text.trim() === '') return;
    const line: unknown = JSON.parse(text);
    if (!isFields(line) || !check(line)) throw new Error(`not understood: ${text.slice(0, 120)}`);
    take(line as T);
  };

/** At most this many unreadable lines of one file are told one by one. */
const toldMax = 5;

/**
 * Streams, since samples of a night have gigabytes. `take` throws on a line that it can't read.
 * A last line without its line feed is cut off, even if it reads well: nobody knows what would have followed.
 */
async function eachLine(
  folder: string,
  file: string,
  damaged: Damage[],
  take: Take,
  maxBytes: number = lineBytesMax,
): Promise<void> {
  let unread = 0;
  const bad: LineReader['bad'] = (what, number, at) => {
    unread += 1;
    if (unread <= toldMax) damaged.push({ file, what: `line ${number}, byte ${at}: ${what}` });
  };
  try {
    const { lines, cutOff } = await readLines(join(folder, file), { line: take, bad }, maxBytes);
    if (unread > toldMax) damaged.push({ file, what: `${unread} lines can't be read, of ${lines}` });
    if (cutOff) damaged.push({ file, what: `cut off in line ${lines + 1}` });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    damaged.push({ file, what: missing ? 'missing' : `can't be read: ${(error as Error).message}` });
  }
}
