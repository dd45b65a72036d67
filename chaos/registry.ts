// Every fault by name and version, so that another process, on another machine, can undo from a ticket's raw JSON.
import type { ZodType } from 'zod';
import type { Fault, Json, Ticket } from '../lib/model/fault.ts';
import { issuerAway, issuerAwayTicketSchema } from './certificates/issuer-away.ts';
import { galeraReadOnly } from './galera/read-only.ts';
import { galeraWriterCrash, writerCrashTicketSchema } from './galera/writer-crash.ts';
import { galeraWriterPartition, writerPartitionTicketSchema } from './galera/writer-partition.ts';
import { ingressOtherSecret, otherSecretTicketSchema } from './ingress/other-secret.ts';
import { bandwidthTicketSchema, networkBandwidth } from './network/bandwidth.ts';
import { delayTicketSchema, networkDelay } from './network/delay.ts';
import { denyDatabaseProxy, denyPolicyTicketSchema } from './network/deny-policy.ts';
import { lossTicketSchema, networkLoss } from './network/loss.ts';
import { networkPartition, partitionTicketSchema } from './network/partition.ts';
import { networkReject, rejectTicketSchema } from './network/reject.ts';
import { cordonDrainTicketSchema, cordonDrainWeb } from './nodes/cordon-drain.ts';
import { networkCut } from './nodes/network-cut.ts';
import { nodeAwayTicketSchema } from './nodes/node-away.ts';
import { powerLoss } from './nodes/power-loss.ts';
import { rolloutNeverReady, rolloutTicketSchema } from './objects/rollout.ts';
import { scaleShortWorkersAway, scaleTicketSchema, scaleWebToOne } from './objects/scale.ts';
import { suspendCronJob, suspendCronJobTicketSchema } from './objects/suspend-cronjob.ts';
import { podsDeleteForced, podsDeleteGraceful, podsDeleteTicketSchema } from './pods/delete.ts';
import { processCrashTicketSchema, workerCrash } from './process/crash.ts';
import { processFreezeTicketSchema, workerFreeze } from './process/freeze.ts';
import { memoryLimit } from './redis/memory-limit.ts';
import {
  orderedFailoverOfCache,
  orderedFailoverOfQueue,
  orderedFailoverTicketSchema,
} from './redis/ordered-failover.ts';
import { pauseTicketSchema, pauseWrites } from './redis/pause.ts';
import { tooFewReplicas } from './redis/too-few-replicas.ts';
import { memoryTicketSchema, workerMemoryFull } from './resources/memory.ts';
import { processorTicketSchema, workerProcessorBusy } from './resources/processor.ts';
import { queueVolumeFull, volumeFullTicketSchema } from './resources/volume-full.ts';
import { settingTicketSchema } from './settings/server-setting.ts';

export interface RegisteredFault<T extends Ticket = Ticket> {
  readonly fault: Fault<T>;
  readonly ticketSchema: ZodType<T>;
}

// biome-ignore lint/suspicious/noExplicitAny: a registry mixes faults whose tickets differ
export const faults: readonly RegisteredFault<any>[] = [
  { fault: galeraWriterCrash, ticketSchema: writerCrashTicketSchema },
  { fault: galeraWriterPartition, ticketSchema: writerPartitionTicketSchema },
  { fault: networkPartition(), ticketSchema: partitionTicketSchema },
  { fault: networkReject(), ticketSchema: rejectTicketSchema },
  { fault: networkLoss(), ticketSchema: lossTicketSchema },
  { fault: networkBandwidth(), ticketSchema: bandwidthTicketSchema },
  { fault: networkDelay(), ticketSchema: delayTicketSchema },
  { fault: issuerAway, ticketSchema: issuerAwayTicketSchema },
  { fault: podsDeleteGraceful, ticketSchema: podsDeleteTicketSchema },
  { fault: podsDeleteForced, ticketSchema: podsDeleteTicketSchema },
  { fault: scaleWebToOne, ticketSchema: scaleTicketSchema },
  { fault: scaleShortWorkersAway, ticketSchema: scaleTicketSchema },
  { fault: rolloutNeverReady, ticketSchema: rolloutTicketSchema },
  { fault: ingressOtherSecret, ticketSchema: otherSecretTicketSchema },
  { fault: suspendCronJob, ticketSchema: suspendCronJobTicketSchema },
  { fault: cordonDrainWeb, ticketSchema: cordonDrainTicketSchema },
  { fault: denyDatabaseProxy, ticketSchema: denyPolicyTicketSchema },
  { fault: workerCrash, ticketSchema: processCrashTicketSchema },
  { fault: workerFreeze, ticketSchema: processFreezeTicketSchema },
  { fault: workerProcessorBusy, ticketSchema: processorTicketSchema },
  { fault: workerMemoryFull, ticketSchema: memoryTicketSchema },
  { fault: queueVolumeFull, ticketSchema: volumeFullTicketSchema },
  { fault: galeraReadOnly, ticketSchema: settingTicketSchema },
  { fault: orderedFailoverOfCache, ticketSchema: orderedFailoverTicketSchema },
  { fault: orderedFailoverOfQueue, ticketSchema: orderedFailoverTicketSchema },
  { fault: memoryLimit('cache'), ticketSchema: settingTicketSchema },
  { fault: memoryLimit('queue'), ticketSchema: settingTicketSchema },
  { fault: tooFewReplicas('cache'), ticketSchema: settingTicketSchema },
  { fault: tooFewReplicas('queue'), ticketSchema: settingTicketSchema },
  { fault: pauseWrites('cache', 20_000), ticketSchema: pauseTicketSchema },
  { fault: pauseWrites('queue', 20_000), ticketSchema: pauseTicketSchema },
  { fault: powerLoss, ticketSchema: nodeAwayTicketSchema },
  { fault: networkCut, ticketSchema: nodeAwayTicketSchema },
];

// biome-ignore lint/suspicious/noExplicitAny: whoever finds a fault by name does not know its ticket
export type Undoable = { readonly fault: Fault<any>; readonly ticket: Ticket };

/** What undoes a stored ticket, or why nobody here can: then the target counts as dirty. */
export function undoableFrom(stored: {
  readonly fault: string;
  readonly version: number;
  readonly ticket: Json | Ticket;
}): Undoable | { readonly problem: string } {
  const sameName = faults.filter(({ fault }) => fault.name === stored.fault);
  const known = sameName.find(({ fault }) => fault.version === stored.version);
  if (!known) {
    const versions = sameName.map(({ fault }) => fault.version).join(', ');
    return {
      problem:
        versions === ''
          ? `no fault ${stored.fault} here. Next: undo with the shakedown that ran it`
          : `${stored.fault} version ${stored.version} is not known here (only ${versions}). Next: undo with the shakedown that ran it`,
    };
  }
  const parsed = known.ticketSchema.safeParse(stored.ticket);
  if (!parsed.success) {
    const seen = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    return {
      problem: `${stored.fault}: its ticket can’t be read (${seen}). Next: undo with the shakedown that ran it`,
    };
  }
  return { fault: known.fault, ticket: parsed.data };
}
