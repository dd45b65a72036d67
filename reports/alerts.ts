// Which alerts fired while the run went on, counted from inject: an operator wants to know what would have called him, how soon, and what
// would not have because somebody or something held it back.
import type { AlertPeriod, RunView } from '../lib/model/run-view.ts';
import { detections, detectionWords } from './detection.ts';
import { type Html, html } from './html.ts';
import { duration, offset, plural } from './wording.ts';

export function alerts(view: RunView): Html | false {
  if (view.alerts === undefined) return false;
  // A watchdog fires for ever so that its silence is noticed, and says nothing of the run.
  const [always, own] = [view.alerts.filter(isConstant), view.alerts.filter((one) => !isConstant(one))];
  const noticed = detections(view.verdict.findings);
  const constant = always.length > 0 && html` Firing before and after as well: ${always.map(nameOf).join(', ')}.`;
  return html`<h3>Alerts</h3>
${noticed.length > 0 && html`<p class="lead">To be noticed: ${noticed.map(detectionWords).join('; ')}.</p>`}
${
  own.length === 0
    ? html`<p class="lead">None began to fire.${constant}</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Alerts"><table>
<thead><tr><th scope="col">Alert</th><th scope="col">Severity</th><th scope="col" class="n">Fired</th><th scope="col" class="n">For</th><th scope="col">Held back</th><th scope="col">Of</th></tr></thead>
<tbody>${own.map(
        (one) =>
          html`<tr><th scope="row">${one.alert}</th><td>${one.severity}</td><td class="n">${one.before ? 'before' : offset(one.from - view.zero)}</td><td class="n">${lasted(one)}</td><td>${one.heldBack ?? ''}</td><td>${one.of}</td></tr>`,
      )}</tbody></table></div>${constant && html`<p class="lead">${constant}</p>`}`
}${alertmanager(view)}`;
}

const isConstant = ({ before, still }: AlertPeriod): boolean => before && still;

const nameOf = ({ alert, heldBack }: AlertPeriod): string =>
  heldBack === undefined ? alert : `${alert} (${heldBack})`;

function lasted({ from, to, still }: AlertPeriod): string {
  return still ? `${duration(to - from)}, and on` : duration(to - from);
}

/** What was not looked at is said: an empty column would read as if nothing had been held back. */
function alertmanager({ alertmanager: asked }: RunView): Html {
  if (asked === undefined) return html`<p class="lead">Nobody looked at Alertmanager.</p>`;
  const { looks, missing, why, silences } = asked;
  const gaps = missing > 0 && html` ${plural(missing, 'look')} told nothing${why !== undefined && `: ${why}`}.`;
  if (looks === 0) return html`<p class="lead">Whether anything was held back is not known.${gaps}</p>`;
  return html`<p class="lead">${plural(looks, 'look')} at Alertmanager; ${silences.length === 0 ? 'no silence was active.' : 'silences:'}${gaps}</p>${
    silences.length > 0 &&
    html`<ul class="plain">${silences.map(
      ({ matchers, comment, endsAt }) =>
        html`<li><code>${matchers.join(', ')}</code> until ${endsAt}${comment !== '' && `: ${comment}`}</li>`,
    )}</ul>`
  }`;
}
