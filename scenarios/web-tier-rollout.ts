// A release whose pods never become ready is rolled out, stands still and is rolled back: nobody who works may notice any of it.
import { rolloutNeverReady as fault } from '../chaos/objects/rollout.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { guards, webTierReady } from '../lib/probes/guards.ts';
import { unreadyPods } from '../lib/probes/tiers.ts';
import {
  afterMs,
  alerts,
  goodInFault,
  ledgerOfThreeNodes,
  needs,
  probes,
  recoveryAsked,
  serviceObjectives,
  siteNotAlarmed,
  steadyMs,
} from './workshop.ts';

const holdMs = 20_000;
const unready = unreadyPods('web');

export const webTierRollout: Scenario = {
  claim: {
    name: 'web-tier-rollout',
    hypothesis:
      'A web release that never becomes ready, rolled back after 20 s at 20 scans/s and 5 writes/s, loses no acknowledged write, leaves 97 % of both good all the while, and meets the objectives again within 20 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [
      ...serviceObjectives,
      // The chart's maxUnavailable is 0, so every old pod stays until a new one is ready, and none ever is. That one's start takes a
      // processor for seconds, and the lab has two for everything.
      ...goodInFault({ scans: 0.97, writes: 0.97, holdMs }),
    ],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    // That a pod is not ready is told after 30 s, which is longer than this lasts.
    alerts: alerts({ mustNotFire: [siteNotAlarmed] }),
    recovery: {
      recoveryMsMax: 20_000,
      windowMs: 5_000,
      badRatioMax: 0.02,
      ...recoveryAsked,
      // The rollout is held up by a pod that is not ready; no role moves.
      detectedBy: [{ series: unready.series, is: 'at-least', bound: 1, msMax: 10_000 }],
    },
    blastRadius: { namespaces: ['erp'], targetsMax: 1 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs,
    timeline: [{ fault, holdMs }],
    recoveryWaitMs: 45_000,
    settledWhen: [webTierReady],
    afterMs,
    probes: [...probes, unready],
  },
  guards,
  suite: 'smoke',
  lab: 'core',
};
