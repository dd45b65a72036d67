// The scripts run for real, on children of the test; the cluster around them is in memory.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeCluster, fakeCluster, fakeContainer, fakeNode, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { isStopped, type RealHelper, realHelper } from '../../tests/fakes/real-helper.ts';
import { removeHelper } from '../helper/helper-pod.ts';
import { undoableFrom } from '../registry.ts';
import { type FreezeOptions, processFreeze, workerFreeze } from './freeze.ts';

const containerId = 'a1b2c3d4'.repeat(8);
const other = 'ffff0000'.repeat(8);
const target = {
  ...fakeTarget,
  tiers: { ...fakeTarget.tiers, 'worker-default': { namespace: 'erp', selector: 'tier=worker', replicasMin: 1 } },
};
const helperName = 'shakedown-freeze-worker-1-rtest';

let real: RealHelper;
beforeEach(async () => {
  real = await realHelper();
});
afterEach(() => real.end());

function world() {
  const cluster = fakeCluster({
    pods: ['worker-2', 'worker-1'].map((name) =>
      fakePod({
        namespace: 'erp',
        name,
        labels: { tier: 'worker' },
        containers: [fakeContainer({ name: 'work', id: name === 'worker-1' ? containerId : other })],
      }),
    ),
    objects: [fakeNode('kubernetes-node-1', true)],
  });
  real.serve(cluster);
  return { cluster, reach: fakeReach({ cluster, target }) };
}

const faultOf = (processes: FreezeOptions['processes'] = 'all') => processFreeze({ tier: 'worker-default', processes });
const helpers = (cluster: FakeCluster) => cluster.podList.filter(({ namespace }) => namespace === 'shakedown');

test('all processes of the container stop, nobody else’s, and go on after undo', async () => {
  const main = await real.start(containerId);
  const child = await real.start(containerId);
  const stranger = await real.start(other);
  const { reach, cluster } = world();
  const fault = faultOf();
  expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'worker-1' }]);
  const ticket = await fault.prepare(reach);
  expect(ticket.processes[0]).toEqual(main);
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'no', evidence: { stopped: 0 } });
  await fault.inject(ticket, reach);
  expect(await Promise.all([main, child, stranger].map(({ pid }) => isStopped(pid)))).toEqual([true, true, false]);
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
  expect(await fault.holding?.(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { stopped: 2, running: [], gone: 0 },
  });
  await fault.undo(ticket, reach);
  expect(await Promise.all([main, child].map(({ pid }) => isStopped(pid)))).toEqual([false, false]);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  expect(helpers(cluster)).toEqual([]);
});

test('only the main process, or only the one named', async () => {
  for (const processes of ['main', { command: 'sleep' }] as const) {
    const one = await real.start(containerId);
    const second = await real.start(containerId, ['tail', '-f', '/dev/null']);
    const { reach } = world();
    const fault = faultOf(processes);
    const ticket = await fault.prepare(reach);
    expect(ticket).toMatchObject({ whole: false, processes: [one] });
    await fault.inject(ticket, reach);
    expect([await isStopped(one.pid), await isStopped(second.pid)]).toEqual([true, false]);
    await fault.undo(ticket, reach);
    expect(await isStopped(one.pid)).toBe(false);
    await real.end();
    real = await realHelper();
  }
});

test('who was started after prepare is stopped with the rest, and continued', async () => {
  await real.start(containerId);
  const { reach } = world();
  const fault = faultOf();
  const ticket = await fault.prepare(reach);
  const late = await real.start(containerId);
  await fault.inject(ticket, reach);
  expect(await isStopped(late.pid)).toBe(true);
  await fault.undo(ticket, reach);
  expect(await isStopped(late.pid)).toBe(false);
});

