// What Alertmanager knew at one moment: Prometheus says that an alert fires, only Alertmanager whether anybody would have been called.
import type { Json } from './fault.ts';

/** The readings of this series carry an AlertmanagerSeen; their value is the number of alerts that no replica has active. */
export const alertmanagerSeries = 'alertmanager-held-back';

/** Why such a reading is missing, when there is nobody to ask: on record, for an empty record could also be a lost one. */
export const alertmanagerNotNamed = 'the target file names no Alertmanager';

export interface KnownAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  /** `active`, `suppressed` or `unprocessed`. */
  readonly state: string;
  /** Ids of silences, and fingerprints of the alerts that inhibit it. */
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  /** Time intervals; not in Alertmanagers before 0.28. */
  readonly mutedBy: readonly string[];
}

export interface Silence {
  readonly id: string;
  /** As amtool writes them: `alertname="NodeDown"`. */
  readonly matchers: readonly string[];
  readonly comment: string;
  readonly endsAt: string;
}

/** One replica at one look; silences that are active then. Or why it did not tell. */
export type AlertmanagerReplica =
  | { readonly replica: string; readonly alerts: readonly KnownAlert[]; readonly silences: readonly Silence[] }
  | { readonly replica: string; readonly error: string };

export interface AlertmanagerSeen {
  readonly replicas: readonly AlertmanagerReplica[];
}

/** The bodies of /api/v2/alerts and /api/v2/silences as they came. */
export interface AlertmanagerAnswer {
  readonly replica: string;
  readonly alerts?: Json;
  readonly silences?: Json;
  readonly error?: string;
}
