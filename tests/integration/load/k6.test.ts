// The load with a real k6 against a fake site: what was sent, what came back and what is stored must tell one story.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseSample } from '../../../lib/evidence/samples.ts';
import { traceMarker } from '../../../lib/evidence/trace-marker.ts';
import { type K6DriverOptions, k6Driver, k6Version } from '../../../lib/load/k6-driver.ts';
import type { Drop, Operation } from '../../../lib/model/evidence.ts';
import type { LoadConfig } from '../../../lib/model/load-config.ts';
import type { LoadEvent, RunningLoad } from '../../../lib/model/load-driver.ts';
import { type FakeFrappe, type FakeFrappeOptions, startFakeFrappe } from '../../fakes/frappe.ts';
import { claimOf } from '../../fixtures/evidence.ts';

const k6 = process.env.SHAKEDOWN_K6 ?? '';
if (k6 === '') console.warn('tests/integration/load: skipped, since SHAKEDOWN_K6 does not say where k6 is');

// Seconds of real time each, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const secret = 'sEcReT-of-technician';
const technicians = [1, 2, 3, 4].map((number) => ({
  user: `technician-${number}@example.com`,
  apiKey: `key-${number}`,
  apiSecret: `${secret}-${number}`,
}));
const tokens = technicians.map(({ apiKey, apiSecret }) => `${apiKey}:${apiSecret}`);

/** 10 scans/s, 4 receipts/s, 6 issues/s. */
const config: LoadConfig = {
  profiles: {
    test: {
      technicians: 4,
      perTechnicianHour: { 'barcode-lookup': 9_000, 'goods-receipt': 3_600, 'parts-issue': 5_400 },
    },
  },
  stallBudgetMs: 4_000,
  requestTimeoutMs: 3_000,
  usualDurationMs: 500,
  goodWithinMs: { 'barcode-lookup': 500, 'goods-receipt': 500, 'parts-issue': 500 },
  virtualUsersMax: 200,
  barcodes: { skew: 1, missRatio: 0.1 },
  twoStepRatio: 0.3,
  seed: 1,
};

let folder: string;
let site: FakeFrappe;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-test-'));
  site = await startFakeFrappe({ tokens });
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
  technicians: { namespace: 'erp', name: 'technicians' },
  barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
});

function driverFor(url: string, change: Partial<K6DriverOptions> = {}, siteChange: object = {}) {
  return k6Driver({
    k6,
    config,
    technicians,
    site: { ...siteAt(url), ...siteChange },
    ...change,
  });
}

const request = (runId: string) => ({ profile: 'test', runId, seed: 7, folder, durationMsMax: 60_000 });

async function start(runId: string, driver = driverFor(site.url)): Promise<RunningLoad> {
  const load = await driver.start(request(runId));
  onTestFinished(async () => void (await load.stop(0)));
  await heard(load);
  return load;
}

/** Until the first operation: k6 has started. */
const heard = (load: RunningLoad) =>
  new Promise<void>((resolve, reject) => {
    load.listen(() => resolve());
    void load.ended.then(({ problem }) => reject(new Error(problem)));
  });

function recorded(from = folder) {
  const operations: Operation[] = [];
  const drops: Drop[] = [];
  const sent: string[] = [];
  for (const line of readFileSync(join(from, 'samples.ndjson'), 'utf8').split('\n')) {
    const sample = parseSample(line);
    if (sample?.kind === 'unreadable') throw new Error(`${sample.what}: ${line}`);
    if (sample?.kind === 'operation') operations.push(sample.operation);
    if (sample?.kind === 'drop') drops.push(sample.drop);
    if (sample?.kind === 'write-sent') sent.push(sample.operation.write.marker);
  }
  const writes = operations.flatMap(({ write }) => (write ? [write] : []));
  return { operations, drops, sent, writes };
}

const sorted = (list: Iterable<string>) => [...list].sort();
const markersOf = (writes: readonly { marker: string }[]) => sorted(writes.map(({ marker }) => marker));

