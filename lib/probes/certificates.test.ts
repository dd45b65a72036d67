import { expect, test } from 'vitest';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { fakeTls } from '../../tests/fakes/tls.ts';
import { drillCertificateSerials, drillCertificatesValid, drillCertificateValid } from './certificates.ts';

const lifeMs = 180_000;

function world() {
  const target = {
    ...fakeTarget,
    drillCertificate: {
      host: 'drill.example',
      certificate: { namespace: 'erp', name: 'drill' },
      lifeMs,
      issuer: { namespace: 'cert-manager', selector: 'app=pebble', port: 14_000 },
    },
  };
  const plain = fakeReach({ target });
  const certificate = (serial: string, ageMs: number, livesMs = lifeMs - 1_000) => {
    const notBefore = plain.now() - ageMs;
    return { serial, notBefore, notAfter: notBefore + livesMs, issuer: 'Pebble' };
  };
  const tls = fakeTls(plain.now, { 'envoy-a': certificate('aa', 10_000), 'envoy-b': certificate('aa', 10_000) });
  return { reach: { ...plain, tls }, tls, certificate };
}

test('a certificate that every replica shows, valid and of the life expected, is well', async () => {
  const { reach } = world();
  expect(await drillCertificateValid.check(reach)).toMatchObject({
    is: 'yes',
    seen: expect.stringContaining('envoy-a shows …aa, valid for 169 s'),
  });
});

test('one expired, one of another life and one that differs are not; one not shown, or no such host, can’t be told', async () => {
  const { reach, tls, certificate } = world();
  const is = async () => (await drillCertificateValid.check(reach)).is;
  tls.shown.set('envoy-b', certificate('aa', 200_000));
  expect(await is()).toBe('no');
  tls.shown.set('envoy-b', certificate('bb', 10_000));
  expect(await is()).toBe('no');
  for (const replica of ['envoy-a', 'envoy-b']) tls.shown.set(replica, certificate('aa', 10_000, 7_776_000_000));
  expect(await drillCertificateValid.check(reach)).toMatchObject({
    is: 'no',
    seen: expect.stringContaining('it lives 7776000 s, wanted 180 s'),
  });
  tls.shown.set('envoy-b', 'silent');
  expect(await is()).toBe('cannot-tell');
  tls.shown.clear();
  expect(await is()).toBe('cannot-tell');
  expect(await drillCertificateValid.check({ ...reach, target: fakeTarget })).toMatchObject({ is: 'cannot-tell' });
  const { tls: _, ...without } = reach;
  expect(await drillCertificateValid.check(without)).toMatchObject({ is: 'cannot-tell' });
});

test('the share that is valid and the number of different ones are sampled, from one round of handshakes', async () => {
  const { reach, tls, certificate } = world();
  const read = async () => [await drillCertificatesValid.read(reach), await drillCertificateSerials.read(reach)];
  expect(await read()).toMatchObject([{ value: 1 }, { value: 1 }]);
  expect(tls.handshakes).toBe(2);
  await reach.sleep(175_000);
  expect(await read()).toMatchObject([{ value: 0 }, { value: 1 }]);
  tls.shown.set('envoy-a', certificate('bb', 0));
  await reach.sleep(2_000);
  expect(await read()).toMatchObject([{ value: 0.5 }, { value: 2 }]);
});

test('a replica that shows nothing makes a gap, and so does an ingress without replicas', async () => {
  const { reach, tls } = world();
  tls.shown.set('envoy-b', 'silent');
  expect(await drillCertificatesValid.read(reach)).toMatchObject({ missing: expect.stringContaining('envoy-b') });
  tls.shown.clear();
  await reach.sleep(2_000);
  expect(await drillCertificateSerials.read(reach)).toMatchObject({ missing: 'the ingress has no replica' });
});
