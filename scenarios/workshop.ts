// What every scenario of the workshop claims: the service level while nothing is broken, measured by users and by the servers apart.
import type { AlertContract } from '../lib/model/alert-contract.ts';
import type { Claim, LedgerRule, Objective, RecoveryRule } from '../lib/model/claim.ts';
import type { Probe } from '../lib/model/scenario.ts';
import { alertmanagerLook } from '../lib/probes/alertmanager.ts';
import { appWriterNodes, busiestNodeShare, galeraSizeMin } from '../lib/probes/galera.ts';
import { guards } from '../lib/probes/guards.ts';
import { appWriter, galeraView } from '../lib/probes/survivors.ts';

export const needs: Claim['needs'] = guards.map((guard) => guard.name);

export const probes: readonly Probe[] = [galeraSizeMin, appWriterNodes, busiestNodeShare, alertmanagerLook];

/**
 * Long enough for the samples that the objectives below want, 59 bookings being the scarcest. With the same load one scenario's `after` is
 * the next one's steady state.
 */
export const steadyMs = 15_000;
export const afterMs = 15_000;

export const ledgerOfThreeNodes: LedgerRule = { nodes: 3, lostMax: 0, duplicatedMax: 0 };

/**
 * What every recovery is asked beside its time. The ingress' own count is shown: how far it is from what users felt where both are right is to
 * be known first. And half a percent of what a month's error budget holds is 130 s of outage, more than any fault here is allowed: a fault
 * that comes back again and again is what it is for.
 */
export const recoveryAsked = {
  second: { required: false },
  budgetShareMax: 0.005,
} satisfies Partial<RecoveryRule>;

/** What the survivors of a lost Galera node do: miss it after evs.suspect_timeout (5 s), agree on a view without it, and get its work. */
export const galeraStages = (within: { readonly detectedMs: number; readonly failedOverMs: number }) =>
  ({
    detectedBy: [{ series: galeraView.series, is: 'changes', msMax: within.detectedMs }],
    failedOverBy: [{ series: appWriter.series, is: 'changes', msMax: within.failedOverMs }],
  }) satisfies Partial<RecoveryRule>;

export const galeraStageProbes: readonly Probe[] = [galeraView, appWriter];

const requests = 'workshop_http_request_duration_seconds';
/** Four scrapes: fewer give a rate no footing. */
const window = '20s';

/** Over this much of a phase a query must have had a value: a rate needs two scrapes, so the first steps under load have none. */
const coverageMin = 0.5;

export const serviceObjectives: readonly Objective[] = [
  {
    name: 'scans-good',
    source: 'k6',
    journeys: ['barcode-lookup'],
    measure: 'good-ratio',
    phases: ['steady', 'after'],
    min: 0.99,
    samplesMin: 200,
  },
  {
    name: 'writes-good',
    source: 'k6',
    journeys: ['goods-receipt', 'parts-issue'],
    measure: 'good-ratio',
    phases: ['steady', 'after'],
    min: 0.99,
    samplesMin: 59,
  },
  {
    // What technicians do beside scanning and booking, each seldom: enough together to see that they work. A target that has no place for
    // some plays fewer; three are what the seldomest of them leaves.
    name: 'others-good',
    source: 'k6',
    journeys: ['stock-transfer', 'entry-cancel', 'job-card', 'photo-upload', 'session-login', 'realtime-notice'],
    measure: 'good-ratio',
    phases: ['steady', 'after'],
    min: 0.9,
    samplesMin: 3,
  },
  // Up to 400 ms nobody feels that he waits for a scan (Doherty and Thadani, 1982); a booking may take a second. The lab has two processors for
  // all that a real site has a machine each for: on slow ones 5 % of the scans took 130 to 250 ms, and of the bookings 400 to 650 ms.
  {
    name: 'scans-p95',
    source: 'k6',
    journeys: ['barcode-lookup'],
    measure: 'latency-p95-ms',
    phases: ['steady', 'after'],
    max: 400,
    samplesMin: 200,
  },
  {
    name: 'writes-p95',
    source: 'k6',
    journeys: ['goods-receipt', 'parts-issue'],
    measure: 'latency-p95-ms',
    phases: ['steady', 'after'],
    max: 1_000,
    samplesMin: 59,
  },
  {
    // An exporter that is gone takes its series along, and `< 3` of nothing is no alarm: only all three together are a value.
    name: 'galera-size',
    source: 'prometheus',
    query:
      'min(mysql_global_status_wsrep_cluster_size) and (count(mysql_global_status_wsrep_cluster_size) == 3) and (sum(mysql_up) == 3)',
    unit: 'nodes',
    reduce: 'min',
    phases: ['steady', 'after'],
    min: 3,
    coverageMin: 0.5,
  },
  {
    // No series of a 5xx is no error; no traffic at all is no value. When a phase begins the window still holds what was before it: the end of
    // the fault in after, and that of the run before in a steady state that is shared with it. So the last value counts.
    name: 'app-error-share',
    source: 'prometheus',
    query: `(sum(rate(${requests}_count{status=~"5.."}[${window}])) or vector(0)) / (sum(rate(${requests}_count[${window}])) > 0)`,
    unit: 'share',
    reduce: 'last',
    phases: ['steady', 'after'],
    max: 0.01,
    coverageMin,
  },
  {
    name: 'app-p95',
    source: 'prometheus',
    query: `histogram_quantile(0.95, sum by (le) (rate(${requests}_bucket[${window}]))) and (sum(rate(${requests}_count[${window}])) > 0)`,
    unit: 's',
    reduce: 'last',
    phases: ['steady', 'after'],
    max: 0.5,
    coverageMin,
  },
  {
    name: 'galera-size-seen',
    source: 'probe',
    series: galeraSizeMin.series,
    unit: 'nodes',
    reduce: 'min',
    phases: ['steady', 'after'],
    min: 3,
    samplesMin: 5,
  },
  {
    name: 'single-writer-kept',
    source: 'probe',
    series: appWriterNodes.series,
    unit: 'nodes',
    reduce: 'max',
    phases: ['steady', 'after'],
    min: 1,
    max: 1,
    samplesMin: 5,
  },
];

