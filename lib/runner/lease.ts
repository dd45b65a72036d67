// One run at a time on a target, whichever machine it comes from: a Kubernetes Lease in the suite's namespace.
// A holder that stops renewing loses it. "Stops" is seen by our own clock: clocks of two machines need not agree.
import type { Json } from '../model/fault.ts';
import { managedBy } from '../model/labels.ts';
import type { Cluster, ObjectRef } from '../model/reach.ts';
import type { Clock } from './clock.ts';

export const leaseName = 'shakedown-run';
export const leaseDurationMs = 20_000;
export const leaseRenewMs = 4_000;

export interface Lease {
  /** Aborted with the reason when the Lease was lost: the run must end then. */
  readonly lost: AbortSignal;
  /** Stops renewing and gives it back. Never throws; says what went wrong. */
  release(): Promise<string | undefined>;
}

/** Somebody else runs on this target. */
export class LeaseHeld extends Error {
  override readonly name = 'LeaseHeld';
}

interface LeaseObject {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

export interface LeaseRequest {
  readonly namespace: string;
  /** Who we are, for the one who is refused: run id, host, process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Told when a stale holder must be watched for a while. */
  readonly say?: (text: string) => void;
}

export async function takeLease(cluster: Cluster, request: LeaseRequest): Promise<Lease> {
  const { namespace, holder, clock } = request;
  const ref: ObjectRef = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: leaseName };
  const read = async () => (await cluster.get(ref)) as unknown as LeaseObject | undefined;

  const taken = await take();
  const lost = new AbortController();
  const end = new AbortController();
  const renewing = renew(taken);

  return {
    lost: lost.signal,
    async release() {
      end.abort(new Error('released'));
      await renewing;
      try {
        const current = await read();
        if (current?.spec?.holderIdentity !== holder) return undefined;
        await cluster.replace(leaseObject({ holder: '', version: current.metadata.resourceVersion, now: clock.now() }));
        return undefined;
      } catch (error) {
        return `Lease ${namespace}/${leaseName} was not given back (${(error as Error).message}); it expires by itself in ${leaseDurationMs / 1000} s`;
      }
    },
  };

  async function take(): Promise<LeaseObject> {
    const current = await read();
    if (!current) return create();
    const previous = current.spec?.holderIdentity ?? '';
    if (previous !== '') await watchUntilStale(current, previous);
    const object = leaseObject({
      holder,
      version: current.metadata.resourceVersion,
      now: clock.now(),
      transitions: (current.spec?.leaseTransitions ?? 0) + 1,
    });
    return write(() => cluster.replace(object));
  }

  function create(): Promise<LeaseObject> {
    return write(() => cluster.create(leaseObject({ holder, now: clock.now() })));
  }

  /** Someone who is faster makes it a conflict: then they hold it. */
  async function write(change: () => Promise<Json>): Promise<LeaseObject> {
    try {
      return (await change()) as unknown as LeaseObject;
    } catch (error) {
      if ((error as { code?: number }).code !== 409) throw error;
      const now = await read();
      throw held(now?.spec?.holderIdentity ?? 'unknown', 'took the Lease in this moment');
    }
  }

  async function watchUntilStale(current: LeaseObject, previous: string): Promise<void> {
    const durationMs = (current.spec?.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000;
    const renewedAt = Date.parse(current.spec?.renewTime ?? '') || 0;
    // Renewed lately by the holder's clock: alive, unless its process was just killed. A look for a whole duration tells.
    request.say?.(`Lease ${namespace}/${leaseName} is held by ${previous}: watching whether it is renewed`);
    const until = clock.mono() + (clock.now() - renewedAt > durationMs ? 2 * leaseRenewMs : durationMs);
    while (clock.mono() < until) {
      await clock.sleep(1_000, request.signal);
      const seen = await read();
      if (seen?.metadata.resourceVersion === current.metadata.resourceVersion) continue;
      if (!seen?.spec?.holderIdentity) {
        throw held(previous, 'just ended; try again');
      }
      throw held(seen.spec.holderIdentity, `renewed it at ${seen.spec.renewTime}`);
    }
  }

  function held(who: string, how: string): LeaseHeld {
    return new LeaseHeld(
      `another run is on this target: ${who} ${how} (Lease ${namespace}/${leaseName}). Next: wait for it to end, or stop it where it runs`,
    );
  }

  async function renew(first: LeaseObject): Promise<void> {
    let version = first.metadata.resourceVersion;
    let renewed = clock.mono();
    while (!end.signal.aborted) {
      try {
        await clock.sleep(leaseRenewMs, end.signal);
      } catch {
        return;
      }
      try {
        const next = (await cluster.replace(
          leaseObject({ holder, version, now: clock.now() }),
        )) as unknown as LeaseObject;
        version = next.metadata.resourceVersion;
        renewed = clock.mono();
      } catch (error) {
        const now = await read().catch(() => undefined);
        if (now && now.spec?.holderIdentity !== holder) {
          lost.abort(new Error(`the Lease ${namespace}/${leaseName} was taken over by ${now.spec?.holderIdentity}`));
          return;
        }
        if (now) version = now.metadata.resourceVersion; // our own write arrived although its answer did not
        if (clock.mono() - renewed > leaseDurationMs) {
          lost.abort(
            new Error(`the Lease ${namespace}/${leaseName} could not be renewed for ${leaseDurationMs / 1000} s`, {
              cause: error,
            }),
          );
          return;
        }
      }
    }
  }

  function leaseObject(state: {
    holder: string;
    version?: string | undefined;
    now: number;
    transitions?: number;
  }): Json {
    const instant = new Date(state.now).toISOString().replace(/Z$/, '000Z'); // MicroTime wants six digits
    return {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: {
        name: leaseName,
        namespace,
        labels: { [managedBy.key]: managedBy.value },
        ...(state.version === undefined ? {} : { resourceVersion: state.version }),
      },
      spec: {
        holderIdentity: state.holder,
        leaseDurationSeconds: leaseDurationMs / 1000,
        acquireTime: instant,
        renewTime: instant,
        leaseTransitions: state.transitions ?? 0,
      },
    };
  }
}
