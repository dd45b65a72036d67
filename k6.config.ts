// Load in business units: how many technicians, what each does in an hour, and how long a stall they sit out.
// k6 itself does not look for this file. Pure data, no import but a type: lib/load/ checks it, plans virtual users from it
// and hands the result to load/main.ts, which is what k6 runs.
import type { LoadConfig } from './lib/model/load-config.ts';

export default {
  profiles: {
    /** 20 scans/s and 5 stock entries/s: 60 technicians, a scan every 3 s each, a receipt every 30 s, an issue every 20 s. */
    gate: {
      technicians: 60,
      perTechnicianHour: { 'barcode-lookup': 1200, 'goods-receipt': 120, 'parts-issue': 180 },
    },
    /** 4 scans/s and 1 stock entry/s: enough to see that everything is wired, too little to claim anything with. */
    smoke: {
      technicians: 12,
      perTechnicianHour: { 'barcode-lookup': 1200, 'goods-receipt': 120, 'parts-issue': 180 },
    },
  },
  /** A Galera failover was seen to stall writes for 7 to 10 s, two in a row for 20 s; past that we want drops to count. */
  stallBudgetMs: 30_000,
  /** Longer than the longest stall that is to be survived, shorter than the stall budget: the time-out is seen, not guessed. */
  requestTimeoutMs: 20_000,
  usualDurationMs: 1_000,
  /** A technician with a scanner in hand waits a second for a part, two for a booking. */
  goodWithinMs: { 'barcode-lookup': 1_000, 'goods-receipt': 2_000, 'parts-issue': 2_000 },
  /** k6 holds one script engine for each, about half a megabyte: the gate's 775 take 0.4 GB and 0.7 s to start. */
  virtualUsersMax: 3_000,
  barcodes: { skew: 1, missRatio: 0.03 },
  twoStepRatio: 0.2,
  seed: 20_261_123,
} satisfies LoadConfig;
