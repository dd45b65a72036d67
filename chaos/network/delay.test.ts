// Real packet rules and connections in a network namespace of this test alone; the proxy that delays is a small one in its place.
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fakePod } from '../../tests/fakes/cluster.ts';
import { canMakeNamespaces, type PodNetwork, podNetwork } from '../../tests/fakes/pod-network.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { undoableFrom } from '../registry.ts';
import { networkDelay } from './delay.ts';

describe.skipIf(!canMakeNamespaces)('with a network of its own', () => {
  let network: PodNetwork;
  const fault = networkDelay({ from: 'web', to: 'redis.cache' }, 400);
  const path = process.env.PATH;

  beforeEach(async () => {
    network = await podNetwork();
    network.cluster.podList.push(
      fakePod({ namespace: 'erp', name: 'redis-0', labels: { tier: 'redis' }, ip: '198.18.1.2' }),
    );
    const folder = await mkdtemp(join(tmpdir(), 'shakedown-delay-'));
    await chmod(folder, 0o755);
    const program = join(folder, 'toxiproxy-server');
    const fake = join(import.meta.dirname, '../../tests/fakes/toxiproxy.mjs');
    // As root again: the user that it is started as need not be able to read this folder. Its connections then look like the pod's own.
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${fake}" "$@"\n`, { mode: 0o755 });
    process.env.PATH = `${folder}:${path}`;
  });
  afterEach(async () => {
    process.env.PATH = path;
    await network.end();
  });

  const rules = () => network.run('iptables-save | grep -v -e ^# -e ^: || true');

  test('new connections are answered later, kept ones are reset, and all is as before after undo', async () => {
    await network.serve(6379);
    await network.keepConnection(6379);
    const { cluster } = network;
    const reach = fakeReach({ cluster });
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({
      pooled: 1,
      ways: [{ to: '198.18.1.2:6379', listen: ticket.controlPort + 1 }],
      directMs: { '198.18.1.2:6379': expect.any(Number) },
      throughProxyMs: { '198.18.1.2:6379': expect.any(Number) },
    });
    // Armed, and nobody is led there yet.
    expect(await rules()).not.toContain('shakedown');
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no' });
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });

    await fault.inject(ticket, reach);
    expect(await fault.landed(ticket, reach)).toMatchObject({
      is: 'yes',
      evidence: { proxies: ['holds back 400 ms'] },
    });
    const effect = await fault.effect(ticket, reach);
    expect(effect).toMatchObject({ is: 'yes', evidence: { pooledBefore: 1 } });
    const { pooledPacketsReset, connectionsLed, addedMs } = effect.evidence as never as {
      pooledPacketsReset: number;
      connectionsLed: number;
      addedMs: readonly number[];
    };
    expect(pooledPacketsReset).toBeGreaterThan(0);
    expect(connectionsLed).toBe(1);
    expect(addedMs[0]).toBeGreaterThanOrEqual(360);
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'yes' });

    const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
    if ('problem' in read) throw new Error(read.problem);
    expect(await read.fault.landed(read.ticket, reach)).toMatchObject({ is: 'yes' });
    await read.fault.undo(read.ticket, reach);
    await read.fault.undo(read.ticket, reach);
    expect(await rules()).not.toContain('shakedown');
    expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map(({ name }) => name)).toEqual(['web-1', 'redis-0']);
  });

  test('a proxy that died does not hold, although the rules are still there', async () => {
    await network.serve(6379);
    const reach = fakeReach({ cluster: network.cluster });
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    await network.run(`kill $(ss -tlnpH 'sport = :${ticket.controlPort}' | sed 's/.*pid=\\([0-9]*\\).*/\\1/')`);
    await vi.waitFor(async () =>
      expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'no', evidence: { proxies: [] } }),
    );
    await fault.undo(ticket, reach);
    expect(await rules()).not.toContain('shakedown');
  });

  test.each([
    ['nobody answers before', async () => undefined, 'answers erp/web-1 even before'],
    [
      'the proxy does not start',
      async () => {
        await network.serve(6379);
        process.env.PATH = path;
      },
      'the proxy did not start in erp/web-1',
    ],
  ])('prepare says so, and leaves nothing, when %s', async (_name, change, says) => {
    await change();
    await expect(fault.prepare(fakeReach({ cluster: network.cluster }))).rejects.toThrow(says);
    expect(await rules()).not.toContain('shakedown');
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1', 'redis-0']);
  });
});
