// Every write that users sent, looked for on every Galera node by itself. An acknowledged one must be there once, submitted, with the
// very lines that were acknowledged. What nobody could see is never a pass: a node that was not read makes it inconclusive.
import type { Claim } from '../model/claim.ts';
import type { Write } from '../model/evidence.ts';
import { type Finding, type LedgerCount, noLedger, type Outcome } from '../model/verdict.ts';
import type { Books, Found } from '../tables/books-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { acknowledgedCode } from '../tables/write-table.ts';
import { type Cases, cases } from './cases.ts';
import { compareText } from './findings.ts';
import { type LedgerParts, ledgerParts } from './ledger-parts.ts';
import { counted, duration, rounded, sameQuantity } from './numbers.ts';
import { isOwn } from './own-writes.ts';

type Lines = Write['lines'];

export type ReadBack = Pick<RunTables, 'journal' | 'operations' | 'drops' | 'writes' | 'books'>;

export function judgeLedger(
  claim: Claim,
  read: ReadBack,
): { readonly count: LedgerCount; readonly findings: readonly Finding[] } {
  const complete = read.books.filter((books) => books.read);
  const seen = tally(read, complete);
  const count: LedgerCount = {
    ...noLedger,
    sent: seen.acknowledged + seen.refused + seen.unknown,
    acknowledged: seen.acknowledged,
    refused: seen.refused,
    unknown: seen.unknown,
    unknownPresent: seen.unknownPresent.count,
    lost: seen.lost.count,
    duplicated: seen.duplicated.count,
    refusedButFound: seen.refusedButFound.count,
    neverSent: seen.neverSent.count,
    stale: seen.stale.count,
  };

  const readAny = complete.length > 0;
  const on = `on ${counted(complete.length, 'Galera node')}`;
  const findings: Finding[] = [judgeNodes(claim, read)];

  findings.push(
    judgeCount('ledger.lost', seen.lost, {
      // Without a write or a reader nothing can be missed.
      clean: readAny && count.acknowledged > 0 ? 'passed' : 'inconclusive',
      none: !readAny
        ? 'No Galera node was read, so nobody can tell what is lost.'
        : count.acknowledged === 0
          ? 'No write was acknowledged, so none could be lost.'
          : `All ${count.acknowledged} acknowledged writes are there, ${on}.`,
      some: (n) => `${counted(n, 'acknowledged write')} of ${count.acknowledged} lost.`,
    }),
    judgeCount('ledger.duplicated', seen.duplicated, {
      clean: readAny ? 'passed' : 'inconclusive',
      none: readAny
        ? `No write is there twice, ${on}.`
        : 'No Galera node was read, so nobody can tell what is there twice.',
      some: (n) => `${counted(n, 'write was', 'writes were')} applied more than once.`,
    }),
    judgeCount('ledger.lines', seen.linesDiffer, {
      clean: readAny && seen.linesUnknown.count === 0 ? 'passed' : 'inconclusive',
      none:
        seen.linesUnknown.count > 0
          ? `${counted(seen.linesUnknown.count, 'write')} on record without its lines: they can't be compared.`
          : readAny
            ? 'Every document that is there moved exactly what was sent.'
            : 'No Galera node was read, so no document could be compared.',
      some: (n) => `${counted(n, 'document')} moved something else than was sent.`,
    }),
    judgeCount('ledger.refused', seen.refusedButFound, {
      clean: readAny ? 'passed' : 'inconclusive',
      none: !readAny
        ? 'No Galera node was read, so nobody can tell whether a refused write was stored.'
        : count.refused === 0
          ? 'No write was refused.'
          : `None of ${counted(count.refused, 'refused write')} moved anything${seen.refusedDrafts.count > 0 ? `; ${counted(seen.refusedDrafts.count, 'draft')} of a refused submit stayed, as it should` : ''}.`,
      some: (n) => `${counted(n, 'write was', 'writes were')} refused and stored all the same.`,
    }),
    judgeCount(
      'ledger.never-sent',
      seen.neverSent,
      {
        clean: readAny ? 'passed' : 'inconclusive',
        none: readAny ? 'Every document of this run was sent by it.' : 'No Galera node was read.',
        some: (n) =>
          `${counted(n, 'document')} carry a marker of this run that is not on record as sent: the record has a hole.`,
      },
      'inconclusive',
    ),
    judgeAgreement(claim, complete, seen.disagree),
    ...seen.parts.findings(count),
    reported(
      'ledger.unknown',
      count.unknown === 0
        ? 'Every write got a clear answer.'
        : `${counted(count.unknown, 'write')} ended without a clear answer: ${count.unknownPresent} of them are there, ${count.unknown - count.unknownPresent} are not.`,
      count.unknown,
      seen.unknownPresent.examples,
    ),
    reported(
      'ledger.stale',
      count.stale === 0
        ? 'No write came late to a node.'
        : `${counted(count.stale, 'write was', 'writes were')} missing on a node at first and there later, ${duration(seen.staleMsMax)} after the first look at most: stale, not lost.`,
      count.stale,
      seen.stale.examples,
    ),
  );
  return { count, findings };
}

