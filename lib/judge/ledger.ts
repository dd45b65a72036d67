// Every write that users sent, looked for on every Galera node by itself. An acknowledged one must be there once, submitted, with the
// very lines that were acknowledged. What nobody could see is never a pass: a node that was not read makes it inconclusive.
import type { Claim } from '../model/claim.ts';
import type { Evidence, FoundDocument, Instant, LedgerLine, Write } from '../model/evidence.ts';
import { type Finding, type LedgerCount, noLedger, type Outcome } from '../model/verdict.ts';
import { compareText, examplesOf } from './findings.ts';
import { counted, duration, rounded, sameQuantity } from './numbers.ts';
import { ownWrites } from './own-writes.ts';

type Lines = Write['lines'];

/** What one Galera node said when it was last read to the end; only such a round shows that something is absent. */
export interface NodeReading {
  readonly node: string;
  /** Undefined when no round was read to the end. */
  readonly last?: ReadonlyMap<string, readonly FoundDocument[]>;
  /** Markers by the first round that had them, with the time of that round. */
  readonly firstSeen: ReadonlyMap<string, { readonly round: number; readonly at: Instant }>;
  /** The first round that was read to the end. */
  readonly firstRound?: { readonly round: number; readonly at: Instant };
  readonly error?: string;
}

export interface ReadBack {
  readonly writes: ReadonlyMap<string, Write>;
  readonly nodes: readonly NodeReading[];
}

export function readBack(evidence: Evidence): ReadBack {
  const { ledger } = evidence;
  const nodes = [...new Set(ledger.flatMap((line) => (line.kind === 'read' ? [line.node] : [])))].sort(compareText);
  return { writes: writesOf(ownWrites(evidence)), nodes: nodes.map((node) => readNode(node, ledger)) };
}

export function judgeLedger(
  claim: Claim,
  read: ReadBack,
): { readonly count: LedgerCount; readonly findings: readonly Finding[] } {
  const { writes } = read;
  const complete = read.nodes.flatMap(({ last, ...node }) => (last ? [{ ...node, last }] : []));
  const seen = tally(writes, complete);
  const outcomes = [...writes.values()].map(({ outcome }) => outcome);
  const ofOutcome = (outcome: Write['outcome']) => outcomes.filter((one) => one === outcome).length;

  const count: LedgerCount = {
    ...noLedger,
    sent: writes.size,
    acknowledged: ofOutcome('acknowledged'),
    refused: ofOutcome('refused'),
    unknown: ofOutcome('unknown'),
    unknownPresent: seen.unknownPresent.size,
    lost: seen.lost.size,
    duplicated: seen.duplicated.size,
    refusedButFound: seen.refusedButFound.size,
    neverSent: seen.neverSent.size,
    stale: seen.stale.size,
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
      clean: readAny && seen.linesUnknown.size === 0 ? 'passed' : 'inconclusive',
      none:
        seen.linesUnknown.size > 0
          ? `${counted(seen.linesUnknown.size, 'write')} on record without its lines: they can't be compared.`
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
          : `None of ${counted(count.refused, 'refused write')} moved anything${seen.refusedDrafts.size > 0 ? `; ${counted(seen.refusedDrafts.size, 'draft')} of a refused submit stayed, as it should` : ''}.`,
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
    reported(
      'ledger.unknown',
      count.unknown === 0
        ? 'Every write got a clear answer.'
        : `${counted(count.unknown, 'write')} ended without a clear answer: ${count.unknownPresent} of them are there, ${count.unknown - count.unknownPresent} are not.`,
      count.unknown,
      examplesOf(seen.unknownPresent.values()),
    ),
    reported(
      'ledger.stale',
      count.stale === 0
        ? 'No write came late to a node.'
        : `${counted(count.stale, 'write was', 'writes were')} missing on a node at first and there later, ${duration(seen.staleMsMax)} after the first look at most: stale, not lost.`,
      count.stale,
      examplesOf(seen.stale.values()),
    ),
  );
  return { count, findings };
}

