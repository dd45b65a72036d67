// What whoever looks may not have seen. None of it is the target's fault, and all of it could hide one.
import { journal, ledger, ranges, readings, spanOf, values } from '../change.ts';
import type { Defect } from '../defect.ts';
import { withCounters } from '../overlays.ts';
import type { RunFolderFiles } from '../recorded.ts';

const on = 'galera-writer-crash';
const prometheus = 'galera-size';

export const observationDefects: readonly Defect[] = [
  {
    name: 'no-data',
    seeds: 'The query’s series do not exist: an empty answer.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) => ranges(evidence, prometheus, (range) => values(range, () => undefined)),
  },
  {
    name: 'never-asked',
    seeds: 'Nobody asked Prometheus at all.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) => ranges(evidence, prometheus, () => undefined),
  },
  {
    name: 'asked-something-else',
    seeds: 'Prometheus was asked another query than the claim’s.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) => ranges(evidence, prometheus, (range) => ({ ...range, query: 'vector(3)' })),
  },
  {
    name: 'not-a-number',
    seeds: 'Every value is NaN.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) => ranges(evidence, prometheus, (range) => values(range, () => 'NaN')),
  },
  {
    name: 'infinite',
    seeds: 'A quotient by zero is infinite, and above any bound.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) => ranges(evidence, prometheus, (range) => values(range, () => '+Inf')),
  },
  {
    name: 'stale',
    seeds: 'The series ends before the phase does.',
    on,
    turns: { 'app-p95': 'inconclusive' },
    spoil(evidence) {
      const { from } = spanOf(evidence, 'after');
      return ranges(evidence, 'app-p95', (range) =>
        values(range, (at, text) => (at < from + range.stepMs ? text : undefined)),
      );
    },
  },
  {
    name: 'restarted-in-the-window',
    seeds: 'Both replicas of Prometheus are restarted, and see less than half of the phase.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil(evidence) {
      const { from, to } = spanOf(evidence, 'steady');
      return ranges(evidence, prometheus, (range) =>
        values(range, (at, text) => (at > from && at < from + 0.8 * (to - from) ? undefined : text)),
      );
    },
  },
  {
    name: 'counter-reset',
    seeds: 'The process that counts errors is the victim: it begins anew at zero.',
    on: 'counters-went-on',
    turns: { 'errors-in-fault': 'inconclusive' },
    spoil(evidence) {
      const { from } = spanOf(evidence, 'fault');
      return withCounters(evidence, (step) => (step < from + 5_000 ? 1_795_960_000_000 : from + 4_000));
    },
  },
  {
    name: 'replicas-contradict',
    seeds: 'One replica of Prometheus says two Galera nodes, the other three, at every step.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) =>
      ranges(evidence, prometheus, (range) => (range.replica === 'prometheus-0' ? values(range, () => '2') : range)),
  },
  {
    name: 'answered-in-part',
    seeds: 'Prometheus warns that a part of its data could not be read.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) =>
      ranges(evidence, prometheus, (range) => ({
        ...range,
        response: { ...(range.response as object), warnings: ['remote read: 1 of 2 stores failed'] },
      })),
  },
  {
    name: 'answered-with-an-error',
    seeds: 'Every replica of Prometheus answers 503.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) =>
      ranges(evidence, prometheus, ({ response: _, ...range }) => ({ ...range, error: '503 Service Unavailable' })),
  },
  {
    name: 'a-sample-twice',
    seeds: 'An answer has two values of one series at one time.',
    on,
    turns: { [prometheus]: 'inconclusive' },
    spoil: (evidence) =>
      ranges(evidence, prometheus, (range) => {
        const text = JSON.stringify(range.response).replace(/(\[\d[\d.]*,"[^"]*"\])/, '$1,$1');
        return { ...range, response: JSON.parse(text) };
      }),
  },
  {
    name: 'a-probe-went-silent',
    seeds: 'The probe of the app’s writer can’t connect any more.',
    on,
    turns: { 'single-writer-kept': 'inconclusive' },
    spoil: (evidence) =>
      readings(evidence, 'app-writer-nodes', 'after', ({ value: _, ...line }) => ({ ...line, missing: 'refused' })),
  },
  {
    name: 'a-node-was-not-read',
    seeds: 'One Galera node can’t be read after the run.',
    on,
    turns: { 'ledger.nodes': 'inconclusive' },
    besides: { 'stock.read': 'stock is compared with documents, and of that node there are none' },
    spoil: (evidence) =>
      ledger(evidence, (line) =>
        line.kind === 'read' && line.node === 'galera-1' && line.what === 'documents'
          ? { ...line, error: 'Lost connection to server during query' }
          : line,
      ),
  },
  {
    name: 'clock-jump',
    seeds: 'The wall clock is set forward by 5 s while the run goes on.',
    on,
    turns: { 'run.clock': 'inconclusive' },
    spoil: (evidence) => journal(evidence, (line) => (line.kind === 'ended' ? { ...line, at: line.at + 5_000 } : line)),
  },
  {
    name: 'cut-off',
    seeds: 'The journal stops without an end.',
    on,
    turns: { 'run.ended': 'inconclusive' },
    spoil: (evidence) => journal(evidence, (line) => (line.kind === 'ended' ? undefined : line)),
  },
  {
    name: 'a-changed-byte',
    seeds: 'One digit of the journal is another one than when the run ended.',
    on,
    turns: { 'run.manifest': 'inconclusive' },
    spoilFiles: (files) => changed(files, 'journal.ndjson', (text) => text.replace(/"seed":(\d*)\d/, '"seed":$19')),
  },
  {
    name: 'a-missing-file',
    seeds: 'The answers of Prometheus were not copied along.',
    on,
    turns: { 'run.files': 'inconclusive', 'run.manifest': 'inconclusive' },
    besides: {
      'galera-size': 'there is nothing to judge it from',
      'app-error-share': 'there is nothing to judge it from',
      'app-p95': 'there is nothing to judge it from',
    },
    spoilFiles: ({ 'prometheus.ndjson': _, ...files }) => files,
  },
  {
    name: 'a-cut-off-line',
    seeds: 'The disk was full: the last answer ends in the middle of its line.',
    on,
    turns: { 'run.files': 'inconclusive', 'run.manifest': 'inconclusive' },
    spoilFiles: (files) => changed(files, 'prometheus.ndjson', (text) => text.slice(0, -40)),
  },
  {
    name: 'equals-zero',
    seeds: 'An objective asks `x == 0`, which is zero or nothing: as krkn’s documented one.',
    refuses: { query: 'up{job="payment-service"} == 0', series: 'each', max: 0 },
    by: ['filter', 'no-failure'],
    accepts: { query: 'sum(up{job="payment-service"} == bool 0)', max: 0 },
  },
  {
    name: 'invents-a-zero',
    seeds: 'An objective is zero without any data.',
    refuses: { query: 'sum(payment_failures) or vector(3)', min: 3 },
    by: ['invented-zero'],
    accepts: { query: 'sum(payment_workers)', min: 3 },
  },
  {
    name: 'asks-whether-it-is-absent',
    seeds: 'An objective passes because there is no data.',
    refuses: { query: 'absent(up{job="web"})', series: 'one', min: 1 },
    by: ['absent', 'no-failure'],
    accepts: { query: 'min(up{job="web"})', min: 1 },
  },
  {
    name: 'reads-no-series',
    seeds: 'An objective is a constant.',
    refuses: { query: 'vector(3)', min: 3 },
    by: ['constant'],
    accepts: { query: 'count(up{job="web"})', min: 3 },
  },
];

function changed(files: RunFolderFiles, file: string, change: (text: string) => string): RunFolderFiles {
  const before = files[file] ?? '';
  const after = change(before);
  if (after === before) throw new Error(`${file}: nothing was changed`);
  return { ...files, [file]: after };
}
