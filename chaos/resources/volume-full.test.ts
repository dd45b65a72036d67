// The scripts run for real in a folder of the test: the mounts are made up, the file is a file, and so much is left free that it takes
// 32 MiB, more than others on this machine use meanwhile. What the mounts of a Kubernetes node look like is seen in the lab.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeCluster, fakeCluster, fakeContainer, fakeNode, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { type RealHelper, realHelper } from '../../tests/fakes/real-helper.ts';
import { removeHelper } from '../helper/helper-pod.ts';
import { undoableFrom } from '../registry.ts';
import { queueVolumeFull, type VolumeFullTicket, volumeFull } from './volume-full.ts';

const containerId = 'a1b2c3d4'.repeat(8);
const gibibyte = 1024 ** 3;
const redis = { namespace: 'erp', selector: 'tier=queue', replicasMin: 1, port: 6379 };
const target = { ...fakeTarget, redis: { ...fakeTarget.redis, queue: redis } };

let real: RealHelper;
let volume: string;
beforeEach(async () => {
  real = await realHelper();
  volume = join(real.folder, 'volumes here', "queue's pvc 1");
  await mkdir(volume, { recursive: true });
});
afterEach(() => real.end());

function world() {
  const cluster = fakeCluster({
    pods: [
      fakePod({
        namespace: 'erp',
        name: 'redis-queue-0',
        labels: { tier: 'queue' },
        containers: [fakeContainer({ name: 'redis', id: containerId })],
      }),
    ],
    objects: [fakeNode('kubernetes-node-1', true)],
  });
  real.serve(cluster);
  return { cluster, reach: fakeReach({ cluster, target }) };
}

const idOf = async (path: string) => (await real.run(['stat', '-f', '-c', '%i', path])).stdout.trim();
const freeOf = async (path: string) => {
  const [blocks = 0, size = 0] = (await real.run(['stat', '-f', '-c', '%a %S', path])).stdout.split(' ').map(Number);
  return blocks * size;
};

/** A container with the volume, and a ticket for it that takes little: prepare itself is asked elsewhere. */
async function prepared(cluster: FakeCluster, reach: ReturnType<typeof fakeReach>): Promise<VolumeFullTicket> {
  const main = await real.start(containerId);
  await mkdir(join(real.folder, '1'), { recursive: true });
  // The Kubernetes node has the file system at a place whose name holds a space, as mountinfo writes it.
  const folder = real.folder;
  await writeFile(
    join(folder, '1', 'mountinfo'),
    [
      `20 1 0:5 / /proc rw - proc proc rw`,
      `21 1 7:0 /elsewhere ${folder}/other rw - ext4 /dev/loop0 rw`,
      `22 1 7:0 / ${folder}/volumes\\040here rw,noatime - ext4 /dev/loop0 rw`,
      '',
    ].join('\n'),
  );
  await symlink('/', join(folder, '1', 'root'));
  const name = `shakedown-volume-redis-queue-0-${reach.runId}`;
  cluster.podList.push(fakePod({ namespace: 'shakedown', name, labels: { 'shakedown.dev/part': 'helper' } }));
  return {
    runId: reach.runId,
    targets: [{ namespace: 'erp', name: 'redis-queue-0' }],
    helper: { namespace: 'shakedown', name },
    place: {
      namespace: 'erp',
      pod: 'redis-queue-0',
      podUid: 'uid-redis-queue-0',
      kubernetesNode: 'kubernetes-node-1',
      container: 'redis',
      containerId,
      restarts: 0,
    },
    mountPath: '/data',
    mainPid: main.pid,
    volume: { fileSystemId: await idOf(volume), type: 'ext2/ext3', root: "/queue's pvc 1", bytes: gibibyte },
    file: `.shakedown-${reach.runId}-full`,
    leaveBytes: (await freeOf(volume)) - 32 * 1024 ** 2,
  };
}

const there = (ticket: VolumeFullTicket) =>
  stat(join(volume, ticket.file)).then(
    ({ size }) => size,
    () => undefined,
  );

