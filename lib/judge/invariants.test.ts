import { expect, test } from 'vitest';
import { evidenceOf, ledgerWith, losing, outcomesOf } from '../../tests/fixtures/evidence.ts';
import type { Evidence, StockLevel, Write } from '../model/evidence.ts';
import { judge } from './judge.ts';

const evidence = evidenceOf();
const claim = evidence.claim;
const outcome = (spoiled: Evidence, check: string) => outcomesOf(judge(claim, spoiled), check);
const level = (when: StockLevel['when'], change: (level: StockLevel) => StockLevel | undefined) =>
  ledgerWith(evidence, (line) => {
    if (
      line.kind !== 'stock' ||
      line.level.when !== when ||
      line.level.node !== 'galera-1' ||
      line.level.item !== 'ITEM-0003'
    )
      return line;
    const changed = change(line.level);
    return changed && { kind: 'stock', level: changed };
  });
const checks = ['stock.bin', 'stock.running', 'stock.documents', 'stock.negative'] as const;

test('books that balance pass, and say over how many items on how many nodes', () => {
  const verdict = judge(claim, evidence);
  for (const check of checks) expect(outcomesOf(verdict, check)).toEqual(['passed']);
  expect(verdict.findings.find(({ check }) => check === 'stock.bin')?.says).toContain('40 items on 3 Galera nodes');
});

test.each([
  ['stock.bin', (one: StockLevel) => ({ ...one, bin: one.bin + 1 })],
  ['stock.running', (one: StockLevel) => ({ ...one, lastRunning: one.lastRunning - 1 })],
  ['stock.negative', (one: StockLevel) => ({ ...one, runningMin: -1 })],
  [
    'stock.documents',
    (one: StockLevel) => ({ ...one, ledgerSum: one.ledgerSum + 1, bin: one.bin + 1, lastRunning: one.lastRunning + 1 }),
  ],
] as const)('%s: one item on one node that is off is a failure, and is named', (check, change) => {
  const verdict = judge(claim, level('after', change));
  for (const other of checks) expect(outcomesOf(verdict, other)).toEqual([other === check ? 'failed' : 'passed']);
  expect(verdict.ledger.invariantsBroken).toBe(1);
  expect(verdict.findings[0]?.examples).toEqual([expect.stringMatching(/^ITEM-0003 in Stores - WP on galera-1: /)]);
});

test.each(['stock-before', 'stock-after'])('%s not read on a node is inconclusive', (what) => {
  const unread = ledgerWith(evidence, (line) =>
    line.kind === 'read' && line.what === what && line.node === 'galera-1' ? { ...line, error: 'timed out' } : line,
  );
  expect(outcome(unread, 'stock.read')).toEqual(['inconclusive']);
  expect(judge(claim, unread).outcome).toBe('inconclusive');
});

test('with no stock read at all nobody can tell', () => {
  const nothing = ledgerWith(evidence, (line) =>
    line.kind === 'stock' || (line.kind === 'read' && line.what !== 'documents') ? undefined : line,
  );
  for (const check of checks) expect(outcome(nothing, check)).toEqual(['inconclusive']);
});

test('books that were off before the run are inconclusive, not this run’s failure', () => {
  const off = level('before', (one) => ({ ...one, bin: one.bin + 5 }));
  expect(outcome(off, 'stock.baseline')).toEqual(['inconclusive']);
  const negative = ledgerWith(evidence, (line) =>
    line.kind === 'stock' ? { kind: 'stock', level: { ...line.level, runningMin: -3 } } : line,
  );
  expect(outcome(negative, 'stock.baseline')).toEqual(['inconclusive']);
  expect(outcome(negative, 'stock.negative')).toEqual(['passed']);
});

test('an item that vanished from the stock is off', () => {
  expect(
    outcome(
      level('after', () => undefined),
      'stock.documents',
    ),
  ).toEqual(['failed']);
});

test('an item that had no stock before starts from zero', () => {
  const fresh = ledgerWith(evidence, (line) => {
    if (line.kind !== 'stock' || line.level.item !== 'ITEM-0040') return line;
    if (line.level.when === 'before') return undefined;
    const moved = line.level.ledgerSum - 1_000;
    return { kind: 'stock', level: { ...line.level, ledgerSum: moved, bin: moved, lastRunning: moved } };
  });
  expect(outcome(fresh, 'stock.documents')).toEqual(['passed']);
});

test('a lost write shows in the stock too; its document alone coming back would not hide that', () => {
  const { marker } = evidence.operations.flatMap(({ write }) =>
    write?.outcome === 'acknowledged' ? [write] : [],
  )[0] as Write;
  const { ledger } = losing(evidence, [marker]);
  const spoiled = {
    ...evidence,
    ledger: [
      ...evidence.ledger.filter((line) => line.kind !== 'stock'),
      ...ledger.filter((line) => line.kind === 'stock'),
    ],
  };
  expect(outcome(spoiled, 'ledger.lost')).toEqual(['passed']);
  expect(outcome(spoiled, 'stock.documents')).toEqual(['failed']);
});

test('a node whose documents were not read is left out, and told', () => {
  const unread = ledgerWith(evidence, (line) =>
    line.kind === 'read' && line.what === 'documents' && line.node === 'galera-1' ? { ...line, error: 'x' } : line,
  );
  expect(outcome(unread, 'stock.read')).toEqual(['inconclusive']);
});

test('what is off in the same way on every node is told once', () => {
  const marker = (
    evidence.operations.flatMap(({ write }) => (write?.outcome === 'acknowledged' ? [write] : []))[0] as Write
  ).marker;
  const finding = judge(claim, losing(evidence, [marker])).findings.find(({ check }) => check === 'stock.documents');
  expect(finding?.measured).toBe(3);
  expect(finding?.examples).toEqual([expect.stringMatching(/ on every Galera node: ledger \d+, documents \d+$/)]);
});
