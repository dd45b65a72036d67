import { expect, test } from 'vitest';
import { claimOf, evidenceOf, journalWith, outcomesOf } from '../../tests/fixtures/evidence.ts';
import { type Evidence, type JournalLine, type StepName, wholeTarget } from '../model/evidence.ts';
import type { Proof } from '../model/fault.ts';
import { judge } from './judge.ts';

type Step = Extract<JournalLine, { kind: 'step' }>;
const evidence = evidenceOf();
const claim = evidence.claim;

const step = (name: StepName, change: (line: Step) => Step | undefined): Evidence =>
  journalWith(evidence, (line) =>
    line.kind === 'step' && line.step === name && line.fault !== wholeTarget
      ? (change(line as Step) as JournalLine)
      : line,
  );
const without = (name: StepName) => step(name, () => undefined);
const proven = (name: StepName, is: Proof['is']) =>
  step(name, (line) => ({ ...line, proof: { ...(line.proof as Proof), is } }));
const left = (proof: Proof['is'], residue: string, what: readonly string[] = []) =>
  step('residue', (line) => ({ ...line, proof: { is: proof, at: line.at, evidence: { residue, left: what } } }));
const with_ = (entry: Partial<Step>, after: StepName): Evidence => ({
  ...evidence,
  journal: evidence.journal.flatMap((line) =>
    line.kind === 'step' && line.step === after ? [line, { ...line, ...entry } as JournalLine] : [line],
  ),
});
const outcome = (spoiled: Evidence, check: string) => outcomesOf(judge(claim, spoiled), check);

test('a fault that landed, had an effect, was undone and left nothing is believed', () => {
  for (const check of ['fault.landed', 'fault.effect', 'fault.undone', 'fault.residue', 'fault.blast-radius'])
    expect(outcome(evidence, check)).toEqual(['passed']);
});

test.each(['landed', 'effect'] as const)(
  'what did not %s proves nothing, and neither does what nobody could see',
  (name) => {
    expect(outcome(without(name), `fault.${name}`)).toEqual(['inconclusive']);
    expect(outcome(proven(name, 'no'), `fault.${name}`)).toEqual(['inconclusive']);
    expect(outcome(proven(name, 'cannot-tell'), `fault.${name}`)).toEqual(['inconclusive']);
  },
);

test('an effect that was seen before the inject is that of something else', () => {
  const early = step('effect', (line) => ({ ...line, proof: { ...(line.proof as Proof), at: line.at - 60_000 } }));
  expect(outcome(early, 'fault.effect')).toEqual(['inconclusive']);
});

test('a fault that was never injected proves nothing', () => {
  expect(outcome(without('injected'), 'fault.injected')).toEqual(['inconclusive']);
});

test('a fault that the claim names twice must be there twice', () => {
  const twice = claimOf({ faults: ['galera/writer-crash', 'galera/writer-crash'] });
  expect(outcomesOf(judge(twice, evidence), 'fault.landed')).toEqual(['inconclusive']);
});

test('a fault that ended early is inconclusive, one that lasted passes', () => {
  const held = (is: Proof['is']) => with_({ step: 'holding', proof: { is, at: 0, evidence: {} } }, 'effect');
  expect(outcome(held('yes'), 'fault.holding')).toEqual(['passed']);
  expect(outcome(held('no'), 'fault.holding')).toEqual(['inconclusive']);
  expect(outcome(held('cannot-tell'), 'fault.holding')).toEqual(['inconclusive']);
  expect(outcome(evidence, 'fault.holding')).toEqual([]);
  // One that says of itself that it lasts, and of which nobody looked.
  expect(
    outcome(
      step('prepared', (line) => ({ ...line, lasts: true })),
      'fault.holding',
    ),
  ).toEqual(['inconclusive']);
});

test('undo that did not work is a failure; no word of it is inconclusive; a second try that worked counts', () => {
  const failed = step('undone', (line) => ({ ...line, step: 'undo-failed', error: 'rule still there' }));
  expect(outcome(failed, 'fault.undone')).toEqual(['failed']);
  expect(outcome(without('undone'), 'fault.undone')).toEqual(['inconclusive']);
  expect(outcome(with_({ step: 'undo-failed', error: 'x' }, 'effect'), 'fault.undone')).toEqual(['passed']);
});

test('residue is a failure, and so is residue that nobody can tell; not having looked is inconclusive', () => {
  const dirty = judge(claim, left('yes', 'dirty', ['helper pod shakedown/h1']));
  expect(outcomesOf(dirty, 'fault.residue')).toEqual(['failed']);
  expect(dirty.findings[0]).toMatchObject({ check: 'fault.residue', examples: ['helper pod shakedown/h1'] });
  expect(outcome(left('cannot-tell', 'cannot-tell'), 'fault.residue')).toEqual(['failed']);
  expect(outcome(without('residue'), 'fault.residue')).toEqual(['inconclusive']);
});

test('a run that injected is not believed unless the whole target was compared with what it was before', () => {
  expect(outcome(evidence, 'run.residue')).toEqual(['passed']);
  const uncompared = journalWith(evidence, (line) =>
    line.kind === 'step' && line.fault === wholeTarget ? undefined : line,
  );
  expect(outcome(uncompared, 'run.residue')).toEqual(['inconclusive']);
  expect(judge(claim, uncompared).outcome).toBe('inconclusive');
});

test('a residue line that contradicts itself counts as dirty', () => {
  expect(outcome(left('yes', 'clean'), 'fault.residue')).toEqual(['failed']);
});

test('more targets than claimed, another namespace and no target at all are told', () => {
  const ticket = (targets: readonly { namespace: string; name: string }[]) =>
    step('prepared', (line) => ({ ...line, ticket: { runId: 'r', targets } }));
  expect(
    outcome(
      ticket([
        { namespace: 'erp', name: 'a' },
        { namespace: 'erp', name: 'b' },
      ]),
      'fault.blast-radius',
    ),
  ).toEqual(['inconclusive']);
  expect(outcome(ticket([{ namespace: 'kube-system', name: 'a' }]), 'fault.blast-radius')).toEqual(['inconclusive']);
  expect(outcome(ticket([]), 'fault.blast-radius')).toEqual(['inconclusive']);
});

test('a Kubernetes node, which has no namespace, is a target only where the claim says so', () => {
  const node = step('prepared', (line) => ({
    ...line,
    ticket: { runId: 'r', targets: [{ namespace: '', name: 'n1' }] },
  }));
  const blastRadiusOf = (namespaces: readonly string[]) => {
    const { findings } = judge(claimOf({ blastRadius: { namespaces, targetsMax: 1 } }), node);
    return findings.find(({ check }) => check === 'fault.blast-radius');
  };
  expect(blastRadiusOf([''])).toMatchObject({
    outcome: 'passed',
    says: expect.stringMatching(/touched Kubernetes node n1\.$/),
  });
  expect(blastRadiusOf(['erp'])).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringMatching(/touched Kubernetes node n1; claimed were 1 to 1 targets in erp\.$/),
  });
  expect(blastRadiusOf(['', 'erp'])?.outcome).toBe('passed');
});

test('a fault that the claim does not name spoils the run', () => {
  const other = with_({ fault: 'redis/freeze' }, 'injected');
  expect(outcome(other, 'fault.unclaimed')).toEqual(['inconclusive']);
});
