// One scenario of the gate: what was claimed, what came of it, and everything that shows it.
import type { Readiness } from '../lib/model/readiness.ts';
import type { RunView } from '../lib/model/run-view.ts';
import { alerts } from './alerts.ts';
import { faultSteps } from './fault-steps.ts';
import { findingsTable } from './findings-table.ts';
import { type Content, type Html, html } from './html.ts';
import { outcomeBadge } from './marks.ts';
import { recoveryStages } from './recovery.ts';
import { timeline } from './timeline.ts';
import { count, duration, moment, percent, phaseWord, plural, recoveryWords } from './wording.ts';

export type ReadinessRun = Readiness['runs'][number];

/** Without a view the run folder could not be read: the card then says what the gate wrote down. */
export function scenarioCard(run: ReadinessRun, view: RunView | undefined, key: string): Html {
  return html`<article class="card" id="${key}" aria-labelledby="${key}-name">
<header><div><h2 id="${key}-name">${run.scenario}</h2><p class="hypothesis">${run.hypothesis}</p></div>${outcomeBadge(run.outcome)}</header>
${run.ended !== 'completed' && html`<p class="lead">The run was ${run.ended}${view?.reason && html`: ${view.reason}`}.</p>`}
${keyNumbers(run, view)}
${view ? timeline(view, key) : html`<p class="lead">The run folder could not be read, so there is no timeline.</p>`}
${recoveryStages(run.recovery)}
${findingsTable(run.findings)}
${residue(run)}
${view && html`${phaseTable(view)}${faultSteps(view)}${alerts(view)}${guards(view)}${notes(view)}`}
${facts(run, view)}</article>`;
}

/** The numbers that are asked for first. Zero lost is a number too. */
function keyNumbers(run: ReadinessRun, view: RunView | undefined): Html {
  const { ledger } = run;
  const recovery = recoveryWords(run);
  const bound = view?.claim.recovery?.recoveryMsMax;
  const recoveryFailed = run.findings.some(({ check, outcome }) => check === 'recovery' && outcome === 'failed');
  // Without a node that was read, no count of absences means anything.
  const seen = !run.findings.some(({ check, outcome }) => check === 'ledger.lost' && outcome === 'inconclusive');
  const absence = (value: number): Content => (seen || value > 0 ? count(value) : '?');
  return html`<dl class="numbers">
${(view === undefined || view.claim.recovery !== null) && number('Recovery', recovery.value, html`${recovery.note}${bound !== undefined && html`, claimed ≤\u00a0${duration(bound)}`}`, recoveryFailed)}
${number('Acknowledged', count(ledger.acknowledged), html`of ${plural(ledger.sent, 'write')} sent`)}
${number('Lost', absence(ledger.lost), 'acknowledged, then gone', ledger.lost > 0)}
${number('Duplicated', absence(ledger.duplicated), 'applied more than once', ledger.duplicated > 0)}
${number('Unknown', count(ledger.unknown), seen ? `${count(ledger.unknownPresent)} there, ${count(ledger.unknown - ledger.unknownPresent)} not` : 'no clear answer')}
${(ledger.stale > 0 || ledger.refusedButFound > 0) && number('Late · refused but stored', `${count(ledger.stale)} · ${count(ledger.refusedButFound)}`, 'on some Galera node', ledger.refusedButFound > 0)}
${number('Books', !seen && ledger.invariantsBroken === 0 ? '?' : ledger.invariantsBroken === 0 ? 'balance' : count(ledger.invariantsBroken), ledger.invariantsBroken === 0 ? 'ledger, bins, documents' : 'places do not balance', ledger.invariantsBroken > 0)}
</dl>`;
}

const number = (label: string, value: Content, note: Content, failed = false): Html =>
  html`<div${failed && html` class="failed"`}><dt class="label">${label}</dt><dd>${value}<small>${note}</small></dd></div>`;

function phaseTable(view: RunView): Html | false {
  if (view.numbers.length === 0) return false;
  const ms = (value: number | undefined): Content => (value === undefined ? '–' : duration(value));
  return html`<h3>What users felt, by phase</h3><div class="scroll" tabindex="0" role="region" aria-label="What users felt, by phase"><table>
<thead><tr><th scope="col">Phase</th><th scope="col">Requests</th><th scope="col" class="n">Sent</th><th scope="col" class="n">Good</th><th scope="col" class="n">Dropped</th><th scope="col" class="n">p50</th><th scope="col" class="n">p95</th><th scope="col" class="n">p99</th></tr></thead>
<tbody>${view.numbers.map(
    ({ phase, kind, sent, good, dropped, p50, p95, p99 }, index) =>
      html`<tr><th scope="row">${view.numbers[index - 1]?.phase !== phase && phaseWord[phase]}</th><td>${kind}s</td><td class="n">${count(sent)}</td><td class="n">${percent(good / (sent + dropped))}</td><td class="n">${count(dropped)}</td><td class="n">${ms(p50)}</td><td class="n">${ms(p95)}</td><td class="n">${ms(p99)}</td></tr>`,
  )}</tbody></table></div>`;
}

function residue({ residue: left }: ReadinessRun): Html | false {
  return (
    left.length > 0 &&
    html`<h3>Left in the target</h3><ul class="examples">${left.map((one) => html`<li>${one}</li>`)}</ul>
<p class="lead">Next: <code>shakedown undo</code>, before anything else runs on this target.</p>`
  );
}

function guards(view: RunView): Html | false {
  const off = view.guards.some(({ is }) => is !== 'yes');
  return (
    view.guards.length > 0 &&
    html`<details${off && html` open`}><summary>${plural(view.guards.length, 'guard')} before the load</summary><ul class="plain">${view.guards.map(
      ({ name, is, seen }) =>
        html`<li><b>${name}</b> ${outcomeBadge(is === 'yes' ? 'passed' : 'inconclusive')}<br>${seen}</li>`,
    )}</ul></details>`
  );
}

const notes = (view: RunView): Html | false =>
  view.notes.length > 0 &&
  html`<details><summary>${plural(view.notes.length, 'note')} of the runner</summary><ul class="plain">${view.notes.map(({ text }) => html`<li>${text}</li>`)}</ul></details>`;

function facts(run: ReadinessRun, view: RunView | undefined): Html {
  const header = view?.header;
  const fact = (label: string, value: Content) => html`<div><dt class="label">${label}</dt><dd>${value}</dd></div>`;
  return html`${header && html`<h3>Repeat</h3><pre tabindex="0">${header.repeat}</pre>`}
<details><summary>Run, seed and versions</summary><dl class="facts" style="margin-top:10px">
${fact('Folder', html`<code>${run.folder}</code>`)}
${
  header &&
  html`${fact('Run', header.runId)}${header.steadyOf !== undefined && fact('Steady state', `begins as the end of run ${header.steadyOf}`)}${fact('Started', moment(new Date(header.startedAt).toISOString()))}${fact('Seed', String(header.seed))}${fact('Commit', html`<code>${header.commit}</code>`)}${fact('Load', `${header.load.profile}, at most ${count(header.load.virtualUsersMax)} virtual users`)}
${Object.entries(header.versions).map(([name, version]) => fact(name, version))}`
}
</dl></details>`;
}
