// The journeys that are more than one booking, with a real k6 against a fake site: what is on record and what the site holds are one story.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseSample } from '../../../lib/evidence/samples.ts';
import { type K6DriverOptions, k6Driver } from '../../../lib/load/k6-driver.ts';
import type { Journey } from '../../../lib/model/claim.ts';
import type { Operation } from '../../../lib/model/evidence.ts';
import type { LoadConfig, LoadProfile } from '../../../lib/model/load-config.ts';
import type { RunningLoad } from '../../../lib/model/load-driver.ts';
import { type FakeFrappe, startFakeFrappe } from '../../fakes/frappe.ts';

const k6 = process.env.SHAKEDOWN_K6 ?? '';

vi.setConfig({ testTimeout: 30_000 });

const technicians = [1, 2, 3, 4].map((number) => ({
  user: `technician-${number}@example.com`,
  apiKey: `key-${number}`,
  apiSecret: `secret-${number}`,
  password: `pAsSwOrD-${number}`,
}));
const tokens = technicians.map(({ apiKey, apiSecret }) => `${apiKey}:${apiSecret}`);
const passwords = Object.fromEntries(technicians.map(({ user, password }) => [user, password]));

/** Technicians' work by the second, all four together. */
const profileOf = (perSecond: Partial<Record<Journey, number>>, more: Partial<LoadProfile> = {}): LoadProfile => ({
  technicians: 4,
  perTechnicianHour: Object.fromEntries(Object.entries(perSecond).map(([journey, rate]) => [journey, rate * 900])),
  ...more,
});

const configOf = (profile: LoadProfile): LoadConfig => ({
  profiles: { test: profile },
  stallBudgetMs: 3_000,
  requestTimeoutMs: 3_000,
  usualDurationMs: 1_000,
  goodWithinMs: {
    'barcode-lookup': 500,
    'goods-receipt': 500,
    'stock-transfer': 500,
    'entry-cancel': 500,
    'job-card': 1_000,
    'photo-upload': 1_000,
    'session-login': 1_000,
    'realtime-notice': 1_500,
  },
  virtualUsersMax: 200,
  barcodes: { skew: 1, missRatio: 0.1 },
  twoStepRatio: 0.3,
  seed: 1,
});

let folder: string;
let site: FakeFrappe;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-test-'));
  site = await startFakeFrappe({ tokens, passwords });
});

afterEach(async () => {
  await site.close();
  rmSync(folder, { recursive: true });
});

const siteAt = (url: string): K6DriverOptions['site'] => ({
  url,
  dialect: 'frappe-15',
  markerField: 'custom_client_marker',
  company: 'Wind Power LLC',
  warehouse: 'Stores - WP',
  dockWarehouse: 'Dock - WP',
  jobCards: { workOrder: 'MFG-WO-1', operation: 'Assemble' },
  features: ['files', 'realtime'],
  technicians: { namespace: 'erp', name: 'technicians' },
  barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
});

async function start(runId: string, profile: LoadProfile): Promise<RunningLoad> {
  const driver = k6Driver({ k6, config: configOf(profile), technicians, site: siteAt(site.url) });
  const load = await driver.start({ profile: 'test', runId, seed: 7, folder, durationMsMax: 60_000 });
  onTestFinished(async () => void (await load.stop(0)));
  await new Promise<void>((resolve, reject) => {
    load.listen(() => resolve());
    void load.ended.then(({ problem }) => reject(new Error(problem)));
  });
  return load;
}

function recorded() {
  const operations: Operation[] = [];
  const sent: string[] = [];
  for (const line of readFileSync(join(folder, 'samples.ndjson'), 'utf8').split('\n')) {
    const sample = parseSample(line);
    if (sample?.kind === 'unreadable') throw new Error(`${sample.what}: ${line}`);
    if (sample?.kind === 'operation') operations.push(sample.operation);
    if (sample?.kind === 'write-sent') sent.push(sample.operation.write.marker);
  }
  return { operations, sent, writes: operations.flatMap(({ write }) => (write ? [write] : [])) };
}

const byMarker = (a: { marker: string }, b: { marker: string }) => a.marker.localeCompare(b.marker);