describe.skipIf(k6 === '')('a healthy site', () => {
  test('each write that was sent has an outcome, and the acknowledged ones are what the site holds, line by line', async () => {
    const load = await start('well');
    const live: LoadEvent[] = [];
    load.listen((event) => live.push(event));
    await later(3_000);
    expect(await load.stop(5_000)).toMatchObject({ exitCode: 105, problem: '', processorSeconds: expect.any(Number) });

    const { operations, drops, sent, writes } = recorded();
    expect(operations.length).toBeGreaterThan(50);
    expect(operations.every(({ good, status }) => good && status === 200)).toBe(true);
    expect(drops).toEqual([]);
    expect(writes.every(({ outcome }) => outcome === 'acknowledged')).toBe(true);
    expect(markersOf(writes)).toEqual(sorted(sent));
    expect(new Set(sent).size).toBe(sent.length);
    expect(
      writes.map(({ marker, document, lines }) => ({ marker, name: document, docstatus: 1, lines })).sort(byMarker),
    ).toEqual([...site.documents.values()].sort(byMarker));
    expect(live).toEqual(operations.map((operation) => ({ kind: 'operation', operation })));
    expect(site.requests.some(({ method }) => method === 'PUT')).toBe(true);
  });

  test('a write can be followed: who sent it, each of its requests, over which connection, and who answered', async () => {
    const load = await start('traced');
    await later(2_000);
    await load.stop(5_000);
    writeFileSync(join(folder, 'claim.json'), JSON.stringify(claimOf({ name: 'traced' })));
    const { operations, sent } = recorded();
    const traced = await Promise.all(sent.map(async (marker) => (await traceMarker(folder, marker)).writes[0]));
    for (const write of traced) {
      expect(write?.user).toMatch(/^technician-[1-4]@example\.com$/);
      expect(write?.virtualUser).toBeGreaterThan(0);
      for (const exchange of write?.exchanges ?? []) {
        expect(exchange).toMatchObject({ status: 200, servedBy: 'web-1', member: 'galera-1' });
        expect(exchange.remote).toBe(new URL(site.url).host);
        expect(exchange.at).toBeGreaterThanOrEqual(write?.sentAt ?? 0);
      }
    }
    // A draft and its submit are two; the second goes over the connection that the first one left.
    const two = traced.filter((write) => write?.exchanges.length === 2);
    expect(two.length).toBeGreaterThan(0);
    expect(two.every((write) => write?.exchanges[1]?.connection === 'kept')).toBe(true);
    expect(traced.some((write) => write?.exchanges[0]?.connection === 'opened')).toBe(true);
    expect(traced.every((write) => [1, 2].includes(write?.exchanges.length ?? 0))).toBe(true);
    expect(operations.length).toBeGreaterThan(sent.length);
  });

  test('rates are as planned, all technicians take part, and no cookie of the site comes back', async () => {
    const load = await start('rate');
    await later(3_000);
    await load.stop(5_000);
    const { operations } = recorded();
    const spanMs =
      Math.max(...operations.map(({ sentAt }) => sentAt)) - Math.min(...operations.map(({ sentAt }) => sentAt));
    for (const [journey, perSecond] of Object.entries(driverFor(site.url).plan('test').ratesPerSecond)) {
      const count = operations.filter((operation) => operation.journey === journey).length;
      expect(Math.abs(count - (perSecond * spanMs) / 1000)).toBeLessThan(4);
    }
    expect(sorted(new Set(site.requests.map(({ headers }) => headers.authorization ?? '')))).toEqual(
      sorted(tokens.map((token) => `token ${token}`)),
    );
    expect(site.requests.filter(({ headers }) => headers.cookie !== undefined)).toEqual([]);
  });

  test('tokens stay out of the run folder, of the command line and of the environment, and their file is gone', async () => {
    const before = temporaryFolders();
    const load = await start('secret');
    const [pid] = pidsOf(k6, folder);
    const seen = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\n');
    expect(seen).toContain('task.json');
    expect(seen).not.toContain(secret);
    const ours = temporaryFolders().filter((name) => !before.includes(name));
    expect(ours.length).toBe(1);
    expect(readdirSync(join(tmpdir(), ours[0] as string))).not.toContain('task.json');
    site.become('bad-gateway');
    await later(500);
    await load.stop(5_000);
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'utf8')).not.toContain(secret);
    expect(temporaryFolders()).toEqual(before);
  });

  test('the same seed sends the same', async () => {
    const bodies: string[][] = [];
    while (bodies.length < 2) {
      rmSync(join(folder, 'samples.ndjson'), { force: true });
      const load = await start('same');
      await later(1_500);
      await load.stop(5_000);
      bodies.push(sorted(recorded().writes.map(({ marker, lines }) => `${marker} ${JSON.stringify(lines)}`)));
      await site.close();
      site = await startFakeFrappe({ tokens });
    }
    const [one = [], two = []] = bodies;
    const both = one.filter((line) => two.includes(line));
    expect(both.length).toBeGreaterThan(10);
    // Only the last ones may be in one and not yet in the other.
    expect(Math.min(one.length, two.length) - both.length).toBe(0);
  });

  test('it ends by itself when its time is up', async () => {
    const driver = driverFor(site.url);
    const load = await driver.start({ ...request('short'), durationMsMax: 1_500 });
    expect(await load.ended).toMatchObject({ exitCode: 0, problem: '' });
    expect(await load.stop(1_000)).toEqual(await load.ended);
    expect(recorded().operations.length).toBeGreaterThan(15);
  });
});

