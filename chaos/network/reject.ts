// One pod's connections to a tier are refused at once, as when nobody serves there: new ones are answered with a reset, kept ones are
// reset at their next packet.
import type { Fault } from '../../lib/model/fault.ts';
import type { Aim } from './aim.ts';
import { type BetweenTiersTicket, betweenTiers, betweenTiersTicketSchema } from './between-tiers.ts';
import { packetsOf } from './packet-rules.ts';

export const rejectTicketSchema = betweenTiersTicketSchema;

export const networkReject = (aim: Aim = { from: 'web', to: 'redis.cache' }): Fault<BetweenTiersTicket> =>
  betweenTiers({
    name: 'network/reject',
    aim,
    purpose: 'reject',
    change: 'REJECT with a reset of what goes out to its port',
    rules: (peers, port) => [
      { direction: 'out', protocol: 'tcp', peers, ports: [port], portsOf: 'peer', act: 'reject' },
    ],
    metAnew: (attempts, packets) =>
      attempts.every(({ outcome }) => outcome === 'refused') && packetsOf(packets, 'new') > 0,
  });
