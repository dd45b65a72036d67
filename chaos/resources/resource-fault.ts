// What the faults with guests have in common: choose a container, arm a helper beside it, measure what the container has and may have,
// put guests in, and take them out again.
import type { Fault, Json, Proof } from '../../lib/model/fault.ts';
import type { Cluster, Reach } from '../../lib/model/reach.ts';
import { armHelper, type Helper, removeHelper } from '../helper/helper-pod.ts';
import { residueOf, type TakeBack, takeBack } from '../helper/take-back.ts';
import { choosePlace, type Place, type PodChoice, placeNow, rightsOfPlace, type TierName } from '../process/place.ts';
import type { Process } from '../process/signal.ts';
import { cannotTell } from '../proof.ts';
import {
  type Controller,
  endGuests,
  type GuestTicket,
  guestRequest,
  guestsLeft,
  guestsThere,
  hostsOf,
  markerOf,
  startGuests,
} from './guests.ts';

export interface ResourceAim {
  readonly tier: TierName;
  readonly pod?: PodChoice;
}

export interface ResourceFault<T extends GuestTicket> {
  readonly name: string;
  /** For names of pods and processes: `processor`. */
  readonly kind: string;
  readonly controller: Controller;
  readonly aim: ResourceAim;
  readonly plan: { readonly change: string };
  /** Reads through the armed helper; refuses a container that can't be the target. `guests` is how many to start. */
  measure(
    reach: Reach,
    helper: Helper,
    place: Place,
    mainPid: number,
  ): Promise<Omit<T, keyof GuestTicket> & { readonly guests: number }>;
  program(ticket: T): readonly string[];
  /** What the guests did to the container, as its own cgroup counts it. */
  done(
    ticket: T,
    reach: Reach,
  ): Promise<{ readonly is: Proof['is']; readonly evidence: { readonly [key: string]: Json } }>;
}

export function resourceFault<T extends GuestTicket>(of: ResourceFault<T>): Fault<T> {
  const { name, kind, controller, aim } = of;
  const startedBy = new WeakMap<T, readonly Process[]>();
  const choose = (reach: Reach) => choosePlace(reach, name, aim.tier, aim.pod);
  const howBack = (ticket: T, cluster: Cluster): TakeBack => ({
    fault: name,
    helper: ticket.helper,
    request: guestRequest(ticket.place, kind, ticket.marker),
    take: (helper) => endGuests(cluster, helper, ticket),
    look: (helper) => guestsLeft(cluster, helper, ticket),
  });

  async function there(ticket: T, reach: Reach): Promise<Proof> {
    try {
      const [guests, container] = await Promise.all([
        guestsThere(reach.cluster, ticket, controller),
        placeNow(reach, ticket.place).catch(() => null),
      ]);
      const is = guests.length === ticket.guests ? 'yes' : 'no';
      const evidence = { guests: guests.map(({ pid }) => pid), wanted: ticket.guests, container };
      return { is, at: reach.now(), evidence: evidence as never };
    } catch (error) {
      return cannotTell(reach, error);
    }
  }

  return {
    name,
    version: 1,
    plan: {
      aim: `one container: ${aim.pod?.phrase ?? aim.tier}`,
      change: of.plan.change,
      undo: 'the processes are ended by their marker, and the helper pod removed, whose end they do not outlive',
    },
    rights: (target) => ({ inject: rightsOfPlace(target, aim.tier), undo: [] }),
    async targets(reach) {
      const { namespace, pod } = await choose(reach);
      return [{ namespace, name: pod }];
    },

    async prepare(reach) {
      const place = await choose(reach);
      const marker = markerOf(reach.runId, kind, place);
      const helper = await armHelper(reach, guestRequest(place, kind, marker));
      try {
        const hosts = await hostsOf(reach.cluster, helper, name, place);
        const measured = await of.measure(reach, helper, place, hosts.mainPid);
        const targets = [{ namespace: place.namespace, name: place.pod }];
        return { runId: reach.runId, targets, helper, place, ...hosts, marker, ...measured } as unknown as T;
      } catch (error) {
        await removeHelper(reach.cluster, helper).catch(() => undefined); // found by the run's label, if it stays
        throw error;
      }
    },

    async inject(ticket, reach) {
      startedBy.set(ticket, await startGuests(reach.cluster, ticket, controller, of.program(ticket)));
    },

    undo: (ticket, reach) => takeBack(ticket, reach, howBack(ticket, reach.cluster)),

    residue: (ticket, reach) => residueOf(ticket, reach, howBack(ticket, reach.cluster)),

    async landed(ticket, reach) {
      const started = startedBy.get(ticket);
      return started
        ? { is: 'yes', at: reach.now(), evidence: { guests: started.map(({ pid }) => pid), wanted: ticket.guests } }
        : there(ticket, reach);
    },

    async effect(ticket, reach) {
      try {
        const { is, evidence } = await of.done(ticket, reach);
        return { is, at: reach.now(), evidence };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },

    holding: there,
  };
}