function judgeNodes({ ledger }: Claim, { books: nodes }: ReadBack): Finding {
  const silent = nodes
    .filter(({ read }) => !read)
    .map(({ node, error }) => `${node}: ${error ?? 'its documents were not read'}`);
  const readable = nodes.length - silent.length;
  const enough = readable >= ledger.nodes && silent.length === 0;
  return {
    check: 'ledger.nodes',
    outcome: enough ? 'passed' : 'inconclusive',
    says: enough
      ? `${counted(readable, 'Galera node')} read to the end.`
      : `${readable} of ${Math.max(ledger.nodes, nodes.length)} Galera nodes read to the end${silent.length > 0 ? `: ${silent.join('; ')}` : ''}.`,
    measured: readable,
    bound: `≥ ${ledger.nodes}`,
    unit: 'nodes',
  };
}

function judgeAgreement({ ledger }: Claim, nodes: readonly Books[], disagree: Cases): Finding {
  const alone = nodes.length < Math.min(2, ledger.nodes) || nodes.length === 0;
  return judgeCount('ledger.agree', disagree, {
    clean: alone ? 'inconclusive' : 'passed',
    none: alone
      ? `${counted(nodes.length, 'Galera node')} read, so nobody can tell whether they agree.`
      : `${counted(nodes.length, 'Galera node')} ${nodes.length === 1 ? 'says' : 'say'} the same of every document.`,
    some: (n) => `The Galera nodes do not agree on ${counted(n, 'write')}.`,
  });
}

const classes = [
  'lost',
  'duplicated',
  'linesDiffer',
  'linesUnknown',
  'refusedButFound',
  'refusedDrafts',
  'neverSent',
  'unknownPresent',
  'stale',
] as const;
type Class = (typeof classes)[number];

/** What is wrong under one marker, class by class: where it was seen. */
type Places = Map<Class, string[]>;

type Tally = Readonly<Record<Class | 'disagree', Cases>> & {
  readonly parts: LedgerParts;
  acknowledged: number;
  refused: number;
  unknown: number;
  staleMsMax: number;
};

function tally(read: ReadBack, nodes: readonly Books[]): Tally {
  const { writes } = read;
  const own = isOwn(read);
  const parts = ledgerParts(read, nodes);
  const of = Object.fromEntries([...classes, 'disagree'].map((name) => [name, cases()]));
  const seen: Tally = {
    ...(of as Record<Class | 'disagree', Cases>),
    parts,
    acknowledged: 0,
    refused: 0,
    unknown: 0,
    staleMsMax: 0,
  };
  writes.each((row, prefix, number) => {
    const isOfRun = own(prefix);
    if (isOfRun && writes.outcome(row) === acknowledgedCode && allAsAcknowledged(nodes, row)) {
      seen.acknowledged += 1;
      parts.acknowledged(row);
      return;
    }
    const marker = writes.texts.textOf(prefix, number);
    const write = isOfRun ? writes.write(row, marker) : undefined;
    if (write) seen[write.outcome] += 1;
    if (write?.outcome === 'acknowledged') parts.acknowledged(row);
    const found = nodes.map((node) => ({ node, documents: node.documents(row) }));
    const places: Places = new Map();
    for (const { node, documents } of found) classify(seen, places, write, row, node, documents);
    for (const [into, where] of places) {
      const document = into === 'lost' && write?.outcome === 'acknowledged' ? write.document : undefined;
      seen[into].add(`${marker}: ${inShort(where, nodes)}${document ? `, acknowledged as ${document}` : ''}`);
    }
    if (places.has('lost')) parts.lostAfterAcknowledged(row);
    if (new Set(found.map(({ documents }) => signature(documents))).size > 1)
      seen.disagree.add(
        `${marker}: ${found.map(({ node, documents }) => `${node.node} ${inWords(documents)}`).join(', ')}`,
      );
  });
  return seen;
}

/** There at the first look, the same everywhere, and word for word what was acknowledged: nothing more can be said of it. */
function allAsAcknowledged(nodes: readonly Books[], row: number): boolean {
  const is = nodes[0]?.asAcknowledged(row);
  return (
    is !== undefined &&
    nodes.every((node) => node.asAcknowledged(row) === is && node.firstSeen(row)?.round === node.firstRound?.round)
  );
}

/** What holds on every node is told once. */
function inShort(places: readonly string[], nodes: readonly Books[]): string {
  const general = new Set(places.map((place, index) => place.replace(nodes[index]?.node ?? '', 'every Galera node')));
  const [one] = general;
  if (one === undefined || general.size > 1 || places.length < nodes.length || nodes.length < 2)
    return places.join(', ');
  return one.replace('not on every Galera node', 'on no Galera node');
}

