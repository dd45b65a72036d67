// The technician's page on a phone, in a real browser against the real app: what is shown, what is booked, and that a dead spot loses
// nothing and books nothing twice. Asks the site that the environment names, or one of its own (site.ts).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { type Browser, type BrowserContext, chromium, type Page, type Request, type Route } from '@playwright/test';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, openSite, type Site, siteMissing, userOf } from './site.ts';

const missing = siteMissing();
if (missing) console.warn(`the technician's page is not tested: ${missing}`);

const phone = { width: 390, height: 844 };
const stores = 'Stores - WP';
const part = { code: 'BC0000000260', item: 'ITEM-0260' };
/** Of this one there is nothing but what a test brings: the last of it can be taken. */
const rare = 'RM-1';
/** Pictures are taken only for who wants to look at them. */
const shots = process.env.WORKSHOP_SHOTS;

describe.skipIf(missing !== undefined)('the technician’s page', () => {
  let site: Site;
  let browser: Browser;

  beforeAll(async () => {
    site = await openSite();
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', ...(await waysTo(site))],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
  });

  const stockOf = async (item: string): Promise<number> => {
    const path = `/api/method/erpnext.stock.utils.get_stock_balance?item_code=${item}&warehouse=${encodeURIComponent(stores)}`;
    return Number((await ask(site, 'GET', path, { as: 'scanner' })).json.message);
  };
  const documentsOf = async (markers: readonly string[]) => {
    const filters = encodeURIComponent(JSON.stringify([['custom_client_marker', 'in', markers]]));
    const fields = encodeURIComponent(JSON.stringify(['name', 'docstatus', 'custom_client_marker', 'creation']));
    const path = `/api/resource/Stock%20Entry?filters=${filters}&fields=${fields}&order_by=creation`;
    return (await ask(site, 'GET', path, { as: 'scanner' })).json.data as {
      docstatus: number;
      custom_client_marker: string;
    }[];
  };

  interface Phone extends AsyncDisposable {
    readonly context: BrowserContext;
    readonly page: Page;
    readonly problems: string[];
  }

  async function phoneIn(
    options: { scheme?: 'light' | 'dark'; as?: string | null; width?: number } = {},
  ): Promise<Phone> {
    const context = await browser.newContext({
      viewport: { ...phone, width: options.width ?? phone.width },
      deviceScaleFactor: 2,
      isMobile: true,
      hasTouch: true,
      colorScheme: options.scheme ?? 'light',
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      // What the network does is what the tests do to it.
      if (!/Failed to load resource|^WebSocket connection to '[^']*\/socket\.io\/[^']*' failed/.test(message.text()))
        problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(`${site.url}/app/technician`);
    if (options.as !== null) await logIn(page, options.as ?? 'technician-001');
    return {
      context,
      page,
      problems,
      async [Symbol.asyncDispose]() {
        await context.close();
        expect(problems).toEqual([]);
      },
    };
  }

  async function logIn(page: Page, name: string): Promise<void> {
    const { user, password } = userOf(site, name);
    await page.getByLabel('E-mail').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Scan a part').waitFor();
  }

  /** A wedge is a keyboard that types fast and ends with Enter, wherever the cursor is. */
  const scan = async (page: Page, code: string): Promise<void> => {
    await page.keyboard.type(code);
    await page.keyboard.press('Enter');
  };
  const take = (page: Page) => page.getByRole('button', { name: /^Take \d/ }).click();
  const bookings = (page: Page) => page.getByRole('region', { name: /^Bookings/ }).getByRole('listitem');
  const badges = (page: Page) => bookings(page).locator('.badge').allTextContents();
  const booked = (page: Page) => expect.poll(() => badges(page), { timeout: 30_000 }).toEqual(['booked']);
  const markersOf = (page: Page): Promise<string[]> =>
    page.evaluate<string[]>(`JSON.parse(localStorage.getItem('stockroom.queue') ?? '[]').map(({ marker }) => marker)`);
  const shot = async (page: Page, name: string): Promise<void> => {
    if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  };

  beforeEach(async () => {
    const body = {
      stock_entry_type: 'Material Receipt',
      docstatus: 1,
      items: [{ item_code: part.item, qty: 50, t_warehouse: stores }],
    };
    await ask(site, 'POST', '/api/resource/Stock%20Entry', { as: 'scanner', body });
  });

  it('lets nobody in with a wrong password, and says so', async () => {
    await using at = await phoneIn({ as: null });
    await shot(at.page, 'log-in');
    await at.page.getByLabel('E-mail').fill(userOf(site, 'technician-001').user);
    await at.page.getByLabel('Password').fill('wrong');
    await at.page.getByRole('button', { name: 'Log in' }).click();
    await at.page.getByText('E-mail or password is wrong.').waitFor();
    expect(await at.page.getByLabel('Scan a part').isVisible()).toBe(false);
  });

  it('shows what is scanned and what there is of it, and books what is taken', async () => {
    await using at = await phoneIn();
    const before = await stockOf(part.item);
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await expect.poll(() => at.page.locator('#stock').textContent()).toContain(before.toLocaleString('en'));
    // The same part scanned again is one more of it.
    await scan(at.page, part.code);
    await at.page.getByRole('button', { name: 'One more' }).click();
    await at.page.getByRole('button', { name: 'Take 3' }).waitFor();
    await shot(at.page, 'part');
    await take(at.page);
    await booked(at.page);
    expect(await bookings(at.page).textContent()).toMatch(/3 × ITEM-0260.*MAT-STE-/s);
    expect(await stockOf(part.item)).toBe(before - 3);
  });

  it('knows a scanner wherever the cursor is: on a button, and in the field of the quantity', async () => {
    await using at = await phoneIn();
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await at.page.getByRole('button', { name: 'One more' }).click();
    await scan(at.page, part.code);
    await at.page.getByRole('button', { name: 'Take 3' }).waitFor();
    await at.page.getByRole('spinbutton', { name: 'Quantity' }).fill('7');
    await at.page.waitForTimeout(200);
    await scan(at.page, '4006381333931');
    await at.page.getByText('No part has the code 4006381333931.').waitFor();
    expect(await bookings(at.page).count()).toBe(0);
    // By hand, and slowly, it is a number.
    await scan(at.page, part.code);
    await at.page.getByRole('spinbutton', { name: 'Quantity' }).fill('');
    await at.page.keyboard.type('12', { delay: 200 });
    await at.page.getByRole('button', { name: 'Take 12' }).waitFor();
  });

  it('takes a code by hand, an item’s own too, and says when there is no such part', async () => {
    await using at = await phoneIn();
    await at.page.getByLabel('Scan a part').fill('NOPE-404');
    await at.page.getByRole('button', { name: 'Look up' }).click();
    await at.page.getByText('No part has the code NOPE-404.').waitFor();
    await at.page.getByLabel('Scan a part').fill(part.item);
    await at.page.getByRole('button', { name: 'Look up' }).click();
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await at.page.locator('#stock').getByText(stores).waitFor();
  });

  it('keeps what is taken without a line, over a restart too, and sends it in order when there is one', async () => {
    await using at = await phoneIn();
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await expect.poll(() => at.page.locator('#stock').textContent()).toContain('Nos');
    const before = await stockOf(part.item);
    await at.context.setOffline(true);
    await at.page.getByText('offline', { exact: true }).waitFor();
    await take(at.page);
    // One that the phone has never seen is taken by its code.
    await scan(at.page, 'BC0000000262');
    await at.page.getByText('Not looked up yet.').waitFor();
    await take(at.page);
    await scan(at.page, part.code);
    await scan(at.page, part.code);
    await take(at.page);
    await shot(at.page, 'dead-spot');
    await expect.poll(() => bookings(at.page).count()).toBe(3);
    expect(await badges(at.page)).toEqual(['waiting', 'waiting', 'waiting']);
    const markers = await markersOf(at.page);
    expect(await documentsOf(markers)).toEqual([]);
    await at.context.setOffline(false);
    await at.page.reload();
    await expect.poll(() => badges(at.page), { timeout: 30_000 }).toEqual(['booked', 'booked', 'booked']);
    const made = await documentsOf(markers);
    expect(made.map((one) => one.custom_client_marker)).toEqual(markers);
    expect(await stockOf(part.item)).toBe(before - 3);
  });

  it('books once what was answered and not heard', async () => {
    await using at = await phoneIn();
    let heard = 0;
    await at.page.route('**/api/resource/Stock%20Entry', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      heard += 1;
      if (heard > 2) return route.continue();
      await loseAnswer(site, route);
    });
    const before = await stockOf(part.item);
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await take(at.page);
    await expect.poll(() => badges(at.page)).toEqual(['not clear']);
    await shot(at.page, 'not-clear');
    await booked(at.page);
    expect(heard).toBeGreaterThan(1);
    expect(await stockOf(part.item)).toBe(before - 1);
    expect(await documentsOf(await markersOf(at.page))).toHaveLength(1);
  });

  it('outlives a restart of the site', async ({ skip }) => {
    if (!site.environment) return skip('this site is not ours to stop');
    await using at = await phoneIn();
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await site.stopWeb();
    await take(at.page);
    await expect.poll(() => badges(at.page)).toEqual(['not clear']);
    await site.startWeb();
    await at.page.getByRole('button', { name: 'Send now' }).click();
    await booked(at.page);
    expect(await documentsOf(await markersOf(at.page))).toHaveLength(1);
  });

  it('does not call refused what an unheard earlier copy has booked, when that took the last', async () => {
    await using at = await phoneIn();
    const items = [{ item_code: rare, qty: 2, t_warehouse: stores }];
    const body = { stock_entry_type: 'Material Receipt', docstatus: 1, items };
    await ask(site, 'POST', '/api/resource/Stock%20Entry', { as: 'scanner', body });
    const left = await stockOf(rare);
    let heard = 0;
    await at.page.route('**/api/resource/Stock%20Entry', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      heard += 1;
      if (heard > 1) return route.continue();
      await loseAnswer(site, route);
    });
    await scan(at.page, rare);
    await at.page.getByRole('heading', { name: rare }).waitFor();
    await at.page.getByRole('spinbutton', { name: 'Quantity' }).fill(String(left));
    await take(at.page);
    await booked(at.page);
    expect(await stockOf(rare)).toBe(0);
    // And what there is none of is refused, with the site's own words; the next booking is not held up by it.
    await scan(at.page, rare);
    await at.page.getByRole('heading', { name: rare }).waitFor();
    await take(at.page);
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await take(at.page);
    await expect.poll(() => badges(at.page), { timeout: 30_000 }).toEqual(['booked', 'refused', 'booked']);
    expect(await bookings(at.page).nth(1).textContent()).toContain(
      '1.0 units of Item RM-1 needed in Warehouse Stores - WP',
    );
    await shot(at.page, 'refused');
    await at.page.getByRole('button', { name: 'Dismiss' }).click();
    expect(await badges(at.page)).toEqual(['booked', 'booked']);
    await at.page.getByRole('button', { name: 'Clear booked' }).click();
    expect(await markersOf(at.page)).toEqual([]);
  });

  it('keeps what is taken when the session ends, for the one who took it', async () => {
    await using at = await phoneIn();
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await at.context.clearCookies();
    await take(at.page);
    await at.page.getByText('The session has ended.').waitFor();
    await at.page.getByText(/Bookings on this phone wait for technician-001@/).waitFor();
    const markers = await markersOf(at.page);
    await logIn(at.page, 'scanner');
    expect(await bookings(at.page).count()).toBe(0);
    await at.page.getByRole('button', { name: 'Log out' }).click();
    expect(await documentsOf(markers)).toEqual([]);
    await logIn(at.page, 'technician-001');
    await booked(at.page);
    expect(await documentsOf(markers)).toHaveLength(1);
  });

  it('asks with a CSRF token, and sends nothing anywhere else', async () => {
    await using at = await phoneIn();
    const asked: Request[] = [];
    at.page.on('request', (request) => asked.push(request));
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await take(at.page);
    await booked(at.page);
    const sent = asked.find((request) => request.method() === 'POST');
    expect(sent?.headers()['x-frappe-csrf-token']).toMatch(/^[0-9a-f]{20,}$/);
    expect(asked.filter((request) => new URL(request.url()).origin !== new URL(site.url).origin)).toEqual([]);
  });

  it('runs its own script and no other', async () => {
    const { headers, text } = await ask(site, 'GET', '/app/technician', { headers: { Accept: 'text/html' } });
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'/,
    );
    expect(policy).not.toContain('unsafe');
    expect(text).not.toMatch(/ style="| on\w+="/);
    await using at = await phoneIn({ as: null });
    await at.page
      .evaluate(
        `document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = "ran"' }))`,
      )
      .catch(() => {});
    expect(await at.page.title()).toBe('Stockroom');
    expect(at.problems.splice(0).join()).toContain('Content Security Policy');
  });

  it('shows what a site says as text', async () => {
    await using at = await phoneIn();
    const nasty = '<img src=x onerror="document.title=1">';
    await at.page.route('**/frappe.client.get_value?*', (route) =>
      route.fulfill({ json: { message: { name: part.item, item_name: nasty, stock_uom: nasty } } }),
    );
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: nasty }).waitFor();
    expect(await at.page.locator('img').count()).toBe(0);
  });

  it.each([390, 320, 768])('fits %i px, with targets for thumbs', async (width) => {
    await using at = await phoneIn({ width });
    await scan(at.page, part.code);
    await at.page.getByRole('heading', { name: part.item }).waitFor();
    await expect.poll(() => at.page.locator('#stock').textContent()).toContain('Nos');
    const [wide = 0, window = 0] = await at.page.evaluate<number[]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    expect(wide).toBeLessThanOrEqual(window);
    for (const target of await at.page.locator('button:visible, input:visible').all())
      expect((await target.boundingBox())?.height, await target.evaluate((one) => one.id)).toBeGreaterThanOrEqual(48);
  });

  it.each(['light', 'dark'] as const)(
    'is readable in %s, and has names and one heading of the first level',
    async (scheme) => {
      await using at = await phoneIn({ scheme });
      await scan(at.page, part.code);
      await at.page.getByRole('heading', { name: part.item }).waitFor();
      await take(at.page);
      await booked(at.page);
      await scan(at.page, part.code);
      await at.page.getByRole('heading', { name: part.item }).waitFor();
      await expect.poll(() => at.page.locator('#stock').textContent()).toContain('Nos');
      await shot(at.page, scheme);
      for (const selector of [
        'h1',
        '#line',
        '.name',
        '.soft',
        '#stock dt',
        '#stock dd',
        '#issue',
        '#clear',
        '.badge',
        '#log-out',
      ])
        expect(await contrast(at.page, selector), `${selector}, ${scheme}`).toBeGreaterThanOrEqual(4.5);
      expect(await at.page.getByRole('heading', { level: 1 }).count()).toBe(1);
      for (const target of await at.page.locator('button:visible, input:visible').all()) {
        const name = await target.evaluate(
          (one: {
            getAttribute(name: string): string | null;
            labels?: ArrayLike<{ textContent: string }>;
            textContent: string;
          }) => one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent,
        );
        expect(name.trim()).not.toBe('');
      }
    },
  );
});