describe.skipIf(k6 === '')('on a healthy site', () => {
  test('every journey goes well, and what it left is there', async () => {
    const load = await start(
      'well',
      profileOf({
        'stock-transfer': 2,
        'entry-cancel': 2,
        'job-card': 2,
        'photo-upload': 2,
        'session-login': 2,
        'realtime-notice': 2,
      }),
    );
    await later(3_000);
    const end = await load.stop(8_000);
    expect(end).toMatchObject({ exitCode: 105, problem: '' });
    const { operations, writes, sent } = recorded();
    expect(operations.filter(({ good }) => !good)).toEqual([]);
    const counts = new Map<Journey, number>();
    for (const { journey } of operations) counts.set(journey, (counts.get(journey) ?? 0) + 1);
    const of = (journey: Journey) => counts.get(journey) ?? 0;
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(count).toBeGreaterThanOrEqual(5);

    expect(writes.map(({ marker }) => marker).sort()).toEqual([...sent].sort());
    const told = writes.map(({ marker, document, lines, cancelled }) => ({
      marker,
      name: document,
      docstatus: cancelled === 'acknowledged' ? 2 : 1,
      lines: cancelled === 'acknowledged' ? [] : lines,
    }));
    expect(told.sort(byMarker)).toEqual([...site.documents.values()].sort(byMarker));
    expect(writes.filter(({ cancelled }) => cancelled).length).toBe(of('entry-cancel'));

    expect([...site.jobCards.values()].filter((status) => status.startsWith('Submitted')).length).toBe(of('job-card'));
    expect([...site.files.values()]).toEqual(Array.from({ length: of('photo-upload') }, () => 30_000));
    expect(site.sessions).toEqual({ begun: of('session-login'), ended: of('session-login') });

    expect(site.realtime.subscribed.length).toBe(of('realtime-notice'));
    expect(new Set(site.realtime.subscribed.map(({ doctype, origin }) => `${doctype} ${origin}`))).toEqual(
      new Set([`Stock Entry ${site.url}`]),
    );
    expect(site.realtime.pongs).toBeGreaterThan(0);
    // The generator's own account of what kept its virtual users busy.
    expect(end.generator?.iterations).toBeGreaterThanOrEqual(operations.length);
    const explained = operations.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0) / 1000;
    expect(end.generator?.iterationSeconds).toBeGreaterThan(explained * 0.95);
    expect(end.generator?.busiest.processorSeconds).toBeGreaterThan(0);
  });

  test('a page is one technician’s, the booking that it hears of another’s', async () => {
    const load = await start('two', profileOf({ 'realtime-notice': 2 }));
    await later(1_500);
    await load.stop(5_000);
    const pages = site.realtime.subscribed.map(({ authorization }) => authorization);
    const bookings = site.requests
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers.authorization);
    expect(bookings.length).toBeGreaterThan(1);
    expect(bookings.length).toBe(pages.length);
    expect(recorded().operations.every(({ good }) => good)).toBe(true);
    // One technician after the other: whoever looks on first sees the next one book.
    const number = (header = '') => Number(/key-(\d)/.exec(header)?.[1]);
    expect(bookings.map(number).sort()).toEqual(pages.map((header) => (number(header) % 4) + 1).sort());
  });

  test('passwords stay out of the run folder and of every other request', async () => {
    const load = await start('secret', profileOf({ 'session-login': 4 }));
    await later(1_000);
    await load.stop(5_000);
    for (const file of ['samples.ndjson', 'k6.log'])
      expect(readFileSync(join(folder, file), 'utf8')).not.toContain('pAsSwOrD');
    expect(JSON.stringify(site.requests)).not.toContain('pAsSwOrD');
    // A session is shown by its cookie alone: a token beside it would be who is asking.
    const scans = site.requests.filter(({ path }) => path.includes('scan_barcode'));
    expect(scans.length).toBeGreaterThan(2);
    for (const { headers } of scans) {
      expect(headers.cookie).toMatch(/^sid=session-\d+$/);
      expect(headers.authorization).toBeUndefined();
    }
  });

  test('a shift is seen to come and to go, at the rates that were planned', async () => {
    const burst = { name: 'burst', fromMs: 1_500, lastsMs: 1_500, times: 5 };
    const load = await start('shape', profileOf({ 'barcode-lookup': 10 }, { shifts: [burst] }));
    await later(4_500);
    await load.stop(3_000);
    const { operations } = recorded();
    const began = Math.min(...operations.map(({ sentAt }) => sentAt));
    const between = (from: number, to: number) =>
      operations.filter(({ sentAt }) => sentAt - began >= from && sentAt - began < to).length;
    expect(between(0, 1_400)).toBeLessThan(20);
    expect(Math.abs(between(1_500, 3_000) - 75)).toBeLessThan(12);
    expect(between(3_100, 4_400)).toBeLessThan(20);
    expect(between(3_100, 4_400)).toBeGreaterThan(8);
  });
});

