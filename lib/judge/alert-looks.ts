// What all replicas of Prometheus together had firing, step by step, and at which steps that is known: no alert and no evaluation look the
// same in the answer. So a look counts only when an alert that always fires was evaluated just before, and when as many alerts stand
// there as were counted. A firing alert that stands there is believed in any case.
import type { AlertContract } from '../model/alert-contract.ts';
import { alertsCountRange, alertsRange, type Evidence, type Instant, type RangeResponse } from '../model/evidence.ts';
import { compareText } from './findings.ts';
import { readReplica } from './range-answer.ts';

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
  const replicas = names.map((name) => replicaOf(name, told, counts, contract.heartbeat));
  const missing = Array.from({ length: Math.max(0, wanted - names.length) }, () => 'a replica that was not asked');
  const need = Math.max(1, contract.prometheusReplicasMin ?? wanted);
  const steps = Math.floor((grid.to - grid.from) / grid.stepMs) + 1;
  const looks = Array.from({ length: steps }, (_, step) =>
    merged(
      grid.from + step * grid.stepMs,
      replicas.map((replica) => lookOf(replica, step, grid)),
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
  /** Undefined when it did not tell. */
  readonly alerts: readonly { readonly key: string; readonly always: boolean; readonly points: Points }[] | undefined;
  readonly count: Points | undefined;
}

type Points = ReadonlyMap<number, number>;

/** Two answers of one replica to one question contradict each other or say the same: nobody needs them, so none is believed. */
function replicaOf(
  name: string,
  told: readonly RangeResponse[],
  counts: readonly RangeResponse[],
  heartbeat: string,
): Replica {
  const only = (lines: readonly RangeResponse[]) => {
    const own = lines.filter(({ replica }) => replica === name);
    return own.length === 1 && own[0] ? readReplica(own[0]).series : undefined;
  };
  const series = only(told);
  const [count, ...others] = only(counts)?.values() ?? [];
  return {
    name,
    alerts:
      series &&
      [...series].map(([labels, points]) => {
        const key = keyOf(labels);
        return { key, always: labelsOf(key).alertname === heartbeat, points };
      }),
    count: others.length === 0 ? count : undefined,
  };
}

interface ReplicaLook {
  readonly name: string;
  readonly known: boolean;
  readonly evaluatedAt: Instant;
  readonly firing: ReadonlyMap<string, Instant>;
}

function lookOf({ name, alerts = [], count }: Replica, step: number, { from, stepMs }: RangeResponse): ReplicaLook {
  const at = from + step * stepMs;
  const firing = new Map<string, Instant>();
  let stale = false;
  let evaluatedAt = Number.NEGATIVE_INFINITY;
  let standing = 0;
  for (const { key, always, points } of alerts) {
    const seconds = points.get(step);
    if (seconds === undefined) continue;
    standing += 1;
    const evaluated = Math.round(seconds * 1000);
    if (!(evaluated <= at + 1) || at - evaluated >= freshSteps * stepMs) {
      stale = true;
      continue;
    }
    firing.set(key, evaluated);
    if (always) evaluatedAt = Math.max(evaluatedAt, evaluated);
  }
  const whole = count?.get(step) === standing;
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
