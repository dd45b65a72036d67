// What all replicas of Prometheus together had firing, step by step, and at which steps that is known: no alert and no evaluation look the
// same in the answer. So a look counts only when an alert that always fires was evaluated just before, and when as many alerts stand
// there as were counted. A firing alert that stands there is believed in any case.
import type { AlertContract } from '../model/alert-contract.ts';
import { alertsCountRange, alertsRange, type Evidence, type Instant, type RangeResponse } from '../model/evidence.ts';
import { compareText } from './findings.ts';
import { type ReplicaAnswer, readReplica } from './prometheus-objective.ts';

export type Labels = Readonly<Record<string, string>>;

export interface AlertLook {
  readonly at: Instant;
  /** Enough replicas told, so that what does not stand here did not fire. */
  readonly known: boolean;
  /** Up to here the rules are known to have been evaluated. */
  readonly evaluatedAt: Instant;
  /** Replicas that could not tell. */
  readonly silent: readonly string[];
  /** By the alert's labels: the evaluation that has it firing, and on which replicas. */
  readonly firing: ReadonlyMap<string, { readonly at: Instant; readonly on: readonly string[] }>;
}

export interface AlertLooks {
  readonly looks: readonly AlertLook[];
  readonly stepMs: number;
  readonly replicas: readonly string[];
}

/** As `prometheus-fresh` has it: one evaluation may be late, and one under way. */
const freshSteps = 3;

/** Or why nothing can be known. */
export function alertLooks(contract: AlertContract, { ranges }: Pick<Evidence, 'ranges'>): AlertLooks | string {
  const lines = (asked: { readonly objective: string; readonly query: string }) =>
    ranges
      .filter(({ objective }) => objective === asked.objective)
      .sort((a, b) => compareText(a.replica, b.replica) || compareText(JSON.stringify(a), JSON.stringify(b)));
  const [told, counts] = [lines(alertsRange), lines(alertsCountRange)];
  const grid = told[0];
  if (!grid || counts.length === 0) return 'Prometheus was never asked for its alerts';
  const all = [...told, ...counts];
  if (
    told.some(({ query }) => query !== alertsRange.query) ||
    counts.some(({ query }) => query !== alertsCountRange.query)
  )
    return 'Prometheus was asked another query for its alerts than this judge reads';
  if (
    all.some(({ from, to, stepMs }) => from !== grid.from || to !== grid.to || stepMs !== grid.stepMs) ||
    !(grid.stepMs > 0)
  )
    return 'the replicas of Prometheus were asked for different steps';
  const wanted = grid.ofReplicas;
  if (wanted === undefined || all.some(({ ofReplicas }) => ofReplicas !== wanted))
    return 'it is not on record how many replicas of Prometheus there are';

  const names = [...new Set(all.map(({ replica }) => replica))].sort(compareText);
  const replicas = names.map((name) => replicaOf(name, told, counts));
  const missing = Array.from({ length: Math.max(0, wanted - names.length) }, () => 'a replica that was not asked');
  const need = Math.max(1, contract.prometheusReplicasMin ?? wanted);
  const steps = Math.floor((grid.to - grid.from) / grid.stepMs) + 1;
  const looks = Array.from({ length: steps }, (_, step) =>
    merged(
      grid.from + step * grid.stepMs,
      replicas.map((replica) => lookOf(replica, step, grid, contract.heartbeat)),
      missing,
      need,
    ),
  );
  return { looks, stepMs: grid.stepMs, replicas: names };
}

export const labelsOf = (key: string): Labels => Object.fromEntries(JSON.parse(key) as [string, string][]);

/** NodeDown{node="node-2"}; what every alert has is left out. */
export function alertInWords(key: string): string {
  const { alertname = '?', severity: _, part: __, level: ___, ...others } = labelsOf(key);
  const of = Object.entries(others).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return of.length === 0 ? alertname : `${alertname}{${of.join(', ')}}`;
}

interface Replica {
  readonly name: string;
  readonly alerts: ReplicaAnswer['series'];
  readonly counts: ReplicaAnswer['series'];
}

/** Two answers of one replica to one question contradict each other or say the same: nobody needs them, so none is believed. */
function replicaOf(name: string, told: readonly RangeResponse[], counts: readonly RangeResponse[]): Replica {
  const only = (lines: readonly RangeResponse[]) => {
    const own = lines.filter(({ replica }) => replica === name);
    return own.length === 1 && own[0] ? readReplica(own[0]).series : undefined;
  };
  return { name, alerts: only(told), counts: only(counts) };
}

interface ReplicaLook {
  readonly name: string;
  readonly known: boolean;
  readonly evaluatedAt: Instant;
  readonly firing: ReadonlyMap<string, Instant>;
}

function lookOf({ name, alerts, counts }: Replica, step: number, grid: RangeResponse, heartbeat: string): ReplicaLook {
  const at = grid.from + step * grid.stepMs;
  const firing = new Map<string, Instant>();
  let stale = false;
  let evaluatedAt = Number.NEGATIVE_INFINITY;
  let standing = 0;
  for (const [series, points] of alerts ?? []) {
    const seconds = points.get(step);
    if (seconds === undefined) continue;
    standing += 1;
    const evaluated = Math.round(seconds * 1000);
    const key = keyOf(series);
    if (!(evaluated <= at + 1) || at - evaluated >= freshSteps * grid.stepMs) stale = true;
    else firing.set(key, evaluated);
    if (labelsOf(key).alertname === heartbeat && firing.has(key)) evaluatedAt = Math.max(evaluatedAt, evaluated);
  }
  const counted = [...(counts?.values() ?? [])].map((points) => points.get(step));
  const whole = counted.length === 1 && counted[0] === standing;
  return { name, known: whole && !stale && Number.isFinite(evaluatedAt), evaluatedAt, firing };
}

function merged(at: Instant, replicas: readonly ReplicaLook[], missing: readonly string[], need: number): AlertLook {
  const known = replicas.filter((one) => one.known);
  const firing = new Map<string, { at: Instant; on: string[] }>();
  for (const { name, firing: own } of replicas) {
    for (const [key, evaluated] of own) {
      const had = firing.get(key);
      firing.set(key, { at: Math.min(had?.at ?? evaluated, evaluated), on: [...(had?.on ?? []), name] });
    }
  }
  return {
    at,
    known: known.length >= need,
    evaluatedAt: Math.min(...known.map((one) => one.evaluatedAt)),
    silent: [...replicas.filter((one) => !one.known).map(({ name }) => name), ...missing],
    firing,
  };
}

function keyOf(series: string): string {
  const labels = JSON.parse(series) as [string, string][];
  return JSON.stringify(labels.filter(([label]) => label !== '__name__' && label !== 'alertstate'));
}
