// Looks at Alertmanager through a run: which alerts it had, and which of them it held back because of a silence, another alert or the hour.
import {
  type AlertmanagerAnswer,
  type AlertmanagerReplica,
  type AlertmanagerSeen,
  alertmanagerNotNamed,
  alertmanagerSeries,
  type KnownAlert,
  type Silence,
} from '../model/alertmanager.ts';
import type { Reading } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import type { Probe } from '../model/scenario.ts';

/** The number of alerts that no replica has active, with all that was seen. A replica that does not tell is part of what was seen. */
export const alertmanagerLook: Probe = {
  series: alertmanagerSeries,
  everyMs: 5_000,
  async read({ alertmanager, now }): Promise<Reading> {
    const at = now();
    if (!alertmanager) return { at, missing: alertmanagerNotNamed };
    const replicas = (await alertmanager.ask()).map(replicaOf);
    const told = replicas.flatMap((one) => ('alerts' in one ? [one.alerts] : []));
    if (told.length === 0) {
      const why = replicas.map((one) => `${one.replica}: ${'error' in one ? one.error : ''}`).join('; ');
      return { at, missing: why || 'no replica of Alertmanager was found' };
    }
    const calling = new Set(told.flatMap((alerts) => alerts.filter(isActive).map(({ fingerprint }) => fingerprint)));
    const all = new Set(told.flatMap((alerts) => alerts.map(({ fingerprint }) => fingerprint)));
    const seen: AlertmanagerSeen = { replicas };
    return { at, value: all.size - calling.size, seen: seen as unknown as Json };
  },
};

const isActive = ({ state }: KnownAlert): boolean => state === 'active';

/** What does not look like Alertmanager's answer tells nothing. */
function replicaOf({ replica, alerts, silences, error }: AlertmanagerAnswer): AlertmanagerReplica {
  if (error !== undefined) return { replica, error };
  if (!Array.isArray(alerts) || !Array.isArray(silences)) return { replica, error: 'the answer is no list' };
  const known = alerts.map(alertOf);
  const active = silences.filter((one) => fields(fields(one).status).state === 'active').map(silenceOf);
  if (known.includes(undefined) || active.includes(undefined))
    return { replica, error: 'an alert or a silence that is not understood' };
  return { replica, alerts: known as KnownAlert[], silences: active as Silence[] };
}

function alertOf(one: Json): KnownAlert | undefined {
  const { labels, fingerprint, status } = fields(one);
  const { state, silencedBy, inhibitedBy, mutedBy } = fields(status);
  const named = Object.entries(fields(labels)).filter(([, value]) => typeof value === 'string');
  if (typeof state !== 'string' || typeof fingerprint !== 'string' || named.length === 0) return undefined;
  return {
    labels: Object.fromEntries(named) as Record<string, string>,
    fingerprint,
    state,
    silencedBy: texts(silencedBy),
    inhibitedBy: texts(inhibitedBy),
    mutedBy: texts(mutedBy),
  };
}

/** Who made it is nobody's business in a report. */
function silenceOf(one: Json): Silence | undefined {
  const { id, matchers, comment, endsAt } = fields(one);
  if (typeof id !== 'string' || !Array.isArray(matchers)) return undefined;
  return {
    id,
    matchers: matchers.map((matcher) => {
      const { name, value, isRegex, isEqual = true } = fields(matcher);
      return `${name}${isEqual ? '=' : '!'}${isRegex ? '~' : isEqual ? '' : '='}${JSON.stringify(value)}`;
    }),
    comment: typeof comment === 'string' ? comment.slice(0, 200) : '',
    endsAt: typeof endsAt === 'string' ? endsAt : '',
  };
}

const texts = (list: Json | undefined): readonly string[] => (Array.isArray(list) ? list.map(String) : []);

const fields = (value: Json | undefined): { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : {};
