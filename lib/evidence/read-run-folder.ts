// A run folder → Evidence. A folder of a run that was killed is evidence too: each file is read as far as it goes,
// and what is missing, cut off or not understood is said in `damaged`, so that the judge can refuse to conclude from it.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Drop, Evidence, JournalLine, LedgerLine, Operation, RangeResponse, Write } from '../model/evidence.ts';
import { manifestSchemaName } from '../model/manifest.ts';
import { runFiles } from '../model/run-folder.ts';
import { isKnownVersion, readClaim } from './claim-file.ts';
import { isFields, isJournalLine, isLedgerLine, isRangeResponse } from './lines.ts';
import { checkManifest } from './manifest.ts';
import { parseSample } from './samples.ts';

type Damage = Evidence['damaged'][number];

/**
 * Throws only when there is no readable claim: without it nobody knows what to judge. Of a run of another version nothing more is read, for
 * nobody here knows what it means.
 */
export async function readRunFolder(folder: string): Promise<Evidence> {
  const damaged: Damage[] = [];
  const claim = await readClaim(join(folder, runFiles.claim));
  const manifest = await checkManifest(folder);
  if (!isKnownVersion(claim) || (manifest.schema ?? manifestSchemaName) !== manifestSchemaName)
    return { claim, journal: [], operations: [], drops: [], ledger: [], ranges: [], damaged, manifest };
  const journal = await readLines<JournalLine>(folder, runFiles.journal, damaged, isJournalLine);
  const { operations, drops } = await readSamples(folder, damaged);
  const ledger = await readLines<LedgerLine>(folder, runFiles.ledger, damaged, isLedgerLine);
  const ranges = await readLines<RangeResponse>(folder, runFiles.prometheus, damaged, isRangeResponse);
  return { claim, journal, operations, drops, ledger, ranges, damaged, manifest };
}

/** A write that was sent and of which nothing more was heard is an operation too: its outcome is unknown. */
async function readSamples(folder: string, damaged: Damage[]) {
  const operations: Operation[] = [];
  const drops: Drop[] = [];
  const sent: (Operation & { readonly write: Write })[] = [];
  const answered = new Map<string, number>();
  await eachLine(folder, runFiles.samples, damaged, (line) => {
    const sample = parseSample(line);
    if (sample?.kind === 'unreadable') throw new Error(sample.what);
    if (sample?.kind === 'drop') drops.push(sample.drop);
    if (sample?.kind === 'write-sent') sent.push(sample.operation);
    if (sample?.kind === 'operation') {
      operations.push(sample.operation);
      const marker = sample.operation.write?.marker;
      if (marker) answered.set(marker, (answered.get(marker) ?? 0) + 1);
    }
  });
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

async function readLines<T>(
  folder: string,
  file: string,
  damaged: Damage[],
  check: (line: Readonly<Record<string, unknown>>) => boolean,
): Promise<T[]> {
  const lines: T[] = [];
  await eachLine(folder, file, damaged, (text) => {
    if (text.trim() === '') return;
    const line: unknown = JSON.parse(text);
    if (!isFields(line) || !check(line)) throw new Error(`not understood: ${text.slice(0, 120)}`);
    lines.push(line as T);
  });
  return lines;
}

/** At most this many unreadable lines of one file are told one by one. */
const toldMax = 5;

/**
 * Streams, since samples of a night have hundreds of megabytes. `take` throws on a line that it can't read.
 * A last line without its line feed is cut off, even if it reads well: nobody knows what would have followed.
 */
async function eachLine(folder: string, file: string, damaged: Damage[], take: (line: string) => void): Promise<void> {
  let number = 0;
  let unread = 0;
  let rest = '';
  const one = (line: string): void => {
    number += 1;
    try {
      take(line);
    } catch (error) {
      unread += 1;
      if (unread <= toldMax) damaged.push({ file, what: `line ${number}: ${(error as Error).message}` });
    }
  };
  try {
    for await (const chunk of createReadStream(join(folder, file), { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) one(line);
    }
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    damaged.push({ file, what: missing ? 'missing' : `can't be read: ${(error as Error).message}` });
  }
  if (unread > toldMax) damaged.push({ file, what: `${unread} lines can't be read, of ${number}` });
  if (rest !== '') damaged.push({ file, what: `cut off in line ${number + 1}` });
}
