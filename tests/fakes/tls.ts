// Replicas of an ingress in memory, each with what it shows. The clock is the reach's, which only sleep moves.
import type { ServedCertificate, Tls } from '../../lib/model/reach.ts';

export interface FakeTls extends Tls {
  /** Live: tests change it to make things happen. `silent` shows nothing. */
  readonly shown: Map<string, Omit<ServedCertificate, 'at'> | 'silent'>;
  handshakes: number;
}

export function fakeTls(now: () => number, shown: Readonly<Record<string, Omit<ServedCertificate, 'at'>>>): FakeTls {
  const tls: FakeTls = {
    shown: new Map(Object.entries(shown)),
    handshakes: 0,
    replicas: async () => [...tls.shown.keys()],
    async served(replica) {
      tls.handshakes += 1;
      const certificate = tls.shown.get(replica);
      if (!certificate || certificate === 'silent') throw new Error('the handshake ended without a certificate');
      return { at: now(), ...certificate };
    },
  };
  return tls;
}
