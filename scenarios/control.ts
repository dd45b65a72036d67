// The same load without any fault. What breaks here is the platform's own defect and must not be blamed on a fault.

import type { Scenario } from '../lib/model/scenario.ts';
import { guards } from '../lib/probes/guards.ts';
import { afterMs, alerts, ledgerOfThreeNodes, needs, probes, serviceObjectives } from './workshop.ts';

export const control: Scenario = {
  claim: {
    name: 'control',
    hypothesis:
      'Without any fault, 20 scans/s and 5 writes/s for 45 s lose no acknowledged write, and 95 % of the scans are answered within 400 ms.',
    judgeVersion: 1,
    faults: [],
    objectives: serviceObjectives,
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    // What monitoring says of itself and of certificates is not this claim's.
    alerts: alerts({
      mustNotFire: ['service', 'galera', 'redis', 'queue', 'cluster'].map((part) => ({
        labels: { severity: 'critical', part },
      })),
    }),
    recovery: null,
    blastRadius: { namespaces: [], targetsMax: 0 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs: 30_000,
    timeline: [],
    recoveryWaitMs: 0,
    afterMs,
    probes,
  },
  guards,
  suite: 'smoke',
  lab: 'core',
};
