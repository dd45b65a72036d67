// Load in business units: how many technicians, what each does in an hour, when it is more, and how long a stall they sit out.
// k6 itself does not look for this file. Pure data, no import but types: lib/load/ checks it, plans rates and virtual users from it
// and hands the result to load/main.ts, which is what k6 runs. docs/load.md tells how.
import type { LoadConfig, LoadProfile } from './lib/model/load-config.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * A scan every 3 s, a receipt every 30 s, an issue every 20 s; and now and then what makes up the rest of a day. By the hour, so that
 * 60 technicians come to 20 scans/s, 5 stock entries/s, a login every 10 s and one of each of the others every 5 s.
 */
const usualHour = {
  'barcode-lookup': 1200,
  'goods-receipt': 120,
  'parts-issue': 180,
  'stock-transfer': 12,
  'entry-cancel': 12,
  'job-card': 12,
  'photo-upload': 12,
  'session-login': 6,
  'realtime-notice': 12,
};

/** Nothing but the usual, all the time. */
const steady = { technicians: 60, perTechnicianHour: usualHour } satisfies LoadProfile;

export default {
  profiles: {
    /** What the gate's scenarios play. */
    gate: steady,
    steady,
    /** A fifth of it: enough to see that everything is wired, too little to claim anything with. */
    smoke: { technicians: 12, perTechnicianHour: usualHour },
    /** A shift begins: everybody logs in and scans twice as much at first, and then a lorry stands at the dock. */
    peak: {
      technicians: 60,
      perTechnicianHour: usualHour,
      shifts: [
        {
          name: 'morning',
          fromMs: 0,
          lastsMs: 2 * minute,
          rampMs: 10 * second,
          times: { 'barcode-lookup': 2, 'session-login': 10 },
        },
        {
          name: 'goods receipt',
          fromMs: 150 * second,
          lastsMs: 1 * minute,
          times: { 'goods-receipt': 5, 'stock-transfer': 5, 'photo-upload': 3 },
        },
      ],
    },
    /** Four times of everything out of the blue, most of it of the same three items, as when a whole crew is sent to one machine. */
    spike: {
      technicians: 30,
      perTechnicianHour: usualHour,
      shifts: [{ name: 'everybody at once', fromMs: 45 * second, lastsMs: 20 * second, rampMs: 2 * second, times: 4 }],
      hotItems: { count: 3, ratio: 0.5 },
    },
    /** A day of two shifts at half the usual, for what only shows after hours. */
    soak: {
      technicians: 30,
      perTechnicianHour: usualHour,
      shifts: [
        {
          name: 'early shift begins',
          fromMs: 0,
          lastsMs: 30 * minute,
          rampMs: 5 * minute,
          times: { 'barcode-lookup': 2, 'session-login': 10 },
        },
        { name: 'goods receipt', fromMs: 2 * hour, lastsMs: 20 * minute, times: { 'goods-receipt': 5 } },
        { name: 'noon', fromMs: 4 * hour, lastsMs: 30 * minute, rampMs: 5 * minute, times: 0.2 },
        {
          name: 'late shift begins',
          fromMs: 8 * hour,
          lastsMs: 30 * minute,
          rampMs: 5 * minute,
          times: { 'barcode-lookup': 2, 'session-login': 10 },
        },
      ],
    },
  },
  /** A Galera failover was seen to stall writes for 7 to 10 s, two in a row for 20 s; past that we want drops to count. */
  stallBudgetMs: 30_000,
  /** Longer than the longest stall that is to be survived, shorter than the stall budget: the time-out is seen, not guessed. */
  requestTimeoutMs: 20_000,
  usualDurationMs: 1_000,
  /** A technician with a scanner in hand waits a second for a part, two for a booking; a little more for what takes several steps. */
  goodWithinMs: {
    'barcode-lookup': 1_000,
    'goods-receipt': 2_000,
    'parts-issue': 2_000,
    'stock-transfer': 2_000,
    'entry-cancel': 3_000,
    'job-card': 4_000,
    'photo-upload': 3_000,
    'session-login': 3_000,
    'realtime-notice': 3_000,
  },
  /** k6 holds one script engine for each, about half a megabyte: the gate's 820 take 0.4 GB and 0.7 s to start. */
  virtualUsersMax: 3_000,
  barcodes: { skew: 1, missRatio: 0.03 },
  twoStepRatio: 0.2,
  seed: 20_261_123,
} satisfies LoadConfig;
