// What was checked: what is wrong stands open and first, what was right is one click away, so that a reader can see what was looked at.
import type { Finding } from '../lib/model/verdict.ts';
import { explainCommandOf, markersOf } from './anomalies.ts';
import { type Html, html } from './html.ts';
import { outcomeBadge } from './marks.ts';
import { measuredWords, phaseWord, plural } from './wording.ts';

/** As it stands in readiness.json: everything but check, outcome and words may be missing. */
export type ReportedFinding = Pick<Finding, 'check' | 'outcome' | 'says'> & { readonly [key: string]: unknown };

export function findingsTable(findings: readonly ReportedFinding[]): Html {
  const wrong = findings.filter(({ outcome, alsoInControl }) => outcome !== 'passed' && !alsoInControl);
  const own = findings.filter(({ alsoInControl }) => alsoInControl);
  const right = findings.filter(({ outcome }) => outcome === 'passed');
  return html`<h3>Findings</h3>
${wrong.length > 0 && table(wrong)}
${own.length > 0 && html`<h3>The platform’s own: control fails it too, without any fault</h3>${table(own)}`}
${right.length > 0 && html`<details><summary>${wrong.length + own.length === 0 && 'All '}${plural(right.length, 'check')} passed</summary>${table(right)}</details>`}`;
}

const table = (findings: readonly ReportedFinding[]): Html => html`<table class="findings">
<thead><tr><th scope="col">Outcome</th><th scope="col">What was seen</th><th scope="col" class="n">Measured</th><th scope="col" class="n">Wanted</th></tr></thead>
<tbody>${findings.map(row)}</tbody></table>`;

function row(finding: ReportedFinding): Html {
  const { check, outcome, says, measured, bound, unit, phase, examples } = finding;
  const word = phaseWord[phase as keyof typeof phaseWord];
  return html`<tr><td>${outcomeBadge(outcome)}</td>
<td>${says}<span class="check">${check}${word && html` · ${word.toLowerCase()}`}</span>${exampleList(examples, markersOf(finding))}</td>
<td class="n" data-label="measured">${typeof measured === 'number' && measuredWords(measured, typeof unit === 'string' ? unit : '')}</td>
<td class="n" data-label="wanted">${typeof bound === 'string' && bound}</td></tr>`;
}

/** Where examples are writes, each comes with the command that explains it. */
const exampleList = (examples: unknown, markers: readonly string[]): Html | false =>
  Array.isArray(examples) &&
  examples.length > 0 &&
  html`<ul class="examples">${examples.map((one) => {
    const marker = markers.find((marker) => String(one).startsWith(`${marker}: `));
    return html`<li>${String(one)}${marker !== undefined && html`<span class="check">${explainCommandOf(marker)}</span>`}</li>`;
  })}</ul>`;
