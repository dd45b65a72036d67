// What each replica of the ingress shows in a TLS handshake. Certificates are read, not trusted: an expired one is what a drill wants to
// see. Each look is a connection of its own without a session to resume, since those hide a swap.
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { messageOf, Problem } from '../errors.ts';
import type { ServedCertificate, Tls } from '../model/reach.ts';

export interface TlsOptions {
  readonly replicas: () => Promise<readonly string[]>;
  readonly openStream: (replica: string, withinMs: number) => Promise<Duplex>;
  readonly handshakeMs?: number;
}

export function ingressTls({ replicas, openStream, handshakeMs = 5_000 }: TlsOptions): Tls {
  return {
    replicas,
    async served(replica, host) {
      const stream = await openStream(replica, handshakeMs);
      try {
        return await handshake(stream, host, handshakeMs);
      } catch (cause) {
        throw new Problem({
          kind: 'target-unusable',
          where: `TLS of ${replica} for ${host}`,
          what: 'no certificate was shown',
          seen: messageOf(cause),
          next: 'look at the log of that replica, and whether it has a route for that host',
          cause,
        });
      } finally {
        stream.destroy();
      }
    },
  };
}

function handshake(stream: Duplex, host: string, withinMs: number): Promise<ServedCertificate> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no handshake within ${withinMs} ms`)), withinMs);
    const socket = connect({ socket: stream, servername: host, rejectUnauthorized: false }, () => {
      clearTimeout(late);
      const { serialNumber, valid_from, valid_to, issuer } = socket.getPeerCertificate();
      socket.destroy();
      if (!serialNumber) return reject(new Error('the handshake ended without a certificate'));
      const issuerName = issuer.CN as string | readonly string[] | undefined;
      resolve({
        at: Date.now(),
        serial: serialNumber,
        notBefore: Date.parse(valid_from),
        notAfter: Date.parse(valid_to),
        issuer: typeof issuerName === 'string' ? issuerName : (issuerName?.join(' ') ?? ''),
      });
    });
    socket.on('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    stream.on('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
  });
}
