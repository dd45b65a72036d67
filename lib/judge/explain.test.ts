// Each word that the judge can have for a write, and the moment at which it was sent.
import { expect, test } from 'vitest';
import {
  acknowledgedInFault,
  documentOf,
  evidenceOf,
  journalWith,
  ledgerWith,
  losing,
  operationsWith,
  sharing,
} from '../../tests/fixtures/evidence.ts';
import type { Evidence, JournalLine } from '../model/evidence.ts';
import type { MarkerTrace } from '../model/explanation.ts';
import { explain } from './explain.ts';

const whole = evidenceOf();
const marker = acknowledgedInFault(whole)[0] ?? '';

/** As lib/evidence/trace-marker.ts would find it. */
function traceOf(evidence: Evidence, of = marker, over: Partial<MarkerTrace> = {}): MarkerTrace {
  const writes = evidence.operations.flatMap((operation) =>
    operation.write?.marker === of ? [{ ...operation, write: operation.write, exchanges: [] }] : [],
  );
  const at = writes[0]?.sentAt ?? 0;
  const items = writes.flatMap(({ write }) => write.lines.map(({ item }) => item));
  return {
    marker: of,
    claim: evidence.claim,
    journal: evidence.journal,
    writes,
    aroundMs: 1_000,
    around: evidence.operations.filter(({ sentAt, write }) => Math.abs(sentAt - at) <= 1_000 && write?.marker !== of),
    drops: [],
    ledger: evidence.ledger.filter(
      (line) =>
        line.kind === 'read' ||
        (line.kind === 'document' && line.document.marker === of) ||
        (line.kind === 'stock' && items.includes(line.level.item)),
    ),
    namesakes: [],
    ranges: [],
    damaged: evidence.damaged,
    ...over,
  };
}

const wordOf = (evidence: Evidence, of = marker, over: Partial<MarkerTrace> = {}) => {
  const { word, outcome } = explain(traceOf(evidence, of, over), 'run');
  return [word, outcome];
};

const withOutcome = (outcome: 'refused' | 'unknown') =>
  operationsWith(whole, (operation) =>
    operation.write?.marker === marker ? { ...operation, write: { ...operation.write, outcome } } : operation,
  );
const without = (evidence: Evidence) =>
  ledgerWith(evidence, (line) => (line.kind === 'document' && line.document.marker === marker ? undefined : line));
const readError = (nodes: readonly string[]) =>
  ledgerWith(whole, (line) =>
    line.kind === 'read' && line.what === 'documents' && nodes.includes(line.node) ? { ...line, error: 'gone' } : line,
  );

test('a write that is there once passes; one that is gone fails; with no member read nobody can tell', () => {
  expect(wordOf(whole)).toEqual(['once', 'passed']);
  expect(wordOf(losing(whole, [marker]))).toEqual(['lost', 'failed']);
  expect(wordOf(readError(['galera-0', 'galera-1', 'galera-2']))).toEqual(['cannot-tell', 'inconclusive']);
});

test('there on two members, while the third could not be read, is no pass', () => {
  expect(wordOf(readError(['galera-2']))).toEqual(['once', 'inconclusive']);
});

test('gone on one member alone is lost', () => {
  expect(wordOf(losing(whole, [marker], ['galera-1']))).toEqual(['lost', 'failed']);
});

test('two documents under one marker are twice, and other lines are another movement', () => {
  const twice = ledgerWith(whole, (line) =>
    line.kind === 'document' && line.document.marker === marker
      ? [line, { ...line, document: { ...line.document, name: 'MAT-OTHER' } }]
      : line,
  );
  expect(wordOf(twice)).toEqual(['duplicated', 'failed']);
  const other = ledgerWith(whole, (line) =>
    line.kind === 'document' && line.document.marker === marker
      ? { ...line, document: { ...line.document, lines: [{ item: 'ITEM-9', warehouse: 'W', qty: 1 }] } }
      : line,
  );
  expect(wordOf(other)).toEqual(['other-lines', 'failed']);
});

test('a refused write must not be there; an unknown one may', () => {
  expect(wordOf(withOutcome('refused'))).toEqual(['refused-but-found', 'failed']);
  expect(wordOf(without(withOutcome('refused')))).toEqual(['refused', 'passed']);
  expect(wordOf(withOutcome('unknown'))).toEqual(['unknown-and-there', 'passed']);
  expect(wordOf(without(withOutcome('unknown')))).toEqual(['unknown-and-absent', 'passed']);
});

test('a document that nobody sent is a hole in the record', () => {
  const ghost = 'rsynthetic-issue-77777';
  const ledger = [
    ...traceOf(whole).ledger,
    ...['galera-0', 'galera-1', 'galera-2'].map((node) => ({
      kind: 'document' as const,
      document: documentOf(node, 1, ghost, []),
    })),
  ];
  const explanation = explain(traceOf(whole, ghost, { ledger }), 'run');
  expect([explanation.word, explanation.outcome]).toEqual(['never-sent', 'inconclusive']);
  expect(explanation.moment).toBeUndefined();
});

