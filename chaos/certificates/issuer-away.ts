// Keeps a certificate from being renewed until it has really expired: its issuer is put out of reach, silently, since a refusal is an
// answer and would be remembered for an hour. Nothing is done to the certificate, to who renews it or to any clock.
import { z } from 'zod';
import type { Fault, Json } from '../../lib/model/fault.ts';
import type { Pod, Reach } from '../../lib/model/reach.ts';
import { waitUntil } from '../../lib/wait.ts';
import { type PacketRule, packetsMet, packetsOf, readRules, tryRules } from '../network/packet-rules.ts';
import { withPlace } from '../network/pod-namespace.ts';
import { proof, rulesSteps, rulesTicketShape } from '../network/rules-fault.ts';
import { drillOf, isValid, readServed, type ServedBy, servedInWords } from './drill-certificate.ts';

export const issuerAwayTicketSchema = z.strictObject({
  ...rulesTicketShape,
  host: z.string().min(1),
  /** What each replica of the ingress showed before, valid then. */
  served: z
    .array(z.strictObject({ replica: z.string(), serial: z.string().min(1), at: z.number(), notAfter: z.number() }))
    .min(1)
    .readonly(),
});

export type IssuerAwayTicket = z.infer<typeof issuerAwayTicketSchema>;

const name = 'certificates/issuer-away';

export const issuerAway: Fault<IssuerAwayTicket> = {
  name,
  version: 1,
  plan: {
    aim: 'the issuer of the certificate that may expire',
    change: 'DROP of what comes in to its port, until the certificate has expired on every replica of the ingress',
    undo: 'the packet rules are removed by the run’s mark; then the helper pod. The renewal comes by itself',
  },
  rights: ({ drillCertificate }) => ({
    inject: drillCertificate
      ? [
          {
            namespace: drillCertificate.issuer.namespace,
            apiGroup: '',
            resources: ['pods'],
            verbs: ['get', 'list'],
          },
        ]
      : [],
    undo: [],
  }),
  async targets(reach) {
    const { namespace, name: pod } = await issuerPod(reach);
    return [{ namespace, name: pod }];
  },

  async prepare(reach) {
    const { host, issuer } = drillOf(reach);
    const pod = await issuerPod(reach);
    return withPlace(reach, name, pod, 'issuer', async (place) => {
      const rules: readonly PacketRule[] = [
        { direction: 'in', protocol: 'tcp', peers: [], ports: [issuer.port], portsOf: 'pod', act: 'drop' },
      ];
      await tryRules(reach, name, place, rules);
      const served = await servedAndNotDue(reach);
      return {
        runId: reach.runId,
        targets: [{ namespace: pod.namespace, name: pod.name }],
        place,
        rules,
        host,
        served: served.map(({ replica, serial, at, notAfter }) => ({ replica, serial, at, notAfter })),
      };
    });
  },

  ...rulesSteps<IssuerAwayTicket>(name),

  /** Every replica still shows the very certificate from before, now expired; and a renewal was tried, and met the rules. */
  effect: (ticket, reach) =>
    proof(reach, async () => {
      const lastsUntil = Math.max(...ticket.served.map(({ notAfter }) => notAfter));
      const leftMs = lastsUntil - reach.now();
      // Before that there is nothing to see, and looking costs a handshake with each replica.
      if (leftMs > 0) return { is: false, evidence: { host: ticket.host, expiresInMs: leftMs } };
      const [{ shown, silent }, packets] = await Promise.all([
        readServed(reach, ticket.host),
        readRules(reach.cluster, ticket.place),
      ]);
      const replicas = shown.map(({ replica, serial, at, notAfter }) => {
        const before = ticket.served.find((one) => one.replica === replica);
        return {
          replica,
          serial,
          sameAsBefore: before?.serial === serial,
          ...(before ? { validBeforeForMs: before.notAfter - before.at } : {}),
          expiredForMs: at - notAfter,
        };
      });
      const met = packets === undefined ? 0 : packetsOf(packets, 'new', 'established');
      const evidence = {
        host: ticket.host,
        replicas,
        silent,
        packetsDropped: packets ? packetsMet(packets) : 'the network namespace is no more',
      } as unknown as Json;
      if (silent.length > 0 || shown.length === 0) return { is: undefined, evidence };
      const expired = replicas.every(({ sameAsBefore, expiredForMs }) => sameAsBefore && expiredForMs >= 0);
      return { is: expired && replicas.length === ticket.served.length && met > 0, evidence };
    }),
};

async function issuerPod(reach: Reach): Promise<Pod> {
  const { issuer } = drillOf(reach);
  const pods = (await reach.cluster.pods(issuer.namespace, issuer.selector)).filter(
    ({ ready, deleting }) => ready && !deleting,
  );
  const [pod] = pods;
  if (pod && pods.length === 1) return pod;
  throw new Error(
    `${name}: ${pods.length} ready pods of the issuer in ${issuer.namespace} (${issuer.selector}), wanted one: ${pods.map((one) => one.name).join(', ') || 'none'}. Next: compare drillCertificate.issuer of the target file with the pods`,
  );
}

/** cert-manager renews at two thirds of a lifetime. */
const renewedAtShare = 2 / 3;
/** So long before a renewal it is better waited for: one that is under way may still come through. */
const dueMs = 5_000;
/** That, and what a renewal takes until the last replica shows it. */
const renewalMs = 40_000;

/** Valid on every replica, the same on all, and no renewal under way: its serial must be the one that expires. */
async function servedAndNotDue(reach: Reach): Promise<readonly ServedBy[]> {
  const { host, lifeMs } = drillOf(reach);
  const look = () => readServed(reach, host);
  const { shown } = await waitUntil({
    what: `every replica of the ingress shows the same certificate for ${host}, valid and not about to be renewed`,
    withinMs: renewalMs,
    everyMs: 500,
    read: look,
    until: ({ shown: seen, silent }) =>
      silent.length === 0 &&
      seen.length > 0 &&
      new Set(seen.map(({ serial }) => serial)).size === 1 &&
      seen.every((one) => isValid(one) && one.notAfter - one.at > lifeMs * (1 - renewedAtShare) + dueMs),
    show: ({ shown: seen, silent }) =>
      [...seen.map(servedInWords), ...silent.map(({ replica, error }) => `${replica}: ${error}`)].join('; ') ||
      'no replica',
    signal: reach.signal,
    sleep: reach.sleep,
    now: reach.now,
  });
  return shown;
}
