// The scripts run here for real, in a network namespace of this test alone.
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../lib/model/reach.ts';
import { waitUntil } from '../../lib/wait.ts';
import { fakeContainer, fakeNode } from '../../tests/fakes/cluster.ts';
import { canMakeNamespaces, type PodNetwork, podNetwork } from '../../tests/fakes/pod-network.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { removeHelper } from '../helper/helper-pod.ts';
import {
  allThere,
  type PacketRule,
  packetsMet,
  packetsOf,
  parsePackets,
  putRules,
  readRules,
  rulesText,
  takeRules,
  tryRules,
} from './packet-rules.ts';
import { armPlace, chainOf, leftInPlace, lookAtPod, type Place } from './pod-namespace.ts';

const place: Place = {
  pod: { namespace: 'erp', name: 'web-1', uid: 'u', ip: '198.18.1.1' },
  restarts: 0,
  kubernetesNode: 'kubernetes-node-1',
  inode: '4026531840',
  pid: 1,
  mark: 'shakedown-rtest-cut-web-1',
  helper: { namespace: 'shakedown', name: 'h' },
  keepers: ['198.18.1.254', '198.18.0.11'],
};
const rule = (changes: Partial<PacketRule> = {}): PacketRule => ({
  direction: 'in',
  protocol: 'tcp',
  peers: ['198.18.1.2'],
  ports: [6379],
  portsOf: 'pod',
  act: 'drop',
  ...changes,
});
const linesOf = (...rules: readonly PacketRule[]) =>
  rulesText(place, rules)
    .split('\n')
    .filter((line) => line.startsWith('-A'))
    .map((line) =>
      line.replace(`-A ${chainOf(place.mark)}-`, '').replace(/-m comment --comment "[^:]*:([^"]*)"/, '# $1'),
    );

test('new connections and those that were there have lines of their own', () => {
  expect(linesOf(rule())).toEqual([
    'in -s 198.18.1.2 -p tcp --syn -m multiport --dports 6379 # in:new -j DROP',
    'in -s 198.18.1.2 -p tcp ! --syn -m multiport --dports 6379 # in:established -j DROP',
  ]);
});

test('a port is the pod’s or its peer’s, in either direction', () => {
  const portOf = (changes: Partial<PacketRule>) => /--(\w+) 6379/.exec(linesOf(rule(changes))[0] ?? '')?.[1];
  expect(portOf({ direction: 'in', portsOf: 'pod' })).toBe('dports');
  expect(portOf({ direction: 'out', portsOf: 'pod' })).toBe('sports');
  expect(portOf({ direction: 'in', portsOf: 'peer' })).toBe('sports');
  expect(portOf({ direction: 'out', portsOf: 'peer' })).toBe('dports');
  expect(portOf({ portsOf: 'either' })).toBe('ports');
});

test('a rule for everybody keeps open who looks after the pod; one that names its peers means them', () => {
  expect(linesOf(rule({ peers: [], ports: [], protocol: 'any' }))).toEqual([
    'in -s 198.18.1.254 # in:kept -j RETURN',
    'in -s 198.18.0.11 # in:kept -j RETURN',
    'in -p tcp --syn # in:new -j DROP',
    'in -p tcp ! --syn # in:established -j DROP',
    'in ! -p tcp # in:other -j DROP',
  ]);
  expect(linesOf(rule({ peers: ['198.18.0.11'] })).join()).not.toContain('kept');
});

test('a share is drawn at random, and what it was drawn from is counted', () => {
  expect(linesOf(rule({ direction: 'out', protocol: 'udp', ports: [53], portsOf: 'peer', share: 0.3 }))).toEqual([
    'out -d 198.18.1.2 -p udp -m multiport --dports 53 # out:seen',
    'out -d 198.18.1.2 -p udp -m multiport --dports 53 -m statistic --mode random --probability 0.3 # out:other -j DROP',
  ]);
});

