// One of two web pods is gone without a word, as when somebody deletes it by force: the other one and the ingress carry the shift.
import { podsDeleteForced as fault } from '../chaos/pods/delete.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { guards, webTierReady } from '../lib/probes/guards.ts';
import { readyPods } from '../lib/probes/tiers.ts';
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

const holdMs = 15_000;
const ready = readyPods('web');

export const webPodKill: Scenario = {
  claim: {
    name: 'web-pod-kill',
    hypothesis:
      'Deleting one of two web pods by force at 20 scans/s and 5 writes/s loses no acknowledged write, spoils at most 5 % of either meanwhile, and meets the objectives again within 15 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [
      ...serviceObjectives,
      // Requests under way in that pod are lost, and those that are sent to it until the ingress knows: half of a second's 25, a few times over.
      ...goodInFault({ scans: 0.95, writes: 0.95, holdMs }),
    ],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    // It is replaced within 7 s, and the first rule that would tell of it waits for 15 s.
    alerts: alerts({ mustNotFire: [siteNotAlarmed] }),
    recovery: {
      recoveryMsMax: 15_000,
      windowMs: 5_000,
      badRatioMax: 0.02,
      ...recoveryAsked,
      // No role moves: from the moment that Kubernetes has it off its list, requests go to the other one alone.
      detectedBy: [{ series: ready.series, is: 'at-most', bound: 1, msMax: 10_000 }],
    },
    blastRadius: { namespaces: ['erp'], targetsMax: 1 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs,
    // The new pod was ready after 3 to 7 s.
    timeline: [{ fault, holdMs }],
    recoveryWaitMs: 45_000,
    settledWhen: [webTierReady],
    afterMs,
    probes: [...probes, ready],
  },
  guards,
  suite: 'smoke',
  lab: 'core',
};