test('the file is put on the node’s own mount, holds, and is removed; what is not ours stays', async () => {
  const { cluster, reach } = world();
  const ticket = await prepared(cluster, reach);
  await writeFile(join(volume, 'appendonly.aof'), 'theirs');
  expect(await queueVolumeFull.landed(ticket, reach)).toMatchObject({ is: 'no', evidence: { file: 'gone' } });
  await queueVolumeFull.inject(ticket, reach);
  expect((await queueVolumeFull.landed(ticket, reach)).is).toBe('yes');
  expect(await there(ticket)).toBeGreaterThan(0);
  await queueVolumeFull.undo(ticket, reach);
  await queueVolumeFull.undo({ ...ticket }, reach);
  expect(await there(ticket)).toBeUndefined();
  expect(await readFile(join(volume, 'appendonly.aof'), 'utf8')).toBe('theirs');
  expect(await queueVolumeFull.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  expect(cluster.podList.map(({ name }) => name)).toEqual(['redis-queue-0']);
});

test('another process removes it from raw JSON, although helper and container are gone', async () => {
  const { cluster, reach } = world();
  const ticket = await prepared(cluster, reach);
  await queueVolumeFull.inject(ticket, reach);
  await removeHelper(cluster, ticket.helper);
  process.kill(ticket.mainPid, 'SIGKILL');
  const { name, version } = queueVolumeFull;
  const read = undoableFrom({ fault: name, version, ticket: JSON.parse(JSON.stringify(ticket)) });
  if ('problem' in read) throw new Error(read.problem);
  expect(await read.fault.residue(read.ticket, reach)).toEqual({
    is: 'dirty',
    left: [`file ${ticket.file} on the volume of erp/redis-queue-0 on kubernetes-node-1`],
  });
  await read.fault.undo(read.ticket, reach);
  expect(await there(ticket)).toBeUndefined();
  expect(await read.fault.residue(read.ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('what the effect tried to write is ours too: while it is there nothing is clean', async () => {
  const { cluster, reach } = world();
  const ticket = await prepared(cluster, reach);
  await writeFile(join(volume, `${ticket.file}-try`), 'x');
  await removeHelper(cluster, ticket.helper);
  expect(await queueVolumeFull.residue(ticket, reach)).toEqual({
    is: 'dirty',
    left: [`file ${ticket.file}-try on the volume of erp/redis-queue-0 on kubernetes-node-1`],
  });
  await queueVolumeFull.undo(ticket, reach);
  expect(await queueVolumeFull.residue({ ...ticket }, reach)).toEqual({ is: 'clean', left: [] });
});

test('a try that was given up and still runs is ended by undo', async () => {
  const { cluster, reach } = world();
  const ticket = await prepared(cluster, reach);
  // A program that takes its time in place of fallocate.
  const { exec } = cluster;
  cluster.exec = (pod, command, withinMs) =>
    exec(
      pod,
      command.map((word) =>
        word
          .replace(/setpriv .* fallocate -l "\$bytes" "\$file"/, 'sh -c "sleep 1; touch \\$0" "$file"')
          .replace('cd "$proc/$pid/root$path"', `cd "${volume}"`),
      ),
      withinMs,
    );
  const effect = queueVolumeFull.effect(ticket, reach);
  await new Promise((resolve) => setTimeout(resolve, 400));
  cluster.exec = exec;
  await queueVolumeFull.undo(ticket, reach);
  expect((await effect).is).toBe('cannot-tell');
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await readdir(volume)).toEqual([]);
});

test('undo is right when inject never ran; a volume that was deleted took the file along', async () => {
  const { cluster, reach } = world();
  const ticket = await prepared(cluster, reach);
  await queueVolumeFull.undo({ ...ticket, volume: { ...ticket.volume, root: '/deleted' } }, reach);
  expect(await queueVolumeFull.residue({ ...ticket }, reach)).toEqual({ is: 'clean', left: [] });
});

test('a file system that is mounted nowhere, and a node that is away, are no clean residue, and undo fails aloud', async () => {
  const { cluster, reach } = world();
  const ticket = await prepared(cluster, reach);
  const unmounted = { ...ticket, volume: { ...ticket.volume, fileSystemId: 'abc123' } };
  await expect(queueVolumeFull.undo(unmounted, reach)).rejects.toThrow('mounted nowhere');
  await removeHelper(cluster, ticket.helper);
  expect(await queueVolumeFull.residue(unmounted, reach)).toMatchObject({ is: 'cannot-tell' });
  cluster.objects.set('Node /kubernetes-node-1', fakeNode('kubernetes-node-1', false));
  await expect(queueVolumeFull.undo(ticket, reach)).rejects.toThrow('kubernetes-node-1 is away');
  expect(await queueVolumeFull.residue({ ...ticket }, reach)).toMatchObject({ is: 'cannot-tell' });
  // Its disk may be in use elsewhere.
  cluster.objects.delete('Node /kubernetes-node-1');
  await expect(queueVolumeFull.undo(ticket, reach)).rejects.toThrow('kubernetes-node-1 is no more');
  expect(await queueVolumeFull.residue({ ...ticket }, reach)).toMatchObject({ is: 'cannot-tell' });
});

test('the helper’s last will removes the file, and does nothing before inject', async () => {
  const { cluster, reach } = world();
  const { helper: _, ...rest } = await prepared(cluster, reach);
  cluster.podList.pop();
  const { armHelper } = await import('../helper/helper-pod.ts');
  // As prepare arms it.
  const spy: { lastWill: string | undefined } = { lastWill: undefined };
  const { create } = cluster;
  cluster.create = async (object) => {
    spy.lastWill = (object as never as { spec: { containers: [{ command: string[] }] } }).spec.containers[0].command.at(
      -1,
    );
    return create(object);
  };
  await expect(queueVolumeFull.prepare(reach)).rejects.toThrow('no volume is mounted there');
  const will = (spy.lastWill ?? '').replaceAll('/dev/shm', real.folder);
  expect(await real.run(['sh', '-c', will])).toMatchObject({ exitCode: 0, stdout: '' });
  const helper = await armHelper(reach, { kubernetesNode: 'kubernetes-node-1', purpose: 'volume-redis-queue-0' });
  const ticket = { ...rest, helper };
  await queueVolumeFull.inject(ticket, reach);
  expect(await there(ticket)).toBeGreaterThan(0);
  expect(await real.run(['sh', '-c', will])).toMatchObject({ exitCode: 0, stdout: 'gone\n' });
  expect(await there(ticket)).toBeUndefined();
});

/** What the helper says of a volume, and what prepare makes of it. */
const said = (changes: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    type: 'ext2-ext3',
    id: 'ab12',
    root: '/pvc',
    size: String(gibibyte),
    free: String(gibibyte / 2),
    machine: 'no',
    node: 'yes',
    ...changes,
  })
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');

test.each<[string, string, string]>([
  ['the machine’s root file system', said({ machine: '/' }), 'would fill the machine'],
  ['memory', said({ type: 'tmpfs' }), 'it is tmpfs'],
  ['the container’s own layer', said({ type: 'overlayfs' }), 'it is overlayfs'],
  [
    'a file system that is larger than allowed',
    said({ size: String(64 * gibibyte) }),
    'more than the 16384 that are allowed',
  ],
  ['a folder that is no mount', 'not-mounted\n', 'no volume is mounted there'],
  ['a volume that only the container can reach', said({ node: 'no' }), 'nobody could undo'],
  ['one that is full already', said({ free: '4096' }), 'only 4096 bytes are free'],
  ['an answer that makes no sense', 'type\n', 'said "type'],
])('prepare refuses %s, and leaves nothing', async (_name, stdout, says) => {
  const { cluster, reach } = world();
  await real.start(containerId);
  const { exec } = cluster;
  cluster.exec = async (pod, command, withinMs) =>
    command.includes('/data') ? { exitCode: 0, stdout, stderr: '' } : exec(pod, command, withinMs);
  await expect(queueVolumeFull.prepare(reach)).rejects.toThrow(says);
  expect(cluster.podList.map(({ name }) => name)).toEqual(['redis-queue-0']);
});

test('prepare reads the volume for real: this machine’s own disk is refused, whatever is allowed', async () => {
  const { cluster, reach } = world();
  const main = await real.start(containerId);
  await mkdir(join(real.folder, '1'), { recursive: true });
  await symlink('/', join(real.folder, '1', 'root'));
  await writeFile(join(real.folder, '1', 'mountinfo'), '22 1 7:0 / / rw - ext4 /dev/loop0 rw\n');
  await writeFile(join(real.folder, String(main.pid), 'mountinfo'), `22 1 7:0 /opt /opt rw - ext4 /dev/loop0 rw\n`);
  const fault = volumeFull({ tier: 'redis-queue', mountPath: '/opt', leaveBytes: 0, fileSystemBytesMax: 2 ** 50 });
  await expect(fault.prepare(reach)).rejects.toThrow(/file system of \/ of|container’s own layer/);
  expect(cluster.podList.map(({ name }) => name)).toEqual(['redis-queue-0']);
});

test('the disk of the Kubernetes node’s logs is refused too, although its root is on another', async () => {
  const { cluster, reach } = world();
  const main = await real.start(containerId);
  // A root in memory, and in it a way back to this machine's disk: absolute, as the Kubernetes node itself would see it.
  const root = await mkdtemp('/dev/shm/shakedown-root-');
  try {
    await mkdir(join(root, 'var'));
    await mkdir(join(root, 'disk'));
    await symlink('/disk/log', join(root, 'var', 'log'));
    await symlink('../../../../opt', join(root, 'disk', 'log'));
    await mkdir(join(real.folder, '1'), { recursive: true });
    await symlink(root, join(real.folder, '1', 'root'));
    await writeFile(join(real.folder, '1', 'mountinfo'), '22 1 7:0 / / rw - ext4 /dev/loop0 rw\n');
    await writeFile(join(real.folder, String(main.pid), 'mountinfo'), `22 1 7:0 /opt /opt rw - ext4 /dev/loop0 rw\n`);
    const fault = volumeFull({ tier: 'redis-queue', mountPath: '/opt', leaveBytes: 0, fileSystemBytesMax: 2 ** 50 });
    await expect(fault.prepare(reach)).rejects.toThrow(/file system of \/var\/log of|container’s own layer/);
    expect(cluster.podList.map(({ name }) => name)).toEqual(['redis-queue-0']);
  } finally {
    await rm(root, { recursive: true });
  }
});