test('a refusal is a reset for TCP and an unreachable port for the rest', () => {
  expect(linesOf(rule({ protocol: 'any', ports: [], act: 'reject' })).map((line) => line.split(' -j ')[1])).toEqual([
    'REJECT --reject-with tcp-reset',
    'REJECT --reject-with tcp-reset',
    'REJECT',
  ]);
});

test('no rules, or ports of any protocol, are an error and not an empty fault', () => {
  expect(() => rulesText(place, [])).toThrow('no packet rule for erp/web-1');
  expect(() => rulesText(place, [rule({ protocol: 'any' })])).toThrow('can’t name ports');
});

test('only lines with the very mark are counted', () => {
  const packets = parsePackets(
    [
      '[7:420] -A sd-1-in -s 198.18.1.2/32 -p tcp -m comment --comment "shakedown-rtest-cut-web-1:in:new" -j DROP',
      '[2:120] -A sd-1-in -s 198.18.1.3/32 -p tcp -m comment --comment "shakedown-rtest-cut-web-1:in:new" -j DROP',
      '[9:900] -A INPUT ! -i lo -m comment --comment "shakedown-rtest-cut-web-1:in" -j sd-1-in',
      '[5:300] -A sd-2-in -m comment --comment "shakedown-rtest-cut-web-11:in:new" -j DROP',
      '[5:300] -A INPUT -m comment --comment "of somebody else" -j DROP',
    ].join('\n'),
    place,
  );
  expect(packets).toEqual({ 'in:new': { lines: 2, packets: 9, bytes: 540 }, in: { lines: 1, packets: 9, bytes: 900 } });
  expect(packetsMet(packets)).toEqual({ 'in:new': 9 });
  expect(packetsOf(packets, 'new')).toBe(9);
  expect(allThere(packets, place, [rule()])).toBe(false);
});

