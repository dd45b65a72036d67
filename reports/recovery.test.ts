import { expect, test } from 'vitest';
import { inStages, ready } from '../tests/fixtures/readiness.ts';
import { render } from './html.ts';
import { recoveryStages } from './recovery.ts';
import { type FaultRecovery, measureWords, secondWords, shareWords, stagesInLine } from './recovery-words.ts';
import { summaryMarkdown } from './summary-markdown.ts';
import { terminalReport } from './terminal.ts';
import { timeline } from './timeline.ts';

const spaced = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');
const gate = inStages();
const run = gate.readiness.runs.find(({ scenario }) => scenario === 'galera-writer-crash');
if (!run) throw new Error('no run');
const [fault] = run.recovery.faults ?? [];
if (!fault) throw new Error('no fault');

test('the stages, the second opinion and the cost stand on the card, in the terminal and in the summary', () => {
  expect(run.outcome).toBe('passed');
  const card = spaced(render(recoveryStages(run.recovery)));
  expect(card).toMatch(/Detected<\/dt><dd>6\.50 s<small>by galera-view, at most 1 s earlier/);
  expect(card).toMatch(/Failed over<\/dt><dd>7\.50 s<small>by app-writer/);
  expect(card).toMatch(/Good again<\/dt><dd>8\.\d\d s<small>by users/);
  expect(card).toMatch(/Second opinion<\/dt><dd>agrees<small>the ingress agrees/);
  expect(card).toMatch(/scans-good<\/th><td class="n">0\.031 %<\/td><td class="n">22<\/td>/);
  const line = spaced(stagesInLine(fault));
  expect(line).toMatch(
    /^detected 6\.50 s; failed over 7\.50 s; the ingress agrees: .* scrapes later; cost 0\.031 % of 30 days/,
  );
  const terminal = terminalReport(gate.readiness, { colour: false });
  expect(terminal.replace(/\s+/g, ' ')).toContain(line);
  expect(spaced(summaryMarkdown(gate.readiness))).toMatch(
    /\| galera.*writer.*crash \| galera.* \| 6\.50 s \| 7\.50 s \| 8\.\d\d s \|/,
  );
});

test('a stage that never came is told as more than what was looked for, and what was not seen as such', () => {
  expect(spaced(measureWords({ ms: null, censoredMs: 55_500 }))).toBe('> 55.5 s');
  expect(measureWords({ ms: null, censoredMs: 0 })).toBe('not seen');
  expect(measureWords({ ms: null })).toBe('not seen');
  const late: FaultRecovery = {
    ...fault,
    detected: { ms: 12_000, resolutionMs: 5_000, by: 'Expired', fromMs: 90_000 },
  };
  expect(spaced(stagesInLine(late))).toContain('detected 12 s after its effect');
});

test('no second opinion is said, and a disagreement in scrapes', () => {
  expect(secondWords({ is: 'none', why: 'nobody asked' })).toBe('no second opinion: nobody asked');
  const second = { is: 'disagrees', ms: 33_000, resolutionMs: 10_000, scrapeMs: 5_000, laterMs: 25_000 } as const;
  expect(spaced(secondWords(second))).toBe('the ingress disagrees: 33 s, 5 scrapes later');
  expect(spaced(secondWords({ ...second, ms: null, laterMs: null, censoredMs: 60_000 }))).toBe(
    'the ingress disagrees: > 1 min 0 s',
  );
});

test('a small share keeps two digits', () => {
  expect([0, 0.00030864, 0.0123, 0.5, 1.2].map(shareWords).map(spaced)).toEqual([
    '0 %',
    '0.031 %',
    '1.2 %',
    '50 %',
    '120 %',
  ]);
});

test('names of moments on the timeline never cover each other, nor a line an earlier name', () => {
  const view = gate.views.get(run.folder);
  if (!view) throw new Error('no view');
  const [wide, narrow] = render(timeline(view, 'key')).split('class="timeline narrow"');
  for (const drawing of [wide, narrow]) {
    const names = [
      ...(drawing ?? '').matchAll(/class="moment [\w-]+" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]+)/g),
    ];
    expect(names.map(([, , , , name]) => spaced(name ?? '').replace(/ \+.*/, ''))).toEqual([
      'inject',
      'detected',
      'failed over',
      'good again',
    ]);
    const boxes = names.map(([, x = '', y = '', anchor, name = '']) => {
      const width = name.length * 6.3;
      return { from: anchor === 'end' ? Number(x) - width : Number(x), width, y: Number(y) };
    });
    for (const [index, a] of boxes.entries())
      for (const b of boxes.slice(index + 1))
        expect(a.y === b.y && a.from < b.from + b.width && b.from < a.from + a.width).toBe(false);
    for (const { from, width, y } of boxes) {
      expect(from + width).toBeLessThanOrEqual(drawing === wide ? 960 : 360);
      expect(y).toBeGreaterThan(12);
    }
  }
});

test('a run without stages says nothing of them, also where an older gate wrote it', () => {
  const bare = ready().readiness.runs.find(({ scenario }) => scenario === 'galera-writer-crash');
  expect(recoveryStages({ ms: 8_000, resolutionMs: 40 })).toBe(false);
  // What it cost is known of any run.
  expect(render(recoveryStages(bare?.recovery ?? { ms: null, resolutionMs: 0 }))).not.toContain('Detected');
});
