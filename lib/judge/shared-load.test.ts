// What the judge makes of a run that took the load over and passed it on: it counts what users felt, and accounts for its own writes alone.
import { expect, test } from 'vitest';
import {
  evidenceOf,
  journalWith,
  ledgerWith,
  losing,
  operationsWith,
  outcomesOf,
  runBefore,
  sharing,
  timesOf,
  usualShape,
} from '../../tests/fixtures/evidence.ts';
import type { Evidence, MovedStock } from '../model/evidence.ts';
import { tablesOf } from '../tables/run-tables.ts';
import { judge } from './judge.ts';
import { phaseSpans } from './phases.ts';

const alone = evidenceOf();
const shared = sharing(alone);
const { claim } = shared;
const times = timesOf(usualShape);
const outcome = (evidence: Evidence, check: string, phase?: string) => outcomesOf(judge(claim, evidence), check, phase);
const movedWith = (change: (moved: MovedStock) => MovedStock | undefined): Evidence =>
  ledgerWith(shared, (line) => {
    if (line.kind !== 'moved') return line;
    const moved = change(line.moved);
    return moved && { kind: 'moved', moved };
  });
const someMarker = (of: string) =>
  shared.operations.flatMap(({ write }) =>
    write?.outcome === 'acknowledged' && write.marker.startsWith(of) ? [write.marker] : [],
  )[0] as string;

test('a run that shares its steady state passes like one that has its own', () => {
  const verdict = judge(claim, shared);
  expect(verdict.findings.filter((one) => one.outcome !== 'passed')).toEqual([]);
  expect(verdict.findings.find(({ check }) => check === 'run.header')?.says).toContain(`the end of run ${runBefore}`);
  expect(verdict.findings.find(({ check }) => check === 'load.exit')?.says).toContain('went on to the next run');
});

test('operations of the run before count for what users felt, its writes for nothing else', () => {
  const [one, two] = [judge(alone.claim, alone), judge(claim, shared)];
  const foreign = shared.operations.filter(({ write }) => write?.marker.startsWith(`${runBefore}-`)).length;
  expect(foreign).toBeGreaterThan(50);
  expect(two.ledger.sent).toBe(one.ledger.sent - foreign);
  expect(two.ledger.lost).toBe(0);
  const saysOf = (verdict: typeof one, check: string, phase?: string) =>
    verdict.findings.find((finding) => finding.check === check && finding.phase === phase)?.says;
  expect(saysOf(two, 'scans-good', 'steady')).toBe(saysOf(one, 'scans-good', 'steady'));
  expect(two.recovery).toEqual(one.recovery);
  expect(saysOf(two, 'load.acknowledged')).not.toBe(saysOf(one, 'load.acknowledged'));
});

test('an own write that is lost is lost, whoever else had the load', () => {
  const own = someMarker(usualShape.runId);
  const verdict = judge(claim, losing(shared, [own]));
  expect(verdict.ledger.lost).toBe(1);
  expect(outcomesOf(verdict, 'stock.documents')).toEqual(['failed']);
});

test('a marker that is of neither run is never waved through', () => {
  const strange = operationsWith(shared, (operation) =>
    operation.write?.marker === someMarker(runBefore)
      ? { ...operation, write: { ...operation.write, marker: 'rother-01-issue-1' } }
      : operation,
  );
  expect(judge(claim, strange).ledger.lost).toBe(1);
});

test('without steadyOf in the header nothing is set aside', () => {
  const hidden = journalWith(shared, (line) => {
    if (line.kind !== 'header') return line;
    const { steadyOf: _, ...header } = line.header;
    return { ...line, header };
  });
  expect(judge(claim, hidden).ledger.lost).toBeGreaterThan(50);
  expect(outcome(hidden, 'run.header')).toEqual(['inconclusive']);
});

test('what others moved is part of the balance', () => {
  for (const whose of ['own', 'later'] as const)
    expect(
      outcome(
        movedWith((moved) => (moved.whose === whose ? undefined : moved)),
        'stock.documents',
      ),
    ).toEqual(['failed']);
});

const place = (moved: MovedStock) => moved.whose === 'earlier' && moved.when === 'after' && moved.item === 'ITEM-0003';

