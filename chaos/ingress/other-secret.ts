// Repoints the site's HTTPProxy or Ingress to another TLS Secret, which holds a certificate that nobody trusts: what a wrong value in a
// release does. The Secret is made by inject, not by prepare, so that there never is one of which no ticket knows.
import { z } from 'zod';
import type { Fault, Json } from '../../lib/model/fault.ts';
import { managedBy, runLabel } from '../../lib/model/labels.ts';
import type { ObjectRef, Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';
import {
  leftOfChange,
  lookAtChange,
  makeChange,
  nameOf,
  objectChangeSchema,
  recordChange,
  takeBack,
  valueAt,
} from '../objects/object-change.ts';
import { proofOf, residueOf } from '../proof.ts';
import { selfSigned } from './self-signed.ts';

export const otherSecretTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).length(1),
  change: objectChangeSchema,
  secretName: z.string().min(1),
  host: z.string().min(1),
  /** Of the certificate that inject makes. */
  serial: z.string().regex(/^[0-9A-F]{16}$/),
  serialsBefore: z.record(z.string(), z.string()),
});

export type OtherSecretTicket = z.infer<typeof otherSecretTicketSchema>;

/** One name for every run, so that the right to remove it can be bounded to it. */
const secretName = 'shakedown-other-tls';
const dayMs = 24 * 3_600_000;

export const ingressOtherSecret: Fault<OtherSecretTicket> = {
  name: 'ingress/other-secret',
  version: 1,
  plan: {
    aim: 'what leads to the site (HTTPProxy or Ingress)',
    change: 'repointed to another TLS Secret, with a self-signed certificate',
    undo: 'its recorded Secret is named again, and the other one removed',
  },
  rights(target) {
    const { namespace, name, kind } = target.ingress.ingress;
    const secrets = { namespace, apiGroup: '', resources: ['secrets'] };
    const undo = [
      {
        namespace,
        apiGroup: kind === 'HTTPProxy' ? 'projectcontour.io' : 'networking.k8s.io',
        resources: [kind === 'HTTPProxy' ? 'httpproxies' : 'ingresses'],
        verbs: ['get', 'patch'],
        names: [name],
      },
      { ...secrets, verbs: ['get', 'delete'], names: [secretName] },
    ];
    return { inject: [...undo, { ...secrets, verbs: ['create'] }], undo };
  },
  targets: async ({ target }) => [{ namespace: target.ingress.ingress.namespace, name: target.ingress.ingress.name }],

  async prepare(reach) {
    const { namespace, name } = reach.target.ingress.ingress;
    const host = new URL(reach.target.site.url).hostname;
    const ref = ingressRef(reach.target);
    const object = await reach.cluster.get(ref);
    const serialsBefore = await serials(reach, host);
    return {
      runId: reach.runId,
      targets: [{ namespace, name }],
      change: await recordChange(reach, 'ingress/other-secret', ref, repointed(ref, object, host)),
      secretName,
      host,
      serial: serialOf(reach),
      serialsBefore,
    };
  },

  async inject(ticket, reach) {
    await makeSecret(ticket, reach);
    await makeChange(ticket.change, reach);
  },

  async undo(ticket, reach) {
    await takeBack(ticket.change, reach);
    if (!(await ourSecret(ticket, reach))) return;
    // An Ingress that somebody changed meanwhile was left as it is. Without the Secret it would serve nothing at all.
    if (namesSecret(await reach.cluster.get(ticket.change.object), ticket.secretName)) {
      throw new Error(
        `ingress/other-secret: ${nameOf(ticket.change.object)} was changed by somebody else and still names ${ticket.secretName}, which stays therefore. Next: name the Secret wanted there, then shakedown undo`,
      );
    }
    await reach.cluster.remove(secretRef(ticket), { wait: false });
  },

  residue: (ticket, reach) =>
    residueOf('ingress/other-secret', async () => [
      ...(await leftOfChange(ticket.change, reach)),
      ...((await ourSecret(ticket, reach)) ? [nameOf(secretRef(ticket))] : []),
    ]),

  landed: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),
  holding: (ticket, reach) => proofOf(reach, () => lookAtChange(ticket.change, reach)),

  /** Each replica of the ingress shows the other certificate, in a handshake of its own. */
  effect: (ticket, reach) =>
    proofOf(reach, async () => {
      const now = await serials(reach, ticket.host);
      const all = Object.values(now);
      return {
        is: all.every((serial) => serial === ticket.serial) ? 'yes' : 'no',
        evidence: { wanted: ticket.serial, before: ticket.serialsBefore, now },
      };
    }),
};

