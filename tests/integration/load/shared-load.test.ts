// Two runs on one real k6, against the real workshop in a real database, played by the real runner: each verdict comes from its folder alone.
// Only the cluster and the fault are fakes.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { sqlOnNodes } from '../../../lib/clients/sql.ts';
import { makeManifest } from '../../../lib/evidence/manifest.ts';
import { readRunFolder } from '../../../lib/evidence/read-run-folder.ts';
import { judge } from '../../../lib/judge/judge.ts';
import { verdictJson } from '../../../lib/judge/verdict-json.ts';
import { k6Driver } from '../../../lib/load/k6-driver.ts';
import type { LoadConfig } from '../../../lib/model/load-config.ts';
import type { Target } from '../../../lib/model/target.ts';
import { readLedger, readStockBefore } from '../../../lib/probes/ledger-readback.ts';
import { systemClock } from '../../../lib/runner/clock.ts';
import { playInOrder } from '../../../lib/runner/gate.ts';
import { fakeClaim, fakeCluster, fakeFault, fakeReach, fakeScenario, fakeTarget } from '../../fakes/run.ts';
import { openSite, type Site, siteMissing } from '../workshop/site.ts';

const k6 = process.env.SHAKEDOWN_K6 ?? '';
const missing = siteMissing('own') ?? (k6 === '' ? 'SHAKEDOWN_K6 does not say where k6 is' : undefined);
if (missing) console.warn(`runs that share a load are not tested with a real one: ${missing}`);

vi.setConfig({ testTimeout: 180_000 });

/** 6 scans/s, 4 bookings/s. */
const config: LoadConfig = {
  profiles: {
    fake: {
      technicians: 2,
      perTechnicianHour: {
        'barcode-lookup': 10_800,
        'goods-receipt': 3_600,
        'parts-issue': 3_600,
        'entry-cancel': 900,
      },
    },
  },
  stallBudgetMs: 5_000,
  requestTimeoutMs: 10_000,
  usualDurationMs: 1_000,
  goodWithinMs: { 'barcode-lookup': 5_000, 'goods-receipt': 5_000, 'parts-issue': 5_000, 'entry-cancel': 5_000 },
  virtualUsersMax: 200,
  barcodes: { skew: 1, missRatio: 0.1 },
  twoStepRatio: 0.3,
  seed: 1,
};

describe.skipIf(missing !== undefined)('two runs on one load', () => {
  let site: Site;
  let folder: string;
  beforeAll(async () => {
    site = await openSite('own');
    folder = mkdtempSync(join(tmpdir(), 'shakedown-test-'));
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true });
  });

  test('the second run begins where the first one was well again; both pass, and again from their folders', async () => {
    const settings = site.environment ?? {};
    const target: Target = {
      ...fakeTarget,
      site: {
        ...fakeTarget.site,
        url: site.url,
        connectAddress: `127.0.0.1:${new URL(site.url).port}`,
        company: 'Wind Power LLC',
        warehouse: 'Stores - WP',
        dockWarehouse: 'Dock - WP',
        barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
      },
    };
    const sql = sqlOnNodes({
      nodes: async () => ['here'],
      openStream: async () => connect(Number(settings.DB_PORT), settings.DB_HOST ?? ''),
      credentials: async () => ({ username: settings.DB_USER ?? '', password: settings.DB_PASSWORD ?? '' }),
      database: settings.DB_NAME ?? '',
    });
    const open = fakeReach(systemClock, fakeCluster(), undefined, sql);
    const technicians = site.users.filter(({ roles }) => roles.length > 0);
    const objectives = fakeClaim.objectives
      .filter(({ source }) => source === 'k6')
      .map((objective) => ({ ...objective, phases: ['steady', 'after'] as const }));
    const scenarios = ['one', 'two'].map((name) =>
      fakeScenario(fakeFault(), {
        claim: { name, objectives, load: { achievedRatioMin: 0.8, acknowledgedMin: 20 } },
        play: { steadyMs: 14_000, afterMs: 6_000 },
      }),
    );
    const { records } = await playInOrder(
      {
        target,
        scenarios,
        seed: 7,
        signal: new AbortController().signal,
        commit: '',
        versions: {},
        context: {},
        folderOf: ({ claim }) => ({ folder: join(folder, claim.name), folderName: claim.name }),
        repeatOf: () => '',
        note: () => undefined,
      },
      {
        clock: systemClock,
        openReach: async (options) => {
          const opened = await open(options);
          return { ...opened, reach: { ...opened.reach, target } };
        },
        load: k6Driver({ k6, config, site: target.site, technicians }),
        ledger: {
          stockBefore: readStockBefore,
          readBack: (reach, acknowledged, keep) => readLedger(reach, { acknowledged, keep }),
        },
        takeSnapshot: async () => ({ 'Deployment erp/web': 'as it was' }),
        makeManifest,
        readRunFolder,
        judge,
        freeBytes: async () => 2 ** 40,
        say: () => undefined,
      },
    );
    await sql.close();

    const red = records.flatMap(({ verdict }) => verdict.findings.filter(({ outcome }) => outcome !== 'passed'));
    expect(red).toEqual([]);
    const [one, two] = records;
    expect(two?.header.steadyOf).toBe(one?.header.runId);
    for (const { folder: name, verdict } of records) {
      expect(verdict.ledger.sent).toBeGreaterThan(50);
      expect(verdict.ledger.acknowledged).toBe(verdict.ledger.sent);
      const evidence = await readRunFolder(join(folder, name));
      expect(verdictJson(judge(evidence.claim, evidence))).toBe(
        readFileSync(join(folder, name, 'verdict.json'), 'utf8'),
      );
    }
    // Beside its phases the second run took hardly any time: what it shares it did not wait for.
    const journal = (await readRunFolder(join(folder, 'two'))).journal;
    const at = (phase: string) => journal.find((line) => line.kind === 'phase' && line.phase === phase)?.at ?? 0;
    expect(at('fault') - at('steady')).toBeGreaterThanOrEqual(14_000);
    expect(at('fault') - (two?.header.startedAt ?? 0)).toBeLessThan(14_000 - 6_000);
  });
});
