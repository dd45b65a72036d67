import { expect, test } from 'vitest';
import { noticed, ready } from '../tests/fixtures/readiness.ts';
import { alerts } from './alerts.ts';
import { render } from './html.ts';
import { summaryMarkdown } from './summary-markdown.ts';
import { terminalReport } from './terminal.ts';

const gate = noticed();
const [view] = gate.views.values();
if (!view) throw new Error('no view');
const text = (markup: string) => markup.replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll('&quot;', '"');
const page = text(render(alerts(view)));

test('the card tells what fired and when, what was held back and by what, and the silences', () => {
  expect(gate.readiness.outcome).toBe('passed');
  expect(page).toMatch(/To be noticed: NodeDown after 14\.9 s, over 14\.6 s after undo\./);
  expect(page).toMatch(/<th scope="row">TargetDown<\/th>.*inhibited by NodeDown/);
  expect(page).toMatch(
    /<th scope="row">NodeDown<\/th><td>critical<\/td><td class="n">\+15\.1 s<\/td><td class="n">20 s<\/td><td><\/td>/,
  );
  expect(page).toContain('2 looks at Alertmanager; silences:');
  expect(page).toContain('<code>alertname="NodeDown"</code> until 2026-11-23T03:00:00.000Z: rack &lt;b&gt;4');
  expect(page).toContain('Firing before and after as well: AlertingWorks.');
});

test('what was not looked at is said', () => {
  const { alertmanager: _, ...unasked } = view;
  expect(render(alerts(unasked))).toContain('Nobody looked at Alertmanager.');
  const silent = { looks: 0, missing: 3, why: 'connection <refused>', silences: [] };
  expect(text(render(alerts({ ...view, alertmanager: silent })))).toContain(
    'not known. 3 looks told nothing: connection &lt;refused&gt;.',
  );
  expect(text(render(alerts({ ...view, alertmanager: { looks: 2, missing: 0, silences: [] } })))).toContain(
    'no silence was active',
  );
  const { alerts: __, ...none } = view;
  expect(alerts(none)).toBe(false);
});

test('the terminal and a job’s summary tell how soon too, and nothing where nothing was claimed', () => {
  expect(terminalReport(gate.readiness, { colour: false })).toMatch(
    / {4}alert: NodeDown after 14\.9 s, over 14\.6 s after undo\n/,
  );
  expect(text(summaryMarkdown(gate.readiness))).toMatch(
    /\| galera&#45;writer&#45;crash \| NodeDown \| \*\*Passed\*\* \| 14\.9 s \| 14\.6 s \| yes \|/,
  );
  expect(terminalReport(ready().readiness, { colour: false })).not.toContain('alert:');
  expect(summaryMarkdown(ready().readiness)).not.toContain('would have called');
});
