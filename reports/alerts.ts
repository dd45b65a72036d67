// Which alerts fired while the run went on, counted from inject: an operator wants to know what would have called him, and how soon.
import type { AlertPeriod, RunView } from '../lib/model/run-view.ts';
import { type Html, html } from './html.ts';
import { duration, offset } from './wording.ts';

export function alerts(view: RunView): Html | false {
  if (view.alerts === undefined) return false;
  // A watchdog fires for ever so that its silence is noticed, and says nothing of the run.
  const [always, own] = [view.alerts.filter(isConstant), view.alerts.filter((one) => !isConstant(one))];
  const constant = always.length > 0 && html` Firing before and after as well: ${always.map(nameOf).join(', ')}.`;
  if (own.length === 0) return html`<h3>Alerts</h3><p class="lead">None began to fire.${constant}</p>`;
  return html`<h3>Alerts</h3><div class="scroll" tabindex="0" role="region" aria-label="Alerts"><table>
<thead><tr><th scope="col">Alert</th><th scope="col">Severity</th><th scope="col" class="n">Fired</th><th scope="col" class="n">For</th><th scope="col">Of</th></tr></thead>
<tbody>${own.map(
    (one) =>
      html`<tr><th scope="row">${one.alert}</th><td>${one.severity}</td><td class="n">${one.before ? 'before' : offset(one.from - view.zero)}</td><td class="n">${lasted(one)}</td><td>${one.of}</td></tr>`,
  )}</tbody></table></div>${constant && html`<p class="lead">${constant}</p>`}`;
}

const isConstant = ({ before, still }: AlertPeriod): boolean => before && still;
const nameOf = ({ alert }: AlertPeriod): string => alert;

function lasted({ from, to, still }: AlertPeriod): string {
  return still ? `${duration(to - from)}, and on` : duration(to - from);
}
