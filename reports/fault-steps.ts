// That the fault was there and is gone: each step with its time from inject, and the evidence for those who want to see it.
import { wholeTarget } from '../lib/model/evidence.ts';
import type { RunView } from '../lib/model/run-view.ts';
import type { Outcome } from '../lib/model/verdict.ts';
import { type Html, html } from './html.ts';
import { outcomeBadge } from './marks.ts';
import { offset, stepWord } from './wording.ts';

export function faultSteps(view: RunView): Html | false {
  if (view.steps.length === 0) return false;
  return html`<h3>The fault, from inject to its end</h3><ol class="steps">${view.steps.map((step) => item(view, step))}</ol>`;
}

type Step = RunView['steps'][number];

function item(view: RunView, step: Step): Html {
  const { outcome, words } = told(step);
  // What was seen has a time of its own; the journal's line only says when it was written down.
  const at = (step.proof?.at ?? step.at) - view.zero;
  return html`<li><span class="at">${step.step === 'injected' ? '0' : offset(Math.round(at / 10) * 10)}</span><div><b>${stepWord[step.step] ?? step.step}</b> ${
    view.faults.length > 1 && html`<code>${step.fault}</code> `
  }${outcome ? html`${outcomeBadge(outcome)} ${words}` : words}${step.error !== undefined && html` ${step.error}`}${evidence(step)}</div></li>`;
}

function told({ fault, step, proof }: Step): { readonly outcome?: Outcome; readonly words: string } {
  if (step === 'undo-failed') return { outcome: 'failed', words: '' };
  if (step === 'residue') {
    if (proof?.is === 'no')
      return {
        outcome: 'passed',
        words: fault === wholeTarget ? 'the whole target is as before' : 'nothing was left behind',
      };
    return {
      outcome: 'failed',
      words: proof?.is === 'yes' ? 'something was left behind' : 'nobody can tell what was left behind',
    };
  }
  if (!proof) return { words: step === 'injected' ? fault : '' };
  if (proof.is === 'yes') return { outcome: 'passed', words: '' };
  return { outcome: 'inconclusive', words: proof.is === 'no' ? 'it was not seen' : 'nobody could tell' };
}

const evidenceMax = 6_000;

function evidence({ proof }: Step): Html | false {
  if (!proof || proof.evidence === null) return false;
  const text = JSON.stringify(proof.evidence, null, 1);
  return html`<details><summary>what was seen</summary><pre tabindex="0">${text.slice(0, evidenceMax)}${text.length > evidenceMax && ' …'}</pre></details>`;
}
