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
    ...['stock-transfer', 'entry-cancel', 'job-card', 'photo-upload', 'session-login', 'realtime-notice'].map(
      (journey) => expect.stringContaining(`k6.config.ts: goodWithinMs.${journey}: `),
    ),
    'k6.config.ts: profiles.idle.perTechnicianHour: all zero, nothing would be sent',
    expect.stringContaining(
      'k6.config.ts: profiles.huge: a stall of 30000 ms wants 8151 virtual users, virtualUsersMax is 3000',
    ),
  ]);
});

test('no profile at all is a mistake', () => {
  expect(mistakesOf({ ...config, profiles: {} })).toEqual(['k6.config.ts: profiles: wants at least one']);
});

test.each([undefined, null, 'gate', []])('%j is no configuration', (value) => {
  expect(mistakesOf(value).length).toBeGreaterThan(0);
});

test('every mistake in shifts and hot items is told at once, with its place', () => {
  const shift = { name: 'morning', fromMs: 0, lastsMs: 60_000, times: 2 };
  const withShifts = (...shifts: readonly object[]) => ({ ...config.profiles.smoke, shifts });
  const mistakes = mistakesOf({
    ...config,
    profiles: {
      few: {
        technicians: 1,
        perTechnicianHour: { 'barcode-lookup': 60 },
        shifts: [{ ...shift, times: { 'job-card': 2 } }],
      },
      steep: withShifts({ ...shift, rampMs: 40_000 }),
      idle: withShifts({ ...shift, times: {} }),
      odd: withShifts({ ...shift, times: -1 }, { ...shift, form: 1 }),
      strange: withShifts({ ...shift, times: { 'barcode-lokup': 2 } }),
      crowd: withShifts({ ...shift, times: 20 }),
      hot: { ...config.profiles.smoke, hotItems: { count: 0, ratio: 2 } },
    },
  });
  expect(mistakes).toEqual([
    expect.stringContaining('k6.config.ts: profiles.odd.shifts.0.times: '),
    'k6.config.ts: profiles.odd.shifts.1.form: unknown key',
    'k6.config.ts: profiles.strange.shifts.0.times.barcode-lokup: unknown key',
    expect.stringContaining('k6.config.ts: profiles.hot.hotItems.count: '),
    expect.stringContaining('k6.config.ts: profiles.hot.hotItems.ratio: '),
    'k6.config.ts: profiles.few.shifts.0.times.job-card: the profile does not play it (morning)',
    'k6.config.ts: profiles.steep.shifts.0.rampMs: 40000 up and again down do not fit into lastsMs 60000 (morning)',
    'k6.config.ts: profiles.idle.shifts.0.times: changes nothing (morning)',
    expect.stringMatching(
      /k6\.config\.ts: profiles\.crowd: a stall of 30000 ms at its busiest wants \d+ virtual users, virtualUsersMax is 3000/,
    ),
  ]);
});

test('a journey that a profile plays wants a bound for a good answer', () => {
  const { 'job-card': _, ...goodWithinMs } = config.goodWithinMs;
  expect(mistakesOf({ ...config, goodWithinMs })).toEqual([
    'k6.config.ts: goodWithinMs.job-card: missing, and a profile plays it',
  ]);
  const { smoke } = config.profiles;
  const { 'job-card': __, ...perTechnicianHour } = smoke.perTechnicianHour;
  expect(mistakesOf({ ...config, profiles: { smoke: { ...smoke, perTechnicianHour } }, goodWithinMs })).toEqual([]);
});
