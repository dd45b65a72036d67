// What a load generator may do wrong: users that were never there find no fault with anything.
import type { Drop, Evidence } from '../../lib/model/evidence.ts';
import { documents, header, loadEnd, operations, spanOf, stockMoved } from '../change.ts';
import type { Defect } from '../defect.ts';
import { withTechnicians } from '../overlays.ts';

const on = 'galera-writer-crash';

export const loadDefects: readonly Defect[] = [
  {
    name: 'too-little',
    seeds: 'A third of the planned scans is never sent in steady state.',
    on,
    turns: { 'load.achieved': 'inconclusive' },
    spoil(evidence) {
      const { to } = spanOf(evidence, 'steady');
      let number = 0;
      return operations(evidence, (one) => {
        if (one.journey !== 'barcode-lookup' || one.sentAt >= to) return one;
        number += 1;
        return number % 3 === 0 ? undefined : one;
      });
    },
  },
  {
    name: 'too-few-bookings',
    seeds: 'Hardly anything is acknowledged, so hardly anything could be lost.',
    on,
    turns: { 'load.acknowledged': 'inconclusive' },
    spoil: (evidence) => ({
      ...evidence,
      claim: { ...evidence.claim, load: { ...evidence.claim.load, acknowledgedMin: 10_000 } },
    }),
  },
  {
    name: 'saturated',
    seeds: 'The generator uses all processors there are.',
    on,
    turns: { 'load.processor': 'inconclusive' },
    spoil: (evidence) =>
      account(evidence, (had) => ({
        ...had,
        busiest: { ...had.busiest, processorSeconds: (had.processors * had.busiest.windowMs * 0.97) / 1000 },
      })),
  },
  {
    name: 'unaccounted',
    seeds: 'Nobody could read how much processor time the generator used.',
    on,
    turns: { 'load.processor': 'inconclusive' },
    spoil: (evidence) => account(evidence, (had) => ({ ...had, busiest: { ...had.busiest, processorSeconds: 0 } })),
  },
  {
    name: 'busy-with-itself',
    seeds: 'Each iteration takes 300 ms more than its operation: the generator measures itself.',
    on,
    turns: { 'load.busy': 'inconclusive' },
    spoil: (evidence) =>
      account(evidence, (had) => ({ ...had, iterationSeconds: had.iterationSeconds + 0.3 * had.iterations })),
  },
  {
    name: 'every-iteration-throws',
    seeds: 'The script throws before it sends anything, which k6 counts as iterations like any other.',
    on: 'control',
    turns: { 'load.exit': 'inconclusive', 'load.acknowledged': 'inconclusive' },
    besides: {
      'scans-good': 'the samples have them as requests that ended without an answer',
      'writes-good': 'the samples have them as requests that ended without an answer',
      'others-good': 'the samples have them as requests that ended without an answer',
      'scans-p95': 'without answers there is no latency',
      'writes-p95': 'without answers there is no latency',
      'ledger.lost': 'nothing was acknowledged, so nothing could be lost',
      'ledger.by-fault': 'there is no write to be told of',
      'ledger.by-node': 'there is no write to be told of',
    },
    spoil: thrown,
  },
  {
    name: 'ended-before-its-time',
    seeds: 'k6 was killed.',
    on,
    turns: { 'load.exit': 'inconclusive' },
    spoil: (evidence) => loadEnd(evidence, (line) => ({ ...line, event: 'stopped', exitCode: null })),
  },
  {
    name: 'drops-while-users-are-free',
    seeds: 'Iterations are dropped although virtual users are free: the generator is short of something.',
    on,
    turns: { 'load.drops': 'inconclusive' },
    spoil(evidence) {
      const { to } = spanOf(evidence, 'fault');
      return { ...evidence, drops: [{ at: to - 1_000, journey: 'barcode-lookup', count: 2 }] };
    },
  },
  {
    name: 'drops-in-steady-state',
    seeds: 'Iterations are dropped before there is any fault.',
    on,
    turns: { 'load.drops-steady': 'inconclusive', 'load.drops': 'inconclusive' },
    spoil(evidence) {
      const { from } = spanOf(evidence, 'steady');
      return { ...evidence, drops: [{ at: from + 3_000, journey: 'barcode-lookup', count: 2 }] };
    },
  },
  {
    name: 'one-virtual-user-for-all',
    seeds: 'One virtual user plays all scans, one after the other: what comes meanwhile is dropped.',
    on,
    turns: { 'load.drops': 'inconclusive' },
    spoil: oneAtATime,
  },
  {
    name: 'one-technician-for-all',
    seeds: 'All virtual users have one technician’s token: one session, one cache entry, one rate limit.',
    on: 'technicians-took-turns',
    turns: { 'load.technicians': 'inconclusive' },
    spoil: (evidence) => withTechnicians(evidence, () => 0),
  },
  {
    name: 'contradicts-littles-law',
    seeds: 'More requests are under way at once than there are virtual users.',
    on,
    turns: { 'load.little': 'inconclusive' },
    spoil: (evidence) => header(evidence, (had) => ({ ...had, load: { ...had.load, virtualUsersMax: 1 } })),
  },
];

type Account = NonNullable<Extract<Evidence['journal'][number], { kind: 'load' }>['generator']>;

const account = (evidence: Evidence, change: (had: Account) => Account): Evidence =>
  loadEnd(evidence, (line) => (line.generator ? { ...line, generator: change(line.generator) } : line));

/** Nothing went out, so nothing is there either. */
function thrown(evidence: Evidence): Evidence {
  const writes = evidence.operations.flatMap(({ write }) => (write?.outcome === 'acknowledged' ? [write] : []));
  const moving = writes.filter(({ cancelled }) => cancelled === undefined);
  const emptied = documents(stockMoved(evidence, moving, -1), writes, () => []);
  const failed = operations(emptied, ({ write, ...one }) => ({
    ...one,
    good: false,
    status: 0,
    durationMs: 0,
    ...(write ? { write: { ...write, outcome: 'unknown' } } : {}),
  }));
  const detail = `${failed.operations.length} iterations ended in an error of the load's own, see k6.log`;
  return loadEnd(failed, (line) => ({ ...line, detail }));
}

/** Bookings stay, for they are in the books. */
function oneAtATime(evidence: Evidence): Evidence {
  const { from } = spanOf(evidence, 'fault');
  const drops: Drop[] = [];
  let freeAt = 0;
  const played = operations(evidence, (one) => {
    if (one.journey !== 'barcode-lookup' || one.sentAt < from) return one;
    if (one.sentAt < freeAt) {
      drops.push({ at: one.sentAt, journey: one.journey, count: 1 });
      return undefined;
    }
    freeAt = one.sentAt + (one.durationMs ?? 0);
    return one;
  });
  return { ...played, drops };
}
