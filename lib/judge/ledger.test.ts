import { describe, expect, test } from 'vitest';
import {
  acknowledgedInFault,
  claimOf,
  controlClaim,
  documentOf,
  evidenceOf,
  ledgerWith,
  losing,
  nodes,
  operationsWith,
  outcomesOf,
} from '../../tests/fixtures/evidence.ts';
import type { Evidence, FoundDocument, LedgerLine, Write } from '../model/evidence.ts';
import { judge } from './judge.ts';

const evidence = evidenceOf();
const claim = evidence.claim;
const acknowledged = evidence.operations.flatMap(({ write }) => (write?.outcome === 'acknowledged' ? [write] : []));
const one = acknowledged[10] as Write;
const outcome = (spoiled: Evidence, check: string) => outcomesOf(judge(claim, spoiled), check);
const document = (
  change: (found: FoundDocument) => FoundDocument | readonly FoundDocument[] | undefined,
  marker = one.marker,
) =>
  ledgerWith(evidence, (line) => {
    if (line.kind !== 'document' || line.document.marker !== marker) return line;
    const changed = change(line.document);
    return [changed ?? []].flat().map((one): LedgerLine => ({ kind: 'document', document: one }));
  });
const answered = (marker: string, change: Partial<Write>) =>
  operationsWith(evidence, (operation) =>
    operation.write?.marker === marker ? { ...operation, write: { ...operation.write, ...change } } : operation,
  );
const examples = (spoiled: Evidence, check: string) =>
  judge(claim, spoiled).findings.find((finding) => finding.check === check)?.examples;

test('when every acknowledged write is there once, with its lines, on every node, the ledger passes', () => {
  const verdict = judge(claim, evidence);
  expect(verdict.findings.filter(({ check, outcome }) => check.startsWith('ledger.') && outcome !== 'passed')).toEqual(
    [],
  );
  expect(verdict.ledger).toMatchObject({
    sent: 448,
    acknowledged: acknowledged.length,
    lost: 0,
    duplicated: 0,
    invariantsBroken: 0,
  });
  expect(verdict.ledger.unknownPresent).toBeGreaterThan(0);
});

test('an acknowledged write that is nowhere is lost', () => {
  const markers = acknowledgedInFault(evidence).slice(0, 2);
  const verdict = judge(claim, losing(evidence, markers));
  expect(verdict.outcome).toBe('failed');
  expect(verdict.ledger.lost).toBe(2);
  expect(examples(losing(evidence, markers), 'ledger.lost')?.[0]).toContain(
    ': on no Galera node, acknowledged as MAT-STE-',
  );
});

test('an acknowledged write that one node lacks is lost there, and the nodes do not agree', () => {
  const spoiled = losing(evidence, [one.marker], ['galera-2']);
  expect(judge(claim, spoiled).ledger.lost).toBe(1);
  expect(outcome(spoiled, 'ledger.lost')).toEqual(['failed']);
  expect(outcome(spoiled, 'ledger.agree')).toEqual(['failed']);
  expect(examples(spoiled, 'ledger.lost')).toEqual([expect.stringContaining('not on galera-2')]);
});

test('without a node that was read to the end nobody can tell', () => {
  const unread = ledgerWith(evidence, (line) =>
    line.kind === 'read' ? { ...line, error: 'connection refused' } : line,
  );
  for (const check of [
    'ledger.nodes',
    'ledger.lost',
    'ledger.duplicated',
    'ledger.lines',
    'ledger.refused',
    'ledger.agree',
  ])
    expect(outcome(unread, check)).toEqual(['inconclusive']);
  expect(judge(claim, unread).ledger.lost).toBe(0);
});

test('one node that was not read makes it inconclusive, and nothing counts as lost there', () => {
  const silent = ledgerWith(evidence, (line) => {
    if (line.kind === 'document' && line.document.node === 'galera-1') return undefined;
    return line.kind === 'read' && line.node === 'galera-1' ? { ...line, error: 'timed out' } : line;
  });
  const verdict = judge(claim, silent);
  expect(verdict.outcome).toBe('inconclusive');
  expect(verdict.ledger.lost).toBe(0);
  expect(outcome(silent, 'ledger.nodes')).toEqual(['inconclusive']);
});

test('fewer nodes than claimed are inconclusive', () => {
  expect(
    outcomesOf(judge(claimOf({ ledger: { nodes: 4, lostMax: 0, duplicatedMax: 0 } }), evidence), 'ledger.nodes'),
  ).toEqual(['inconclusive']);
});

