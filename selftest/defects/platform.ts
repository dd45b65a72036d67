// What a platform may be without looking like it: whole by its own word.
import type { Evidence } from '../../lib/model/evidence.ts';
import { guard, journal, ledger, ranges, readings, values } from '../change.ts';
import type { Defect } from '../defect.ts';
import { lost } from './app.ts';

export const platformDefects: readonly Defect[] = [
  {
    name: 'flushes-once-a-second',
    seeds:
      'innodb_flush_log_at_trx_commit is weakened, and a node loses its power: what was acknowledged last is gone.',
    on: 'node-power-loss',
    turns: { 'ledger.lost': 'failed' },
    besides: { 'stock.documents': 'the books follow what is stored' },
    spoil: lost,
  },
  {
    name: 'bootstraps-empty-at-size-3',
    seeds: 'Galera comes back with three nodes, all well by their own word, and without its data.',
    on: 'node-power-loss',
    turns: { 'ledger.lost': 'failed', 'stock.documents': 'failed' },
    spoil: (evidence) => emptied(evidence, () => true),
  },
  {
    name: 'one-node-is-of-another-cluster',
    seeds: 'One Galera node reports size 3 and has none of what the others have.',
    on: 'galera-writer-partition',
    turns: { 'ledger.agree': 'failed', 'ledger.lost': 'failed', 'stock.documents': 'failed' },
    spoil: (evidence) => emptied(evidence, (node) => node === 'galera-1'),
  },
  {
    name: 'states-differ-at-the-start',
    seeds: 'Size 3 on each node, and not the same state: a bootstrap that nobody noticed.',
    on: 'control',
    turns: { 'run.guards': 'inconclusive' },
    spoil: (evidence) => guard(evidence, 'galera-whole', 'no', 'galera-1 Primary, Synced, size 3, state 00000000'),
  },
  {
    name: 'has-two-masters',
    seeds: 'The old Redis master goes on beside the new one.',
    on: 'sentinel-failover-queue',
    turns: { 'one-queue-master': 'failed' },
    spoil: (evidence) => readings(evidence, 'redis-queue-masters', 'after', (line) => ({ ...line, value: 2 })),
  },
  {
    name: 'has-two-writers',
    seeds: 'The database proxies send writes to two Galera nodes at once.',
    on: 'galera-writer-partition',
    turns: { 'single-writer-kept': 'failed' },
    spoil: (evidence) => readings(evidence, 'app-writer-nodes', 'after', (line) => ({ ...line, value: 2 })),
  },
  {
    name: 'a-member-never-comes-back',
    seeds: 'The cluster goes on with two of three Galera nodes.',
    on: 'galera-writer-crash',
    turns: { 'galera-size-seen': 'failed' },
    spoil: (evidence) => readings(evidence, 'galera-size-min', 'after', (line) => ({ ...line, value: 2 })),
  },
  {
    name: 'a-member-is-gone-by-its-exporter',
    seeds: 'Both replicas of Prometheus see two Galera nodes.',
    on: 'galera-writer-crash',
    turns: { 'galera-size': 'failed' },
    spoil: (evidence) => ranges(evidence, 'galera-size', (range) => values(range, () => '2')),
  },
  {
    name: 'has-no-tls',
    seeds: 'The site answers over plain HTTP.',
    on: 'web-pod-kill',
    turns: { 'run.guards': 'inconclusive' },
    spoil: (evidence) =>
      guard(evidence, 'site-tls', 'no', 'http://erp.shakedown.test answers 200, no redirect to https'),
  },
  {
    name: 'serves-a-fake-certificate',
    seeds: 'One ingress replica falls back to its own self-signed certificate after the renewal.',
    on: 'certificate-expiry',
    turns: { 'replicas-agree': 'failed' },
    spoil: (evidence) => readings(evidence, 'drill-certificate-serials', 'after', (line) => ({ ...line, value: 2 })),
  },
  {
    name: 'renews-on-one-replica-only',
    seeds: 'After the renewal one ingress replica still serves what is expired.',
    on: 'certificate-expiry',
    turns: { 'valid-again': 'failed' },
    spoil: (evidence) => readings(evidence, 'drill-certificates-valid', 'after', (line) => ({ ...line, value: 0.5 })),
  },
  {
    name: 'repeats-a-post',
    seeds: 'The ingress sends a POST again when an upstream fails.',
    on: 'web-pod-kill',
    turns: { 'run.guards': 'inconclusive' },
    spoil: (evidence) => guard(evidence, 'ingress-retries-off', 'no', 'retry-on: 5xx, num-retries: 2'),
  },
  {
    name: 'was-changed-by-the-run',
    seeds: 'A setting of a server is another one after the run.',
    on: 'galera-writer-crash',
    turns: { 'run.residue': 'failed' },
    spoil: (evidence) =>
      journal(evidence, (line) =>
        line.kind === 'step' && line.step === 'residue' && line.fault === 'target'
          ? {
              ...line,
              proof: {
                is: 'yes',
                at: line.at,
                evidence: { residue: 'dirty', left: ['galera-0: innodb_flush_log_at_trx_commit is 2, was 1'] },
              },
            }
          : line,
      ),
  },
];

/** Read to the end, and nothing of this run is there, on the nodes named. */
const emptied = (evidence: Evidence, on: (node: string) => boolean): Evidence =>
  ledger(evidence, (line) => {
    if (line.kind === 'document' && on(line.document.node)) return undefined;
    if (line.kind === 'moved' && on(line.moved.node)) return undefined;
    if (line.kind !== 'stock' || line.level.when !== 'after' || !on(line.level.node)) return line;
    return { ...line, level: { ...line.level, ledgerSum: 0, bin: 0, lastRunning: 0, runningMin: 0 } };
  });