const ingressRef = ({ ingress: { ingress } }: Target): ObjectRef => ({
  apiVersion: ingress.kind === 'HTTPProxy' ? 'projectcontour.io/v1' : 'networking.k8s.io/v1',
  kind: ingress.kind,
  namespace: ingress.namespace,
  name: ingress.name,
});

const secretRef = ({ change, secretName: name }: OtherSecretTicket): ObjectRef => ({
  apiVersion: 'v1',
  kind: 'Secret',
  namespace: change.object.namespace,
  name,
});

/** An Ingress lists its Secrets by host, and a list is patched whole; an HTTPProxy has one. */
function repointed(ref: ObjectRef, object: Json | undefined, host: string): Json {
  if (ref.kind === 'HTTPProxy') {
    if (object !== undefined && valueAt(object, ['spec', 'virtualhost', 'tls', 'secretName']) === undefined) {
      throw new Error(
        `ingress/other-secret: ${nameOf(ref)} names no TLS Secret. Next: choose an HTTPProxy that ends TLS`,
      );
    }
    return { spec: { virtualhost: { tls: { secretName } } } };
  }
  const tls = (valueAt(object, ['spec', 'tls']) ?? []) as readonly { readonly hosts?: readonly string[] }[];
  if (object !== undefined && !tls.some(({ hosts }) => hosts?.includes(host))) {
    throw new Error(
      `ingress/other-secret: ${nameOf(ref)} names no TLS Secret for ${host}. Next: compare site.url with it`,
    );
  }
  return { spec: { tls: tls.map((one) => (one.hosts?.includes(host) ? { ...one, secretName } : one)) } } as Json;
}

async function serials(reach: Reach, host: string): Promise<Record<string, string>> {
  if (!reach.tls) throw new Error('ingress/other-secret: no way to ask the ingress for its certificates from here');
  const { tls } = reach;
  const replicas = await tls.replicas();
  if (replicas.length === 0)
    throw new Error(
      'ingress/other-secret: the ingress has no replica. Next: compare ingress.selector of the target file with its pods',
    );
  return Object.fromEntries(
    await Promise.all(replicas.map(async (replica) => [replica, (await tls.served(replica, host)).serial] as const)),
  );
}

/** Eight bytes, the first one from 10 to 7f. */
function serialOf(reach: Reach): string {
  const byte = (from: number, to: number) =>
    (from + Math.floor(reach.random() * (to - from))).toString(16).padStart(2, '0');
  return [byte(0x10, 0x80), ...Array.from({ length: 7 }, () => byte(0, 0x100))].join('').toUpperCase();
}

/** Under our name and with the run's label. */
async function ourSecret(ticket: OtherSecretTicket, reach: Reach): Promise<boolean> {
  return labelOf(await reach.cluster.get(secretRef(ticket)), runLabel) === ticket.runId;
}

async function makeSecret(ticket: OtherSecretTicket, reach: Reach): Promise<void> {
  const { certificate, key } = selfSigned({
    host: ticket.host,
    serial: ticket.serial,
    notBefore: new Date(reach.now() - dayMs),
    notAfter: new Date(reach.now() + dayMs),
  });
  const ref = secretRef(ticket);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const there = await reach.cluster.get(ref);
  if (there !== undefined) {
    const is = labelOf(there, managedBy.key) === managedBy.value ? `of run ${labelOf(there, runLabel)}` : 'not ours';
    throw new Error(
      `ingress/other-secret: there is a ${nameOf(ref)} already, ${is}; nothing was changed. Next: shakedown undo, or remove it`,
    );
  }
  await reach.cluster.create({
    apiVersion: ref.apiVersion,
    kind: ref.kind,
    type: 'kubernetes.io/tls',
    metadata: {
      namespace: ref.namespace,
      name: ref.name,
      labels: { [managedBy.key]: managedBy.value, [runLabel]: ticket.runId },
    },
    data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) },
  });
}

function namesSecret(value: Json | undefined, name: string): boolean {
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(
    ([key, inner]) => (key === 'secretName' && inner === name) || namesSecret(inner as Json, name),
  );
}

const labelOf = (object: Json | undefined, key: string) => valueAt(object, ['metadata', 'labels', key]);