/** A second round, five seconds later, of all nodes. */
function twoRounds(
  inFirst: (document: FoundDocument) => boolean,
  inSecond: (document: FoundDocument) => boolean,
): Evidence {
  const again = evidence.ledger.flatMap((line): LedgerLine[] => {
    if (line.kind === 'read' && line.what === 'documents') return [{ ...line, round: 1, at: line.at + 5_000 }];
    if (line.kind !== 'document') return [];
    const later = { ...line.document, round: 1, at: line.document.at + 5_000 };
    return inSecond(later) ? [{ kind: 'document', document: later }] : [];
  });
  const first = evidence.ledger.filter((line) => line.kind !== 'document' || inFirst(line.document));
  return { ...evidence, ledger: [...first, ...again] };
}
const isOne = ({ marker, node }: FoundDocument) => marker === one.marker && node === 'galera-2';

test('missing at first and there later is stale, not lost, and it says how late', () => {
  const spoiled = twoRounds(
    (found) => !isOne(found),
    () => true,
  );
  const verdict = judge(claim, spoiled);
  expect(verdict.ledger).toMatchObject({ stale: 1, lost: 0 });
  expect(outcome(spoiled, 'ledger.lost')).toEqual(['passed']);
  expect(verdict.findings.find(({ check }) => check === 'ledger.stale')?.says).toContain('5 s');
});

test('there at first and gone later is lost', () => {
  const spoiled = twoRounds(
    () => true,
    (found) => !isOne(found),
  );
  expect(judge(claim, spoiled).ledger.lost).toBe(1);
  expect(examples(spoiled, 'ledger.lost')).toEqual([expect.stringContaining('gone from galera-2 after round 0')]);
});

test('a later round that was cut off shows nothing', () => {
  const cut = twoRounds(
    () => true,
    () => false,
  );
  const spoiled = ledgerWith(cut, (line) =>
    line.kind === 'read' && line.round === 1 ? { ...line, error: 'reset' } : line,
  );
  expect(judge(claim, spoiled).ledger.lost).toBe(0);
});

test('two documents under one marker are a duplicate, and so are lines that were applied twice', () => {
  const twoDocuments = document((found) => [found, { ...found, name: 'MAT-STE-2026-99999' }]);
  const twice = document((found) => ({ ...found, lines: found.lines.map((line) => ({ ...line, qty: 2 * line.qty })) }));
  for (const spoiled of [twoDocuments, twice]) {
    expect(judge(claim, spoiled).ledger.duplicated).toBe(1);
    expect(outcome(spoiled, 'ledger.duplicated')).toEqual(['failed']);
  }
});

test('a document that moved something else, or was cancelled, is told', () => {
  const other = document((found) => ({ ...found, lines: [{ item: 'ITEM-9', warehouse: 'Stores - WP', qty: -1 }] }));
  const half = document((found) => ({ ...found, lines: found.lines.map((line) => ({ ...line, qty: line.qty / 2 })) }));
  const cancelled = document((found) => ({ ...found, docstatus: 2 }));
  for (const spoiled of [other, half, cancelled]) expect(outcome(spoiled, 'ledger.lines')).toEqual(['failed']);
});

test('the same lines split into several rows are the same movement', () => {
  const split = document((found) => ({
    ...found,
    lines: found.lines.flatMap((line) => [
      { ...line, qty: line.qty * 0.1 },
      { ...line, qty: line.qty * 0.2 },
      { ...line, qty: line.qty * 0.7 },
    ]),
  }));
  expect(outcome(split, 'ledger.lines')).toEqual(['passed']);
});

test('a write without its lines on record can’t be compared', () => {
  expect(outcome(answered(one.marker, { lines: [] }), 'ledger.lines')).toEqual(['inconclusive']);
});

test('of an acknowledged submit only the draft is left: what was acknowledged is lost', () => {
  const spoiled = document((found) => ({ ...found, docstatus: 0, lines: [] }));
  expect(judge(claim, spoiled).ledger.lost).toBe(1);
  expect(examples(spoiled, 'ledger.lost')).toEqual([expect.stringContaining('only the draft')]);
});

