// A real token bucket, on the device of a network namespace that is this test's alone.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canMakeNamespaces, type PodNetwork, podNetwork } from '../../tests/fakes/pod-network.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { undoableFrom } from '../registry.ts';
import { networkBandwidth } from './bandwidth.ts';
import { handleOf } from './pod-namespace.ts';

test('a handle is never one that the kernel gives by itself, nor none', () => {
  for (let run = 0; run < 1_000; run++) {
    const handle = Number.parseInt(handleOf(`shakedown-${run}-bandwidth`), 16);
    expect(handle).toBeGreaterThan(0);
    expect(handle).toBeLessThan(0x8000);
  }
});

describe.skipIf(!canMakeNamespaces)('with a network of its own', () => {
  let network: PodNetwork;
  beforeEach(async () => {
    network = await podNetwork();
  });
  afterEach(() => network.end());

  const fault = networkBandwidth('web', 256);
  const queue = () => network.run('tc qdisc show dev eth0');

  test('what the pod sends is held to the rate, and the queue that was there is back after undo', async () => {
    const { cluster } = network;
    const reach = fakeReach({ cluster });
    const before = await queue();
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({ device: 'eth0', gateway: '198.18.1.254', before: before.trim() });
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no' });
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'no' });

    await fault.inject(ticket, reach);
    expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes' });
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'yes', evidence: { samePod: true } });
    expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'yes' });
    expect(await fault.residue(ticket, reach)).toMatchObject({
      is: 'dirty',
      left: [expect.stringContaining('queue tbf'), expect.stringContaining('helper pod')],
    });

    const read = undoableFrom({ fault: fault.name, version: 1, ticket: JSON.parse(JSON.stringify(ticket)) });
    if ('problem' in read) throw new Error(read.problem);
    expect(await read.fault.landed(read.ticket, reach)).toMatchObject({ is: 'yes' });
    await read.fault.undo(read.ticket, reach);
    expect(await queue()).toBe(before);
    expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('a queue that somebody set up is refused, and stays', async () => {
    await network.run('tc qdisc add dev eth0 root handle 12: pfifo limit 7');
    await expect(fault.prepare(fakeReach({ cluster: network.cluster }))).rejects.toThrow(
      'has a queue of somebody’s on eth0 (qdisc pfifo 12: root',
    );
    expect(await queue()).toContain('limit 7p');
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('undo without inject, and undo after somebody else put a queue there, touch nothing', async () => {
    const reach = fakeReach({ cluster: network.cluster });
    const ticket = await fault.prepare(reach);
    await network.run('tc qdisc add dev eth0 root handle 12: tbf rate 9mbit burst 16kb latency 40ms');
    await expect(fault.inject(ticket, reach)).rejects.toThrow('exit 2');
    await fault.undo(ticket, reach);
    expect(await queue()).toContain('tbf 12: root');
  });

  test('the helper’s last will takes the bucket away', async () => {
    const reach = fakeReach({ cluster: network.cluster });
    const before = await queue();
    const ticket = await fault.prepare(reach);
    await fault.inject(ticket, reach);
    const { helper } = ticket.place;
    const { spec } = network.cluster.objects.get(`Pod shakedown/${helper.name}`) as never as {
      spec: { containers: [{ command: readonly string[] }] };
    };
    const will = await network.cluster.exec(helper, ['sh', '-c', String(spec.containers[0].command[5]), 'sh'], 1);
    expect(will).toMatchObject({ exitCode: 0 });
    expect(await queue()).toBe(before);
    expect(await fault.holding?.(ticket, reach)).toMatchObject({ is: 'no' });
  });
});
