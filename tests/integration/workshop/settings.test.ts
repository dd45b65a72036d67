// What only a site that is set up for it answers, held against the recordings: a rate limit, a locked account, tracebacks kept to itself.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { casesOf, replay, type Setting } from '../../contract/replay.ts';
import { ask, openSite, type Site, siteMissing, userOf } from './site.ts';

const missing = siteMissing('own');
if (missing) console.warn(`settings are not tested: ${missing}`);

describe.skipIf(missing !== undefined)('a site that is set up for it', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite('own');
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const restart = async (settings: Readonly<Record<string, string>> = {}) => {
    await site.stopWeb();
    await site.startWeb(settings);
  };
  const asRecorded = async (setting: Setting) => {
    const results = await replay(site, setting);
    expect(results).toHaveLength(casesOf(setting).length);
    expect(results.filter(({ differences }) => differences.length > 0)).toEqual([]);
  };

  it('keeps tracebacks to itself', async () => {
    await restart({ ERROR_TRACEBACK: '0' });
    await asRecorded('no-traceback');
  });

  it('sends away whoever comes when the time of a window is used up, and says when to come again', async () => {
    // The first request uses it up.
    await restart({ RATE_LIMIT: '0.000001/3600' });
    const first = await ask(site, 'GET', '/api/method/ping');
    expect([first.status, first.headers['x-ratelimit-limit'], first.headers['retry-after']]).toEqual([
      200,
      '1',
      undefined,
    ]);
    await asRecorded('rate-limit');
    const { headers } = await ask(site, 'GET', '/api/method/ping');
    expect([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']]).toEqual(['1', '0']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(headers['retry-after']).toBe(headers['x-ratelimit-reset']);
    await restart();
    expect((await ask(site, 'GET', '/api/method/ping')).headers['x-ratelimit-limit']).toBeUndefined();
  });

  it('locks an account after eleven wrong passwords, and only that one', async () => {
    const { user, password } = userOf(site, 'clerk');
    const logIn = (pwd: string) => ask(site, 'POST', '/api/method/login', { body: { usr: user, pwd } });
    for (let tries = 1; tries <= 10; tries += 1) expect((await logIn('nope')).status).toBe(401);
    expect((await logIn(password)).status).toBe(200);
    for (let tries = 1; tries <= 11; tries += 1) expect((await logIn('nope')).status).toBe(401);
    expect((await logIn('nope')).json.exc_type).toBe('SecurityException');
    await asRecorded('locked-account');
    const other = userOf(site, 'scanner');
    const body = { usr: other.user, pwd: other.password };
    expect((await ask(site, 'POST', '/api/method/login', { body })).status).toBe(200);
    expect((await ask(site, 'GET', '/api/method/frappe.auth.get_logged_user', { as: 'clerk' })).status).toBe(200);
  });
});