function judgeNodes({ ledger }: Claim, { nodes }: ReadBack): Finding {
  const silent = nodes
    .filter(({ last }) => !last)
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

type Complete = NodeReading & { readonly last: NonNullable<NodeReading['last']> };

function judgeAgreement({ ledger }: Claim, nodes: readonly Complete[], disagree: ReadonlyMap<string, string>): Finding {
  const alone = nodes.length < Math.min(2, ledger.nodes) || nodes.length === 0;
  return judgeCount('ledger.agree', disagree, {
    clean: alone ? 'inconclusive' : 'passed',
    none: alone
      ? `${counted(nodes.length, 'Galera node')} read, so nobody can tell whether they agree.`
      : `${counted(nodes.length, 'Galera node')} ${nodes.length === 1 ? 'says' : 'say'} the same of every document.`,
    some: (n) => `The Galera nodes do not agree on ${counted(n, 'write')}.`,
  });
}

/** Classes of writes, each by marker with a line that says what was seen where. */
interface Tally {
  readonly lost: Map<string, string>;
  readonly duplicated: Map<string, string>;
  readonly linesDiffer: Map<string, string>;
  readonly linesUnknown: Map<string, string>;
  readonly refusedButFound: Map<string, string>;
  readonly refusedDrafts: Map<string, string>;
  readonly neverSent: Map<string, string>;
  readonly unknownPresent: Map<string, string>;
  readonly stale: Map<string, string>;
  readonly disagree: Map<string, string>;
  staleMsMax: number;
}

function tally(writes: ReadBack['writes'], nodes: readonly Complete[]): Tally {
  const seen: Tally = {
    lost: new Map(),
    duplicated: new Map(),
    linesDiffer: new Map(),
    linesUnknown: new Map(),
    refusedButFound: new Map(),
    refusedDrafts: new Map(),
    neverSent: new Map(),
    unknownPresent: new Map(),
    stale: new Map(),
    disagree: new Map(),
    staleMsMax: 0,
  };
  const markers = [...new Set([...writes.keys(), ...nodes.flatMap(({ last }) => [...last.keys()])])].sort(compareText);
  for (const marker of markers) {
    const write = writes.get(marker);
    const places = new Map<Map<string, string>, string[]>();
    const put = (into: Map<string, string>, where: string) => places.set(into, [...(places.get(into) ?? []), where]);
    for (const node of nodes) classify(seen, put, write, marker, node);
    for (const [into, where] of places) into.set(marker, `${marker}: ${inShort(where, nodes)}`);
    const told = new Set(nodes.map(({ last }) => signature(last.get(marker) ?? [])));
    const document = write?.outcome === 'acknowledged' ? write.document : undefined;
    const lost = seen.lost.get(marker);
    if (document && lost) seen.lost.set(marker, `${lost}, acknowledged as ${document}`);
    if (told.size > 1)
      seen.disagree.set(
        marker,
        `${marker}: ${nodes.map(({ node, last }) => `${node} ${inWords(last.get(marker) ?? [])}`).join(', ')}`,
      );
  }
  return seen;
}

/** What holds on every node is told once. */
function inShort(places: readonly string[], nodes: readonly Complete[]): string {
  const general = new Set(places.map((place, index) => place.replace(nodes[index]?.node ?? '', 'every Galera node')));
  const [one] = general;
  if (one === undefined || general.size > 1 || places.length < nodes.length || nodes.length < 2)
    return places.join(', ');
  return one.replace('not on every Galera node', 'on no Galera node');
}

function classify(
  seen: Tally,
  put: (into: Map<string, string>, where: string) => void,
  write: Write | undefined,
  marker: string,
  { node, last, firstSeen, firstRound }: Complete,
): void {
  const documents = last.get(marker) ?? [];
  const [only] = documents;
  const first = firstSeen.get(marker);

  if (!write) {
    if (only) put(seen.neverSent, `${only.name} on ${node}`);
    return;
  }
  if (!only) {
    if (write.outcome === 'acknowledged')
      put(seen.lost, first ? `gone from ${node} after round ${first.round}` : `not on ${node}`);
    return;
  }
  if (first && firstRound && first.round > firstRound.round) {
    const lateMs = first.at - firstRound.at;
    seen.staleMsMax = Math.max(seen.staleMsMax, lateMs);
    put(seen.stale, `on ${node} ${duration(lateMs)} late`);
  }
  if (write.outcome === 'unknown')
    put(seen.unknownPresent, `${only.docstatus === 0 ? 'draft ' : ''}${only.name} on ${node}`);

  // A two-step write whose submit was refused leaves its draft: nothing moved, so nothing was stored against the answer.
  const moved = documents.filter(({ docstatus, lines }) => docstatus !== 0 || lines.length > 0);
  if (write.outcome === 'refused') {
    if (moved.length > 0) put(seen.refusedButFound, `${moved.map(({ name }) => name).join(' and ')} on ${node}`);
    else put(seen.refusedDrafts, `on ${node}`);
    return;
  }
  if (documents.length > 1) {
    put(
      seen.duplicated,
      `${documents
        .map(({ name }) => name)
        .sort(compareText)
        .join(' and ')} on ${node}`,
    );
    return;
  }
  if (moved.length === 0) {
    if (write.outcome === 'acknowledged') put(seen.lost, `only the draft ${only.name} on ${node}`);
    return;
  }
  if (write.lines.length === 0) {
    put(seen.linesUnknown, `on ${node}`);
    return;
  }
  if (only.docstatus === 2 && only.lines.length === 0 && write.cancelled) return;
  if (write.outcome === 'acknowledged' && write.cancelled === 'acknowledged') {
    put(seen.lost, `${inWords([only])} on ${node}, whose cancelling was acknowledged`);
    return;
  }
  const times = timesApplied(write.lines, only.lines);
  if (times !== undefined && times > 1) put(seen.duplicated, `lines of ${only.name} ${times} times on ${node}`);
  else if (times !== 1 || only.docstatus !== 1)
    put(seen.linesDiffer, `${inWords([only])} on ${node}, sent was ${linesText(write.lines)}`);
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

function writesOf(all: readonly Write[]): ReadonlyMap<string, Write> {
  const writes = new Map<string, Write>();
  for (const write of all) {
    const before = writes.get(write.marker);
    writes.set(write.marker, before ? together(before, write) : write);
  }
  return writes;
}

/** Several requests under one marker: the last clear answer holds, and where they contradict each other nobody knows. */
function together(before: Write, next: Write): Write {
  const outcome = next.outcome === 'acknowledged' || next.outcome === before.outcome ? next.outcome : 'unknown';
  const document = next.document ?? before.document;
  const cancelled = next.cancelled ?? before.cancelled;
  return {
    marker: next.marker,
    outcome,
    lines: next.lines.length > 0 ? next.lines : before.lines,
    ...(document ? { document } : {}),
    ...(cancelled ? { cancelled } : {}),
  };
}

function readNode(node: string, ledger: readonly LedgerLine[]): NodeReading {
  const reads = ledger.flatMap((line) =>
    line.kind === 'read' && line.node === node && line.what === 'documents' ? [line] : [],
  );
  const complete = reads.filter(({ error }) => error === undefined).sort((a, b) => a.round - b.round);
  const lastRound = complete.at(-1);
  const firstRound = complete[0];
  const firstSeen = new Map<string, { round: number; at: Instant }>();
  const last = new Map<string, FoundDocument[]>();
  const rounds = new Map(complete.map((read) => [read.round, read.at]));
  for (const line of ledger) {
    if (line.kind !== 'document' || line.document.node !== node) continue;
    const { marker, round } = line.document;
    const at = rounds.get(round);
    if (at === undefined) continue;
    if (round < (firstSeen.get(marker)?.round ?? Number.POSITIVE_INFINITY)) firstSeen.set(marker, { round, at });
    if (round === lastRound?.round) last.set(marker, [...(last.get(marker) ?? []), line.document]);
  }
  const error = reads.findLast((read) => read.error !== undefined)?.error;
  return {
    node,
    firstSeen,
    ...(lastRound ? { last } : {}),
    ...(firstRound ? { firstRound: { round: firstRound.round, at: firstRound.at } } : {}),
    ...(error === undefined ? {} : { error }),
  };
}

const signature = (documents: readonly FoundDocument[]): string =>
  documents
    .map((document) => inWords([document]))
    .sort(compareText)
    .join('|');

const inWords = (documents: readonly FoundDocument[]): string =>
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
function judgeCount(
  check: string,
  found: ReadonlyMap<string, string>,
  wording: Wording,
  bad: Outcome = 'failed',
): Finding {
  const count = found.size;
  return {
    check,
    outcome: count > 0 ? bad : wording.clean,
    says: count > 0 ? wording.some(count) : wording.none,
    measured: count,
    bound: '= 0',
    unit: 'writes',
    ...(count > 0 ? { examples: examplesOf(found.values()) } : {}),
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
