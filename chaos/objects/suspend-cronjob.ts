// Suspends a CronJob, as somebody does for a maintenance window and forgets: nothing fails, and nothing runs either. Backups end like this.
import { z } from 'zod';
import type { Fault, Json } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { proofOf, residueOf } from '../proof.ts';
import { nextTime } from './cron.ts';
import {
  leftOfChange,
  lookAtChange,
  makeChange,
  objectChangeSchema,
  recordChange,
  takeBack,
  valueAt,
} from './object-change.ts';

export const suspendCronJobTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  change: objectChangeSchema,
  schedule: z.string(),
  timeZone: z.string().nullable(),
});

export type SuspendCronJobTicket = z.infer<typeof suspendCronJobTicketSchema>;

const name = 'objects/suspend-cronjob';
/** The controller makes a Job within a second of its time, or it makes none. */
const lateMs = 5_000;

/** When inject was over, for the looks that follow it in the same process: before that a time of the schedule may have come round. */
const suspendedAt = new WeakMap<SuspendCronJobTicket, number>();

export const suspendCronJob: Fault<SuspendCronJobTicket> = {
  name,
  version: 1,
  plan: {
    aim: 'the first CronJob, by name, of the target file’s cronJobs',
    change: 'suspended',
    undo: 'it is resumed, unless somebody else did so meanwhile; times that it missed may come late',
  },
  rights({ cronJobs }) {
    if (!cronJobs) return { inject: [], undo: [] };
    const of = { namespace: cronJobs.namespace, apiGroup: 'batch', resources: ['cronjobs'] };
    return { inject: [{ ...of, verbs: ['list'] }], undo: [{ ...of, verbs: ['get', 'patch'] }] };
  },
  targets: async (reach) => [(await choose(reach)).metadata],

  async prepare(reach) {
    const { metadata, spec } = await choose(reach);
    const ref = { apiVersion: 'batch/v1', kind: 'CronJob', ...metadata };
    return {
      runId: reach.runId,
      targets: [metadata],
      change: await recordChange(reach, name, ref, { spec: { suspend: true } }),
      schedule: spec.schedule,
      timeZone: spec.timeZone ?? null,
    };
  },

  async inject(ticket, reach) {
    await makeChange(ticket.change, reach);
    suspendedAt.set(ticket, reach.now());
  },
  undo: (ticket, reach) => takeBack(ticket.change, reach),
  residue: (ticket, reach) => residueOf(name, () => leftOfChange(ticket.change, reach)),

  landed: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),
  holding: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),

  /** A time of its schedule came round, and no Job was made for it. Until one has, nobody can tell. */
  effect: (ticket, reach) =>
    proofOf(reach, async () => {
      const from = suspendedAt.get(ticket);
      // Without a zone of its own the schedule goes by the clock of the controller, which is set to UTC nearly everywhere.
      const zone = ticket.timeZone ?? 'UTC';
      const due = from === undefined ? undefined : nextTime(ticket.schedule, zone, from);
      const object = await reach.cluster.get(ticket.change.object);
      const last = valueAt(object, ['status', 'lastScheduleTime']);
      const evidence: Json = {
        schedule: ticket.schedule,
        zone: ticket.timeZone ?? 'UTC, assumed',
        due: due === undefined ? 'cannot be told' : new Date(due).toISOString(),
        lastScheduled: last ?? null,
      };
      if (from !== undefined && typeof last === 'string' && Date.parse(last) > from) return { is: 'no', evidence };
      const passed = object !== undefined && due !== undefined && reach.now() > due + lateMs;
      return { is: passed ? 'yes' : 'cannot-tell', evidence };
    }),
};

interface CronJob {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly schedule: string; readonly timeZone?: string; readonly suspend?: boolean };
}

async function choose(reach: Reach): Promise<CronJob> {
  const { cronJobs, name: targetName } = reach.target;
  if (!cronJobs)
    throw new Error(
      `${name}: ${targetName} names no cronJobs. Next: add namespace and selector of some to the target file`,
    );
  const { namespace, selector } = cronJobs;
  const all = (await reach.cluster.list({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    namespace,
    labelSelector: selector,
  })) as unknown as readonly CronJob[];
  const [first] = all
    .filter(({ spec }) => spec.suspend !== true)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  if (!first) {
    throw new Error(
      `${name}: no CronJob in ${namespace} (${selector}) that is not suspended, of ${all.length} there. Next: compare cronJobs of the target file with kubectl get cronjobs -n ${namespace}`,
    );
  }
  return { spec: first.spec, metadata: { namespace, name: first.metadata.name } };
}
