// A helper pod whose scripts run for real, on this machine: the cluster around it is in memory, the processes are children of the test,
// and only their cgroup files are made up. Nothing but those children can be touched, since no other process is in the made-up cgroups.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecResult } from '../../lib/model/reach.ts';
import type { FakeCluster } from './cluster.ts';

export interface RealHelper {
  /** Stands for the Kubernetes node's cgroup files: `<folder>/<pid>/cgroup`, and `<folder>/sys` for /sys/fs/cgroup. */
  readonly folder: string;
  /** Starts a child of the test, in the container's cgroup or in none. */
  start(containerId: string | undefined, command?: readonly string[]): Promise<{ pid: number; startTicks: string }>;
  /** Commands of the cluster's pods run here from now on. */
  serve(cluster: FakeCluster): void;
  /** What a script of a pod would say here. */
  run(command: readonly string[]): Promise<ExecResult>;
  end(): Promise<void>;
}

export async function realHelper(
  cgroupOf = (containerId: string) => `12:pids:/kubepods/pod1/${containerId}\n`,
): Promise<RealHelper> {
  const folder = await mkdtemp(join(tmpdir(), 'shakedown-helper-'));
  const children: ChildProcess[] = [];
  const here = (command: readonly string[]) =>
    command.map((word, index) =>
      index === 5 && word === '/proc'
        ? folder
        : word
            .replace(/^\/sys\/fs\/cgroup/, `${folder}/sys`)
            .replaceAll('/dev/shm', folder)
            .replaceAll("'/proc' '/proc'", `'/proc' '${folder}'`),
    );
  const run = ([program = '', ...args]: readonly string[]) =>
    new Promise<ExecResult>((resolve) => {
      execFile(program, args, (error, stdout, stderr) =>
        resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
    });
  return {
    folder,
    async start(containerId, [program = 'sleep', ...args] = ['sleep', '60']) {
      const child = spawn(program, args, { stdio: 'ignore' });
      children.push(child);
      const pid = child.pid as number;
      if (containerId !== undefined) {
        await mkdir(join(folder, String(pid)), { recursive: true });
        await writeFile(join(folder, String(pid), 'cgroup'), cgroupOf(containerId));
      }
      return { pid, startTicks: await startTicksOf(pid) };
    },
    serve(cluster) {
      cluster.exec = async (pod, command) => {
        if (cluster.down) throw cluster.down;
        if (!cluster.podList.some((one) => one.namespace === pod.namespace && one.name === pod.name)) {
          throw new Error(`pods "${pod.name}" not found`);
        }
        return run(here(command));
      };
    },
    run: (command) => run(here(command)),
    async end() {
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startTicksOf(pid: number): Promise<string> {
  return (await statOf(pid))[19] as string;
}

export async function isStopped(pid: number): Promise<boolean> {
  return (await statOf(pid))[0] === 'T';
}

async function statOf(pid: number): Promise<readonly string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
