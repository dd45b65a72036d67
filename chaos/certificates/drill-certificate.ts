// The certificate that may really expire, as each replica of the ingress shows it in a handshake of its own. What cert-manager believes
// of it is another matter: a replica may hold on to an old one.
import { messageOf } from '../../lib/errors.ts';
import type { Reach, ServedCertificate } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';

export interface ServedBy extends ServedCertificate {
  readonly replica: string;
}

export interface SilentReplica {
  readonly replica: string;
  readonly error: string;
}

export type DrillCertificate = NonNullable<Target['drillCertificate']>;

/** Every replica is asked at the same time; one that shows nothing is data. */
export async function readServed(
  { tls }: Pick<Reach, 'tls'>,
  host: string,
): Promise<{ readonly shown: readonly ServedBy[]; readonly silent: readonly SilentReplica[] }> {
  if (!tls) throw new Error('no way to make TLS handshakes from here');
  const replicas = await tls.replicas();
  const looks = await Promise.all(
    replicas.map(async (replica): Promise<ServedBy | SilentReplica> => {
      try {
        return { replica, ...(await tls.served(replica, host)) };
      } catch (error) {
        return { replica, error: messageOf(error) };
      }
    }),
  );
  return {
    shown: looks.filter((look): look is ServedBy => !('error' in look)),
    silent: looks.filter((look): look is SilentReplica => 'error' in look),
  };
}

export const isValid = ({ at, notBefore, notAfter }: ServedCertificate): boolean => at >= notBefore && at < notAfter;

/** Undefined is what a target without such a host has. */
export function drillOf({ target }: Pick<Reach, 'target'>): DrillCertificate {
  const { drillCertificate } = target;
  if (drillCertificate) return drillCertificate;
  throw new Error(
    `the target file of ${target.name} names no drillCertificate. Next: name a host whose certificate may expire, or leave this out`,
  );
}

export const servedInWords = ({ replica, serial, at, notAfter }: ServedBy): string =>
  `${replica} shows …${serial.slice(-8)}, ${at < notAfter ? `valid for ${Math.round((notAfter - at) / 1000)} s` : `expired for ${Math.round((at - notAfter) / 1000)} s`}`;