function classify(
  seen: Tally,
  places: Places,
  write: Write | undefined,
  row: number,
  books: Books,
  documents: readonly Found[],
): void {
  const { node, firstRound } = books;
  const [only] = documents;
  const first = books.firstSeen(row);
  const put = (into: Class, where: string) => {
    places.set(into, [...(places.get(into) ?? []), where]);
    seen.parts.seen(into, node);
  };

  if (!write) {
    if (only) put('neverSent', `${only.name} on ${node}`);
    return;
  }
  if (!only) {
    if (write.outcome === 'acknowledged')
      put('lost', first ? `gone from ${node} after round ${first.round}` : `not on ${node}`);
    return;
  }
  if (first && firstRound && first.round > firstRound.round) {
    const lateMs = first.at - firstRound.at;
    seen.staleMsMax = Math.max(seen.staleMsMax, lateMs);
    put('stale', `on ${node} ${duration(lateMs)} late`);
  }
  if (write.outcome === 'unknown')
    put('unknownPresent', `${only.docstatus === 0 ? 'draft ' : ''}${only.name} on ${node}`);

  // A two-step write whose submit was refused leaves its draft: nothing moved, so nothing was stored against the answer.
  const moved = documents.filter(({ docstatus, lines }) => docstatus !== 0 || lines.length > 0);
  if (write.outcome === 'refused') {
    if (moved.length > 0) put('refusedButFound', `${moved.map(({ name }) => name).join(' and ')} on ${node}`);
    else put('refusedDrafts', `on ${node}`);
    return;
  }
  if (documents.length > 1) {
    put(
      'duplicated',
      `${documents
        .map(({ name }) => name)
        .sort(compareText)
        .join(' and ')} on ${node}`,
    );
    return;
  }
  if (moved.length === 0) {
    if (write.outcome === 'acknowledged') put('lost', `only the draft ${only.name} on ${node}`);
    return;
  }
  if (write.lines.length === 0) {
    put('linesUnknown', `on ${node}`);
    return;
  }
  if (only.docstatus === 2 && only.lines.length === 0 && write.cancelled) return;
  if (write.outcome === 'acknowledged' && write.cancelled === 'acknowledged') {
    put('lost', `${inWords([only])} on ${node}, whose cancelling was acknowledged`);
    return;
  }
  const times = timesApplied(write.lines, only.lines);
  if (times !== undefined && times > 1) put('duplicated', `lines of ${only.name} ${times} times on ${node}`);
  else if (times !== 1 || only.docstatus !== 1)
    put('linesDiffer', `${inWords([only])} on ${node}, sent was ${linesText(write.lines)}`);
}

/** How often the lines that were sent are in what was found; undefined when it is another movement. */
function timesApplied(sent: Lines, found: Lines): number | undefined {
  const wanted = byPlace(sent);
  const had = byPlace(found);
  const [key, quantity] = [...wanted][0] ?? [];
  if (key === undefined || !quantity) return wanted.size === 0 && had.size === 0 ? 1 : undefined;
  const times = Math.round((had.get(key) ?? 0) / quantity);
  const same = [...new Set([...wanted.keys(), ...had.keys()])].every((place) =>
    sameQuantity((wanted.get(place) ?? 0) * times, had.get(place) ?? 0),
  );
  return same && times >= 1 ? times : undefined;
}

/** Sums by item and warehouse; what comes to nothing is not in it. */
export function byPlace(lines: Lines): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { item, warehouse, qty } of lines) {
    const place = placeOf(item, warehouse);
    sums.set(place, (sums.get(place) ?? 0) + qty);
  }
  for (const [place, sum] of sums) if (sameQuantity(sum, 0)) sums.delete(place);
  return sums;
}

export const placeOf = (item: string, warehouse: string): string => `${item} in ${warehouse}`;

const signature = (documents: readonly Found[]): string =>
  documents
    .map((document) => inWords([document]))
    .sort(compareText)
    .join('|');

const inWords = (documents: readonly Found[]): string =>
  documents.length === 0
    ? 'has none'
    : documents
        .map(({ name, docstatus, lines }) => `${name} (${statusText(docstatus)}, ${linesText(lines)})`)
        .join(' and ');

const statusText = (docstatus: number): string =>
  ['draft', 'submitted', 'cancelled'][docstatus] ?? `docstatus ${docstatus}`;

const linesText = (lines: Lines): string =>
  [...byPlace(lines)]
    .map(([place, quantity]) => `${quantity > 0 ? '+' : ''}${rounded(quantity)} ${place}`)
    .sort(compareText)
    .join(' and ') || 'no movement';

interface Wording {
  readonly clean: Outcome;
  readonly none: string;
  readonly some: (count: number) => string;
}

/** Something of this class is bad; none of it is as good as the look was. */
function judgeCount(check: string, { count, examples }: Cases, wording: Wording, bad: Outcome = 'failed'): Finding {
  return {
    check,
    outcome: count > 0 ? bad : wording.clean,
    says: count > 0 ? wording.some(count) : wording.none,
    measured: count,
    bound: '= 0',
    unit: 'writes',
    ...(count > 0 ? { examples } : {}),
  };
}

const reported = (check: string, says: string, measured: number, examples: readonly string[]): Finding => ({
  check,
  outcome: 'passed',
  says,
  measured,
  unit: 'writes',
  ...(examples.length > 0 ? { examples } : {}),
});
