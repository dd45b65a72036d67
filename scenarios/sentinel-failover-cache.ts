// Another Redis becomes master of the cache while the old one is well, as at each maintenance: nobody may notice, and nobody be logged out.
import { orderedFailoverOfCache as fault } from '../chaos/redis/ordered-failover.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { guards, redisWhole } from '../lib/probes/guards.ts';
import { redisMasters } from '../lib/probes/redis.ts';
import {
  afterMs,
  goodInFault,
  ledgerOfThreeNodes,
  needs,
  oneMaster,
  probes,
  serviceObjectives,
  steadyMs,
} from './workshop.ts';

const masters = redisMasters('cache');
const requests = 'workshop_http_request_duration_seconds_count';
const refused = `${requests}{status=~"401|403"}`;
/** A series that begins does so at its first scrape's value, which `increase` takes for what was there before: it counts whole. */
const refusedAnew = `(${refused} unless max_over_time(${refused}[5m] offset 20s))`;

const holdMs = 15_000;

export const sentinelFailoverCache: Scenario = {
  claim: {
    name: 'sentinel-failover-cache',
    hypothesis:
      'An ordered failover of the cache at 20 scans/s and 5 writes/s loses no acknowledged write, logs nobody out, keeps 95 % of the scans good and meets the objectives again within 20 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [
      ...serviceObjectives,
      // Clients are told of the new master 2 to 3.5 s after the order, and the old one follows it 10 s after it and copies everything: 96 % of
      // the scans and 92 % of the bookings were good on a busy machine.
      ...goodInFault({ scans: 0.95, writes: 0.9, holdMs }),
      {
        // A user whose session or key is not known any more is answered 401 or 403, and nobody else is here.
        name: 'logged-out',
        source: 'prometheus',
        query: `((sum(increase(${refused}[20s])) or vector(0)) + (sum(${refusedAnew}) or vector(0))) and (sum(rate(${requests}[20s])) > 0)`,
        unit: 'requests',
        reduce: 'max',
        phases: ['fault', 'after'],
        max: 0,
        coverageMin: 0.5,
        exporters: 'process_start_time_seconds{job="web"}',
      },
      oneMaster('cache', masters),
    ],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    recovery: { recoveryMsMax: 20_000, windowMs: 5_000, badRatioMax: 0.02 },
    blastRadius: { namespaces: ['erp'], targetsMax: 1 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs,
    // The Sentinels agree after 3 s; the old master is told to follow the new one 8 s later.
    timeline: [{ fault, holdMs }],
    recoveryWaitMs: 30_000,
    settledWhen: [redisWhole],
    afterMs,
    probes: [...probes, masters],
  },
  guards,
  suite: 'smoke',
  lab: 'core',
};
