// How this gate compares with the ones before it: what got worse stands open, the rest one click away. A warning, never a verdict.
import type { Answer, Comparison, History } from '../lib/model/history.ts';
import { answerWord, historySentence, leftOutWords, loudOf, quietOf } from './history-words.ts';
import { type Html, html } from './html.ts';
import { plural } from './wording.ts';

export function historySection(history: History | undefined): Html | false {
  if (!history) return false;
  const [loud, quiet] = [loudOf(history), quietOf(history)];
  const left = leftOutWords(history);
  return html`<section aria-labelledby="history"><h2 id="history">Compared with earlier gates</h2>
<p class="lead">${historySentence(history)}</p>
${loud.length > 0 && table(loud)}
${quiet.length > 0 && html`<details><summary>${loud.length > 0 ? `${plural(quiet.length, 'more figure')}` : plural(quiet.length, 'figure')}, one by one</summary>${table(quiet)}</details>`}
${left.length > 0 && html`<details><summary>What was left out</summary><ul class="plain">${left.map((one) => html`<li>${one}</li>`)}</ul></details>`}
</section>`;
}

const table = (comparisons: readonly Comparison[]): Html => html`<table class="findings history">
<thead><tr><th scope="col">Answer</th><th scope="col">What was seen</th><th scope="col">Gate by gate</th></tr></thead>
<tbody>${comparisons.map(
  (one) => html`<tr><td>${badge(one.answer)}</td>
<td><b>${one.scenario}</b><br>${one.says}</td><td>${drawing(one)}</td></tr>`,
)}</tbody></table>`;

const shapes: Readonly<Record<Answer, Html>> = {
  worse: html`<path d="M12 3.2 22 20.6H2Z"/><path d="M12 9.6v5M12 17.4v.2"/>`,
  'cannot tell': html`<path d="M8.4 8.6a3.7 3.7 0 1 1 5.4 3.3c-1.1.6-1.7 1.2-1.7 2.6M12 19v.2"/>`,
  'insufficient history': html`<path d="M5 12v.2M12 12v.2M19 12v.2"/>`,
  'no worse': html`<path d="M5 9h14M5 15h14"/>`,
  better: html`<path d="M12 4v16M5 13l7 7 7-7"/>`,
};
const looks: Readonly<Record<Answer, string>> = {
  worse: 'inconclusive',
  'cannot tell': 'unknown',
  'insufficient history': 'unknown',
  'no worse': 'unknown',
  better: 'passed',
};

const badge = (answer: Answer): Html =>
  html`<span class="badge ${looks[answer]}"><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shapes[answer]}</svg>${answerWord[answer]}</span>`;

const width = 220;
const height = 44;
const edge = 6;

/** A dot for each gate, the newest filled; the line is the median of those before, the shade how much more would matter. */
function drawing({ earlier, newest, earlierMedian, margin }: Comparison): Html | false {
  const all = [...earlier, ...newest];
  if (all.length < 2) return false;
  const least = Math.min(...all);
  const most = Math.max(...all, ...(earlierMedian === undefined ? [] : [earlierMedian + margin]));
  const y = (value: number) =>
    most === least ? height / 2 : height - edge - ((value - least) / (most - least)) * (height - 2 * edge);
  const x = (index: number) => edge + (index / (all.length - 1)) * (width - 2 * edge);
  const px = (value: number) => Math.round(value * 10) / 10;
  return html`<svg class="gates" viewBox="0 0 ${width} ${height}" role="img" aria-label="${plural(all.length, 'gate')}, oldest first, the newest ${newest.length} filled">
${earlierMedian !== undefined && html`<rect class="matter" x="0" width="${width}" y="${px(y(earlierMedian + margin))}" height="${px(y(earlierMedian) - y(earlierMedian + margin))}"/><path class="usual" d="M0 ${px(y(earlierMedian))}H${width}"/>`}
${all.map((value, index) => html`<circle class="${index < earlier.length ? 'before' : 'now'}" cx="${px(x(index))}" cy="${px(y(value))}" r="3"/>`)}</svg>`;
}