test('a restarted container ends the fault: holding says no, undo has nothing to do, and nothing is left', async () => {
  const main = await real.start(containerId);
  const { reach, cluster } = world();
  const fault = faultOf();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  process.kill(main.pid, 'SIGKILL');
  const index = cluster.podList.findIndex(({ name }) => name === 'worker-1');
  cluster.podList[index] = fakePod({
    ...(cluster.podList[index] as ReturnType<typeof fakePod>),
    containers: [
      fakeContainer({
        name: 'work',
        id: '9'.repeat(64),
        restarts: 1,
        lastTerminated: { id: containerId, exitCode: 137, finishedAt: 5, reason: 'Error' },
      }),
    ],
  });
  await expect
    .poll(async () => fault.holding?.(ticket, reach))
    .toMatchObject({
      is: 'no',
      evidence: { gone: 1, container: { sameContainer: false, restartsSince: 1, ended: { exitCode: 137 } } },
    });
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  await fault.undo(ticket, reach);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('somebody who continued a process ended the fault too', async () => {
  const main = await real.start(containerId);
  const { reach } = world();
  const fault = faultOf();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  process.kill(main.pid, 'SIGCONT');
  await expect.poll(async () => (await fault.holding?.(ticket, reach))?.is).toBe('no');
});

test('another process undoes from raw JSON, although the helper is gone, and twice', async () => {
  const main = await real.start(containerId);
  const { reach, cluster } = world();
  const ticket = await workerFreeze.prepare(reach);
  await workerFreeze.inject(ticket, reach);
  await removeHelper(cluster, ticket.helper);
  const { name, version } = workerFreeze;
  const read = undoableFrom({ fault: name, version, ticket: JSON.parse(JSON.stringify(ticket)) });
  if ('problem' in read) throw new Error(read.problem);
  expect(await read.fault.residue(read.ticket, reach)).toEqual({
    is: 'dirty',
    left: [`sleep ${main.pid} in erp/worker-1 is still stopped`],
  });
  await read.fault.undo(read.ticket, reach);
  await read.fault.undo(read.ticket, reach);
  expect(await isStopped(main.pid)).toBe(false);
  expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
  expect(helpers(cluster)).toEqual([]);
});

test('undo is right when inject never ran', async () => {
  const main = await real.start(containerId);
  const { reach, cluster } = world();
  const ticket = await workerFreeze.prepare(reach);
  expect(await workerFreeze.residue(ticket, reach)).toMatchObject({
    is: 'dirty',
    left: [expect.stringContaining(helperName)],
  });
  await workerFreeze.undo(ticket, reach);
  expect(await isStopped(main.pid)).toBe(false);
  expect(helpers(cluster)).toEqual([]);
});

test('an inject that was given up stops nothing after undo', async () => {
  const { reach, cluster } = world();
  const main = await real.start(containerId);
  const ticket = await workerFreeze.prepare(reach);
  // Its own script, which goes on to stop what is continued for as long as it runs.
  const { exec } = cluster;
  cluster.exec = (pod, command, withinMs) =>
    exec(
      pod,
      command.map((word) => word.replaceAll('[ "$left" = 0 ] && break\n  if over; then', 'if over; then')),
      withinMs,
    );
  const injected = workerFreeze.inject(ticket, reach).catch((error: unknown) => error);
  await expect.poll(() => isStopped(main.pid)).toBe(true);
  cluster.exec = exec;
  await workerFreeze.undo(ticket, reach);
  expect(await injected).toBeInstanceOf(Error);
  expect(await isStopped(main.pid)).toBe(false);
  expect(await workerFreeze.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('with the Kubernetes node away nobody claims that it is clean', async () => {
  await real.start(containerId);
  const { reach, cluster } = world();
  const ticket = await workerFreeze.prepare(reach);
  await removeHelper(cluster, ticket.helper);
  cluster.objects.set('Node /kubernetes-node-1', fakeNode('kubernetes-node-1', false));
  await workerFreeze.undo(ticket, reach);
  expect(await workerFreeze.residue(ticket, reach)).toMatchObject({
    is: 'cannot-tell',
    left: [expect.stringContaining('kubernetes-node-1 is away')],
  });
  // Taken out of the cluster: nobody will ever look there, and nothing that ran there is left.
  cluster.objects.delete('Node /kubernetes-node-1');
  await workerFreeze.undo(ticket, reach);
  expect(await workerFreeze.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

/** Of the helper that is armed, or of the next one. */
function willOf(cluster: FakeCluster): string {
  const pod = cluster.objects.get(`Pod shakedown/${helperName}`) as never as {
    spec: { containers: [{ command: string[] }] };
  };
  return pod.spec.containers[0].command.at(-1) ?? '';
}

test('a helper that goes because prepare refuses does not continue what somebody else has stopped', async () => {
  const main = await real.start(containerId);
  process.kill(main.pid, 'SIGSTOP');
  await expect.poll(() => isStopped(main.pid)).toBe(true);
  const { reach, cluster } = world();
  const { remove } = cluster;
  let ended: unknown;
  cluster.remove = async (ref, options) => {
    // As the kubelet ends it.
    const will = willOf(cluster);
    ended = await real.run(['sh', '-c', will]);
    await remove(ref, options);
  };
  await expect(workerFreeze.prepare(reach)).rejects.toThrow('stopped already, and not by this run');
  expect(ended).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(await isStopped(main.pid)).toBe(true);
});

test('its last will continues what is stopped in the container, and no stranger', async () => {
  const main = await real.start(containerId);
  const stranger = await real.start(other);
  const { reach, cluster } = world();
  const ticket = await workerFreeze.prepare(reach);
  const will = willOf(cluster);
  await workerFreeze.inject(ticket, reach);
  process.kill(stranger.pid, 'SIGSTOP');
  expect(await real.run(['sh', '-c', will])).toMatchObject({ exitCode: 0, stdout: 'done\n', stderr: '' });
  await expect.poll(() => isStopped(main.pid)).toBe(false);
  expect(await isStopped(stranger.pid)).toBe(true);
});

test.each<[string, () => Promise<unknown>, string]>([
  ['no process is there', async () => undefined, 'no process at all'],
  [
    'one is stopped already, which undo would continue',
    async () => {
      const { pid } = await real.start(containerId);
      process.kill(pid, 'SIGSTOP');
      await expect.poll(() => isStopped(pid)).toBe(true);
    },
    'stopped already, and not by this run',
  ],
])('prepare refuses and leaves nothing when %s', async (_name, before, says) => {
  await before();
  const { reach, cluster } = world();
  await expect(workerFreeze.prepare(reach)).rejects.toThrow(says);
  expect(helpers(cluster)).toEqual([]);
});

test('a target without that tier, or without a ready pod in it, is refused', async () => {
  const { cluster, reach } = world();
  await expect(workerFreeze.prepare(fakeReach({ cluster }))).rejects.toThrow('the target file has no worker-default');
  cluster.podList.splice(0);
  await expect(workerFreeze.prepare(reach)).rejects.toThrow('no pod at all');
});

test('inject that finds its processes gone says so', async () => {
  const main = await real.start(containerId);
  const { reach } = world();
  const ticket = await workerFreeze.prepare(reach);
  process.kill(main.pid, 'SIGKILL');
  await expect.poll(() => isStopped(main.pid).catch(() => 'gone')).toBe('gone');
  await expect(workerFreeze.inject(ticket, reach)).rejects.toThrow('no process to stop');
});

test('an effect is somebody who waits: a connection that is not taken, bytes that are not read', async () => {
  const listen = (more: string) =>
    `const net = require('node:net'); const s = net.createServer((c) => c.pipe(c)).listen(0, '127.0.0.1', () => { require('node:fs').writeFileSync(process.argv[1], String(s.address().port)); ${more} })`;
  const { readFile } = await import('node:fs/promises');
  const { connect } = await import('node:net');
  const file = `${real.folder}/port`;
  await real.start(containerId, [process.execPath, '-e', listen(''), file]);
  const port = Number(
    await expect
      .poll(() => readFile(file, 'utf8').catch(() => ''))
      .not.toBe('')
      .then(() => readFile(file, 'utf8')),
  );
  const { reach } = world();
  const ticket = await workerFreeze.prepare(reach);
  await workerFreeze.inject(ticket, reach);
  expect(await workerFreeze.effect(ticket, reach)).toMatchObject({
    is: 'no',
    evidence: { waiting: { unaccepted: 0, unread: 0 } },
  });
  const client = connect(port, '127.0.0.1', () => client.write('hello'));
  await expect.poll(async () => (await workerFreeze.effect(ticket, reach)).is).toBe('yes');
  expect(await workerFreeze.effect(ticket, reach)).toMatchObject({ evidence: { waiting: { unaccepted: 1 } } });
  await workerFreeze.undo(ticket, reach);
  await new Promise((resolve) => client.once('data', resolve));
  client.destroy();
});

test('commands run in the helper alone, so that an image without a shell will do', async () => {
  await real.start(containerId);
  const { reach, cluster } = world();
  const { exec } = cluster;
  const asked = new Set<string>();
  cluster.exec = async (pod, command, withinMs) => {
    asked.add(`${pod.namespace}/${pod.name}`);
    return exec(pod, command, withinMs);
  };
  const ticket = await workerFreeze.prepare(reach);
  await workerFreeze.inject(ticket, reach);
  await workerFreeze.holding?.(ticket, reach);
  await workerFreeze.effect(ticket, reach);
  await workerFreeze.undo(ticket, reach);
  expect([...asked]).toEqual([`shakedown/${helperName}`]);
});

test('a helper that may not be made is an error that says who refused, and leaves nothing', async () => {
  await real.start(containerId);
  const { reach, cluster } = world();
  cluster.create = async () => {
    throw Object.assign(new Error('pods is forbidden: user "shakedown-suite" cannot create'), { code: 403 });
  };
  await expect(workerFreeze.prepare(reach)).rejects.toThrow('pods is forbidden');
  expect(helpers(cluster)).toEqual([]);
});

test('with the API out of reach nothing is claimed, and undo fails aloud', async () => {
  await real.start(containerId);
  const { reach, cluster } = world();
  const ticket = await workerFreeze.prepare(reach);
  cluster.down = new Error('API out of reach');
  for (const look of [workerFreeze.landed, workerFreeze.effect, workerFreeze.holding]) {
    expect(await look?.(ticket, reach)).toMatchObject({ is: 'cannot-tell', evidence: { error: 'API out of reach' } });
  }
  expect((await workerFreeze.residue(ticket, reach)).is).toBe('cannot-tell');
  await expect(workerFreeze.undo(ticket, reach)).rejects.toThrow('API out of reach');
});
