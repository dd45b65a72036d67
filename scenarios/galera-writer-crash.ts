// The database's worst ordinary day: the node that takes all writes dies without a word.
import { galeraWriterCrash as fault } from '../chaos/galera/writer-crash.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { guards } from '../lib/probes/guards.ts';
import { ledgerOfThreeNodes, needs, probes, serviceObjectives } from './workshop.ts';

export const galeraWriterCrash: Scenario = {
  claim: {
    name: 'galera-writer-crash',
    hypothesis:
      'Killing the writer of three Galera nodes at 20 scans/s and 5 writes/s loses no acknowledged write and meets the objectives again within 30 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [
      ...serviceObjectives,
      // Survivors wait for the dead node (evs.suspect_timeout, 5 s), then the proxy and the app move over: 7 to 10 s of stall were
      // seen. Half of the 30 s that the phase lasts is what a shift can bear; the recovery rule bounds the stall itself.
      {
        name: 'scans-good-in-fault',
        source: 'k6',
        journeys: ['barcode-lookup'],
        measure: 'good-ratio',
        phases: ['fault'],
        min: 0.5,
        samplesMin: 300,
      },
      {
        name: 'writes-good-in-fault',
        source: 'k6',
        journeys: ['goods-receipt', 'parts-issue'],
        measure: 'good-ratio',
        phases: ['fault'],
        min: 0.5,
        samplesMin: 75,
      },
    ],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 300 },
    ledger: ledgerOfThreeNodes,
    recovery: { recoveryMsMax: 30_000, windowMs: 5_000, badRatioMax: 0.02 },
    blastRadius: { namespaces: ['erp'], targetsMax: 1 },
    needs,
  },
  play: {
    load: 'gate',
    steadyMs: 30_000,
    // Long enough for the killed node to be started again and to have caught up: the phase after asks for all three.
    timeline: [{ fault, holdMs: 30_000 }],
    recoveryWaitMs: 90_000,
    afterMs: 20_000,
    probes,
  },
  guards,
  suite: 'smoke',
  lab: 'core',
};
