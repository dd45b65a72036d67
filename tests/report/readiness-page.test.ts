// The page as a reader meets it: a file that is opened in a real browser, with the network watched.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readinessPage } from '../../reports/readiness-page.ts';
import { lostWrites } from '../fixtures/lost-writes.ts';
import {
  compared,
  firstNights,
  type Gate,
  gateOf,
  inconclusive,
  notReady,
  ready,
  slower,
} from '../fixtures/readiness.ts';

let browser: Browser;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-page-'));
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly problems: string[];
  readonly requests: string[];
}

async function open(
  gate: Gate,
  options: { width?: number; scheme?: 'light' | 'dark'; script?: boolean } = {},
): Promise<Opened> {
  const file = join(folder, `${Math.random()}.html`);
  writeFileSync(file, readinessPage(gate));
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.scheme ?? 'light',
    javaScriptEnabled: options.script ?? true,
  });
  const problems: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return { page, problems, requests, [Symbol.asyncDispose]: () => page.close() };
}

test.each([
  ['READY', ready],
  ['NOT READY', notReady],
  ['INCONCLUSIVE', inconclusive],
])('%s is the first thing that a reader sees, without scrolling and without a script', async (word, gate) => {
  await using opened = await open(gate(), { script: false });
  const heading = opened.page.getByRole('heading', { level: 1 });
  expect(await heading.textContent()).toBe(word);
  const box = await heading.boundingBox();
  expect((box?.y ?? 9_999) + (box?.height ?? 0)).toBeLessThan(250);
  expect(await opened.page.title()).toContain(word);
});

