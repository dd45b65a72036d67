import { expect, test } from 'vitest';
import config from '../../k6.config.ts';
import { planLoad, workloadsOf } from './plan.ts';

test('the gate is 20 scans/s and 5 stock entries/s, and its users sit out 30 s', () => {
  expect(planLoad(config, 'gate')).toEqual({
    profile: 'gate',
    ratesPerSecond: { 'barcode-lookup': 20, 'goods-receipt': 2, 'parts-issue': 3 },
    stallBudgetMs: 30_000,
    // 25/s × (30 s + 1 s)
    virtualUsersMax: 775,
  });
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
  expect(() => planLoad(config, name)).toThrow(`k6.config.ts: no profile ${name} (there are gate, smoke)`);
});
