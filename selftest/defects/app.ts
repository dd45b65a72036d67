// What an app may do wrong without anybody noticing: its answers are well, and its books are not.

import type { Evidence, LedgerLine } from '../../lib/model/evidence.ts';
import {
  bookings,
  documents,
  jobIs,
  jobRows,
  oneLevel,
  operations,
  ranges,
  spanOf,
  stockMoved,
  values,
  write,
} from '../change.ts';
import type { Defect } from '../defect.ts';

const books = { 'stock.documents': 'the books follow what is stored, not what was answered' };

export const appDefects: readonly Defect[] = [
  {
    name: 'acknowledges-before-commit',
    seeds: 'Writes are answered with 200 before their transaction is committed, and die with the database.',
    on: 'galera-writer-crash',
    turns: { 'ledger.lost': 'failed' },
    besides: books,
    spoil: lost,
  },
  {
    name: 'applies-twice',
    seeds: 'A repeated request makes a second document.',
    on: 'galera-writer-crash',
    turns: { 'ledger.duplicated': 'failed' },
    besides: books,
    spoil(evidence) {
      const some = bookings(evidence, 3);
      return documents(stockMoved(evidence, some, 1), some, (line) => [
        line,
        { ...line, document: { ...line.document, name: `${line.document.name}-1` } },
      ]);
    },
  },
  {
    name: 'books-lines-twice',
    seeds: 'One document books its lines twice.',
    on: 'galera-writer-crash',
    turns: { 'ledger.duplicated': 'failed' },
    besides: books,
    spoil(evidence) {
      const some = bookings(evidence, 1);
      return documents(stockMoved(evidence, some, 1), some, (line) => [withLines(line, 2)]);
    },
  },
  {
    name: 'books-another-quantity',
    seeds: 'A document moves more than was sent.',
    on: 'galera-writer-crash',
    turns: { 'ledger.lines': 'failed' },
    besides: books,
    spoil(evidence) {
      const some = bookings(evidence, 1);
      return documents(stockMoved(evidence, some, 0.5), some, (line) => [withLines(line, 1.5)]);
    },
  },
  {
    name: 'keeps-a-draft-only',
    seeds: 'A write is acknowledged as submitted, and only its draft is stored.',
    on: 'control',
    turns: { 'ledger.lost': 'failed' },
    besides: books,
    spoil(evidence) {
      const some = bookings(evidence, 1);
      return documents(stockMoved(evidence, some, -1), some, (line) => [
        { ...line, document: { ...line.document, docstatus: 0, lines: [] } },
      ]);
    },
  },
  {
    name: 'refused-but-found',
    seeds: 'A write is refused, and stored all the same.',
    on: 'galera-writer-crash',
    turns: { 'ledger.refused': 'failed' },
    besides: books,
    spoil: (evidence) =>
      write(evidence, bookings(evidence, 1), ({ document: _, ...one }) => ({ ...one, outcome: 'refused' })),
  },
  {
    name: 'serves-stale-stock',
    seeds: 'The stock that is shown, the bin, stays behind its ledger.',
    on: 'web-pod-kill',
    turns: { 'stock.bin': 'failed' },
    spoil: (evidence) => oneLevel(evidence, (level) => ({ ...level, bin: level.bin - 2 })),
  },
  {
    name: 'carries-a-stale-balance-on',
    seeds: 'The newest entry carries a balance on that was read before another one was booked.',
    on: 'web-pod-kill',
    turns: { 'stock.running': 'failed' },
    spoil: (evidence) => oneLevel(evidence, (level) => ({ ...level, lastRunning: level.lastRunning + 3 })),
  },
  {
    name: 'goes-below-zero',
    seeds: 'Two issues see the same last part, and both take it.',
    on: 'web-pod-kill',
    turns: { 'stock.negative': 'failed' },
    spoil: (evidence) => oneLevel(evidence, (level) => ({ ...level, runningMin: -1 })),
  },
  {
    name: 'loses-queue-jobs',
    seeds: 'A submitted document’s job is neither done nor in the queue.',
    on: 'worker-kill',
    turns: { 'jobs.lost': 'failed' },
    spoil: (evidence) => jobRows(evidence, () => []),
  },
  {
    name: 'runs-a-job-twice',
    seeds: 'A job is handed out again after it was done.',
    on: 'worker-kill',
    turns: { 'jobs.twice': 'failed' },
    spoil: (evidence) => jobRows(evidence, (had) => [...had, `${had[0]}-again`]),
  },
  {
    name: 'forgets-a-job-in-its-queue',
    seeds: 'A job waits for ever, for a queue that no worker listens to.',
    on: 'worker-kill',
    turns: { 'jobs.accounted': 'inconclusive' },
    spoil: (evidence) => jobIs(evidence, 'waiting'),
  },
  {
    name: 'hides-errors-behind-200',
    seeds: 'Scans are answered with 200 and an error for a body.',
    on: 'control',
    turns: { 'scans-good': 'failed' },
    spoil(evidence) {
      const { from } = spanOf(evidence, 'after');
      let number = 0;
      return operations(evidence, (one) => {
        if (one.journey !== 'barcode-lookup' || one.sentAt < from) return one;
        number += 1;
        return number % 10 === 0 ? { ...one, good: false, status: 200 } : one;
      });
    },
  },
  {
    name: 'fails-where-only-servers-see',
    seeds: 'A twentieth of all requests ends in a 5xx, of clients that the load is not.',
    on: 'web-pod-kill',
    turns: { 'app-error-share': 'failed' },
    spoil: (evidence) => ranges(evidence, 'app-error-share', (range) => values(range, () => '0.05')),
  },
  {
    name: 'is-slow',
    seeds: 'Scans are answered well, and each takes a quarter of a second longer.',
    on: 'control',
    turns: { 'scans-p95': 'failed' },
    spoil: (evidence) =>
      operations(evidence, (one) =>
        one.journey === 'barcode-lookup' ? { ...one, durationMs: (one.durationMs ?? 0) + 250 } : one,
      ),
    besides: { 'load.busy': 'k6 counted its own time as before, so the samples say more than it did' },
  },
];

export function lost(evidence: Evidence): Evidence {
  const some = bookings(evidence, 5);
  return documents(stockMoved(evidence, some, -1), some, () => []);
}

const withLines = (line: Extract<LedgerLine, { kind: 'document' }>, times: number): LedgerLine => ({
  ...line,
  document: { ...line.document, lines: line.document.lines.map((one) => ({ ...one, qty: one.qty * times })) },
});