/**
 * What users get while the fault is there: the least share of good scans and bookings. Three quarters of what 20 scans/s and 5 writes/s send in
 * the hold must have been seen for that to say something.
 */
export const goodInFault = (bound: {
  readonly scans: number;
  readonly writes: number;
  readonly holdMs: number;
}): readonly Objective[] => [
  {
    name: 'scans-good-in-fault',
    source: 'k6',
    journeys: ['barcode-lookup'],
    measure: 'good-ratio',
    phases: ['fault'],
    min: bound.scans,
    samplesMin: Math.floor((0.75 * 20 * bound.holdMs) / 1000),
  },
  {
    name: 'writes-good-in-fault',
    source: 'k6',
    journeys: ['goods-receipt', 'parts-issue'],
    measure: 'good-ratio',
    phases: ['fault'],
    min: bound.writes,
    samplesMin: Math.floor((0.75 * 5 * bound.holdMs) / 1000),
  },
];

/** A group of Redis that has one master, as its members say, before and after. */
export const oneMaster = (group: 'cache' | 'queue', masters: Probe): Objective => ({
  name: `one-${group}-master`,
  source: 'probe',
  series: masters.series,
  unit: 'nodes',
  reduce: 'max',
  phases: ['steady', 'after'],
  min: 1,
  max: 1,
  samplesMin: 5,
});

/**
 * Alerts of lab/monitoring/rules, where an alert fires after at most: a scrape (5 s), an evaluation (5 s), the `for` of its rule and one
 * evaluation that is late (5 s). How long its condition must last is the fault's hold.
 */
export const alerts = (claimed: Partial<Pick<AlertContract, 'mustFire' | 'mustNotFire' | 'prometheusReplicasMin'>>) =>
  ({ heartbeat: 'AlertingWorks', mustFire: [], mustNotFire: [], ...claimed }) satisfies AlertContract;

/**
 * What users hardly feel must call nobody out of bed: what the site's own critical alerts stand on lasts longer than such a fault's traces.
 * Warnings may tell of it, and so may the critical ones of the part that is broken on purpose.
 */
export const siteNotAlarmed = { labels: { severity: 'critical', part: 'service' } };

/** Without a `for`; it looks back a minute, which is longer than a run goes on after undo: so its end is not claimed. */
export const containerRestarted = (container: string) => ({
  name: 'ContainerRestarted',
  labels: { namespace: 'erp', container },
  // The kubelet starts it again within 5 s, or 15 s when it ended in the last ten minutes before; a scrape, an evaluation, a late one.
  withinMs: 40_000,
});
