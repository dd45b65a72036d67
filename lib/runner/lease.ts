// One run at a time on a target, whichever machine it comes from: a Kubernetes Lease in the suite's namespace.
// A holder that stops renewing loses it. "Stops" is seen by our own clock: clocks of two machines need not agree.
import type { Json } from '../model/fault.ts';
import { managedBy } from '../model/labels.ts';
import type { Cluster, ObjectRef } from '../model/reach.ts';
import { type Clock, within } from './clock.ts';

export const leaseName = 'shakedown-run';
/** Without a renewal for so long a run counts as dead; the guardian then takes its Lease over and undoes what it left. */
export const leaseDurationMs = 15_000;
export const leaseRenewMs = 3_000;
/** A run that could not renew for so long ends itself: well before anybody else may believe that it is dead. */
const givenUpMs = 10_000;
const renewWithinMs = 3_000;
const renewAgainMs = 500;

export interface Lease {
  /** Aborted with the reason when the Lease was lost: the run must end then. */
  readonly lost: AbortSignal;
  /** Why nothing may be changed any more: a process that was stopped for a while, and goes on, must not act on what it held. */
  fenced(): string | undefined;
  /** Stops renewing and gives it back. Never throws; says what went wrong. */
  release(): Promise<string | undefined>;
}

/** How a holder's name begins that is no run. */
export const guardianPrefix = 'guardian ';

/** Somebody else runs on this target. */
export class LeaseHeld extends Error {
  override readonly name = 'LeaseHeld';
  /** By no run, but by the guardian, which soon gives it back. */
  readonly byGuardian: boolean;
  constructor(message: string, byGuardian = false) {
    super(message);
    this.byGuardian = byGuardian;
  }
}

export interface LeaseObject {
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
  /** The resourceVersion of a Lease that was watched already and is not renewed any more: it is taken over at once. */
  readonly stale?: string;
}

const leaseRef = (namespace: string): ObjectRef => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace,
  name: leaseName,
});

export const readLease = async (cluster: Pick<Cluster, 'get'>, namespace: string): Promise<LeaseObject | undefined> =>
  (await cluster.get(leaseRef(namespace))) as unknown as LeaseObject | undefined;

export async function takeLease(cluster: Cluster, request: LeaseRequest): Promise<Lease> {
  const { namespace, holder, clock } = request;
  const ref = leaseRef(namespace);
  const read = () => readLease(cluster, namespace);

  /** When the last renewal that worked was sent. */
  let renewedAt = clock.mono();
  const taken = await take();
  const lost = new AbortController();
  const end = new AbortController();
  const renewing = renew(taken);

  return {
    lost: lost.signal,
    fenced() {
      if (lost.signal.aborted) return (lost.signal.reason as Error).message;
      const silentMs = clock.mono() - renewedAt;
      return silentMs < givenUpMs
        ? undefined
        : `the Lease ${namespace}/${leaseName} was renewed ${Math.round(silentMs / 1000)} s ago, and may be somebody else's by now`;
    },
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
    if (previous !== '' && request.stale !== current.metadata.resourceVersion) await watchUntilStale(current, previous);
    renewedAt = clock.mono();
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
    // What its renewTime says is by the holder's clock, and tells nothing. Only a look for a whole duration does.
    request.say?.(`Lease ${namespace}/${leaseName} is held by ${previous}: watching whether it is renewed`);
    const until = clock.mono() + durationMs;
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
    if (who.startsWith(guardianPrefix))
      return new LeaseHeld(
        `an earlier run was killed, and the guardian is undoing what it left (${who}, Lease ${namespace}/${leaseName}). Next: wait a moment; shakedown undo tells what it did`,
        true,
      );
    return new LeaseHeld(
      `another run is on this target: ${who} ${how} (Lease ${namespace}/${leaseName}). Next: wait for it to end, or stop it where it runs`,
    );
  }

  async function renew(first: LeaseObject): Promise<void> {
    let version = first.metadata.resourceVersion;
    let pauseMs = leaseRenewMs;
    while (!end.signal.aborted) {
      try {
        await clock.sleep(pauseMs, end.signal);
      } catch {
        return;
      }
      const sentAt = clock.mono();
      const leftMs = givenUpMs - (sentAt - renewedAt);
      try {
        if (leftMs <= 0) throw new Error('there was no time left to renew it in');
        const next = (await within(
          clock,
          'renewing the Lease',
          Math.min(renewWithinMs, leftMs),
          cluster.replace(leaseObject({ holder, version, now: clock.now() })),
        )) as unknown as LeaseObject;
        version = next.metadata.resourceVersion;
        renewedAt = sentAt;
        pauseMs = leaseRenewMs;
      } catch (error) {
        pauseMs = renewAgainMs;
        if (clock.mono() - renewedAt >= givenUpMs)
          return lost.abort(
            new Error(`the Lease ${namespace}/${leaseName} could not be renewed for ${givenUpMs / 1000} s`, {
              cause: error,
            }),
          );
        if ((error as { code?: number }).code === undefined) continue;
        const now = await within(clock, 'reading the Lease', renewWithinMs, read()).catch(() => undefined);
        if (now && now.spec?.holderIdentity !== holder)
          return lost.abort(
            new Error(`the Lease ${namespace}/${leaseName} was taken over by ${now.spec?.holderIdentity || 'nobody'}`),
          );
        if (now) version = now.metadata.resourceVersion; // our own write arrived although its answer did not
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
