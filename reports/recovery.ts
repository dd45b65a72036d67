// One fault after another: when it was noticed, when a role had moved, when users were well again, whether the ingress says the same, and
// what it cost of the error budget.
import { type Content, type Html, html } from './html.ts';
import {
  burnWords,
  type FaultRecovery,
  goodAgainWords,
  type Recovery,
  type StageMeasure,
  secondWords,
  shareWords,
  stageWords,
} from './recovery-words.ts';
import { count, duration } from './wording.ts';

export function recoveryStages({ faults = [] }: Recovery): Html | false {
  const told = faults.filter(({ detected, failedOver, second, budget }) => detected ?? failedOver ?? second ?? budget);
  if (told.length === 0) return false;
  return html`<h3>Recovery, from inject to good again</h3>${told.map(
    (
      one,
    ) => html`${faults.length > 1 && html`<p class="lead">${one.fault}, injected ${duration(one.injectedMs)} after the first</p>`}<dl class="stages">
${one.detected && item('Detected', stageWords(one.detected), byWords(one.detected))}
${one.failedOver && item('Failed over', stageWords(one.failedOver), byWords(one.failedOver))}
${item('Good again', goodAgainWords(one), one.ms === 0 ? 'users never left the budget' : `by users, ± ${duration(one.resolutionMs)}`)}
${one.second && item('Second opinion', one.second.is === 'none' ? 'none' : one.second.is, secondWords(one.second))}
</dl>${costs(one)}`,
  )}`;
}

const item = (label: string, value: Content, note: Content): Html =>
  html`<div><dt class="label">${label}</dt><dd>${value}<small>${note}</small></dd></div>`;

function byWords({ by, ms, resolutionMs, censoredMs }: StageMeasure): string {
  if (ms !== null) return `by ${by}, at most ${duration(resolutionMs)} earlier`;
  return censoredMs ? `by ${by}, which never said so` : `by ${by}, which was not seen`;
}

function costs({ budget = [] }: FaultRecovery): Html | false {
  if (budget.length === 0) return false;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="What it cost of the error budget"><table>
<thead><tr><th scope="col">Error budget of 30 days</th><th scope="col" class="n">Spent</th><th scope="col" class="n">Burn rate</th><th scope="col" class="n roomy">Bad</th><th scope="col" class="n roomy">As outage</th></tr></thead>
<tbody>${budget.map(
    ({ objective, share, burnRate, bad, planned, outageMs }) =>
      html`<tr><th scope="row">${objective}</th><td class="n">${shareWords(share)}</td><td class="n">${burnWords(burnRate)}</td><td class="n roomy">${count(bad)} of ${count(planned)}</td><td class="n roomy">${duration(outageMs)}</td></tr>`,
  )}</tbody></table></div>`;
}
