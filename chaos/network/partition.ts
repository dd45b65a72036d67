// Cuts one pod off from the tier that it talks to: packets vanish both ways, pings too, so that whoever waits waits for a time-out. A
// refusal would be told at once; this is the harder case.
import type { Fault } from '../../lib/model/fault.ts';
import type { Aim } from './aim.ts';
import { type BetweenTiersTicket, betweenTiers, betweenTiersTicketSchema } from './between-tiers.ts';
import { packetsOf } from './packet-rules.ts';

export const partitionTicketSchema = betweenTiersTicketSchema;

/** Everything between the pod and the tier, whatever the port. */
export const networkPartition = (aim: Aim = { from: 'web', to: 'databaseProxy' }): Fault<BetweenTiersTicket> =>
  betweenTiers({
    name: 'network/partition',
    aim,
    purpose: 'partition',
    change: 'DROP of everything between them, both ways',
    rules: (peers) => {
      const all = { protocol: 'any', peers, ports: [], portsOf: 'peer', act: 'drop' } as const;
      return [
        { direction: 'in', ...all },
        { direction: 'out', ...all },
      ];
    },
    metAnew: (attempts, packets) =>
      attempts.every(({ outcome }) => outcome === 'timed out') && packetsOf(packets, 'new') > 0,
  });
