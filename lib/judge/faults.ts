// Whether each fault that the claim names was really there, did something, and is gone. A fault that can't be shown proves nothing
// about the target: inconclusive. A fault that left something behind is a failure, whatever else was seen.
import type { Claim } from '../model/claim.ts';
import { type Instant, type JournalLine, type Recorded, type StepName, wholeTarget } from '../model/evidence.ts';
import type { Json, Proof } from '../model/fault.ts';
import { namespacesInWords, targetInWords } from '../model/fault-target.ts';
import type { Finding, Outcome } from '../model/verdict.ts';
import { examplesOf } from './findings.ts';
import { counted, duration } from './numbers.ts';

type Step = Extract<JournalLine, { kind: 'step' }>;

export function judgeFaults(claim: Claim, { journal }: Recorded): readonly Finding[] {
  const all = journal.filter((line) => line.kind === 'step');
  const steps = all.filter(({ fault }) => fault !== wholeTarget);
  const named = [...new Set(claim.faults)];
  const unclaimed = [...new Set(steps.map(({ fault }) => fault))].filter((fault) => !claim.faults.includes(fault));
  return [
    ...named.flatMap((fault) => {
      const own = steps.filter((step) => step.fault === fault);
      const times = claim.faults.filter((name) => name === fault).length;
      return [
        ...judgeTimes(fault, own, times),
        ...judgeBlastRadius(claim, fault, own),
        judgeProof(fault, own, 'landed', times),
        judgeProof(fault, own, 'effect', times),
        ...judgeHolding(fault, own),
        judgeUndo(fault, own, times),
        judgeResidue(fault, own, times),
      ];
    }),
    ...unclaimed.map(
      (fault): Finding => ({
        check: 'fault.unclaimed',
        outcome: 'inconclusive',
        says: `${fault} was injected, and the claim does not name it.`,
      }),
    ),
    ...judgeWholeTarget(
      all.filter(({ fault }) => fault === wholeTarget),
      of(steps, 'injected').length > 0,
    ),
  ];
}

const of = (steps: readonly Step[], ...names: readonly StepName[]) => steps.filter(({ step }) => names.includes(step));

function judgeTimes(fault: string, steps: readonly Step[], times: number): readonly Finding[] {
  const injected = of(steps, 'injected').length;
  if (injected === times) return [];
  return [
    {
      check: 'fault.injected',
      outcome: 'inconclusive',
      says: `${fault}: ${injected === 0 ? 'never injected' : `injected ${counted(injected, 'time')}`}, wanted ${counted(times, 'time')}.`,
      phase: 'fault',
      measured: injected,
      bound: `= ${times}`,
    },
  ];
}

function judgeBlastRadius({ blastRadius }: Claim, fault: string, steps: readonly Step[]): readonly Finding[] {
  return of(steps, 'prepared').flatMap(({ ticket }) => {
    const targets = targetsOf(ticket);
    const outside = targets.filter(({ namespace }) => !blastRadius.namespaces.includes(namespace));
    const names = targets.map(targetInWords).join(', ') || 'nothing';
    const kept = targets.length > 0 && targets.length <= blastRadius.targetsMax && outside.length === 0;
    return {
      check: 'fault.blast-radius',
      outcome: kept ? 'passed' : 'inconclusive',
      says: kept
        ? `${fault} touched ${names}.`
        : `${fault} touched ${names}; claimed were 1 to ${blastRadius.targetsMax} targets in ${namespacesInWords(blastRadius.namespaces) || 'no namespace'}.`,
      phase: 'fault',
      measured: targets.length,
      bound: `1 to ${blastRadius.targetsMax}`,
      unit: 'targets',
    } satisfies Finding;
  });
}

/** A proof may carry the target's clock, and Kubernetes tells whole seconds. */
const clockSlackMs = 2_000;

/** An effect or a landing seen before its inject is that of something else. */
function judgeProof(fault: string, steps: readonly Step[], step: 'landed' | 'effect', times: number): Finding {
  const check = `fault.${step}`;
  const what = step === 'landed' ? 'landed' : 'had an effect';
  const conclude = (outcome: Outcome, says: string): Finding => ({ check, outcome, says, phase: 'fault' });
  const seen = of(steps, step);
  if (seen.length < times) return conclude('inconclusive', `${fault}: it is not on record that it ${what}.`);
  for (const { at, proof } of seen) {
    if (proof?.is !== 'yes')
      return conclude(
        'inconclusive',
        `${fault}: ${proof?.is === 'no' ? `it was not seen that it ${what}` : `nobody can tell whether it ${what}`}${evidenceIn(proof)}.`,
      );
    const injectedAt = injectedBefore(steps, at);
    if (injectedAt === undefined || proof.at < injectedAt - clockSlackMs)
      return conclude('inconclusive', `${fault}: what shows that it ${what} was seen before it was injected.`);
  }
  const after = seen.map(({ at, proof }) =>
    duration(Math.max(0, (proof?.at ?? at) - (injectedBefore(steps, at) ?? at))),
  );
  return conclude('passed', `${fault} ${what}, seen ${after.join(' and ')} after inject.`);
}

const injectedBefore = (steps: readonly Step[], at: Instant): Instant | undefined =>
  of(steps, 'injected').findLast((step) => step.at <= at)?.at;

