// Another Redis becomes master of the queue while the old one is well. What was booked must stay booked, and each of its background jobs be
// accounted for: replication is asynchronous, and until everybody has heard of the new master jobs go to the old one.
import { orderedFailoverOfQueue as fault } from '../chaos/redis/ordered-failover.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { guards, redisWhole } from '../lib/probes/guards.ts';
import { redisMasters } from '../lib/probes/redis.ts';
import { sentinelProbes } from '../lib/probes/sentinels.ts';
import {
  afterMs,
  alerts,
  goodInFault,
  ledgerOfThreeNodes,
  needs,
  oneMaster,
  probes,
  recoveryAsked,
  serviceObjectives,
  siteNotAlarmed,
  steadyMs,
} from './workshop.ts';

const masters = redisMasters('queue');
const sentinels = sentinelProbes('queue');

const holdMs = 15_000;

export const sentinelFailoverQueue: Scenario = {
  claim: {
    name: 'sentinel-failover-queue',
    hypothesis:
      'An ordered failover of the queue at 20 scans/s and 5 writes/s loses no acknowledged write and at most 15 of their background jobs, runs none twice, and meets the objectives again within 10 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [
      ...serviceObjectives,
      // A booking waits a second at most for a queue that does not answer, and succeeds without its job.
      ...goodInFault({ scans: 0.97, writes: 0.95, holdMs }),
      {
        name: 'queue-drained',
        source: 'prometheus',
        query: 'max(workshop_queue_depth)',
        unit: 'jobs',
        reduce: 'last',
        phases: ['after'],
        max: 10,
        coverageMin: 0.5,
      },
      oneMaster('queue', masters),
    ],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    // A replica is promoted 0.2 s after the order, and clients are told 2.0 to 2.5 s after it: what is queued on the old master meanwhile and
    // was not taken by a worker goes when it becomes a replica. Five bookings a second for 3 s are what may go; docs/decisions/0016.
    jobs: { lostMax: 15, failedMax: 0, duplicatedMax: 0 },
    // Two masters are seen for 8 to 13 s, and their alert waits for 10 s: it may fire or not.
    alerts: alerts({ mustNotFire: [siteNotAlarmed] }),
    recovery: {
      recoveryMsMax: 10_000,
      windowMs: 5_000,
      badRatioMax: 0.02,
      ...recoveryAsked,
      // The Sentinel that carries the order out raises the epoch within a second; the others hear of it within two more.
      detectedBy: [{ series: sentinels.epoch.series, is: 'changes', msMax: 8_000 }],
      failedOverBy: [{ series: sentinels.master.series, is: 'changes', msMax: 10_000 }],
    },
    blastRadius: { namespaces: ['erp'], targetsMax: 1 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs,
    timeline: [{ fault, holdMs }],
    recoveryWaitMs: 30_000,
    settledWhen: [redisWhole],
    afterMs,
    probes: [...probes, masters, sentinels.epoch, sentinels.master],
  },
  guards,
  suite: 'smoke',
  lab: 'core',
};
