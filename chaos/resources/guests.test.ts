// Guests run here for real: busy loops and a Node.js that takes memory, in cgroups that are plain files of the test. Each is ended by the
// very scripts that are tested, and by the test as well.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../lib/model/fault.ts';
import { type FakeCluster, fakeCluster, fakeContainer, fakeNode, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { type RealHelper, realHelper } from '../../tests/fakes/real-helper.ts';
import { removeHelper } from '../helper/helper-pod.ts';
import { undoableFrom } from '../registry.ts';
import { memoryFull, workerMemoryFull } from './memory.ts';
import { workerProcessorBusy } from './processor.ts';

const containerId = 'a1b2c3d4'.repeat(8);
const helperId = 'ee'.repeat(32);
const mebibyte = 1024 * 1024;
const target = {
  ...fakeTarget,
  tiers: { ...fakeTarget.tiers, 'worker-default': { namespace: 'erp', selector: 'tier=worker', replicasMin: 1 } },
};

/** How the two cgroup versions name things. */
const versions = {
  1: {
    line: (id: string) => `5:cpu,cpuacct:/kubepods/pod1/${id}\n4:memory:/kubepods/pod1/${id}\n0::/\n`,
    group: { cpu: `cpu,cpuacct/kubepods/pod1/${containerId}`, memory: `memory/kubepods/pod1/${containerId}` },
    limits: { 'cpu.cfs_quota_us': '100000\n', 'cpu.cfs_period_us': '100000\n' },
    noLimits: { 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n' },
    memory: (limit: number | undefined, usage: number) => ({
      'memory.limit_in_bytes': `${limit ?? '9223372036854771712'}\n`,
      'memory.usage_in_bytes': `${usage}\n`,
      'memory.failcnt': '3\n',
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
      'memory.stat': `cache 5\ntotal_inactive_file ${mebibyte}\n`,
    }),
    usage: 'memory.usage_in_bytes',
  },
  2: {
    // The container made a cgroup of its own below the one that has the limits.
    line: (id: string) => `0::/kubepods.slice/cri-containerd-${id}.scope/init\n`,
    group: {
      cpu: `kubepods.slice/cri-containerd-${containerId}.scope`,
      memory: `kubepods.slice/cri-containerd-${containerId}.scope`,
    },
    limits: { 'cpu.max': '100000 100000\n' },
    noLimits: { 'cpu.max': 'max 100000\n' },
    memory: (limit: number | undefined, usage: number) => ({
      'memory.max': `${limit ?? 'max'}\n`,
      'memory.current': `${usage}\n`,
      'memory.events': 'low 0\nmax 3\noom 2\noom_kill 1\n',
      'memory.stat': `anon 5\ninactive_file ${mebibyte}\n`,
    }),
    usage: 'memory.current',
  },
} as const;

let real: RealHelper;
let clusters: FakeCluster[] = [];
afterEach(async () => {
  // What a failed test left would go on: its keeper ends, and with it the guests.
  await real.end();
  clusters = [];
});

describe.each([1, 2] as const)('cgroup version %i', (version) => {
  const names = versions[version];
  beforeEach(async () => {
    real = await realHelper(names.line);
  });

  async function files(controller: 'cpu' | 'memory', content: Readonly<Record<string, string>>) {
    const group = join(real.folder, 'sys', names.group[controller]);
    const own = version === 2 ? join(group, 'init') : group;
    await mkdir(own, { recursive: true });
    for (const folder of [group, own]) {
      await writeFile(join(folder, 'cgroup.procs'), '', { flag: 'a' });
      if (version === 2) await writeFile(join(folder, 'cgroup.controllers'), 'cpu memory\n');
    }
    for (const [name, text] of Object.entries(content)) await writeFile(join(group, name), text);
    return { group, procs: join(own, 'cgroup.procs') };
  }
  const cpuStat = (periods: number, throttled: number) =>
    `nr_periods ${periods}\nnr_throttled ${throttled}\nthrottled_time 5\n`;

  async function world() {
    const main = await real.start(containerId);
    const keeper = await real.start(helperId);
    const cluster = fakeCluster({
      pods: [
        fakePod({
          namespace: 'erp',
          name: 'worker-1',
          labels: { tier: 'worker' },
          containers: [fakeContainer({ name: 'work', id: containerId })],
        }),
      ],
      objects: [fakeNode('kubernetes-node-1', true)],
    });
    const { pod } = cluster;
    cluster.pod = async (namespace, name) => {
      const found = await pod(namespace, name);
      return found && namespace === 'shakedown'
        ? { ...found, containers: [fakeContainer({ name: 'helper', id: helperId })] }
        : found;
    };
    real.serve(cluster);
    clusters.push(cluster);
    return { cluster, reach: fakeReach({ cluster, target }), main, keeper };
  }

  const alive = (pid: number) =>
    readFile(`/proc/${pid}/cmdline`, 'utf8').then(
      (text) => text !== '',
      () => false,
    );
  // biome-ignore lint/suspicious/noExplicitAny: two faults whose tickets differ
  const guestsOf = async (fault: Fault<any>, ticket: unknown, reach: never): Promise<number[]> => {
    const proof = await fault.holding?.(ticket, reach);
    if (!proof) throw new Error('a fault with guests holds');
    return (proof.evidence as unknown as { guests: number[] }).guests;
  };

  test('busy processes join the container’s cgroup, and are ended by their marker', async () => {
    const { group, procs } = await files('cpu', { ...names.limits, 'cpu.stat': cpuStat(10, 0) });
    const { reach, cluster } = await world();
    const fault = workerProcessorBusy;
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({ limit: 1, guests: 2, targets: [{ namespace: 'erp', name: 'worker-1' }] });
    expect((await fault.landed(ticket, reach)).is).toBe('no');
    await fault.inject(ticket, reach);
    expect((await fault.landed(ticket, reach)).is).toBe('yes');
    const pids = await guestsOf(fault, ticket, reach as never);
    expect(pids).toHaveLength(2);
    expect((await readFile(procs, 'utf8')).trim().split('\n').map(Number).sort()).toEqual([...pids].sort());
    const look = fault.effect(ticket, reach);
    // Half of the window is over.
    setTimeout(() => void writeFile(join(group, 'cpu.stat'), cpuStat(20, 3)), 500);
    expect(await look).toMatchObject({ is: 'yes', evidence: { periods: 10, throttled: 3, limit: 1 } });
    expect((await fault.effect(ticket, reach)).is).toBe('no');
    await fault.undo(ticket, reach);
    expect(await Promise.all(pids.map(alive))).toEqual([false, false]);
    expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
    expect(cluster.podList.map(({ name }) => name)).toEqual(['worker-1']);
  });

  test('another process finds and ends them, although the helper pod is gone', async () => {
    await files('cpu', { ...names.limits, 'cpu.stat': cpuStat(10, 0) });
    const { reach, cluster } = await world();
    const ticket = await workerProcessorBusy.prepare(reach);
    await workerProcessorBusy.inject(ticket, reach);
    const pids = await guestsOf(workerProcessorBusy, ticket, reach as never);
    await removeHelper(cluster, ticket.helper);
    const { name, version } = workerProcessorBusy;
    const read = undoableFrom({ fault: name, version, ticket: JSON.parse(JSON.stringify(ticket)) });
    if ('problem' in read) throw new Error(read.problem);
    const residue = await read.fault.residue(read.ticket, reach);
    expect(residue.is).toBe('dirty');
    expect(residue.left.toString()).toContain(`process ${pids[0]} (${ticket.marker}) on kubernetes-node-1`);
    await read.fault.undo(read.ticket, reach);
    await read.fault.undo(read.ticket, reach);
    expect(await Promise.all(pids.map(alive))).toEqual([false, false]);
    expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
  });

  test.each(['keeper', 'main'] as const)('they end by themselves with their %s', async (host) => {
    await files('cpu', { ...names.limits, 'cpu.stat': cpuStat(10, 0) });
    const hosts = await world();
    const ticket = await workerProcessorBusy.prepare(hosts.reach);
    await workerProcessorBusy.inject(ticket, hosts.reach);
    const pids = await guestsOf(workerProcessorBusy, ticket, hosts.reach as never);
    process.kill(hosts[host].pid, 'SIGKILL');
    await expect.poll(() => Promise.all(pids.map(alive)), { timeout: 5_000 }).toEqual([false, false]);
    expect((await workerProcessorBusy.holding?.(ticket, hosts.reach))?.is).toBe('no');
  });

  test('a container without a processor limit is refused, and nothing is left', async () => {
    await files('cpu', { ...names.noLimits, 'cpu.stat': cpuStat(0, 0) });
    const { reach, cluster } = await world();
    await expect(workerProcessorBusy.prepare(reach)).rejects.toThrow('no processor limit');
    expect(cluster.podList.map(({ name }) => name)).toEqual(['worker-1']);
  });

  test('a container that is throttled by itself is refused, for nobody could tell whose work it is', async () => {
    await files('cpu', { ...names.limits, 'cpu.stat': cpuStat(10, 0) });
    const { reach, cluster } = await world();
    const { exec } = cluster;
    const meanwhile = `printf 'nr_periods 20\\nnr_throttled 4\\n' >"$group/cpu.stat"`;
    cluster.exec = (pod, command, withinMs) =>
      exec(
        pod,
        command.map((word) => word.replace('sleep "$pause"', meanwhile)),
        withinMs,
      );
    await expect(workerProcessorBusy.prepare(reach)).rejects.toThrow('throttled in 4 of 10 periods already');
    expect(cluster.podList.map(({ name }) => name)).toEqual(['worker-1']);
  });

  test('memory is taken up to the share, less when the container takes more, and given back', async () => {
    const limit = 200 * mebibyte;
    const { group } = await files('memory', names.memory(limit, 41 * mebibyte));
    const { reach } = await world();
    const fault = memoryFull({ tier: 'worker-default', share: 0.5 });
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({ limitBytes: limit, wantedBytes: limit / 2, refusedBefore: 3, killedBefore: 1 });
    await fault.inject(ticket, reach);
    const [pid = 0] = await guestsOf(fault, ticket, reach as never);
    const residentOf = async () => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    };
    // The files do not count what it takes, so at each look it takes what is missing once more, up to all that is wanted.
    await expect.poll(residentOf, { timeout: 5_000 }).toBeGreaterThan(limit / 2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await residentOf()).toBeLessThan(limit / 2 + 80 * mebibyte);
    await writeFile(join(group, names.usage), `${101 * mebibyte}\n`);
    expect(await fault.effect(ticket, reach)).toMatchObject({
      is: 'yes',
      evidence: { used: '100 MiB', limit: '200 MiB' },
    });
    await writeFile(join(group, names.usage), `${60 * mebibyte}\n`);
    expect((await fault.effect(ticket, reach)).is).toBe('no');
    await fault.undo(ticket, reach);
    expect(await alive(pid)).toBe(false);
    expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  });

  test.each([
    ['has no limit', undefined, 50 * mebibyte, 'no memory limit'],
    // More than any machine has.
    ['may have more than the Kubernetes node has left', 2 ** 50, 50 * mebibyte, 'has only'],
    ['uses nearly so much already', 224 * mebibyte, 200 * mebibyte, 'leaves too little'],
  ])('a container that %s is refused', async (_name, limit, usage, says) => {
    await files('memory', names.memory(limit, usage));
    const { reach, cluster } = await world();
    await expect(workerMemoryFull.prepare(reach)).rejects.toThrow(says);
    expect(cluster.podList.map(({ name }) => name)).toEqual(['worker-1']);
  });

  test('a node whose cgroups are elsewhere is an error', async () => {
    const { reach } = await world();
    await mkdir(dirname(join(real.folder, 'sys/x')), { recursive: true });
    await expect(workerProcessorBusy.prepare(reach)).rejects.toThrow('no cpu cgroup of process');
  });
});

test('a share that would have the kernel kill is refused', async () => {
  real = await realHelper();
  expect(() => memoryFull({ tier: 'web', share: 0.99 })).toThrow('wanted 0.1 to 0.95');
});