describe.skipIf(k6 === '')('one load for two runs', () => {
  /** The folder of the run that follows. */
  let second: string;
  beforeEach(() => {
    second = mkdtempSync(join(tmpdir(), 'shakedown-test-'));
  });
  afterEach(() => rmSync(second, { recursive: true }));
  const isOf = (run: string) => (operation: Operation) => operation.run === run;

  test('each write is of one run, the run that follows has the end of the one before, and nothing is sent twice', async () => {
    const load = await start('r-01');
    await later(1_500);
    const markedAt = Date.now();
    load.mark();
    await later(1_500);
    const passed = await load.passOn('r-02', 5_000);
    expect(passed.problem).toBe('');
    await later(1_000);
    const next = passed.takeOver(second);
    const live: LoadEvent[] = [];
    next.listen((event) => live.push(event));
    await later(1_000);
    const end = await next.stop(5_000);
    expect(end.problem).toBe('');

    const before = recorded();
    expect(before.operations.every(isOf('r-01'))).toBe(true);
    expect(markersOf(before.writes)).toEqual(sorted(before.sent));
    expect(before.writes.every(({ marker }) => marker.startsWith('r-01-'))).toBe(true);
    const after = recorded(second);
    expect(live).toEqual(after.operations.map((operation) => ({ kind: 'operation', operation })));
    const shared = after.operations.filter(isOf('r-01'));
    // Verbatim, and all of it: the first run's own end.
    const late = before.operations.filter(({ sentAt }) => sentAt > markedAt + 300 && sentAt < passed.at);
    expect(late.length).toBeGreaterThan(20);
    for (const operation of late) expect(shared).toContainEqual(operation);
    expect(shared.filter((operation) => !before.operations.some((one) => same(one, operation)))).toEqual([]);
    const own = after.operations.filter(isOf('r-02'));
    expect(own.length + shared.length).toBe(after.operations.length);
    expect(own.length).toBeGreaterThan(30);
    expect(Math.min(...own.map(({ sentAt }) => sentAt))).toBeGreaterThanOrEqual(passed.at);
    // No pause at the seam: ten scans come each second.
    const scans = after.operations.filter(({ journey }) => journey === 'barcode-lookup').map(({ sentAt }) => sentAt);
    scans.sort((a, b) => a - b);
    expect(Math.max(...scans.slice(1).map((at, index) => at - (scans[index] ?? at)))).toBeLessThan(400);

    const ownWrites = own.flatMap(({ write }) => (write ? [write.marker] : []));
    expect(sorted([...before.sent, ...ownWrites])).toEqual(
      sorted([...site.documents.values()].map(({ marker }) => marker)),
    );
    for (const { generator } of [passed, end]) expect(generator?.iterations).toBeGreaterThan(40);
    expect(passed.generator?.iterations).toBe(before.operations.length);
    // Those whose operation came just before the mark and whose end came just after it.
    const cut = (end.generator?.iterations ?? 0) - after.operations.length;
    expect(cut).toBeGreaterThanOrEqual(0);
    expect(cut).toBeLessThan(10);
  });

  test('what the run before has under way is waited for and stays its own', async () => {
    const load = await start('r-01');
    load.mark();
    site.become('frozen');
    await later(500);
    const passing = load.passOn('r-02', 5_000);
    await later(700);
    site.become('well');
    const passed = await passing;
    expect(passed.problem).toBe('');
    const { writes, sent, operations } = recorded();
    expect(markersOf(writes)).toEqual(sorted(sent));
    expect(operations.some(({ durationMs = 0 }) => durationMs > 700)).toBe(true);
    expect(operations.every(({ sentAt }) => sentAt < passed.at + 300)).toBe(true);
    expect((await passed.stop(5_000)).problem).toBe('');
  });

  test('what is not answered in time is the problem of the run that passes on', async () => {
    const load = await start('r-01');
    load.mark();
    site.become('frozen');
    await later(500);
    const passed = await load.passOn('r-02', 300);
    expect(passed.problem).toMatch(/^\d+ iterations were not answered within 300 ms$/);
    site.become('well');
    await passed.stop(5_000);
  });

  test('a k6 that dies in between is told to who takes it over, with what was kept', async () => {
    const load = await start('r-01');
    load.mark();
    await later(1_000);
    const passed = await load.passOn('r-02', 5_000);
    process.kill(pidsOf(k6, folder)[0] as number, 'SIGKILL');
    await passed.ended;
    const next = passed.takeOver(second);
    expect((await next.ended).problem).toContain('k6 was killed by SIGKILL');
    expect(recorded(second).operations.length).toBeGreaterThan(10);
    expect(() => passed.takeOver(second)).toThrow('taken over twice');
  });

  test('without a mark nothing is passed on, and a mark that nobody uses changes nothing', async () => {
    const load = await start('r-01');
    await expect(load.passOn('r-02', 1_000)).rejects.toThrow('without a mark');
    load.mark();
    await later(500);
    load.mark();
    await later(500);
    expect(await load.stop(5_000)).toMatchObject({ problem: '' });
    expect(recorded().operations.length).toBeGreaterThan(10);
  });
});

