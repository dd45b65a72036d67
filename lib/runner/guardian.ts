// The guardian: watches the Lease of whoever plays on the target. A run whose heartbeat stops for longer than its time-to-live, by the
// guardian's own clock, loses its Lease to the guardian, so that it can't go on, and what it left is undone from its tickets.
import { messageOf } from '../errors.ts';
import type { Json } from '../model/fault.ts';
import { managedBy, partLabel, runLabel } from '../model/labels.ts';
import type { Cluster } from '../model/reach.ts';
import type { Clock } from './clock.ts';
import { guardianPrefix, LeaseHeld, readLease, takeLease } from './lease.ts';
import { listTickets } from './ticket-store.ts';
import type { Undone } from './undo-tickets.ts';

export interface GuardianDeps {
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Its name among the guardians. */
  readonly name: string;
  /** Undoes every ticket there is; ends early, without harm, when the signal is aborted: somebody else holds the Lease then. */
  readonly undo: (signal: AbortSignal) => Promise<readonly Undone[]>;
  readonly say: (text: string) => void;
}

const lookEveryMs = 1_000;
/** A look at the tickets that nobody holds a Lease for: a run that ended dirty left them, or one that never could say that it ended. */
const ticketsEveryMs = 5_000;
/** Without a holder, and with tickets there: as long as a run counts as alive without a heartbeat. */
const ownerlessMs = 15_000;
/** After an undo that left something: not at once again. */
const againAfterMs = 30_000;

interface Seen {
  readonly version: string;
  readonly holder: string;
  readonly ttlMs: number;
  /** By our own monotonic clock: since when it has been so at each of our looks. */
  readonly since: number;
}

/** Goes on until the signal is aborted. Looks that fail begin the watch anew: what could not be seen is not known to have stopped. */
export async function guardTarget(deps: GuardianDeps, signal: AbortSignal): Promise<void> {
  const { clock, cluster, namespace, name, say } = deps;
  let seen: Seen | undefined;
  let ticketsAt = Number.NEGATIVE_INFINITY;
  let ownerlessSince: number | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let silent = false;

  while (!signal.aborted) {
    try {
      await look();
      if (silent) say('the API server answers again');
      silent = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!silent) say(`can't look: ${messageOf(error)}`);
      silent = true;
      seen = undefined;
      ownerlessSince = undefined;
    }
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
  }

  async function look(): Promise<void> {
    const lease = await readLease(cluster, namespace);
    const holder = lease?.spec?.holderIdentity ?? '';
    const version = lease?.metadata.resourceVersion ?? '';
    const now = clock.mono();
    if (!seen || seen.version !== version)
      seen = { version, holder, ttlMs: (lease?.spec?.leaseDurationSeconds ?? 0) * 1000, since: now };
    if (now < notBefore) return;
    if (holder !== '') {
      ownerlessSince = undefined;
      if (now - seen.since > seen.ttlMs)
        await takeOver(`${holder} was not heard of for ${Math.round((now - seen.since) / 1000)} s`, version);
      return;
    }
    if (now - ticketsAt < ticketsEveryMs) return;
    ticketsAt = now;
    const tickets = await listTickets(cluster, namespace);
    if (tickets.length === 0) ownerlessSince = undefined;
    else ownerlessSince ??= now;
    if (ownerlessSince !== undefined && now - ownerlessSince > ownerlessMs)
      await takeOver(`${tickets.length} tickets and nobody who plays`, version);
  }

  async function takeOver(why: string, version: string): Promise<void> {
    say(`${why}: taking the Lease over`);
    let lease: Awaited<ReturnType<typeof takeLease>>;
    try {
      lease = await takeLease(cluster, {
        namespace,
        holder: `${guardianPrefix}${name}`,
        clock,
        signal,
        stale: version,
      });
    } catch (error) {
      if (!(error instanceof LeaseHeld)) throw error;
      say('somebody else was faster');
      return;
    } finally {
      seen = undefined;
      ownerlessSince = undefined;
    }
    try {
      const undone = await deps.undo(AbortSignal.any([signal, lease.lost]));
      for (const { name: what, left } of undone)
        say(left.length === 0 ? `${what}: undone, nothing left` : `${what}: not undone: ${left.join('; ')}`);
      if (undone.some(({ left }) => left.length > 0)) notBefore = clock.mono() + againAfterMs;
      await report(why, undone);
    } catch (error) {
      say(`undo did not come to its end: ${messageOf(error)}`);
      notBefore = clock.mono() + againAfterMs;
    } finally {
      const problem = await lease.release();
      if (problem) say(problem);
    }
  }

  /** For whoever comes next: the run that was ended so has nobody left who could tell. */
  async function report(why: string, undone: readonly Undone[]): Promise<void> {
    for (const runId of new Set(undone.map((one) => one.runId).filter((id) => id !== ''))) {
      const object = reportObject(namespace, {
        schema: 'shakedown.guardian/1',
        runId,
        by: name,
        at: clock.now(),
        why,
        undone: undone.filter((one) => one.runId === runId),
      });
      await cluster.create(object).catch(async (error: { code?: number }) => {
        if (error.code !== 409) throw error;
        await cluster.remove({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: reportName(runId) });
        await cluster.create(object);
      });
    }
  }
}

export interface GuardianReport {
  readonly schema: 'shakedown.guardian/1';
  readonly runId: string;
  readonly by: string;
  readonly at: number;
  readonly why: string;
  readonly undone: readonly Undone[];
}

const reportName = (runId: string) => `shakedown-guardian-${runId}`;

const reportObject = (namespace: string, report: GuardianReport): Json => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: reportName(report.runId),
    namespace,
    labels: { [managedBy.key]: managedBy.value, [partLabel]: 'guardian-report', [runLabel]: report.runId },
  },
  data: { report: JSON.stringify(report) },
});

/** What the guardian did since somebody last took note of it; each is told once, to whoever asks first. */
export async function takeGuardianReports(cluster: Cluster, namespace: string): Promise<readonly GuardianReport[]> {
  const objects = await cluster.list({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace,
    labelSelector: `${managedBy.key}=${managedBy.value},${partLabel}=guardian-report`,
  });
  const reports: GuardianReport[] = [];
  for (const object of objects as unknown as { metadata: { name: string }; data?: { report?: string } }[]) {
    try {
      const report = JSON.parse(object.data?.report ?? '') as GuardianReport;
      if (report.schema === 'shakedown.guardian/1') reports.push(report);
    } catch {
      // Written by nobody we know: it goes, and says nothing.
    }
    await cluster.remove({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: object.metadata.name });
  }
  return reports;
}

export const guardianReportInWords = ({ runId, by, at, why, undone }: GuardianReport): string => {
  const left = undone.flatMap((one) => one.left);
  return `the guardian (${by}) ended run ${runId} at ${new Date(at).toISOString()}, since ${why}: ${left.length === 0 ? `${undone.length} undone, nothing left` : `not all was undone: ${left.join('; ')}`}`;
};
