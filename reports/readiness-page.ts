// The gate's answer as one HTML file: the verdict first, then what shows it. It loads nothing, needs no script, and prints.
// Everything on it comes from readiness.json and the run folders, so it can be made again at any time, anywhere.
import type { Readiness } from '../lib/model/readiness.ts';
import type { RunView } from '../lib/model/run-view.ts';
import { severity } from '../lib/model/verdict.ts';
import { historySection } from './history.ts';
import { historyWarning } from './history-words.ts';
import { type Html, html, render, trusted } from './html.ts';
import { outcomeBadge, outcomeMark } from './marks.ts';
import { type ReadinessRun, scenarioCard } from './scenario-card.ts';
import { style } from './style.ts';
import { count, duration, moment, plural, readinessWord, recoveryWords } from './wording.ts';

export interface ReadinessPage {
  readonly readiness: Readiness;
  /** By `folder` of readiness.runs; one that is missing could not be read. */
  readonly views: ReadonlyMap<string, RunView>;
}

export function readinessPage({ readiness, views }: ReadinessPage): string {
  // Worst first: the one who reads wants to know what blocks.
  const runs = readiness.runs
    .map((run, index) => ({ run, key: `run-${index + 1}` }))
    .sort((a, b) => severity[b.run.outcome] - severity[a.run.outcome]);
  const title = `${readinessWord[readiness.outcome]} · ${readiness.target.name} · Shakedown ${readiness.suite}`;
  return render(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Shakedown">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<a class="skip" href="#scenarios">To the scenarios</a>
${banner(readiness)}
<main class="page">
${overview(runs)}
${historySection(readiness.history)}
<section id="scenarios" aria-label="Scenarios">${runs.map(({ run, key }) => scenarioCard(run, views.get(run.folder), key))}</section>
${uncovered(readiness)}
</main>
${footer(readiness)}
</body>
</html>
`);
}

function banner(readiness: Readiness): Html {
  const { outcome, target, suite, commit, startedAt, endedAt, runs } = readiness;
  const took = Date.parse(endedAt) - Date.parse(startedAt);
  const fact = (label: string, value: string) =>
    html`<div><dt class="label" style="color:inherit">${label}</dt><dd>${value}</dd></div>`;
  return html`<header class="banner ${outcome}"><div>
<p class="brand"><b>Shakedown</b><span>${suite} gate</span></p>
<h1 class="word">${outcomeMark(outcome)}${readinessWord[outcome]}</h1>
<div class="why">${why(readiness)}</div>
<dl class="meta">${fact('Target', `${target.name} (${target.environment})`)}${fact('Commit', commit)}${fact('Started', moment(startedAt))}${fact('Took', duration(Math.max(0, took)))}${fact('Scenarios', count(runs.length))}</dl>
</div></header>`;
}

/** In the banner what decides, three lines of it at most, and a line of warning. */
function why({ outcome, runs, skipped, history }: Readiness): Html {
  const decisive = runs.flatMap((run) =>
    run.findings.filter((finding) => finding.outcome === outcome).map(({ says }) => ({ scenario: run.scenario, says })),
  );
  const dirty = runs.filter(({ residue }) => residue.length > 0).length;
  const lines = [
    ...(dirty > 0 ? [`The target was left dirty by ${plural(dirty, 'scenario')}: undo comes first.`] : []),
    ...(outcome === 'passed' ? [] : decisive.slice(0, 3).map(({ scenario, says }) => `${scenario}: ${says}`)),
    ...(outcome === 'inconclusive'
      ? skipped.slice(0, 3).map(({ scenario, reason }) => `${scenario} was skipped: ${reason}`)
      : []),
  ];
  const warning = historyWarning(history);
  const more = outcome === 'passed' ? 0 : Math.max(0, decisive.length - 3);
  return html`<p>${sentence(outcome, decisive.length, runs.length)}</p>${
    lines.length > 0 &&
    html`<ul>${lines.map((line) => html`<li>${line}</li>`)}${more > 0 && html`<li>and ${plural(more, 'finding')} more, below</li>`}</ul>`
  }${warning !== undefined && html`<p class="warning"><a href="#history">${warning}</a></p>`}`;
}

function sentence(outcome: Readiness['outcome'], decisive: number, runs: number): string {
  if (outcome === 'passed')
    return `${runs === 1 ? 'The one scenario' : `All ${count(runs)} scenarios`} of this suite held. Every check passed.`;
  if (outcome === 'failed') return `${plural(decisive, 'finding blocks', 'findings block')} this build.`;
  if (runs === 0) return 'Nothing was run, so nothing is known.';
  return 'Too little could be seen to say yes or no. Unknown is never a pass.';
}

function overview(runs: readonly { run: ReadinessRun; key: string }[]): Html | false {
  if (runs.length < 2) return false;
  return html`<section aria-labelledby="overview"><h2 id="overview">Scenarios</h2><div class="scroll" tabindex="0" role="region" aria-labelledby="overview"><table style="margin-top:10px">
<thead><tr><th scope="col">Scenario</th><th scope="col">Outcome</th><th scope="col" class="n">Lost</th><th scope="col" class="n">Duplicated</th><th scope="col" class="n">Recovery</th><th scope="col" class="n roomy">Acknowledged</th></tr></thead>
<tbody>${runs.map(
    ({ run, key }) =>
      html`<tr><th scope="row"><a href="#${key}">${run.scenario}</a></th><td>${outcomeBadge(run.outcome)}</td><td class="n">${count(run.ledger.lost)}</td><td class="n">${count(run.ledger.duplicated)}</td><td class="n">${recoveryWords(run).value}</td><td class="n roomy">${count(run.ledger.acknowledged)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

/** What was not looked at is said aloud: silence would read as a pass. */
function uncovered({ skipped, untested, suite }: Readiness): Html | false {
  if (skipped.length + untested.length === 0) return false;
  return html`<section aria-labelledby="uncovered"><h2 id="uncovered">Not covered</h2>
${skipped.length > 0 && html`<h3>Skipped, although it belongs to this suite</h3><ul class="plain" style="margin-top:0">${skipped.map(({ scenario, reason }) => html`<li><b>${scenario}</b> ${outcomeBadge('inconclusive')}<br>${reason}</li>`)}</ul>`}
${untested.length > 0 && html`<h3>Outside the suite ${suite}: nothing is known of these claims</h3><ul class="plain" style="margin-top:0">${untested.map(({ scenario, hypothesis }) => html`<li><b>${scenario}</b><br>${hypothesis}</li>`)}</ul>`}
</section>`;
}

const footer = ({ schema, exitCode, endedAt }: Readiness): Html => html`<footer class="page"><div>
<p><b>How to read this.</b> A scenario passes only when its fault was seen to land, to have an effect and to be gone, when enough was measured, and when every acknowledged write was found once on every Galera node. What could not be seen makes it inconclusive. Recovery counts from inject to the first request after which users stay within budget; ± is the time between two requests.</p>
<p>Exit code ${exitCode} · ${schema} · ended ${moment(endedAt)} · made from readiness.json and the run folders; <code>shakedown judge</code> gives the same verdict again.</p>
</div></footer>`;
