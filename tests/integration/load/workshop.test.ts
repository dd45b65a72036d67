// The load against the real workshop in a real database: what was acknowledged is read back with the suite's own probes and judged by the
// suite's own rules. A journey whose idea of the site is wrong shows here, before a lab has to tell.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { sqlOnNodes } from '../../../lib/clients/sql.ts';
import { readRunFolder } from '../../../lib/evidence/read-run-folder.ts';
import { judgeInvariants } from '../../../lib/judge/invariants.ts';
import { judgeLedger } from '../../../lib/judge/ledger.ts';
import { type K6DriverOptions, k6Driver } from '../../../lib/load/k6-driver.ts';
import type { Evidence, LedgerLine } from '../../../lib/model/evidence.ts';
import type { LoadConfig } from '../../../lib/model/load-config.ts';
import { readLedger, readStockBefore } from '../../../lib/probes/ledger-readback.ts';
import { tablesOf } from '../../../lib/tables/run-tables.ts';
import { kept } from '../../fakes/snapshot.ts';
import { claimOf } from '../../fixtures/evidence.ts';
import { openSite, type Site, siteMissing } from '../workshop/site.ts';

const k6 = process.env.SHAKEDOWN_K6 ?? '';
const missing = siteMissing('own') ?? (k6 === '' ? 'SHAKEDOWN_K6 does not say where k6 is' : undefined);
if (missing) console.warn(`the load against the workshop is not tested: ${missing}`);

vi.setConfig({ testTimeout: 60_000 });

const runId = 'rworkshop-02';
/** Two technicians; by the second: 6 scans, 4 bookings in two warehouses, and two of each of the others. */
const config: LoadConfig = {
  profiles: {
    test: {
      technicians: 2,
      perTechnicianHour: {
        'barcode-lookup': 10_800,
        'goods-receipt': 3_600,
        'parts-issue': 3_600,
        'stock-transfer': 3_600,
        'entry-cancel': 3_600,
        'job-card': 3_600,
        'photo-upload': 3_600,
        'session-login': 1_800,
      },
      // Everybody books the same: what is taken back has been moved by others meanwhile.
      hotItems: { count: 3, ratio: 0.8 },
    },
  },
  stallBudgetMs: 5_000,
  requestTimeoutMs: 10_000,
  usualDurationMs: 1_000,
  goodWithinMs: {
    'barcode-lookup': 5_000,
    'goods-receipt': 5_000,
    'parts-issue': 5_000,
    'stock-transfer': 5_000,
    'entry-cancel': 5_000,
    'job-card': 5_000,
    'photo-upload': 5_000,
    'session-login': 5_000,
  },
  virtualUsersMax: 200,
  barcodes: { skew: 1, missRatio: 0.1 },
  twoStepRatio: 0.3,
  seed: 1,
};

