// Part of the packets between one pod and the tier that it talks to is lost at random, both ways. TCP mends it, slowly: a lost first packet
// costs a second.
import type { Fault } from '../../lib/model/fault.ts';
import type { Aim } from './aim.ts';
import { type BetweenTiersTicket, betweenTiers, betweenTiersTicketSchema } from './between-tiers.ts';
import { packetsOf } from './packet-rules.ts';

export const lossTicketSchema = betweenTiersTicketSchema;

/** `share` of the packets, 0..1, in each direction. */
export const networkLoss = (aim: Aim = { from: 'web', to: 'databaseProxy' }, share = 0.3): Fault<BetweenTiersTicket> =>
  betweenTiers({
    name: 'network/loss',
    aim,
    purpose: 'loss',
    change: `DROP of ${Math.round(share * 100)} % of the packets to and from its port, at random`,
    rules: (peers, port) => {
      const some = { protocol: 'tcp', peers, ports: [port], portsOf: 'peer', act: 'drop', share } as const;
      return [
        { direction: 'in', ...some },
        { direction: 'out', ...some },
      ];
    },
    // Enough for one first packet to be lost soon: of eight, at 30 %, none is lost in one look out of seventeen.
    triesEach: 8,
    metAnew: (_attempts, packets) => packetsOf(packets, 'new') > 0,
    seen: (packets) => {
      const [met, drawnFrom] = [packetsOf(packets, 'new', 'established'), packetsOf(packets, 'seen')];
      return { lostShare: drawnFrom === 0 ? null : Math.round((met / drawnFrom) * 1000) / 1000 };
    },
  });
