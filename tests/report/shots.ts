// Pictures of the pages for human eyes: node tests/report/shots.ts FOLDER. No test: whether a page is good to look at is seen, not asserted.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from '@playwright/test';
import { readinessPage } from '../../reports/readiness-page.ts';
import { firstNights, inconclusive, notReady, ready, slower } from '../fixtures/readiness.ts';

const folder = resolve(process.argv[2] ?? '/tmp/shots');
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [name, gate] of Object.entries({
  'not-ready': notReady(),
  ready: ready(),
  inconclusive: inconclusive(),
  slower: slower(),
  'first-nights': firstNights(),
})) {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, readinessPage(gate));
  for (const [shape, width, colorScheme] of [
    ['desk', 1280, 'light'],
    ['desk-dark', 1280, 'dark'],
    ['phone', 390, 'light'],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, deviceScaleFactor: 1 });
    await page.goto(pathToFileURL(file).href);
    await page.screenshot({ path: join(folder, `${name}-${shape}.png`), fullPage: true });
    await page.close();
  }
}
await browser.close();
