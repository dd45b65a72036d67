// The three outcomes as shapes: a tick, a cross and a question mark are told apart without colour.
import type { Outcome } from '../lib/model/verdict.ts';
import { type Html, html } from './html.ts';
import { outcomeWord } from './wording.ts';

export function outcomeMark(outcome: Outcome): Html {
  const shape = {
    passed: html`<path d="M6.6 12.6l3.7 3.7 7.2-8.4"/>`,
    failed: html`<path d="M7.6 7.6l8.8 8.8M16.4 7.6l-8.8 8.8"/>`,
    inconclusive: html`<path d="M8.9 9.3a3.1 3.1 0 1 1 4.5 2.7c-.9.5-1.4 1-1.4 2.1"/><path d="M12 17.4v.2"/>`,
  }[outcome];
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="12" cy="12" r="10.4" stroke-width="1.9"/>${shape}</svg>`;
}

export const outcomeBadge = (outcome: Outcome): Html =>
  html`<span class="badge ${outcome}">${outcomeMark(outcome)}${outcomeWord[outcome]}</span>`;
