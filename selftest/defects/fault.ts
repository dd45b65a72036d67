// What a fault may be: nothing at all, somewhere else, over too soon, or never over.
import type { Evidence } from '../../lib/model/evidence.ts';
import type { Json } from '../../lib/model/fault.ts';
import { journal, operations, proof, spanOf, step } from '../change.ts';
import type { Defect } from '../defect.ts';

const on = 'galera-writer-crash';

export const faultDefects: readonly Defect[] = [
  {
    name: 'does-not-land',
    seeds: 'The process that was to be killed is still there.',
    on,
    turns: { 'fault.landed': 'inconclusive' },
    spoil: (evidence) => proof(evidence, 'landed', 'no'),
  },
  {
    name: 'nobody-saw-it-land',
    seeds: 'Whether it landed could not be asked.',
    on,
    turns: { 'fault.landed': 'inconclusive' },
    spoil: (evidence) => proof(evidence, 'landed', 'cannot-tell', { error: 'node-2: timed out' }),
  },
  {
    name: 'lands-on-nothing',
    seeds: 'Its selector matches nothing, and killing nothing works every time.',
    on,
    turns: { 'fault.blast-radius': 'inconclusive' },
    spoil: (evidence) => targets(evidence, () => []),
  },
  {
    name: 'lands-on-too-much',
    seeds: 'It takes two Galera nodes where one was claimed.',
    on,
    turns: { 'fault.blast-radius': 'inconclusive' },
    spoil: (evidence) => targets(evidence, (had) => [...had, { namespace: 'erp', name: 'galera-0' }]),
  },
  {
    name: 'lands-elsewhere',
    seeds: 'It hits a namespace that the claim does not name.',
    on,
    turns: { 'fault.blast-radius': 'inconclusive' },
    spoil: (evidence) => targets(evidence, () => [{ namespace: 'production', name: 'galera-2' }]),
  },
  {
    name: 'has-no-effect',
    seeds: 'It landed, and the system did not notice.',
    on,
    turns: { 'fault.effect': 'inconclusive' },
    spoil: (evidence) => proof(evidence, 'effect', 'no'),
  },
  {
    name: 'shows-the-effect-of-something-else',
    seeds: 'What is shown as its effect was there before it was injected.',
    on,
    turns: { 'fault.effect': 'inconclusive' },
    spoil: (evidence) =>
      step(evidence, 'effect', (line) => ({
        ...line,
        proof: { is: 'yes', at: line.at - 60_000, evidence: line.proof?.evidence ?? {} },
      })),
  },
  {
    name: 'ends-early',
    seeds: 'A liveness probe ends it before its time.',
    on: 'galera-writer-partition',
    turns: { 'fault.holding': 'inconclusive' },
    spoil(evidence) {
      const last = evidence.journal.findLast((line) => line.kind === 'step' && line.step === 'holding');
      return step(evidence, 'holding', (line) =>
        line === last ? { ...line, proof: { is: 'no', at: line.at, evidence: {} } } : line,
      );
    },
  },
  {
    name: 'is-not-watched',
    seeds: 'It lasts, and nobody looked whether it did.',
    on: 'galera-writer-partition',
    turns: { 'fault.holding': 'inconclusive' },
    spoil: (evidence) => step(evidence, 'holding', () => undefined),
  },
  {
    name: 'is-injected-twice',
    seeds: 'It is injected a second time.',
    on,
    turns: { 'fault.injected': 'inconclusive' },
    spoil: (evidence) => ({
      ...evidence,
      journal: evidence.journal.flatMap((line) =>
        line.kind === 'step' && line.step === 'injected'
          ? [line, { ...line, at: line.at + 1, mono: line.mono + 1 }]
          : [line],
      ),
    }),
  },
  {
    name: 'does-not-go-away',
    seeds: 'Undo does not work.',
    on: 'galera-writer-partition',
    turns: { 'fault.undone': 'failed' },
    spoil: (evidence) =>
      step(evidence, 'undone', (line) => ({ ...line, step: 'undo-failed', error: 'rule still in erp/galera-2' })),
  },
  {
    name: 'nobody-undid-it',
    seeds: 'It is not on record that it was taken back.',
    on: 'galera-writer-partition',
    turns: { 'fault.undone': 'inconclusive' },
    spoil: (evidence) => step(evidence, 'undone', () => undefined),
  },
  {
    name: 'leaves-a-rule',
    seeds: 'A rule of it is left in a pod’s network.',
    on: 'galera-writer-partition',
    turns: { 'fault.residue': 'failed' },
    spoil: (evidence) =>
      proof(evidence, 'residue', 'yes', { residue: 'dirty', left: ['rule shakedown-7f3a in erp/galera-2'] }),
  },
  {
    name: 'nobody-knows-what-it-left',
    seeds: 'What it left could not be looked for.',
    on: 'galera-writer-partition',
    turns: { 'fault.residue': 'failed' },
    spoil: (evidence) =>
      proof(evidence, 'residue', 'cannot-tell', { residue: 'cannot-tell', left: ['galera-2: no such pod'] }),
  },
  {
    name: 'brings-another-along',
    seeds: 'A fault is injected that the claim does not name.',
    on,
    turns: { 'fault.unclaimed': 'inconclusive' },
    spoil: (evidence) => ({
      ...evidence,
      journal: evidence.journal.flatMap((line) =>
        line.kind === 'step' && line.step === 'prepared' ? [line, { ...line, fault: 'pods/delete-forced' }] : [line],
      ),
    }),
  },
  {
    name: 'users-never-get-well',
    seeds: 'Half of all requests stay bad after it is gone.',
    on,
    turns: { recovery: 'failed' },
    besides: {
      'scans-good': 'the phase after is judged by the same requests',
      'writes-good': 'the phase after is judged by the same requests',
      'others-good': 'the phase after is judged by the same requests',
    },
    spoil(evidence) {
      const { from } = spanOf(evidence, 'fault');
      let number = 0;
      return operations(evidence, (one) => {
        if (one.sentAt < from + 20_000) return one;
        number += 1;
        return number % 2 === 0 ? { ...one, good: false } : one;
      });
    },
  },
];

const targets = (evidence: Evidence, change: (had: readonly Json[]) => readonly Json[]): Evidence =>
  journal(evidence, (line) => {
    if (line.kind !== 'step' || line.step !== 'prepared') return line;
    const ticket = line.ticket as { readonly targets: readonly Json[] };
    return { ...line, ticket: { ...ticket, targets: change(ticket.targets) } };
  });