const same = (one: Operation, other: Operation) => JSON.stringify(one) === JSON.stringify(other);

describe.skipIf(k6 === '')('a site that misbehaves', () => {
  test('a stall within the budget drops nothing; what came late is bad, and what timed out is unknown', async () => {
    const load = await start('stall');
    await later(500);
    site.become('frozen');
    await later(2_000);
    site.become('well');
    await later(1_000);
    expect(await load.stop(5_000)).toMatchObject({ problem: '' });
    const { operations, drops, writes, sent } = recorded();
    expect(drops).toEqual([]);
    expect(markersOf(writes)).toEqual(sorted(sent));
    const late = operations.filter(({ durationMs = 0 }) => durationMs > 500);
    expect(late.length).toBeGreaterThan(20);
    expect(late.every(({ good }) => !good)).toBe(true);
    expect(Math.max(...late.map(({ durationMs = 0 }) => durationMs))).toBeGreaterThan(1_800);
    expect(writes.every(({ outcome }) => outcome === 'acknowledged')).toBe(true);
  });

  test('a stall beyond the budget drops, by journey, and its writes are unknown: the site did them when it came to', async () => {
    const load = await start(
      'long',
      driverFor(site.url, { config: { ...config, stallBudgetMs: 500, requestTimeoutMs: 1_500 } }),
    );
    site.become('frozen');
    await later(2_500);
    site.become('well');
    await later(300);
    expect(await load.stop(5_000)).toMatchObject({ problem: '' });
    const { operations, drops, writes } = recorded();
    expect(new Set(drops.map(({ journey }) => journey))).toEqual(
      new Set(['barcode-lookup', 'goods-receipt', 'parts-issue']),
    );
    const timedOut = operations.filter(({ status }) => status === 0);
    expect(timedOut.length).toBeGreaterThan(5);
    const unknown = writes.filter(({ outcome }) => outcome === 'unknown').map(({ marker }) => marker);
    expect(unknown.length).toBeGreaterThan(2);
    const stored = new Set([...site.documents.values()].map(({ marker }) => marker));
    expect(unknown.some((marker) => stored.has(marker))).toBe(true);
  });

  test('an acknowledgement that stored nothing is in the ledger and not in the site', async () => {
    const load = await start('forget');
    await later(500);
    site.become('forgets');
    await later(1_000);
    site.become('well');
    await later(500);
    await load.stop(5_000);
    const stored = new Set(
      [...site.documents.values()].filter(({ docstatus }) => docstatus === 1).map(({ marker }) => marker),
    );
    const { writes } = recorded();
    const lost = writes.filter(({ outcome, marker }) => outcome === 'acknowledged' && !stored.has(marker));
    expect(lost.length).toBeGreaterThan(4);
  });

  test.each([
    ['bad-gateway', 502, 'unknown'],
    ['html-500', 500, 'unknown'],
    ['hangs-up', 0, 'unknown'],
    ['refuses', 500, 'refused'],
    ['denies', 500, 'refused'],
  ] as const)('%s: status %i, the write is %s', async (mood, status, outcome) => {
    const load = await start(mood);
    site.become(mood);
    const from = Date.now() + 200;
    await later(1_200);
    await load.stop(5_000);
    const writes = recorded().operations.filter(({ sentAt, write }) => write && sentAt > from);
    expect(writes.length).toBeGreaterThan(3);
    for (const operation of writes) expect(operation).toMatchObject({ good: false, status, write: { outcome } });
    const refused = writes.map(({ write }) => write?.marker);
    const found = [...site.documents.values()].filter(({ marker }) => refused.includes(marker));
    expect(found.length > 0).toBe(mood === 'hangs-up' || mood === 'denies');
    // A hang-up is not taken as a reason to try again.
    const posts = site.requests.filter(({ method }) => method === 'POST').length;
    expect(posts).toBe(recorded().sent.length);
  });

  test('what one operation carried does not stick to the next of the same virtual user, nor to k6’s own points', async () => {
    // Two virtual users for each journey: each plays several times a second.
    const few = { ...config, stallBudgetMs: 100, usualDurationMs: 100 };
    const load = await start('sticky', driverFor(site.url, { config: few }));
    site.become('refuses');
    await later(1_000);
    site.become('well');
    await later(1_500);
    await load.stop(5_000);
    const good = recorded().operations.filter(({ good }) => good);
    expect(good.length).toBeGreaterThan(10);
    expect(good.filter(({ excType }) => excType !== undefined)).toEqual([]);
    for (const line of readFileSync(join(folder, 'samples.ndjson'), 'utf8').trim().split('\n')) {
      const { metric, data } = JSON.parse(line);
      if (metric === 'write_sent')
        expect(Object.keys(data.metadata).sort()).toEqual(['lines', 'marker', 'run', 'sentAt', 'user', 'virtualUser']);
      if (metric === 'dropped_iterations') expect(data.metadata).toBeUndefined();
      if (data.tags.journey === 'barcode-lookup') expect(data.metadata.marker).toBeUndefined();
    }
  });

  test('answers under way are waited for when it is stopped in a stall, and nothing new is sent', async () => {
    const load = await start('quiet');
    site.become('frozen');
    await later(500);
    const ending = load.stop(5_000);
    await later(500);
    const arrived = site.requests.length;
    site.become('well');
    expect(await ending).toMatchObject({ exitCode: 105, problem: '' });
    expect(site.requests.filter(({ method }) => method !== 'PUT').length).toBeLessThanOrEqual(arrived);
    const { writes, sent, operations } = recorded();
    expect(markersOf(writes)).toEqual(sorted(sent));
    expect(operations.length).toBeGreaterThan(5);
  });

  test('when the grace runs out, writes under way are on record as sent', async () => {
    const load = await start('cut');
    site.become('frozen');
    await later(1_000);
    expect(await load.stop(300)).toMatchObject({ exitCode: 105, problem: '' });
    const { sent, writes } = recorded();
    expect(sent.length).toBeGreaterThan(writes.length + 3);
  });
});

