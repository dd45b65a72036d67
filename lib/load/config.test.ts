import { expect, test } from 'vitest';
import config from '../../k6.config.ts';
import { LoadConfigError, loadConfigFrom } from './config.ts';

function mistakesOf(value: unknown): readonly string[] {
  try {
    loadConfigFrom(value);
  } catch (error) {
    if (error instanceof LoadConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

test('our own k6.config.ts is right', () => {
  expect(loadConfigFrom(config)).toEqual(config);
});

test('every mistake is told at once, with its place', () => {
  const { gate } = config.profiles;
  const mistakes = mistakesOf({
    ...config,
    profiles: {
      Gate: gate,
      few: { ...gate, technicians: -3, technicans: 3 },
      idle: { technicians: 5, perTechnicianHour: { 'barcode-lookup': 0, 'goods-receipt': 0, 'parts-issue': 0 } },
      huge: { ...gate, technicians: 600 },
    },
    barcodes: { skew: 1, missRatio: 3 },
    twoStepRatio: '20 %',
    requestTimeoutMs: 1_500,
    seed: undefined,
    sede: 1,
  });
  expect(mistakes).toEqual([
    expect.stringContaining('k6.config.ts: profiles.Gate: wants a kebab-case name'),
    expect.stringContaining('k6.config.ts: profiles.few.technicians: '),
    'k6.config.ts: profiles.few.technicans: unknown key',
    expect.stringContaining('k6.config.ts: barcodes.missRatio: '),
    expect.stringContaining('k6.config.ts: twoStepRatio: expected number, received string'),
    expect.stringContaining('k6.config.ts: seed: '),
    'k6.config.ts: sede: unknown key',
    'k6.config.ts: goodWithinMs.goods-receipt: 2000 is longer than requestTimeoutMs 1500',
    'k6.config.ts: goodWithinMs.parts-issue: 2000 is longer than requestTimeoutMs 1500',
    'k6.config.ts: profiles.idle.perTechnicianHour: all zero, nothing would be sent',
    expect.stringContaining(
      'k6.config.ts: profiles.huge: a stall of 30000 ms wants 7750 virtual users, virtualUsersMax is 3000',
    ),
  ]);
});

test('no profile at all is a mistake', () => {
  expect(mistakesOf({ ...config, profiles: {} })).toEqual(['k6.config.ts: profiles: wants at least one']);
});

test.each([undefined, null, 'gate', []])('%j is no configuration', (value) => {
  expect(mistakesOf(value).length).toBeGreaterThan(0);
});