/** Not every fault lasts; those that do are sampled, and one look that did not find them ends the belief. */
function judgeHolding(fault: string, steps: readonly Step[]): readonly Finding[] {
  const looks = of(steps, 'holding');
  const lasts = of(steps, 'prepared').some((step) => step.lasts === true) && of(steps, 'landed').length > 0;
  if (looks.length === 0 && lasts)
    return [
      {
        check: 'fault.holding',
        outcome: 'inconclusive',
        says: `${fault} lasts, and it is not on record that anybody looked whether it did.`,
        phase: 'fault',
      },
    ];
  if (looks.length === 0) return [];
  const off = looks.find(({ proof }) => proof?.is !== 'yes');
  return [
    {
      check: 'fault.holding',
      outcome: off ? 'inconclusive' : 'passed',
      says: off
        ? `${fault}: ${off.proof?.is === 'no' ? 'it had ended early' : 'nobody can tell whether it lasted'}${evidenceIn(off.proof)}.`
        : `${fault} was there at each of ${counted(looks.length, 'look')}.`,
      phase: 'fault',
    },
  ];
}

function judgeUndo(fault: string, steps: readonly Step[], times: number): Finding {
  const conclude = (outcome: Outcome, says: string): Finding => ({ check: 'fault.undone', outcome, says });
  const last = of(steps, 'undone', 'undo-failed').at(-1);
  if (last?.step === 'undo-failed')
    return conclude(
      'failed',
      `${fault}: undo did not work: ${last.error ?? 'no reason is on record'}. Next: shakedown undo.`,
    );
  if (of(steps, 'prepared', 'injected').length === 0 && !last)
    return conclude('inconclusive', `${fault}: never prepared, so there was nothing to undo.`);
  if (of(steps, 'undone').length < times)
    return conclude('inconclusive', `${fault}: it is not on record that it was undone. Next: shakedown undo.`);
  return conclude('passed', `${fault} was undone.`);
}

function judgeResidue(fault: string, steps: readonly Step[], times: number): Finding {
  const conclude = (outcome: Outcome, says: string, examples?: readonly string[]): Finding => ({
    check: 'fault.residue',
    outcome,
    says,
    ...(examples && examples.length > 0 ? { examples } : {}),
  });
  const looks = of(steps, 'residue').map(({ proof }) => residueIn(proof));
  const left = looks.flatMap((look) => look.left);
  if (looks.some(({ is }) => is === 'dirty'))
    return conclude(
      'failed',
      `${fault} left something behind: ${left.join('; ') || 'it is not said what'}.`,
      examplesOf(left),
    );
  if (looks.some(({ is }) => is === 'cannot-tell'))
    return conclude(
      'failed',
      `${fault}: nobody can tell what it left behind, which counts as dirty: ${left.join('; ') || 'it is not said why'}.`,
      examplesOf(left),
    );
  if (looks.length < times) return conclude('inconclusive', `${fault}: nobody looked for what it left behind.`);
  return conclude('passed', `${fault} left nothing behind.`);
}

/** A run that injected nothing has nothing to compare. */
function judgeWholeTarget(steps: readonly Step[], injected: boolean): readonly Finding[] {
  const looks = of(steps, 'residue').map(({ proof }) => residueIn(proof));
  if (looks.length === 0 && !injected) return [];
  if (looks.length === 0)
    return [
      {
        check: 'run.residue',
        outcome: 'inconclusive',
        says: 'Nobody compared the target with what it was before the run.',
      },
    ];
  const left = looks.flatMap((look) => look.left);
  const clean = looks.every(({ is }) => is === 'clean');
  const unknown = looks.every(({ is }) => is !== 'dirty');
  return [
    {
      check: 'run.residue',
      outcome: clean ? 'passed' : 'failed',
      says: clean
        ? 'The target is as it was before the run: its objects, its Kubernetes nodes and the settings of its servers.'
        : unknown
          ? `Nobody can tell whether the target is as it was before the run, which counts as dirty: ${left[0] ?? 'it is not said why'}.`
          : `The target is not as it was before the run: ${left[0] ?? 'it is not said what'}${left.length > 1 ? `, and ${left.length - 1} more` : ''}.`,
      ...(left.length > 0 ? { examples: examplesOf(left) } : {}),
    },
  ];
}

/** The runner writes `{residue, left}` as the evidence of a proof that something was left. */
function residueIn(proof: Proof | undefined): {
  readonly is: 'clean' | 'dirty' | 'cannot-tell';
  readonly left: readonly string[];
} {
  const evidence = asObject(proof?.evidence);
  const left = Array.isArray(evidence?.left) ? evidence.left.filter((one) => typeof one === 'string') : [];
  const is = evidence?.residue;
  if (is === 'clean' || is === 'dirty') {
    // The two halves must say the same.
    if ((is === 'clean') !== (proof?.is === 'no')) return { is: 'cannot-tell', left };
    return { is, left };
  }
  return { is: 'cannot-tell', left };
}

function targetsOf(ticket: Json | undefined): readonly { readonly namespace: string; readonly name: string }[] {
  const targets = asObject(ticket)?.targets;
  if (!Array.isArray(targets)) return [];
  return targets.map((target) => ({
    namespace: String(asObject(target)?.namespace ?? ''),
    name: String(asObject(target)?.name ?? ''),
  }));
}

function asObject(value: Json | undefined): { readonly [key: string]: Json } | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined;
}

function evidenceIn(proof: Proof | undefined): string {
  const error = asObject(proof?.evidence)?.error;
  return typeof error === 'string' ? ` (${error})` : '';
}
