// The load against the real workshop in a real database: what was acknowledged is read back with the suite's own probes and judged by the
// suite's own rules. A journey whose idea of the site is wrong shows here, before a lab has to tell.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readRunFolder } from '../../../lib/evidence/read-run-folder.ts';
import { judgeInvariants } from '../../../lib/judge/invariants.ts';
import { judgeLedger, readBack } from '../../../lib/judge/ledger.ts';
import { type K6DriverOptions, k6Driver } from '../../../lib/load/k6-driver.ts';
import type { Evidence } from '../../../lib/model/evidence.ts';
import type { LoadConfig } from '../../../lib/model/load-config.ts';
import type { SqlRow } from '../../../lib/model/reach.ts';
import { readLedger, readStockBefore } from '../../../lib/probes/ledger-readback.ts';
import { claimOf } from '../../fixtures/evidence.ts';
import { openSite, type Site, siteMissing } from '../workshop/site.ts';

const k6 = process.env.SHAKEDOWN_K6 ?? '';
const missing = siteMissing('own') ?? (k6 === '' ? 'SHAKEDOWN_K6 does not say where k6 is' : undefined);
if (missing) console.warn(`the load against the workshop is not tested: ${missing}`);

vi.setConfig({ testTimeout: 60_000 });

const runId = 'rworkshop';
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
    folder = mkdtempSync(join(tmpdir(), 'shakedown-test-'));
  });
  afterAll(async () => {
    await database?.end();
    await site?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true });
  });

  test('every journey goes well, and every acknowledged write is there as it should be, in books that balance', async () => {
    const targetSite: K6DriverOptions['site'] = {
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
    };
    const reach = {
      runId,
      now: Date.now,
      sleep: (ms: number) => later(ms),
      target: { site: targetSite },
      sql: {
        nodes: async () => ['here'],
        query: async (_: string, sql: string, values: readonly unknown[] = []) =>
          (await database.query(sql, [...values] as string[]))[0] as SqlRow[],
      },
    } as unknown as Parameters<typeof readLedger>[0];
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

    const after = await readLedger(reach);
    const evidence: Evidence = { ...recorded, ledger: [...before, ...after] };
    const read = readBack(evidence);
    const { count, findings } = judgeLedger(claim, read);
    const books = judgeInvariants(evidence, read);
    const wrong = [...findings, ...books.findings].filter(({ outcome }) => outcome !== 'passed');
    expect(wrong.map(({ check, says, examples }) => `${check}: ${says} ${examples?.join('; ')}`)).toEqual([]);
    expect(count.acknowledged).toBe(count.sent);
    expect(count.sent).toBeGreaterThan(30);

    const cancelled = [...read.writes.values()].filter((write) => write.cancelled === 'acknowledged');
    expect(cancelled.length).toBe(counts.get('entry-cancel'));
    const warehouses = new Set(after.flatMap((line) => (line.kind === 'stock' ? [line.level.warehouse] : [])));
    expect([...warehouses].sort()).toEqual(['Dock - WP', 'Stores - WP']);
    const [cards] = await database.query("SELECT COUNT(*) AS done FROM `tabJob Card` WHERE status = 'Completed'");
    expect((cards as { done: number }[])[0]?.done).toBe(counts.get('job-card'));
    const [files] = await database.query('SELECT COUNT(DISTINCT content_hash) AS kept FROM tabFile');
    expect((files as { kept: number }[])[0]?.kept).toBe(counts.get('photo-upload'));
  });
});