describe.skipIf(!canMakeNamespaces)('in a real network namespace', () => {
  let network: PodNetwork;
  beforeEach(async () => {
    network = await podNetwork();
  });
  afterEach(() => network.end());

  const strangers = '*filter\n-A INPUT -s 10.9.9.9 -m comment --comment "shakedown-other-run:in:new" -j DROP\nCOMMIT\n';

  async function arm() {
    const reach = fakeReach({ cluster: network.cluster });
    const [pod] = network.cluster.podList;
    if (!pod) throw new Error('no pod');
    return { reach, place: await armPlace(reach, 'network/cut', pod, 'cut') };
  }

  test('the namespace of a pod is found by its container, with those who look after it', async () => {
    const { reach, place: found } = await arm();
    expect(found).toMatchObject({
      inode: network.inode,
      pid: network.process.pid,
      mark: 'shakedown-rtest-cut-web-1',
      helper: { name: 'shakedown-cut-web-1-rtest' },
      keepers: ['198.18.0.11', '198.18.1.254'],
    });
    expect(await lookAtPod(reach, found)).toEqual({ samePod: true, restartsSince: 0 });
  });

  test('a pod without the container’s process is refused, and the helper goes', async () => {
    network.cluster.podList[0] = {
      ...(network.cluster.podList[0] as Pod),
      containers: [{ name: 'web', id: 'b0'.repeat(32), ready: true, restarts: 0 }],
    };
    await expect(arm()).rejects.toThrow('no process of container web (b0b0b0b0b0b0)');
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('a pod in the network of its Kubernetes node is refused: the rules would be everybody’s', async () => {
    network.cluster.podList[0] = { ...(network.cluster.podList[0] as Pod), ip: '198.18.0.11' };
    await expect(arm()).rejects.toThrow('shares the network of its Kubernetes node');
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('rules come in one step, count, and go by match; what is of others stays', async () => {
    await network.run(`printf '${strangers.replaceAll('\n', '\\n')}' | iptables-restore --noflush`);
    const before = await network.run('iptables-save | grep -v ^#');
    const { reach, place: at } = await arm();
    const rules = [
      rule({ direction: 'out', portsOf: 'peer' }),
      rule({ portsOf: 'peer' }),
      rule({ direction: 'out', peers: [], ports: [7000], portsOf: 'peer', act: 'reject', share: 0.999 }),
    ];
    await tryRules(reach, 'network/cut', at, rules);
    expect(await network.run('iptables-save | grep -v ^#')).toBe(before);
    expect(allThere(await readRules(reach.cluster, at), at, rules)).toBe(false);

    const put = await putRules(reach.cluster, at, rules);
    expect(allThere(put, at, rules)).toBe(true);
    expect(packetsOf(put, 'new', 'established')).toBe(0);
    await expect(network.run('timeout 2 bash -c "exec 3<>/dev/tcp/198.18.1.2/6379"')).rejects.toThrow('exit 124');
    await expect(network.run('bash -c "exec 3<>/dev/tcp/198.18.1.2/7000"')).rejects.toThrow('refused');
    const packets = await readRules(reach.cluster, at);
    expect(packets && packetsMet(packets)).toMatchObject({ 'out:new': expect.any(Number), 'in:new': 0 });
    expect(packets && packetsOf(packets, 'new')).toBeGreaterThan(1);
    expect(await leftInPlace(reach, at)).toMatchObject({
      is: 'dirty',
      left: expect.arrayContaining([expect.stringContaining('out:new')]),
    });

    await takeRules(reach, 'network/cut', at);
    expect((await network.run('iptables-save | grep -v ^#')).replaceAll(/ \[\d+:\d+\]/g, '')).toBe(
      before.replaceAll(/ \[\d+:\d+\]/g, ''),
    );
    expect(await leftInPlace(reach, at)).toEqual({ is: 'clean', left: [] });
    await takeRules(reach, 'network/cut', at);
    expect(network.cluster.podList.map(({ name }) => name)).toEqual(['web-1']);
  });

  test('nothing is put in for a pod that took the name, or for a process that only shares the number of the namespace', async () => {
    const { reach, place: at } = await arm();
    const pod = network.cluster.podList[0] as Pod;
    network.cluster.podList[0] = { ...pod, uid: 'another' };
    await expect(putRules(reach.cluster, at, [rule()])).rejects.toThrow('erp/web-1 is another pod by now');
    // A new pod's namespace may get the inode of one that is gone; its processes are in no container of the pod that is meant.
    network.cluster.podList[0] = { ...pod, containers: [fakeContainer({ name: 'web', id: 'b0'.repeat(32) })] };
    await expect(putRules(reach.cluster, at, [rule()])).rejects.toThrow('is no more');
    expect(await network.run('iptables-save')).not.toContain('shakedown');
    network.cluster.podList.shift();
    await expect(putRules(reach.cluster, at, [rule()])).rejects.toThrow('erp/web-1 is no more');
  });

  test('rules put in twice, or only half there, are taken back as well', async () => {
    const { reach, place: at } = await arm();
    await putRules(reach.cluster, at, [rule()]);
    await putRules(reach.cluster, at, [rule()]);
    await network.run(`iptables -D ${chainOf(at.mark)}-in 1`);
    expect(allThere(await readRules(reach.cluster, at), at, [rule()])).toBe(false);
    await takeRules(reach, 'network/cut', at);
    expect(await network.run('iptables-save | grep -c shakedown || true')).toBe('0\n');
  });

  test('the namespace is found again when the process that led to it is gone, and by a helper in place of one that died', async () => {
    const { reach, place: at } = await arm();
    await putRules(reach.cluster, at, [rule()]);
    const other = spawn('nsenter', [`--net=/proc/${network.process.pid}/ns/net`, 'sleep', '60']);
    await waitUntil({
      what: 'another process is in it',
      withinMs: 5_000,
      everyMs: 5,
      read: () => network.run(`stat -L -c %i /proc/${other.pid}/ns/net`),
      until: (inode) => inode.trim() === network.inode,
    });
    await network.knowProcess(other.pid);
    network.process.kill('SIGKILL');
    try {
      expect(allThere(await readRules(reach.cluster, at), at, [rule()])).toBe(true);
      await removeHelper(network.cluster, at.helper);
      await takeRules(reach, 'network/cut', at);
      const after = spawn('nsenter', [`--net=/proc/${other.pid}/ns/net`, 'iptables-save']);
      let rules = '';
      for await (const text of after.stdout) rules += text;
      expect(rules).not.toContain('shakedown');
      expect(await leftInPlace(reach, at)).toEqual({ is: 'clean', left: [] });
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('a namespace that nobody is in any more is gone: nothing to undo, nothing to put into, nothing left', async () => {
    const { reach, place: at } = await arm();
    await putRules(reach.cluster, at, [rule()]);
    network.process.kill('SIGKILL');
    await waitUntil({
      what: 'gone',
      withinMs: 5_000,
      everyMs: 5,
      read: () => readRules(reach.cluster, at),
      until: (packets) => packets === undefined,
    });
    await expect(putRules(reach.cluster, at, [rule()])).rejects.toThrow('is no more');
    await takeRules(reach, 'network/cut', at);
    expect(await leftInPlace(reach, at)).toEqual({ is: 'clean', left: [] });
  });

  test('the helper’s last will takes the rules of its pod back, and those of nobody else', async () => {
    const { reach, place: at } = await arm();
    await putRules(reach.cluster, at, [rule()]);
    await network.run('iptables -A INPUT -s 10.9.9.9 -m comment --comment shakedown-other-run:in:new -j DROP');
    const { spec } = network.cluster.objects.get(`Pod shakedown/${at.helper.name}`) as never as {
      spec: { containers: [{ command: readonly string[] }] };
    };
    const { exitCode } = await network.cluster.exec(
      at.helper,
      ['sh', '-c', String(spec.containers[0].command[5]), 'sh'],
      1,
    );
    expect(exitCode).toBe(0);
    const rules = await network.run('iptables-save');
    expect(rules).not.toContain(at.mark);
    expect(rules).toContain('shakedown-other-run');
  });

  test('a kernel without a match is told from prepare on, and a helper that can’t look never says clean', async () => {
    const { reach, place: at } = await arm();
    const { exec } = network.cluster;
    network.cluster.exec = async () => ({
      exitCode: 6,
      stdout: '',
      stderr: 'Extension statistic revision 0 not supported',
    });
    await expect(tryRules(reach, 'network/loss', at, [rule()])).rejects.toThrow(
      'network/loss: Kubernetes node kubernetes-node-1 does not take the packet rules that the fault needs: helper shakedown-cut-web-1-rtest: exit 6: Extension statistic',
    );
    expect(await leftInPlace(reach, at)).toMatchObject({ is: 'cannot-tell' });
    network.cluster.exec = exec;
    network.cluster.objects.set('Node /kubernetes-node-1', fakeNode('kubernetes-node-1', false));
    await removeHelper(network.cluster, at.helper);
    await expect(takeRules(reach, 'network/cut', at)).rejects.toThrow('kubernetes-node-1 is away');
    expect(await leftInPlace(reach, at)).toMatchObject({
      is: 'cannot-tell',
      left: [expect.stringContaining('kubernetes-node-1 is away')],
    });
    // Taken out of the cluster: its pods' network namespaces went with it.
    network.cluster.objects.delete('Node /kubernetes-node-1');
    await takeRules(reach, 'network/cut', at);
    expect(await leftInPlace(reach, at)).toEqual({ is: 'clean', left: [] });
    network.cluster.down = new Error('API out of reach');
    expect(await leftInPlace(reach, at)).toMatchObject({
      is: 'cannot-tell',
      left: [expect.stringContaining('API out of reach')],
    });
  });
});
