// What Alertmanager had at each look of the probe, from the journal: an alert that it holds back calls nobody.
import { type AlertmanagerSeen, alertmanagerSeries, type KnownAlert, type Silence } from '../model/alertmanager.ts';
import type { Evidence, Instant } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import type { Labels } from './alert-looks.ts';
import { compareText } from './findings.ts';

export interface AlertmanagerLook {
  readonly at: Instant;
  readonly replicas: readonly {
    readonly replica: string;
    readonly alerts: readonly KnownAlert[];
    readonly silences: readonly Silence[];
  }[];
}

export interface AlertmanagerLooks {
  readonly looks: readonly AlertmanagerLook[];
  /** Looks that told nothing, each with its reason. */
  readonly missing: readonly { readonly at: Instant; readonly why: string }[];
}

export function alertmanagerLooks({ journal }: Pick<Evidence, 'journal'>): AlertmanagerLooks {
  const looks: AlertmanagerLook[] = [];
  const missing: { at: Instant; why: string }[] = [];
  for (const line of journal) {
    if (line.kind !== 'reading' || line.series !== alertmanagerSeries) continue;
    const replicas = replicasIn(line.seen);
    if (replicas.length > 0) looks.push({ at: line.at, replicas });
    else missing.push({ at: line.at, why: line.missing ?? 'it is not on record what it had' });
  }
  return { looks, missing };
}

/** Why a replica holds an alert back; undefined when it would call. */
export function heldBack(
  alert: KnownAlert,
  { alerts, silences }: AlertmanagerLook['replicas'][number],
): string | undefined {
  const because = [
    ...alert.silencedBy.map((id) => {
      const silence = silences.find((one) => one.id === id);
      return `silenced by ${silence ? `${silence.matchers.join(', ')}${silence.comment && ` (${silence.comment})`}` : id}`;
    }),
    ...alert.inhibitedBy.map((print) => {
      const source = alerts.find(({ fingerprint }) => fingerprint === print);
      return `inhibited by ${source?.labels.alertname ?? print}`;
    }),
    ...alert.mutedBy.map((interval) => `muted in ${interval}`),
  ];
  if (because.length > 0) return [...new Set(because)].sort(compareText).join('; ');
  return alert.state === 'active' ? undefined : alert.state;
}

/** The alerts of a look that are one of Prometheus' by their labels; Prometheus may add some on the way. */
export const knownAs = (look: AlertmanagerLook, labels: Labels) =>
  look.replicas.flatMap((replica) =>
    replica.alerts
      .filter((alert) => Object.entries(labels).every(([label, value]) => alert.labels[label] === value))
      .map((alert) => ({ replica: replica.replica, because: heldBack(alert, replica) })),
  );

/** Silences that were active at any look, each once. */
export function silencesIn({ looks }: AlertmanagerLooks): readonly Silence[] {
  const byId = new Map(
    looks.flatMap(({ replicas }) => replicas.flatMap(({ silences }) => silences)).map((one) => [one.id, one]),
  );
  return [...byId.values()].sort((a, b) => compareText(a.id, b.id));
}

/** Evidence is what a file says: what does not have the shape tells nothing. */
function replicasIn(seen: Json | undefined): AlertmanagerLook['replicas'] {
  const { replicas } = (seen ?? {}) as Partial<AlertmanagerSeen>;
  if (!Array.isArray(replicas)) return [];
  return replicas.filter(
    (one): one is AlertmanagerLook['replicas'][number] =>
      typeof one?.replica === 'string' &&
      Array.isArray(one.alerts) &&
      one.alerts.every(isAlert) &&
      Array.isArray(one.silences) &&
      one.silences.every(isSilence),
  );
}

const isAlert = (one: Partial<KnownAlert> | null): boolean =>
  typeof one?.labels === 'object' &&
  one.labels !== null &&
  typeof one.state === 'string' &&
  [one.silencedBy, one.inhibitedBy, one.mutedBy].every(isTexts);

const isSilence = (one: Partial<Silence> | null): boolean =>
  typeof one?.id === 'string' && typeof one.comment === 'string' && isTexts(one.matchers);

const isTexts = (list: unknown): boolean => Array.isArray(list) && list.every((one) => typeof one === 'string');
