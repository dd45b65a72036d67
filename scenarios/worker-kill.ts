// A background worker dies with its job in hand, without a word. Nobody at a scanner may notice, and what it had begun is for the others.
import { workerCrash as fault } from '../chaos/process/crash.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { guards } from '../lib/probes/guards.ts';
import { restarts } from '../lib/probes/tiers.ts';
import {
  afterMs,
  alerts,
  containerRestarted,
  goodInFault,
  ledgerOfThreeNodes,
  needs,
  probes,
  recoveryAsked,
  serviceObjectives,
  siteNotAlarmed,
  steadyMs,
} from './workshop.ts';

/** Workers and scheduler tell the same of the queues: what the busiest of them saw counts. */
const oldestJob = 'max(workshop_queue_oldest_job_age_seconds{queue!="long"})';

const holdMs = 30_000;
const started = restarts('worker-short');

export const workerKill: Scenario = {
  claim: {
    name: 'worker-kill',
    hypothesis:
      'Killing one of two workers of the short queue at 20 scans/s and 5 writes/s loses no acknowledged write and no job, leaves none waiting longer than 30 s, and users meet the objectives throughout and again within 5 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [
      ...serviceObjectives,
      // No answer waits for a worker, so the fault is bounded as the steady phase is.
      ...goodInFault({ scans: 0.99, writes: 0.99, holdMs }),
      {
        // Half of what the alert bears.
        name: 'oldest-job',
        source: 'prometheus',
        query: oldestJob,
        unit: 's',
        reduce: 'max',
        phases: ['steady', 'fault', 'after'],
        max: 30,
        coverageMin: 0.5,
      },
      {
        name: 'short-workers',
        source: 'prometheus',
        query: 'max(workshop_workers{queue="short"})',
        unit: 'workers',
        reduce: 'last',
        phases: ['steady', 'after'],
        min: 2,
        coverageMin: 0.5,
      },
    ],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    // The one that it had in hand is given up by the others, where an operator sees it: RQ does not run a job again that may have run.
    jobs: { lostMax: 0, failedMax: 1, duplicatedMax: 0 },
    alerts: alerts({ mustFire: [containerRestarted('short')], mustNotFire: [siteNotAlarmed] }),
    recovery: {
      recoveryMsMax: 5_000,
      windowMs: 5_000,
      badRatioMax: 0.02,
      ...recoveryAsked,
      // The kubelet starts it again within 5 s, or 15 s when it ended in the last ten minutes before.
      detectedBy: [{ series: started.series, is: 'changes', msMax: 25_000 }],
    },
    blastRadius: { namespaces: ['erp'], targetsMax: 1 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs,
    // The kubelet starts it again in seconds. Another worker gives its job up after 20 s without a heartbeat, looked for every 30 s.
    timeline: [{ fault, holdMs }],
    recoveryWaitMs: 60_000,
    afterMs,
    probes: [...probes, started],
  },
  guards,
  suite: 'smoke',
};