describe.skipIf(k6 === '')('a generator that fails', () => {
  test('k6 killed by somebody: said so, and the samples up to there are kept', async () => {
    const load = await start('killed');
    await later(1_000);
    const [pid] = pidsOf(k6, folder);
    process.kill(pid as number, 'SIGKILL');
    const end = await load.ended;
    expect(end).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(end.problem).toContain('k6 was killed by SIGKILL, not by us');
    expect(recorded().operations.length).toBeGreaterThan(10);
    expect(await load.stop(1_000)).toEqual(end);
  });

  test('a suite that is killed takes its load with it', async () => {
    const suite = join(folder, 'suite.ts');
    const here = new URL('../../../', import.meta.url).href;
    writeFileSync(
      suite,
      `import { k6Driver } from '${here}lib/load/k6-driver.ts';
      const { options, request } = JSON.parse(process.argv[2]);
      await k6Driver(options).start(request);
      console.log('started');`,
    );
    const options = { k6, config, technicians, site: siteAt(site.url) };
    // Killed, it can't remove its temporary folder: that is put where the test's own is.
    const child = spawn(process.execPath, [suite, JSON.stringify({ options, request: request('orphan') })], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    while (site.requests.length === 0) await later(50);
    const [pid] = pidsOf(k6, folder);
    expect(pid).toBeDefined();
    child.kill('SIGKILL');
    const until = Date.now() + 10_000;
    while (pidsOf(k6, folder).length > 0 && Date.now() < until) await later(50);
    expect(pidsOf(k6, folder)).toEqual([]);
    expect(readFileSync(join(folder, 'k6.log'), 'utf8')).toContain('nobody records this load any more');
    const left = readdirSync(folder).find((name) => name.startsWith('shakedown-load-')) as string;
    expect(readdirSync(join(folder, left))).not.toContain('task.json');
  });

  test('k6 interrupted by somebody is a problem, by us it is none', async () => {
    const load = await start('interrupted');
    process.kill(pidsOf(k6, folder)[0] as number, 'SIGINT');
    expect(await load.ended).toMatchObject({
      exitCode: 105,
      problem: expect.stringContaining('interrupted by somebody else'),
    });
  });

  test('a script that throws in every iteration is a problem, though k6 ends with 0', async () => {
    const script = join(folder, 'throws.ts');
    writeFileSync(
      script,
      `export const options = JSON.parse(open(__ENV.SHAKEDOWN_LOAD)).options;\nexport default () => { throw new Error('ouch'); };\n`,
    );
    const load = await driverFor(site.url, { script }).start({ ...request('throws'), durationMsMax: 1_000 });
    const end = await load.ended;
    expect(end.exitCode).toBe(0);
    expect(end.problem).toMatch(/k6 counts \d+ iterations, but only 0 operations are on record/);
  });

  test('a script that can not be loaded is told in words', async () => {
    const script = join(folder, 'broken.ts');
    writeFileSync(script, `import './nothing.ts';\n`);
    const end = await (await driverFor(site.url, { script }).start(request('broken'))).ended;
    expect(end).toMatchObject({ exitCode: 107, problem: expect.stringContaining('could not load its script') });
  });

  test('a second load in the same folder is refused: its markers would repeat', async () => {
    const load = await start('twice');
    await load.stop(2_000);
    await expect(driverFor(site.url).start(request('twice'))).rejects.toThrow('a second one would repeat its markers');
  });
});

describe.skipIf(k6 === '')('TLS', () => {
  async function tlsSite(options: FakeFrappeOptions = {}): Promise<{ tls: FakeFrappe; caFile: string; port: string }> {
    const made = makeCertificates(join(folder, 'pki'), 'erp.example.com');
    const tls = await startFakeFrappe({ ...options, tokens, tls: { key: made.key, cert: made.cert } });
    onTestFinished(() => tls.close());
    return { tls, caFile: made.caFile, port: new URL(tls.url).port };
  }

  test('the site’s name is verified against a private authority, at the address to connect to', async () => {
    const { tls, caFile, port } = await tlsSite();
    const driver = driverFor('https://erp.example.com', {}, { caFile, connectAddress: `127.0.0.1:${port}` });
    const load = await start('tls', driver);
    await later(1_000);
    await load.stop(5_000);
    expect(recorded().operations.every(({ good }) => good)).toBe(true);
    expect(tls.requests[0]?.headers.host).toBe('erp.example.com');
  });

  test.each([
    ['without the authority', 'https://erp.example.com', false],
    ['under another name', 'https://other.example.com', true],
  ])('%s nothing is sent: bad operations, writes unknown', async (_, url, trusted) => {
    const { tls, caFile, port } = await tlsSite();
    const driver = driverFor(url, {}, { connectAddress: `127.0.0.1:${port}`, ...(trusted ? { caFile } : {}) });
    const load = await start('untrusted', driver);
    await later(1_000);
    await load.stop(5_000);
    expect(recorded().operations.every(({ good, status }) => !good && status === 0)).toBe(true);
    expect(tls.requests).toEqual([]);
  });

  test('an authority’s file that is not there is told before anything starts', async () => {
    const driver = driverFor(site.url, {}, { caFile: '/nowhere/ca.crt' });
    await expect(driver.start(request('no-ca'))).rejects.toThrow("site.caFile /nowhere/ca.crt can't be read");
  });
});

describe('k6 itself', () => {
  test('a missing program is told with its path', async () => {
    await expect(driverFor(site.url, { k6: '/nowhere/k6' }).start(request('none'))).rejects.toThrow(
      /k6 at \/nowhere\/k6 can't be started: .*ENOENT/,
    );
  });

  test('another version is refused', async () => {
    const old = join(folder, 'k6');
    writeFileSync(old, '#!/bin/sh\necho "k6 v1.8.1 (go1.24)"\n');
    chmodSync(old, 0o755);
    await expect(k6Version(old)).rejects.toThrow('wanted version 2');
  });

  test.skipIf(k6 === '')('the version is read for the run’s header', async () => {
    expect(await k6Version(k6)).toMatch(/^v2\./);
  });

  test('too few technicians are refused', async () => {
    const driver = driverFor(site.url, { k6: trueK6(), technicians: technicians.slice(0, 3) });
    await expect(driver.start(request('few'))).rejects.toThrow(
      'profile test wants 4 technicians with a token each, the Secret erp/technicians has 3',
    );
  });
});

const byMarker = (a: { marker: string }, b: { marker: string }) => a.marker.localeCompare(b.marker);
const temporaryFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('shakedown-load-'));