test('what an earlier run had written and is gone now is a failure, with or without its stock', () => {
  const gone = ({ documents, qty, ...moved }: MovedStock) => ({ ...moved, documents: documents - 1, qty: qty - 4 });
  const documents = movedWith((moved) => (place(moved) ? gone(moved) : moved));
  // The ledger lost it too: nothing makes up for it.
  const both = ledgerWith(documents, (line) => {
    if (line.kind !== 'stock' || line.level.when !== 'after' || line.level.item !== 'ITEM-0003') return line;
    const { ledgerSum, bin, lastRunning, ...level } = line.level;
    return { kind: 'stock', level: { ...level, ledgerSum: ledgerSum - 4, bin: bin - 4, lastRunning: lastRunning - 4 } };
  });
  expect(outcome(both, 'stock.documents')).toEqual(['failed']);
});

test('what came late of an earlier run is no failure of this one', () => {
  const late = movedWith((moved) =>
    place(moved) ? { ...moved, documents: moved.documents + 1, qty: moved.qty + 3 } : moved,
  );
  const both = ledgerWith(late, (line) => {
    if (line.kind !== 'stock' || line.level.when !== 'after' || line.level.item !== 'ITEM-0003') return line;
    const { ledgerSum, bin, lastRunning, ...level } = line.level;
    return { kind: 'stock', level: { ...level, ledgerSum: ledgerSum + 3, bin: bin + 3, lastRunning: lastRunning + 3 } };
  });
  expect(outcome(both, 'stock.documents')).toEqual(['passed']);
  expect(outcome(late, 'stock.documents')).toEqual(['failed']);
});

test('a load that was passed on with trouble is inconclusive, and so is one of which nobody knows', () => {
  const told = (detail: string) =>
    journalWith(shared, (line) => (line.kind === 'load' && line.event === 'passed-on' ? { ...line, detail } : line));
  expect(outcome(told('3 iterations were not answered'), 'load.exit')).toEqual(['inconclusive']);
  const nothing = journalWith(shared, (line) =>
    line.kind === 'load' && line.event === 'passed-on' ? undefined : line,
  );
  expect(outcome(nothing, 'load.exit')).toEqual(['inconclusive']);
});

test('the last phase ends where the load was passed on, whatever was answered later', () => {
  const late = {
    ...shared,
    operations: [
      ...shared.operations,
      { journey: 'barcode-lookup' as const, sentAt: times.stopped + 40, durationMs: 5, good: true, status: 200 },
    ],
  };
  expect(phaseSpans(tablesOf(late)).at(-1)?.to).toBe(times.stopped);
});

test('a steady state whose first part is missing was not seen: a load that was taken over does not begin late', () => {
  const late = (evidence: Evidence) =>
    operationsWith(evidence, (operation) =>
      operation.sentAt >= times.steady && operation.sentAt < times.steady + 6_000 ? undefined : operation,
    );
  expect(outcome(late(shared), 'load.achieved')).toEqual(['inconclusive']);
  expect(outcome(late(alone), 'load.achieved')).toEqual(['passed']);
});

test('a clock that was set within the shared stretch shows', () => {
  const set = journalWith(shared, (line) =>
    line.kind === 'phase' && line.phase === 'steady' ? { ...line, mono: line.mono - 3_000 } : line,
  );
  expect(outcome(set, 'run.clock')).toEqual(['inconclusive']);
});

test('the generator’s account of a stretch that was passed on is judged like any other', () => {
  const explained = shared.operations.reduce((all, { durationMs = 0 }) => all + durationMs, 0) / 1000;
  const withAccount = (processorSeconds: number) =>
    journalWith(shared, (line) =>
      line.kind === 'load' && line.event === 'passed-on'
        ? {
            ...line,
            generator: {
              processors: 2,
              busiest: { windowMs: 5_000, processorSeconds },
              iterations: shared.operations.length,
              iterationSeconds: explained + 1,
            },
          }
        : line,
    );
  expect(outcome(withAccount(2), 'load.processor')).toEqual(['passed']);
  expect(outcome(withAccount(9.9), 'load.processor')).toEqual(['inconclusive']);
  expect(outcome(withAccount(2), 'load.busy')).toEqual(['passed']);
});
