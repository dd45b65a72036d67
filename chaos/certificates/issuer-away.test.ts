// The packet rules run for real, in a network namespace of this test alone; the pod in it plays the issuer.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakePod } from '../../tests/fakes/cluster.ts';
import { canMakeNamespaces, type PodNetwork, podNetwork } from '../../tests/fakes/pod-network.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { fakeTls } from '../../tests/fakes/tls.ts';
import { undoableFrom } from '../registry.ts';
import { issuerAway as fault } from './issuer-away.ts';

const port = 14_000;
const lifeMs = 180_000;
const target = {
  ...fakeTarget,
  drillCertificate: {
    host: 'drill.example',
    certificate: { namespace: 'erp', name: 'drill' },
    lifeMs,
    issuer: { namespace: 'erp', selector: 'tier=web', port },
  },
};

describe.skipIf(!canMakeNamespaces)('with a network of its own', () => {
  let network: PodNetwork;
  beforeEach(async () => {
    network = await podNetwork();
  });
  afterEach(() => network.end());

  /** Two replicas that show a certificate of that age. */
  function world(ageMs = 100_000) {
    const { cluster } = network;
    const reach = fakeReach({ cluster, target });
    const notBefore = reach.now() - ageMs;
    const certificate = { serial: 'aa11', notBefore, notAfter: notBefore + lifeMs, issuer: 'Pebble' };
    const tls = fakeTls(reach.now, { 'envoy-a': certificate, 'envoy-b': certificate });
    const renewed = (replica: string) =>
      tls.shown.set(replica, {
        ...certificate,
        serial: 'bb22',
        notBefore: reach.now(),
        notAfter: reach.now() + lifeMs,
      });
    return { cluster, tls, renewed, reach: { ...reach, tls } };
  }

  /** Somebody's packets to the issuer's port: the answers of the far side, which come back to it. */
  const tryRenewal = () =>
    network.run(
      `"${process.execPath}" -e "const one = require('net').connect({ host: '198.18.1.2', port: 9, localPort: ${port} }); one.on('error', () => {}); setTimeout(() => process.exit(), 300)"`,
    );

  test('lasts until every replica shows the very certificate from before, expired, and a renewal met the rules', async () => {
    const { reach, cluster, tls } = world();
    expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'web-1' }]);
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({
      targets: [{ namespace: 'erp', name: 'web-1' }],
      host: 'drill.example',
      served: [
        { replica: 'envoy-a', serial: 'aa11' },
        { replica: 'envoy-b', serial: 'aa11' },
      ],
    });
    await fault.inject(ticket, reach);
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes' });
    const before = tls.handshakes;
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no', evidence: { expiresInMs: 80_000 } });
    expect(tls.handshakes).toBe(before);

    await reach.sleep(81_000);
    // It has expired, but nobody tried to renew it: then that is not the fault's doing.
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });
    await tryRenewal();
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'yes' });
    expect(await fault.effect(ticket, reach)).toMatchObject({
      is: 'yes',
      evidence: {
        host: 'drill.example',
        replicas: [
          { replica: 'envoy-a', serial: 'aa11', sameAsBefore: true, validBeforeForMs: 80_000, expiredForMs: 1_000 },
          { replica: 'envoy-b', sameAsBefore: true, expiredForMs: 1_000 },
        ],
      },
    });

    const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
    if ('problem' in read) throw new Error(read.problem);
    await read.fault.undo(read.ticket, reach);
    await read.fault.undo(read.ticket, reach);
    expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('one replica that was renewed, or that went, is no expiry on every one; one that shows nothing can’t tell', async () => {
    const { reach, tls, renewed } = world();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    await reach.sleep(81_000);
    await tryRenewal();
    const old = tls.shown.get('envoy-b');
    renewed('envoy-b');
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });
    tls.shown.set('envoy-b', 'silent');
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'cannot-tell' });
    tls.shown.delete('envoy-b');
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });
    if (old) tls.shown.set('envoy-b', old);
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'yes' });
    await fault.undo(ticket, reach);
  });

  test('a renewal that is due is waited for, since one under way may come through; one that never comes is an error', async () => {
    const { reach, tls, renewed, cluster } = world(118_000);
    const { sleep } = reach;
    let slept = 0;
    reach.sleep = async (ms) => {
      await sleep(ms);
      slept += ms;
      if (slept > 8_000 && slept < 9_000) renewed('envoy-a');
      if (slept > 10_000 && tls.shown.size === 2 && slept < 11_000) renewed('envoy-b');
    };
    const at = (map: typeof tls.shown) => [...map.values()].map((one) => (one === 'silent' ? one : one.serial));
    const ticket = await fault.prepare(reach);
    expect(at(tls.shown)).toEqual(['bb22', 'bb22']);
    expect(ticket.served.map(({ serial }) => serial)).toEqual(['bb22', 'bb22']);
    expect(slept).toBeGreaterThan(10_000);
    await fault.undo(ticket, reach);

    await sleep(130_000);
    await expect(fault.prepare(reach)).rejects.toThrow(/not about to be renewed: not within 40000 ms, .*envoy-a shows/);
    expect(cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('prepare refuses without such a host, and with any other number of issuers than one', async () => {
    const { reach, cluster } = world();
    await expect(fault.prepare({ ...reach, target: fakeTarget })).rejects.toThrow('names no drillCertificate');
    cluster.podList.push(fakePod({ namespace: 'erp', name: 'web-2', labels: { tier: 'web' } }));
    await expect(fault.prepare(reach)).rejects.toThrow('2 ready pods of the issuer');
    cluster.podList.splice(0);
    await expect(fault.prepare(reach)).rejects.toThrow('0 ready pods of the issuer');
  });
});

test('wants the right to look at the issuer’s pods, where there is one', () => {
  expect(fault.rights(fakeTarget)).toEqual({ inject: [], undo: [] });
  expect(fault.rights(target).inject).toEqual([
    { namespace: 'erp', apiGroup: '', resources: ['pods'], verbs: ['get', 'list'] },
  ]);
});