test('the page loads nothing, and the browser has nothing to complain about', async () => {
  await using opened = await open(notReady());
  expect(opened.problems).toEqual([]);
  expect(opened.requests.filter((url) => !url.startsWith('file://') && !url.startsWith('data:'))).toEqual([]);
  expect(readinessPage(notReady())).not.toMatch(/https?:\/\//);
});

test('a page that is not ready says what blocks, names the lost writes, and how to run it again', async () => {
  await using opened = await open(notReady());
  const banner = opened.page.getByRole('banner').first();
  expect(await banner.textContent()).toContain('11 acknowledged writes of 125 lost.');
  const card = opened.page.getByRole('article', { name: 'galera-writer-crash' });
  expect(await card.getByText(/^rsynthetic-\w+-\d+: on no Galera node, acknowledged as MAT-STE-/).count()).toBe(11);
  expect(await card.getByText('shakedown run galera-writer-crash --seed 20261123').isVisible()).toBe(true);
});

test('the worst scenario stands first', async () => {
  await using opened = await open(notReady());
  expect(await opened.page.getByRole('article').getByRole('heading', { level: 2 }).allTextContents()).toEqual([
    'galera-writer-crash',
    'control',
  ]);
});

test.each([390, 320, 768, 1280])('nothing scrolls sideways at %i px', async (width) => {
  for (const gate of [notReady(), slower()]) {
    await using opened = await open(gate, { width });
    await opened.page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`);
    const [page = 0, window = 0] = await opened.page.evaluate<number[]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    expect(page).toBeLessThanOrEqual(window);
  }
});

test('what got worse is told in the banner of a gate that is ready, and stands open with a dot for each gate', async () => {
  await using opened = await open(slower());
  const { page } = opened;
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('READY');
  const warning = page.getByRole('link', { name: '1 figure is worse than in earlier gates; 1 figure stands out' });
  expect(await warning.getAttribute('href')).toBe('#history');
  const section = page.getByRole('region', { name: 'Compared with earlier gates' });
  expect(await section.getByText('This decides nothing').isVisible()).toBe(true);
  expect(
    await section.getByText(/^galera-writer-crashscans-p95 in after: 9\d ms in the newest 3 gates/).isVisible(),
  ).toBe(true);
  expect(await section.getByText('Play it twice more').isVisible()).toBe(true);
  expect(await section.getByText('scans-good in after').isVisible()).toBe(false);
  const drawing = section.getByRole('img', { name: '18 gates, oldest first, the newest 3 filled' }).first();
  expect(await drawing.locator('circle').count()).toBe(18);
  expect(await section.getByText('3 gates: of another target').count()).toBe(1);
});

test('its twin: as ever there is no warning; and with too few gates nothing is called no worse', async () => {
  await using same = await open(compared(Array(10).fill({})));
  expect(await same.page.getByText('Warning').count()).toBe(0);
  expect(await same.page.getByText('of 3 figures, 3 no worse').count()).toBe(1);
  await using few = await open(firstNights());
  expect(await few.page.getByText('Warning').count()).toBe(0);
  expect(await few.page.getByText('That is insufficient history').isVisible()).toBe(true);
  expect(await few.page.getByText('No worse').count()).toBe(0);
});

test('the timeline has words for those who do not see it, and one drawing for each width', async () => {
  for (const [width, shown] of [
    [1280, 'wide'],
    [390, 'narrow'],
  ] as const) {
    await using opened = await open(gateOf([lostWrites()]), { width });
    const drawings = opened.page.getByRole('img', { name: /bad, 0 dropped\. Good again 9\.00/ });
    expect(await drawings.count()).toBe(1);
    expect(await drawings.getAttribute('class')).toBe(`timeline ${shown}`);
  }
});

test('what stands in the page is readable in both schemes', async () => {
  for (const scheme of ['light', 'dark'] as const) {
    await using opened = await open(
      { ...notReady(), readiness: { ...slower().readiness, outcome: 'failed', runs: notReady().readiness.runs } },
      { scheme },
    );
    for (const selector of [
      '.warning',
      '.history .badge',
      '.badge.unknown',
      'body',
      '.word',
      '.label',
      '.card .badge',
      '.check',
      'footer p',
      '.meta dt',
      '.numbers .failed dd',
    ])
      expect(await contrast(opened.page, selector), `${selector}, ${scheme}`).toBeGreaterThanOrEqual(4.5);
  }
});

test('headings come in order and there is one main', async () => {
  await using opened = await open(notReady());
  const levels = await opened.page.evaluate<number[]>(
    `[...document.querySelectorAll('h1,h2,h3')].map(({ tagName }) => Number(tagName[1]))`,
  );
  expect(levels[0]).toBe(1);
  for (const [index, level] of levels.entries()) expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
  expect(await opened.page.getByRole('main').count()).toBe(1);
  expect(await opened.page.getByRole('contentinfo').count()).toBe(1);
});

test('on paper everything is open, black on white, and the passed checks are there', async () => {
  await using opened = await open(ready(), { scheme: 'dark' });
  await opened.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await opened.page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  expect(await opened.page.getByText('All 422 acknowledged writes are there').isVisible()).toBe(true);
  const pdf = await opened.page.pdf({ format: 'A4' });
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
});

test('what a target wrote stays text', async () => {
  const nasty = '<img src=x onerror="document.title=1"></script><script>document.title=2</script>\u0000';
  const { readiness, views } = notReady();
  const [first, ...rest] = readiness.runs;
  if (!first) throw new Error('no run');
  const runs = [
    {
      ...first,
      hypothesis: nasty,
      residue: [nasty],
      findings: [{ check: nasty, outcome: 'failed' as const, says: nasty, examples: [nasty] }],
    },
    ...rest,
  ];
  await using opened = await open({
    readiness: { ...readiness, target: { name: nasty, environment: nasty }, runs },
    views,
  });
  expect(await opened.page.locator('img, script').count()).toBe(0);
  expect(await opened.page.title()).toContain('<img src=x');
});

test('the drawing of the same evidence is the same bytes', () => {
  expect(readinessPage(notReady())).toBe(readinessPage(notReady()));
});

test('a gate of which nothing was run, and a run whose folder is gone, have a page too', async () => {
  await using empty = await open(gateOf([]));
  expect(await empty.page.getByRole('banner').first().textContent()).toContain('Nothing was run');
  await using bare = await open({ ...notReady(), views: new Map() });
  expect(await bare.page.getByText('The run folder could not be read, so there is no timeline.').count()).toBe(2);
});

/** WCAG contrast of an element's text against the nearest background that is not transparent. As text, since it runs in the page. */
const contrast = (page: Page, selector: string): Promise<number> =>
  page.evaluate<number>(`(() => {
    const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const light = (colour) => {
      const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = document.querySelector(${JSON.stringify(selector)});
    let at = element;
    while (at && parse(getComputedStyle(at).backgroundColor)[3] === 0) at = at.parentElement;
    const back = at ? parse(getComputedStyle(at).backgroundColor) : [255, 255, 255];
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(back)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  })()`);