test('refused and absent is right, refused and stored is a failure, the draft of a refused submit is no harm', () => {
  const unknownAbsent = evidence.operations.find(
    ({ write }) =>
      write?.outcome === 'unknown' &&
      !evidence.ledger.some((line) => line.kind === 'document' && line.document.marker === write.marker),
  )?.write as Write;
  expect(outcome(answered(unknownAbsent.marker, { outcome: 'refused' }), 'ledger.refused')).toEqual(['passed']);
  const stored = answered(one.marker, { outcome: 'refused' });
  expect(outcome(stored, 'ledger.refused')).toEqual(['failed']);
  expect(judge(claim, stored).ledger.refusedButFound).toBe(1);
  const draft = { ...stored, ledger: document((found) => ({ ...found, docstatus: 0, lines: [] })).ledger };
  expect(outcome(draft, 'ledger.refused')).toEqual(['passed']);
  expect(judge(claim, draft).ledger).toMatchObject({ refusedButFound: 0, refused: 1 });
});

test('found and never sent means a hole in the record: inconclusive', () => {
  const extra: LedgerLine[] = nodes.map((node) => ({
    kind: 'document',
    document: documentOf(node, 0, 'rsynthetic-issue-99999', [{ item: 'ITEM-0001', warehouse: 'Stores - WP', qty: -1 }]),
  }));
  const spoiled = { ...evidence, ledger: [...evidence.ledger, ...extra] };
  expect(outcome(spoiled, 'ledger.never-sent')).toEqual(['inconclusive']);
  expect(judge(claim, spoiled).ledger.neverSent).toBe(1);
});

test('unknown ones are reported, there or not', () => {
  const finding = judge(claim, evidence).findings.find(({ check }) => check === 'ledger.unknown');
  expect(finding).toMatchObject({
    outcome: 'passed',
    says: '26 writes ended without a clear answer: 9 of them are there, 17 are not.',
  });
});

test('nodes that name the document differently do not agree', () => {
  const spoiled = document((found) => (found.node === 'galera-1' ? { ...found, name: 'MAT-STE-2026-77777' } : found));
  expect(outcome(spoiled, 'ledger.agree')).toEqual(['failed']);
});

test('no acknowledged write at all proves nothing', () => {
  const none = operationsWith(evidence, (operation) =>
    operation.write ? { ...operation, write: { ...operation.write, outcome: 'unknown' } } : operation,
  );
  expect(outcome(none, 'ledger.lost')).toEqual(['inconclusive']);
});

test('several requests under one marker: the last clear answer holds, a contradiction is unknown', () => {
  const repeated = (...outcomes: Write['outcome'][]) => {
    const first = evidence.operations.find(({ write }) => write?.marker === one.marker);
    if (!first?.write) throw new Error('no such write');
    const { write } = first;
    const rest = evidence.operations.filter((operation) => operation !== first);
    const all = outcomes.map((outcome, index) => ({
      ...first,
      sentAt: first.sentAt + index,
      write: { ...write, outcome },
    }));
    return judge(claim, { ...evidence, operations: [...rest, ...all] }).ledger;
  };
  expect(repeated('unknown', 'acknowledged')).toMatchObject({ acknowledged: acknowledged.length, unknown: 26 });
  expect(repeated('acknowledged', 'unknown')).toMatchObject({ acknowledged: acknowledged.length - 1, unknown: 27 });
  expect(repeated('acknowledged', 'refused')).toMatchObject({
    acknowledged: acknowledged.length - 1,
    unknown: 27,
    refused: 0,
  });
  expect(repeated('refused', 'refused')).toMatchObject({ acknowledged: acknowledged.length - 1, refused: 1 });
});

/** One write as if it had been booked to be taken back, with the document as it is found in the end. */
function takenBack(
  cancelled: Write['cancelled'],
  found: Pick<FoundDocument, 'docstatus' | 'lines'>,
  change: Partial<Write> = {},
): Evidence {
  const changed = document((own) => ({ ...own, ...found }));
  // Where nothing moves in the end, the stock stands as it did before it.
  const back = found.lines.length === 0;
  return {
    ...changed,
    operations: changed.operations.map((operation) =>
      operation.write?.marker === one.marker
        ? { ...operation, write: { ...operation.write, ...change, ...(cancelled ? { cancelled } : {}) } }
        : operation,
    ),
    ledger: changed.ledger.map((line) => {
      const moved = one.lines.find(({ item }) => line.kind === 'stock' && line.level.item === item)?.qty ?? 0;
      if (!back || line.kind !== 'stock' || line.level.when !== 'after') return line;
      const stock = line.level.ledgerSum - moved;
      return { kind: 'stock', level: { ...line.level, ledgerSum: stock, bin: stock, lastRunning: stock } };
    }),
  };
}
const isCancelled = { docstatus: 2, lines: [] };
const isBooked = { docstatus: 1, lines: one.lines };
const unsound = (evidence: Evidence) =>
  judge(claim, evidence)
    .findings.filter(
      ({ check, outcome }) => (check.startsWith('ledger.') || check.startsWith('stock.')) && outcome !== 'passed',
    )
    .map(({ check, outcome }) => `${check} ${outcome}`);

