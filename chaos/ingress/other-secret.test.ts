import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { undoableFrom } from '../registry.ts';
import { ingressOtherSecret as fault } from './other-secret.ts';

type Kind = 'Ingress' | 'HTTPProxy';
const specs = {
  Ingress: {
    tls: [
      { hosts: ['other.example'], secretName: 'other' },
      { hosts: ['erp.example'], secretName: 'site-tls' },
    ],
  },
  HTTPProxy: { virtualhost: { fqdn: 'erp.example', tls: { secretName: 'site-tls' } } },
};

function world(kind: Kind = 'HTTPProxy', spec: object = specs[kind]) {
  const metadata = { namespace: 'erp', name: 'erp', uid: 'u1', generation: 1, resourceVersion: '1' };
  const cluster = fakeCluster({ objects: [{ kind, metadata, spec } as never] });
  const served: Record<string, string> = { 'envoy-a': 'AA', 'envoy-b': 'AA' };
  const target = {
    ...fakeTarget,
    ingress: { ...fakeTarget.ingress, ingress: { namespace: 'erp', name: 'erp', kind } },
  };
  const tls = {
    replicas: async () => Object.keys(served),
    served: async (replica: string) => ({
      at: 0,
      serial: served[replica] ?? '',
      notBefore: 0,
      notAfter: 0,
      issuer: 'x',
    }),
  };
  const reach = fakeReach({ cluster, target, tls });
  const object = () => cluster.objects.get(`${kind} erp/erp`) as unknown as { spec: object };
  const secret = () => cluster.objects.get('Secret erp/shakedown-other-tls');
  return { cluster, reach, served, object, secret };
}

test.each<[Kind, object]>([
  ['HTTPProxy', { virtualhost: { fqdn: 'erp.example', tls: { secretName: 'shakedown-other-tls' } } }],
  [
    'Ingress',
    {
      tls: [
        { hosts: ['other.example'], secretName: 'other' },
        { hosts: ['erp.example'], secretName: 'shakedown-other-tls' },
      ],
    },
  ],
])('%s: repointed to a Secret of our own, and back; the Secret goes', async (kind, repointed) => {
  const { reach, object, secret } = world(kind);
  const ticket = await fault.prepare(reach);
  expect(secret()).toBeUndefined();
  expect(JSON.stringify(ticket)).not.toContain('PRIVATE');
  await fault.inject(ticket, reach);
  expect(object().spec).toEqual(repointed);
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
  const { data } = secret() as unknown as { data: Record<string, string> };
  const certificate = new X509Certificate(Buffer.from(data['tls.crt'] ?? '', 'base64').toString());
  expect(certificate.serialNumber).toBe(ticket.serial);
  expect(certificate.checkHost('erp.example')).toBe('erp.example');
  expect((await fault.residue(ticket, reach)).left).toHaveLength(3);
  await fault.undo(ticket, reach);
  await fault.undo(ticket, reach);
  expect(object().spec).toEqual(specs[kind]);
  expect(secret()).toBeUndefined();
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('undo is right when only the Secret was made, and from a ticket that was read from JSON', async () => {
  const { cluster, reach, secret } = world();
  const ticket = await fault.prepare(reach);
  cluster.patch = async () => {
    throw new Error('API out of reach');
  };
  await expect(fault.inject(ticket, reach)).rejects.toThrow('out of reach');
  expect(secret()).toBeDefined();
  const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
  if ('problem' in read) throw new Error(read.problem);
  await read.fault.undo(read.ticket, reach);
  expect(secret()).toBeUndefined();
});

test('effect wants the other serial from every replica', async () => {
  const { reach, served } = world();
  const ticket = await fault.prepare(reach);
  const effect = async () => (await fault.effect(ticket, reach)).is;
  expect(await effect()).toBe('no');
  served['envoy-a'] = ticket.serial;
  expect(await effect()).toBe('no');
  served['envoy-b'] = ticket.serial;
  expect(await effect()).toBe('yes');
  delete served['envoy-a'];
  delete served['envoy-b'];
  expect(await effect()).toBe('cannot-tell');
});

test('a Secret of that name that is not ours is neither used nor removed', async () => {
  const { cluster, reach, object, secret } = world();
  const ticket = await fault.prepare(reach);
  cluster.objects.set('Secret erp/shakedown-other-tls', { metadata: { labels: {} } } as never);
  await expect(fault.inject(ticket, reach)).rejects.toThrow('already, not ours; nothing was changed');
  await fault.undo(ticket, reach);
  expect(secret()).toBeDefined();
  expect(object().spec).toEqual(specs.HTTPProxy);
});

test('while an Ingress that somebody changed meanwhile still names it, the Secret stays and undo says so', async () => {
  const { cluster, reach, secret } = world('Ingress');
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  const ref = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'erp', name: 'erp' };
  await cluster.patch(ref, { spec: { tls: [{ hosts: ['erp.example'], secretName: 'shakedown-other-tls' }] } });
  await expect(fault.undo(ticket, reach)).rejects.toThrow('still names shakedown-other-tls');
  expect(secret()).toBeDefined();
  expect((await fault.residue(ticket, reach)).is).toBe('dirty');
});

test.each<[Kind, object, string]>([
  ['HTTPProxy', { virtualhost: { fqdn: 'erp.example' } }, 'names no TLS Secret'],
  ['Ingress', { tls: [{ hosts: ['other.example'], secretName: 'other' }] }, 'names no TLS Secret for erp.example'],
])('prepare refuses an %s without TLS for the site', async (kind, spec, says) => {
  await expect(fault.prepare(world(kind, spec).reach)).rejects.toThrow(says);
});