/** Says that it is a k6, and is none. */
function trueK6(): string {
  const path = join(folder, 'says-k6');
  writeFileSync(path, '#!/bin/sh\necho "k6 v2.2.0"\n');
  chmodSync(path, 0o755);
  return path;
}

/** Processes of this program that write to our folder's log. */
function pidsOf(program: string, under: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return (
          command.startsWith(`${program}\0run\0`) &&
          execFileSync('readlink', [`/proc/${pid}/fd/1`], { encoding: 'utf8' }).startsWith(under)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

function makeCertificates(pki: string, name: string): { key: string; cert: string; caFile: string } {
  mkdirSync(pki);
  const at = (file: string) => join(pki, file);
  const openssl = (line: string) => execFileSync('openssl', line.split(' '), { stdio: 'pipe', cwd: pki });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  openssl(`req -x509 ${key} -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt`);
  openssl(
    `req -x509 ${key} -days 2 -subj /CN=${name} -addext subjectAltName=DNS:${name} -addext basicConstraints=critical,CA:FALSE -CA ca.crt -CAkey ca.key -keyout site.key -out site.crt`,
  );
  return {
    key: readFileSync(at('site.key'), 'utf8'),
    cert: readFileSync(at('site.crt'), 'utf8'),
    caFile: at('ca.crt'),
  };
}
