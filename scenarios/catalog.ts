// Every scenario, in the order in which it is played: the control first, so that what is broken without any fault is known before one is
// injected; then from what a shift hardly notices to what takes a machine away.
import type { Scenario, Suite } from '../lib/model/scenario.ts';
import { certificateExpiry } from './certificate-expiry.ts';
import { control } from './control.ts';
import { galeraWriterCrash } from './galera-writer-crash.ts';
import { galeraWriterPartition } from './galera-writer-partition.ts';
import { nodePowerLoss } from './node-power-loss.ts';
import { sentinelFailoverCache } from './sentinel-failover-cache.ts';
import { sentinelFailoverQueue } from './sentinel-failover-queue.ts';
import { webPodKill } from './web-pod-kill.ts';
import { webTierRollout } from './web-tier-rollout.ts';
import { workerKill } from './worker-kill.ts';

export const scenarios: readonly Scenario[] = [
  control,
  webPodKill,
  webTierRollout,
  workerKill,
  galeraWriterCrash,
  galeraWriterPartition,
  sentinelFailoverCache,
  sentinelFailoverQueue,
  certificateExpiry,
  nodePowerLoss,
];

/** From small to large; each contains the ones before it. */
export const suites: readonly Suite[] = ['smoke', 'nightly', 'full'];

export const scenariosOf = (suite: Suite): readonly Scenario[] =>
  scenarios.filter((scenario) => suites.indexOf(scenario.suite) <= suites.indexOf(suite));

export const scenarioNamed = (name: string): Scenario | undefined =>
  scenarios.find((scenario) => scenario.claim.name === name);
