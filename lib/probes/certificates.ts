// The certificate that may expire, sampled through a run by handshakes with every replica of the ingress, and a guard that it is well.

import { drillOf, isValid, readServed, servedInWords } from '../../chaos/certificates/drill-certificate.ts';
import { messageOf } from '../errors.ts';
import type { Reading } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';
import type { Guard, Probe } from '../model/scenario.ts';
import { sharedLook } from './shared-look.ts';

type Looked = Awaited<ReturnType<typeof readServed>>;

/** Share of the replicas that show a certificate which is valid at that moment, 0..1. */
export const drillCertificatesValid = probe(
  'drill-certificates-valid',
  ({ shown }) => shown.filter(isValid).length / shown.length,
);

/** How many different certificates the replicas show. After a renewal they must agree. */
export const drillCertificateSerials = probe(
  'drill-certificate-serials',
  ({ shown }) => new Set(shown.map(({ serial }) => serial)).size,
);

/** A certificate is cut to whole seconds, and some issuers count both ends. */
const lifeSlackMs = 5_000;

/** Every replica shows the same one, valid, and of the life that the target file says: another one would not expire in time. */
export const drillCertificateValid: Guard = {
  name: 'drill-certificate-valid',
  async check(reach) {
    try {
      const { host, lifeMs } = drillOf(reach);
      const { shown, silent } = await readServed(reach, host);
      const seen = [...shown.map(servedInWords), ...silent.map(({ replica, error }) => `${replica}: ${error}`)];
      const says = `${host}: ${seen.join('; ') || 'no replica of the ingress'}`;
      if (silent.length > 0 || shown.length === 0) return { is: 'cannot-tell', seen: says };
      const life = shown.map(({ notBefore, notAfter }) => notAfter - notBefore);
      const other = life.find((ms) => Math.abs(ms - lifeMs) > lifeSlackMs);
      if (other !== undefined)
        return { is: 'no', seen: `${says}; it lives ${other / 1000} s, wanted ${lifeMs / 1000} s` };
      const one = new Set(shown.map(({ serial }) => serial)).size === 1;
      return { is: one && shown.every(isValid) ? 'yes' : 'no', seen: says };
    } catch (error) {
      return { is: 'cannot-tell', seen: messageOf(error) };
    }
  },
};

const shownOf = sharedLook(async (reach) => readServed(reach, drillOf(reach).host));

function probe(series: string, measure: (looked: Looked) => number): Probe {
  return {
    series,
    everyMs: 2_000,
    async read(reach: Reach): Promise<Reading> {
      const {
        at,
        seen: { shown, silent },
      } = await shownOf(reach);
      if (silent.length > 0)
        return { at, missing: silent.map(({ replica, error }) => `${replica}: ${error}`).join('; ') };
      if (shown.length === 0) return { at, missing: 'the ingress has no replica' };
      return { at, value: measure({ shown, silent }) };
    },
  };
}