test('late on one member is stale, not lost', () => {
  const late = ledgerWith(whole, (line) => {
    if (line.kind === 'read' && line.what === 'documents') return [line, { ...line, round: 1, at: line.at + 900 }];
    if (line.kind !== 'document') return line;
    const second = { ...line, document: { ...line.document, round: 1 } };
    return line.document.node === 'galera-2' ? [second] : [line, second];
  });
  const explanation = explain(traceOf(late), 'run');
  expect([explanation.word, explanation.outcome]).toEqual(['stale', 'passed']);
  expect(explanation.found.map(({ node, firstSeen }) => [node, firstSeen?.round])).toEqual([
    ['galera-0', 0],
    ['galera-1', 0],
    ['galera-2', 1],
  ]);
});

test('with a hole in samples or ledger nothing is as it should be for certain, and what is lost stays lost', () => {
  for (const file of ['samples.ndjson', 'ledger.ndjson']) {
    const damaged = [{ file, what: 'cut off in its last line' }];
    expect(wordOf(whole, marker, { damaged })).toEqual(['once', 'inconclusive']);
    expect(wordOf(losing(whole, [marker]), marker, { damaged })).toEqual(['lost', 'failed']);
  }
  expect(wordOf(whole, marker, { damaged: [{ file: 'k6.log', what: 'missing' }] })).toEqual(['once', 'passed']);
});

test('a write that another run accounts for is never called fine here', () => {
  const shared = sharing(whole);
  const foreign = shared.operations.find(({ write }) => write?.marker.startsWith('rbefore-01-'))?.write?.marker ?? '';
  const explanation = explain(traceOf(shared, foreign), 'run');
  expect([explanation.word, explanation.outcome]).toEqual(['cannot-tell', 'inconclusive']);
  expect(explanation.gaps).toContainEqual(expect.stringContaining('of the run before, rbefore-01'));
});

test('evidence of other rules is refused, never guessed', () => {
  const claim = { ...whole.claim, judgeVersion: 2 } as unknown as Evidence['claim'];
  expect(wordOf({ ...whole, claim })).toEqual(['cannot-tell', 'inconclusive']);
});

test('the moment has its phase, the fault that was there, and what came nearest before and after', () => {
  const { moment } = explain(traceOf(whole), 'run');
  const at = moment?.at ?? 0;
  const steps = moment?.timeline.filter(({ kind }) => kind === 'step' || kind === 'own').map(({ says }) => says);
  expect(steps).toContain('galera/writer-crash injected on erp/galera-0');
  expect(steps).toContain('sent');
  const injected = whole.journal.find((line) => line.kind === 'step' && line.step === 'injected')?.at ?? 0;
  expect(moment?.faults).toEqual(at >= injected ? ['galera/writer-crash'] : []);
  expect(moment?.inject).toMatchObject({ fault: 'galera/writer-crash', on: 'erp/galera-0' });
  expect(moment?.timeline.map(({ ms }) => ms)).toEqual(
    [...(moment?.timeline ?? [])].map(({ ms }) => ms).sort((a, b) => a - b),
  );
});

const reading = (at: number, seen: string): JournalLine => ({
  at,
  mono: 0,
  kind: 'reading',
  series: 'app-writer-nodes',
  value: 1,
  seen,
});

test('the member is who the answer named; else the writer by the last reading before the answer; else nobody', () => {
  const trace = traceOf(whole);
  const [write] = trace.writes;
  if (!write) return expect.fail('the fixture has no such write');
  const exchange = { at: write.sentAt, method: 'POST', status: 200, durationMs: 5 };
  const answered = { ...trace, writes: [{ ...write, exchanges: [{ ...exchange, member: 'galera-1' }] }] };
  expect(explain(answered, 'run').member).toMatchObject({ name: 'galera-1', by: 'answer' });
  const answeredAt = write.sentAt + (write.durationMs ?? 0);
  const journal = [...trace.journal, reading(answeredAt - 300, 'galera-0'), reading(answeredAt + 1, 'galera-2')];
  const byReading = explain({ ...trace, journal }, 'run').member;
  expect(byReading).toMatchObject({ name: 'galera-0', by: 'reading', says: expect.stringContaining('300 ms before') });
  const { member } = explain(trace, 'run');
  expect(member).toMatchObject({ by: 'nobody' });
  expect(member).not.toHaveProperty('name');
});

test('a journal without anything in it is no reason to break down', () => {
  const bare = journalWith(whole, () => undefined);
  const explanation = explain(traceOf(bare), 'run');
  expect(explanation.moment).toMatchObject({ faults: [], readings: [] });
  expect(explanation.moment?.phase).toBeUndefined();
});