describe.skipIf(missing !== undefined)('the load against the workshop', () => {
  let site: Site;
  let database: Connection;
  let folder: string;
  /** The suite's own client, with this machine's database as the one node. */
  let sql: ReturnType<typeof sqlOnNodes>;
  beforeAll(async () => {
    site = await openSite('own');
    const settings = site.environment ?? {};
    database = await createConnection({
      host: settings.DB_HOST ?? '',
      port: Number(settings.DB_PORT),
      user: settings.DB_USER ?? '',
      password: settings.DB_PASSWORD ?? '',
      database: settings.DB_NAME ?? '',
    });
    sql = sqlOnNodes({
      nodes: async () => ['here'],
      openStream: async () => connect(Number(settings.DB_PORT), settings.DB_HOST ?? ''),
      credentials: async () => ({ username: settings.DB_USER ?? '', password: settings.DB_PASSWORD ?? '' }),
      database: settings.DB_NAME ?? '',
    });
    folder = mkdtempSync(join(tmpdir(), 'shakedown-test-'));
  });
  afterAll(async () => {
    await sql?.close();
    await database?.end();
    await site?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true });
  });

  const siteOf = (): K6DriverOptions['site'] => ({
    url: site.url,
    connectAddress: `127.0.0.1:${new URL(site.url).port}`,
    dialect: 'frappe-15',
    markerField: 'custom_client_marker',
    company: 'Wind Power LLC',
    warehouse: 'Stores - WP',
    dockWarehouse: 'Dock - WP',
    jobCards: { workOrder: 'MFG-WO-1', operation: 'Assemble' },
    features: ['files'],
    technicians: { namespace: 'erp', name: 'technicians' },
    barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
  });
  const reachOf = (runId: string) =>
    ({
      runId,
      now: Date.now,
      sleep: (ms: number) => later(ms),
      target: { site: siteOf() },
      sql,
    }) as unknown as Parameters<typeof readLedger>[0];

  test('every journey goes well, and every acknowledged write is there as it should be, in books that balance', async () => {
    const reach = reachOf(runId);
    const targetSite = siteOf();
    const before = await readStockBefore(reach);

    const technicians = site.users.filter(({ roles }) => roles.length > 0);
    const driver = k6Driver({ k6, config, site: targetSite, technicians });
    expect(driver.plan('test').leftOut).toBeUndefined();
    const load = await driver.start({ profile: 'test', runId, seed: 7, folder, durationMsMax: 60_000 });
    await later(6_000);
    expect(await load.stop(20_000)).toMatchObject({ problem: '' });

    const claim = claimOf({ ledger: { nodes: 1, lostMax: 0, duplicatedMax: 0 } });
    writeFileSync(join(folder, 'claim.json'), JSON.stringify(claim));
    const recorded = await readRunFolder(folder);
    const { operations } = recorded;
    const bad = operations.filter(({ good }) => !good);
    expect(bad).toEqual([]);
    const counts = new Map<string, number>();
    for (const { journey } of operations) counts.set(journey, (counts.get(journey) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual(Object.keys(config.profiles.test?.perTechnicianHour ?? {}).sort());

    const after = await kept<LedgerLine>((keep) => readLedger(reach, { keep }));
    const evidence: Evidence = { ...recorded, ledger: [...before, ...after] };
    const read = tablesOf(evidence);
    const { count, findings } = judgeLedger(claim, read);
    const books = judgeInvariants(read);
    const wrong = [...findings, ...books.findings].filter(({ outcome }) => outcome !== 'passed');
    expect(wrong.map(({ check, says, examples }) => `${check}: ${says} ${examples?.join('; ')}`)).toEqual([]);
    expect(count.acknowledged).toBe(count.sent);
    expect(count.sent).toBeGreaterThan(30);

    const cancelled = operations.filter(({ write }) => write?.cancelled === 'acknowledged');
    expect(cancelled.length).toBe(counts.get('entry-cancel'));
    const warehouses = new Set(after.flatMap((line) => (line.kind === 'stock' ? [line.level.warehouse] : [])));
    expect([...warehouses].sort()).toEqual(['Dock - WP', 'Stores - WP']);
    const [cards] = await database.query("SELECT COUNT(*) AS done FROM `tabJob Card` WHERE status = 'Completed'");
    expect((cards as { done: number }[])[0]?.done).toBe(counts.get('job-card'));
    const [files] = await database.query('SELECT COUNT(DISTINCT content_hash) AS kept FROM tabFile');
    expect((files as { kept: number }[])[0]?.kept).toBe(counts.get('photo-upload'));
  });

  test('two runs on one load: each ledger is read while the other’s bookings go on, and both books balance', async () => {
    const claim = claimOf({ ledger: { nodes: 1, lostMax: 0, duplicatedMax: 0 } });
    const [first, second] = ['one', 'two'].map((name) => mkdtempSync(join(tmpdir(), `shakedown-test-${name}-`))) as [
      string,
      string,
    ];
    onTestFinished(() => {
      for (const place of [first, second]) rmSync(place, { recursive: true });
    });
    for (const place of [first, second]) writeFileSync(join(place, 'claim.json'), JSON.stringify(claim));
    const technicians = site.users.filter(({ roles }) => roles.length > 0);
    const driver = k6Driver({ k6, config, site: siteOf(), technicians });

    const ledgers: LedgerLine[][] = [[], []];
    ledgers[0]?.push(...(await readStockBefore(reachOf('rshared-01'))));
    const load = await driver.start({
      profile: 'test',
      runId: 'rshared-01',
      seed: 8,
      folder: first,
      durationMsMax: 60_000,
    });
    await later(4_000);
    load.mark();
    await later(2_000);
    const passed = await load.passOn('rshared-02', 20_000);
    expect(passed.problem).toBe('');
    await later(1_000);
    ledgers[0]?.push(...(await kept<LedgerLine>((keep) => readLedger(reachOf('rshared-01'), { keep }))));
    await later(500);
    const next = passed.takeOver(second);
    ledgers[1]?.push(...(await readStockBefore(reachOf('rshared-02'))));
    await later(4_000);
    expect((await next.stop(20_000)).problem).toBe('');
    ledgers[1]?.push(...(await kept<LedgerLine>((keep) => readLedger(reachOf('rshared-02'), { keep }))));

    const movedOf = (ledger: readonly LedgerLine[] = [], when: string) =>
      new Set(ledger.flatMap((line) => (line.kind === 'moved' && line.moved.when === when ? [line.moved.whose] : [])));
    expect([...movedOf(ledgers[0], 'before')]).toEqual([]);
    expect([...movedOf(ledgers[0], 'after')].sort()).toEqual(['later', 'own']);
    expect([...movedOf(ledgers[1], 'before')].sort()).toEqual(['earlier', 'own']);
    for (const [index, place] of [first, second].entries()) {
      const recorded = await readRunFolder(place);
      const steadyOf = index === 0 ? {} : { steadyOf: 'rshared-01' };
      const header = { kind: 'header', at: 0, mono: 0, header: { runId: `rshared-0${index + 1}`, ...steadyOf } };
      const evidence = { ...recorded, journal: [header], ledger: ledgers[index] ?? [] } as unknown as Evidence;
      const read = tablesOf(evidence);
      const { count, findings } = judgeLedger(claim, read);
      const books = judgeInvariants(read);
      const wrong = [...findings, ...books.findings].filter(({ outcome }) => outcome !== 'passed');
      expect(wrong.map(({ check, says, examples }) => `${check}: ${says} ${examples?.join('; ')}`)).toEqual([]);
      expect(count.acknowledged).toBe(count.sent);
      expect(count.sent).toBeGreaterThan(15);
      // What the other run moved meanwhile is what makes up for it: without that the books would not balance.
      const blind = { ...evidence, ledger: evidence.ledger.filter(({ kind }) => kind !== 'moved') };
      expect(judgeInvariants(tablesOf(blind)).broken).toBeGreaterThan(0);
    }
  });
});
