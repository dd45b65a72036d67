// The scripts run here for real, on children of this test alone; only the cgroup files are made up.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../../lib/wait.ts';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import {
  findProcesses,
  findScript,
  killProcess,
  killScript,
  lookAtProcess,
  lookScript,
  parseKilled,
  parseProcesses,
} from './signal.ts';

const containerId = 'a1b2c3d4'.repeat(8);
const other = 'ffff0000'.repeat(8);
const cgroups = {
  v1: (id: string) => `12:pids:/lab/node-1/kubepods/burstable/pod1/${id}\n1:name=systemd:/lab/kubepods/pod1/${id}\n`,
  v2: (id: string) => `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope\n`,
  v2Nested: (id: string) => `0::/../cri-containerd-${id}.scope/init\n`,
};

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shakedown-signal-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function child(cgroup: string | undefined, program = 'sleep'): Promise<{ pid: number; start: string }> {
  const one = spawn(program, ['60'], { stdio: 'ignore' });
  children.push(one);
  const pid = one.pid as number;
  await enter(pid, cgroup);
  return { pid, start: await startOf(pid) };
}

async function enter(pid: number, cgroup: string | undefined): Promise<void> {
  if (cgroup === undefined) return;
  await mkdir(join(folder, String(pid)), { recursive: true });
  await writeFile(join(folder, String(pid), 'cgroup'), cgroup);
}

async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;
}

function sh(script: string, ...values: (string | number)[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return shAt('/proc', script, ...values);
}

function shAt(proc: string, script: string, ...values: (string | number)[]) {
  const rest = values.map(String);
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile('sh', ['-c', script, 'sh', proc, folder, containerId, ...rest], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test.each(Object.entries(cgroups))('finds the processes of a container by its cgroup (%s)', async (_name, cgroup) => {
  const ours = await child(cgroup(containerId));
  await child(cgroup(other));
  await child(undefined);
  const { stdout, stderr } = await sh(findScript);
  expect(parseProcesses(stdout)).toEqual([
    { pid: ours.pid, startTicks: ours.start, state: expect.any(String), command: 'sleep' },
  ]);
  expect(stderr).toBe('');
});

test('an id that only begins or ends like the container’s is another container', async () => {
  await child(`0::/kubepods/${containerId}0\n`);
  await child(`0::/kubepods/0${containerId}\n`);
  await child(`0::/kubepods/cri-containerd-${containerId}.scope.d\n`);
  expect((await sh(findScript)).stdout).toBe('');
});

test('a command whose name holds spaces and brackets does not shift the start time', async () => {
  const program = join(folder, 'a) S 1 (b');
  await copyFile('/bin/sleep', program);
  await chmod(program, 0o755);
  const ours = await child(cgroups.v1(containerId), program);
  await waitUntil({
    what: 'the program runs',
    withinMs: 2_000,
    everyMs: 10,
    read: () => readFile(`/proc/${ours.pid}/comm`, 'utf8'),
    until: (name) => name === 'a) S 1 (b\n',
  });
  const [found] = parseProcesses((await sh(findScript)).stdout);
  expect(found).toMatchObject({ command: 'a) S 1 (b', startTicks: ours.start });
});

test('kills the process meant, and tells when it was gone', async () => {
  const ours = await child(cgroups.v1(containerId));
  const stranger = await child(cgroups.v1(other));
  expect((await sh(lookScript, ours.pid, ours.start)).stdout).toMatch(/^there [A-Z]\n$/);
  const { stdout } = await sh(killScript, ours.pid, ours.start, 2_000);
  const killed = parseKilled(stdout);
  expect((killed?.goneAt ?? 0) - (killed?.sentAt ?? 0)).toBeLessThan(1_000);
  expect((await sh(lookScript, ours.pid, ours.start)).stdout).toBe('gone\n');
  expect(alive(stranger.pid)).toBe(true);
});

test('sends nothing to a process that got the pid of the one meant', async () => {
  const recycled = await child(cgroups.v1(containerId));
  const { stdout } = await sh(killScript, recycled.pid, Number(recycled.start) - 1, 500);
  expect(stdout).toBe('another\n');
  expect(alive(recycled.pid)).toBe(true);
  expect((await sh(lookScript, recycled.pid, Number(recycled.start) - 1)).stdout).toBe('gone\n');
});

test('sends nothing to a process in another container, nor to one whose cgroup can’t be read', async () => {
  for (const cgroup of [cgroups.v1(other), undefined]) {
    const stranger = await child(cgroup);
    expect((await sh(killScript, stranger.pid, stranger.start, 500)).stdout).toBe('another\n');
    expect(alive(stranger.pid)).toBe(true);
  }
});

test('says so when the process is gone already', async () => {
  const ours = await child(cgroups.v1(containerId));
  process.kill(ours.pid, 'SIGKILL');
  await waitUntil({
    what: 'it is gone',
    withinMs: 2_000,
    everyMs: 10,
    read: () => alive(ours.pid),
    until: (yes) => !yes,
  });
  expect((await sh(killScript, ours.pid, ours.start, 500)).stdout).toBe('another\n');
});

test('a /proc that can’t be read is an error, not a process that is gone', async () => {
  for (const script of [lookScript, killScript]) {
    const { code, stdout } = await shAt('/nowhere', script, 1, '1', 100);
    expect(code).toBe(4);
    expect(stdout).toBe('');
  }
});

const helper = { namespace: 'shakedown', name: 'helper' };

test('refuses an id that could match strangers', async () => {
  const cluster = fakeCluster();
  for (const id of ['', 'abc', '*', `${containerId} x`]) {
    await expect(findProcesses(cluster, helper, id, 'mariadbd')).rejects.toThrow('not a container id');
  }
});

test('what the helper says is read strictly', async () => {
  const cluster = fakeCluster();
  const process = { containerId, pid: 5, startTicks: '9' };
  const saying = (stdout: string, exitCode = 0) => {
    cluster.exec = async () => ({ exitCode, stdout, stderr: 'why' });
  };
  saying('there S\n');
  expect(await lookAtProcess(cluster, helper, process)).toEqual({ state: 'S' });
  saying('gone\n');
  expect(await lookAtProcess(cluster, helper, process)).toBeUndefined();
  saying('');
  await expect(lookAtProcess(cluster, helper, process)).rejects.toThrow('said ""');
  saying('another\n');
  await expect(killProcess(cluster, helper, process)).rejects.toThrow('nothing was sent');
  saying('sent 5\nstill D\n');
  await expect(killProcess(cluster, helper, process)).rejects.toThrow('not seen to end');
  saying('', 4);
  await expect(lookAtProcess(cluster, helper, process)).rejects.toThrow('exit 4: why');
});