describe.skipIf(k6 === '')('on a site that misbehaves', () => {
  test('a cancelling that is answered and not done is on record as acknowledged, and the site still has the issue', async () => {
    const load = await start('uncancelled', profileOf({ 'entry-cancel': 4 }));
    site.become('forgets-to-cancel');
    await later(1_500);
    await load.stop(5_000);
    const { writes } = recorded();
    const stored = new Map([...site.documents.values()].map((document) => [document.marker, document]));
    const wrong = writes.filter(
      ({ marker, cancelled }) => cancelled === 'acknowledged' && stored.get(marker)?.docstatus === 1,
    );
    expect(wrong.length).toBeGreaterThan(2);
  });

  test.each([
    ['silent', 'bookings are told to nobody', 3_000],
    ['refuses', 'the page is turned away', 1_500],
    ['hangs', 'the page never comes up', 5_000],
  ] as const)('%s: %s: bad in time, and every booking is made and on record all the same', async (mood, _, waitMs) => {
    site.realtime.become(mood);
    const load = await start('blind', profileOf({ 'realtime-notice': 2 }));
    await later(waitMs);
    // k6 itself waits a minute for an upgrade; here the site hangs up before.
    if (mood === 'hangs') site.realtime.become('refuses');
    const end = await load.stop(8_000);
    expect(end.problem).toBe('');
    const { operations, writes, sent } = recorded();
    expect(operations.length).toBeGreaterThan(1);
    expect(operations.every(({ good }) => !good)).toBe(true);
    expect(writes.every(({ outcome }) => outcome === 'acknowledged')).toBe(true);
    expect(writes.map(({ marker }) => marker).sort()).toEqual([...sent].sort());
    expect(site.documents.size).toBe(writes.length);
    // A page that hangs is given up with the request's own time-out, the others with what is good.
    for (const { durationMs = 0 } of operations) expect(durationMs).toBeLessThan(mood === 'hangs' ? 5_500 : 2_500);
  });
});

test('what the target has no place for is left out, and the plan says what it lacks', () => {
  const { dockWarehouse, jobCards, features, ...bare } = siteAt('https://erp.example.com');
  const config = configOf(
    profileOf({
      'barcode-lookup': 1,
      'stock-transfer': 1,
      'job-card': 1,
      'photo-upload': 1,
      'session-login': 1,
      'realtime-notice': 1,
    }),
  );
  const withoutPasswords = technicians.map(({ user, apiKey, apiSecret }) => ({ user, apiKey, apiSecret }));
  const plan = k6Driver({ k6, config, technicians: withoutPasswords, site: bare }).plan('test');
  expect(plan.ratesPerSecond).toEqual({ 'barcode-lookup': 1 });
  expect(plan.leftOut).toEqual([
    { journey: 'stock-transfer', why: 'the target has no site.dockWarehouse' },
    { journey: 'job-card', why: 'the target has no site.jobCards' },
    { journey: 'photo-upload', why: 'the target has no files in site.features' },
    {
      journey: 'session-login',
      why: 'the target has no password for each technician in the Secret of site.technicians',
    },
    { journey: 'realtime-notice', why: 'the target has no realtime in site.features' },
  ]);
  expect(k6Driver({ k6, config, technicians, site: siteAt('https://erp.example.com') }).plan('test').leftOut).toBe(
    undefined,
  );
});