test('a write whose cancelling was acknowledged is there cancelled, and nothing moved', () => {
  expect(unsound(takenBack('acknowledged', isCancelled))).toEqual([]);
});

test('an acknowledged cancelling that did not happen is lost, on the nodes where it did not, and the books do not balance', () => {
  const spoiled = takenBack('acknowledged', isBooked);
  expect(judge(claim, spoiled).ledger.lost).toBe(1);
  expect(unsound(spoiled)).toEqual(['ledger.lost failed', 'stock.documents failed']);
  expect(examples(spoiled, 'ledger.lost')?.[0]).toContain('whose cancelling was acknowledged');
});

test.each([
  ['cancelled', isCancelled],
  ['as it was booked', isBooked],
])('where nobody knows whether it was cancelled, it may be there %s', (_, found) => {
  expect(unsound(takenBack('unknown', found))).toEqual([]);
  expect(unsound(takenBack('unknown', found, { outcome: 'unknown' }))).toEqual([]);
});

test('a document that is cancelled though nobody asked for it is another movement than was sent', () => {
  expect(unsound(takenBack(undefined, isCancelled))).toContain('ledger.lines failed');
});

describe('by fault and by Galera node', () => {
  const partsOf = (changed: Evidence, check: string) =>
    judge(changed.claim, changed).findings.find((one) => one.check === check)?.parts;
  const whenLost = (changed: Evidence) => partsOf(changed, 'ledger.by-fault')?.map(({ when, lost }) => [when, lost]);

  test('a lost write is told with what was under way when it was acknowledged', () => {
    const [early] = acknowledged;
    const during = acknowledgedInFault(evidence)[0];
    const last = acknowledged.at(-1);
    if (!early || !during || !last) throw new Error('the fixture has too few writes');
    expect(whenLost(losing(evidence, [early.marker, during, last.marker]))).toEqual([
      ['before any fault', 1],
      ['while galera/writer-crash was under way', 1],
      ['after galera/writer-crash', 1],
    ]);
    const counts = partsOf(evidence, 'ledger.by-fault') ?? [];
    expect(counts.reduce((sum, one) => sum + Number(one.acknowledged), 0)).toBe(acknowledged.length);
    expect(counts.every(({ lost }) => lost === 0)).toBe(true);
  });

  test('of two faults at once both are named, and without any fault none', () => {
    const step = evidence.journal.find((line) => line.kind === 'step' && line.step === 'injected');
    if (step?.kind !== 'step') throw new Error('the fixture has no inject');
    const second = [
      { ...step, fault: 'redis/freeze', at: step.at + 5_000 },
      { ...step, fault: 'redis/freeze', step: 'undone' as const, at: step.at + 9_000 },
    ];
    expect(whenLost({ ...evidence, journal: [...evidence.journal, ...second] })?.map(([when]) => when)).toEqual([
      'before any fault',
      'while galera/writer-crash was under way',
      'while galera/writer-crash and redis/freeze were under way',
      'after galera/writer-crash',
    ]);
    const peace = evidenceOf(controlClaim(), { fault: null });
    expect(whenLost(peace)).toEqual([['without any fault', 0]]);
  });

  test('the Galera node that lacks a write is the one that is told', () => {
    const [one] = acknowledged;
    const lost = losing(evidence, [one?.marker ?? ''], ['galera-1']);
    expect(partsOf(lost, 'ledger.by-node')?.map(({ node, lost }) => [node, lost])).toEqual([
      ['galera-0', 0],
      ['galera-1', 1],
      ['galera-2', 0],
    ]);
  });

  test('where no node was read there is nothing to tell', () => {
    const blind = { ...evidence, ledger: [] };
    expect(partsOf(blind, 'ledger.by-fault')).toBeUndefined();
    expect(partsOf(blind, 'ledger.by-node')).toBeUndefined();
  });
});
