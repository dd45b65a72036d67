// What the recorded runs did not ask for yet, added to them: alerts with what Prometheus and Alertmanager had of them, and an objective over
// counters. Times are counted from the fault, on the steps at which the run asked Prometheus.
import { type AlertmanagerSeen, alertmanagerSeries } from '../lib/model/alertmanager.ts';
import type { Claim } from '../lib/model/claim.ts';
import {
  alertsCountRange,
  alertsRange,
  type Evidence,
  exportersRange,
  type JournalLine,
  type RangeResponse,
} from '../lib/model/evidence.ts';
import type { Json } from '../lib/model/fault.ts';
import { answers, header, spanOf } from './change.ts';

export const alertName = 'GaleraNodeDown';

const contract: NonNullable<Claim['alerts']> = {
  heartbeat: 'AlertingWorks',
  mustFire: [{ name: alertName, withinMs: 15_000, resolvesWithinMs: 10_000 }],
  mustNotFire: [{ labels: { severity: 'critical', part: 'service' } }],
};

export interface Firing {
  readonly name: string;
  readonly part: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** From the first evaluation that missed the node to the last one that did. */
export const noticed: Firing = { name: alertName, part: 'cluster', fromMs: 5_000, toMs: 22_000 };

export interface AlertsSeen {
  readonly firing: readonly Firing[];
  /** From here on no rule is evaluated any more, on any replica. */
  readonly deadFromMs?: number;
  /** Looks at Alertmanager at which the alert is silenced. */
  readonly silenced?: (fromFaultMs: number) => boolean;
}

const asked: readonly string[] = [alertsRange.objective, alertsCountRange.objective];

/** Rules are evaluated a second before each step. */
const evaluatedBeforeMs = 1_000;

/** In the place of whatever it had of alerts. */
export function withAlerts(evidence: Evidence, { firing, deadFromMs, silenced }: AlertsSeen): Evidence {
  const faultAt = spanOf(evidence, 'fault').from;
  const always: Firing = { name: contract.heartbeat, part: 'monitoring', fromMs: -1e9, toMs: 1e9 };
  const evaluated = (step: number) => step - evaluatedBeforeMs;
  const fires = ({ fromMs, toMs }: Firing, step: number): boolean => {
    const sinceFaultMs = evaluated(step) - faultAt;
    return sinceFaultMs >= fromMs && sinceFaultMs <= toMs && sinceFaultMs < (deadFromMs ?? Number.POSITIVE_INFINITY);
  };
  const all = [always, ...firing];
  const told = answers(
    evidence,
    alertsRange,
    all.map((one) => ({
      metric: { alertname: one.name, alertstate: 'firing', severity: 'critical', part: one.part },
      at: (step) => (fires(one, step) ? String(evaluated(step) / 1000) : undefined),
    })),
  );
  const counted = answers(evidence, alertsCountRange, [
    {
      metric: {},
      at: (step) => {
        const count = all.filter((one) => fires(one, step)).length;
        return count === 0 ? undefined : String(count);
      },
    },
  ]);
  const looks = [8_000, 13_000, 18_000, 23_000].map((fromFaultMs): JournalLine => {
    const alerts = firing
      .filter(({ fromMs, toMs }) => fromFaultMs >= fromMs && fromFaultMs <= toMs + 5_000)
      .map(({ name, part }) => ({
        labels: { alertname: name, severity: 'critical', part },
        fingerprint: `print-of-${name}`,
        state: silenced?.(fromFaultMs) ? 'suppressed' : 'active',
        silencedBy: silenced?.(fromFaultMs) ? ['s-1'] : [],
        inhibitedBy: [],
        mutedBy: [],
      }));
    const silences = [{ id: 's-1', matchers: [`alertname="${alertName}"`], comment: 'works', endsAt: '' }];
    const seen: AlertmanagerSeen = { replicas: [{ replica: 'alertmanager-0', alerts, silences }] };
    const at = faultAt + fromFaultMs;
    return { at, mono: at, kind: 'reading', series: alertmanagerSeries, value: 0, seen: seen as unknown as Json };
  });
  return {
    ...evidence,
    claim: { ...evidence.claim, alerts: contract },
    journal: [
      ...evidence.journal.filter((line) => line.kind !== 'reading' || line.series !== alertmanagerSeries),
      ...looks,
    ],
    ranges: [...evidence.ranges.filter(({ objective }) => !asked.includes(objective)), ...told, ...counted],
  };
}

const errors = {
  name: 'errors-in-fault',
  query: 'max(rate(http_errors_total{job="web"}[20s]))',
  exporters: 'process_start_time_seconds{job="web"}',
} as const;

const technicians = 60;

/** Whose each operation was, in the order in which they were sent. */
export const withTechnicians = (evidence: Evidence, of: (number: number) => number): Evidence => ({
  ...header(evidence, (had) => ({ ...had, load: { ...had.load, technicians } })),
  operations: evidence.operations.map((operation, number) => ({ ...operation, technician: of(number) % technicians })),
});

/** An objective over counters in the fault, in the place of one that was there; `startedAt` is what a process says of when it began. */
export function withCounters(evidence: Evidence, startedAt: (step: number) => number): Evidence {
  const asked: Pick<RangeResponse, 'objective' | 'query'> = { objective: errors.name, query: errors.query };
  const began: Pick<RangeResponse, 'objective' | 'query'> = {
    objective: exportersRange(errors.name),
    query: errors.exporters,
  };
  return {
    ...evidence,
    claim: {
      ...evidence.claim,
      objectives: [
        ...evidence.claim.objectives.filter(({ name }) => name !== errors.name),
        {
          ...errors,
          source: 'prometheus',
          unit: 'errors/s',
          reduce: 'max',
          phases: ['fault'],
          max: 5,
          coverageMin: 0.5,
        },
      ],
    },
    ranges: [
      ...evidence.ranges.filter(({ objective }) => ![asked.objective, began.objective].includes(objective)),
      ...answers(evidence, asked, [{ metric: {}, at: () => '0.2' }]),
      ...answers(evidence, began, [
        { metric: { pod: 'web-0' }, at: (step) => String(startedAt(step) / 1000) },
        { metric: { pod: 'web-1' }, at: () => '1795960000' },
      ]),
    ],
  };
}