/** The site hears the request, and its answer is lost on the way. */
async function loseAnswer(site: Site, route: Route): Promise<void> {
  const request = route.request();
  const sent = await request.allHeaders();
  const headers = Object.fromEntries(
    ['cookie', 'content-type', 'x-frappe-csrf-token'].flatMap((name) => (sent[name] ? [[name, sent[name]]] : [])),
  );
  await ask(site, request.method(), new URL(request.url()).pathname, { headers, body: request.postData() ?? '' });
  await route.abort('connectionreset');
}

/** Where the browser finds the site, and the one key that it is to trust beside its own authorities: the one that the lab's authority vouches for. */
async function waysTo(site: Site): Promise<string[]> {
  const url = new URL(site.url);
  const found = site.connectAddress ? [`--host-resolver-rules=MAP ${url.hostname} ${site.connectAddress}`] : [];
  if (!site.caFile || url.protocol !== 'https:') return found;
  const ca = readFileSync(site.caFile);
  const key = await new Promise<Buffer>((resolve, reject) => {
    const socket = connectTls(
      { host: site.connectAddress ?? url.hostname, port: Number(url.port || 443), servername: url.hostname, ca },
      () => {
        const certificate = socket.getPeerX509Certificate();
        socket.end();
        if (certificate) resolve(certificate.publicKey.export({ type: 'spki', format: 'der' }));
        else reject(new Error('the site showed no certificate'));
      },
    ).once('error', reject);
  });
  return [...found, `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`];
}

/** WCAG contrast of an element's text against the nearest background that is not transparent. As text, since it runs in the page. */
const contrast = (page: Page, selector: string): Promise<number> =>
  page.evaluate<number>(`(() => {
    const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const light = (colour) => {
      const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = [...document.querySelectorAll(${JSON.stringify(selector)})].find((one) => one.checkVisibility());
    let at = element;
    while (at && parse(getComputedStyle(at).backgroundColor)[3] === 0) at = at.parentElement;
    const back = at ? parse(getComputedStyle(at).backgroundColor) : [255, 255, 255];
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(back)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  })()`);
