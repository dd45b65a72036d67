import { expect, test } from 'vitest';
import config from '../../k6.config.ts';
import { planLoad, workloadsOf } from './plan.ts';

test('the gate is 20 scans/s and 5 stock entries/s, and its users sit out 30 s', () => {
  expect(planLoad(config, 'gate')).toEqual({
    profile: 'gate',
    ratesPerSecond: {
      'barcode-lookup': 20,
      'goods-receipt': 2,
      'parts-issue': 3,
      'stock-transfer': 0.2,
      'entry-cancel': 0.2,
      'job-card': 0.2,
      'photo-upload': 0.2,
      'session-login': 0.1,
      'realtime-notice': 0.2,
    },
    stallBudgetMs: 30_000,
    technicians: 60,
    virtualUsersMax: 620 + 62 + 93 + 4 * 7 + 4 + 13,
    // Each rate × (30 s + 1 s), rounded up; a WebSocket may be held for a minute.
    virtualUsers: {
      'barcode-lookup': 620,
      'goods-receipt': 62,
      'parts-issue': 93,
      'stock-transfer': 7,
      'entry-cancel': 7,
      'job-card': 7,
      'photo-upload': 7,
      'session-login': 4,
      'realtime-notice': 13,
    },
  });
  expect(planLoad(config, 'steady')).toEqual({ ...planLoad(config, 'gate'), profile: 'steady' });
});

test('users are counted up, by each journey', () => {
  const profile = {
    technicians: 1,
    perTechnicianHour: { 'barcode-lookup': 100, 'goods-receipt': 1, 'parts-issue': 0 },
  };
  expect(workloadsOf({ usualDurationMs: 1_000, stallBudgetMs: 30_000 }, profile)).toEqual([
    { journey: 'barcode-lookup', perHour: 100, virtualUsers: 1 },
    { journey: 'goods-receipt', perHour: 1, virtualUsers: 1 },
  ]);
});

test.each(['nightly', 'toString'])('the unknown profile %s is told with the known ones', (name) => {
  expect(() => planLoad(config, name)).toThrow(
    `k6.config.ts: no profile ${name} (there are gate, steady, smoke, peak, spike, soak)`,
  );
});

test('virtual users are enough for the busiest time of a shift', () => {
  const profile = {
    technicians: 1,
    perTechnicianHour: { 'barcode-lookup': 3_600, 'goods-receipt': 3_600 },
    shifts: [{ name: 'burst', fromMs: 60_000, lastsMs: 60_000, times: { 'goods-receipt': 5 } }],
  };
  const workloads = workloadsOf({ usualDurationMs: 1_000, stallBudgetMs: 9_000 }, profile);
  expect(workloads.map(({ journey, virtualUsers }) => [journey, virtualUsers])).toEqual([
    ['barcode-lookup', 10],
    ['goods-receipt', 50],
  ]);
  const plan = planLoad({ ...config, profiles: { one: profile } }, 'one');
  expect(Object.keys(plan.shapes ?? {})).toEqual(['goods-receipt']);
  expect(plan.ratesPerSecond).toEqual({ 'barcode-lookup': 1, 'goods-receipt': 1 });
});

test('of the passwords, only those of technicians at work are wanted', () => {
  const profile = { technicians: 1, perTechnicianHour: { 'session-login': 60 } };
  const site = { technicians: { namespace: 'erp', name: 'technicians' } };
  const planned = (technicians: readonly { password?: string }[]) =>
    workloadsOf(config, profile, { site, technicians }).map(({ journey }) => journey);
  expect(planned([{ password: 'x' }, {}])).toEqual(['session-login']);
  expect(planned([{}, { password: 'x' }])).toEqual([]);
});
