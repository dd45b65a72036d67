// A pod's network for tests: a real network namespace on this machine with nobody else in it, and a cluster in memory whose helper pods
// run their scripts here. Only as root; elsewhere such tests are skipped.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecResult } from '../../lib/model/reach.ts';
import { waitUntil } from '../../lib/wait.ts';
import { type FakeCluster, fakeCluster, fakeContainer, fakePod } from './cluster.ts';

export const canMakeNamespaces =
  process.platform === 'linux' && spawnSync('unshare', ['--net', 'iptables', '-S']).status === 0;

export interface PodNetwork {
  readonly cluster: FakeCluster;
  /** Its one process; the namespace is as old as it. */
  readonly process: ChildProcess;
  readonly inode: string;
  /** Runs a command inside. Throws when it does not end with 0. */
  run(command: string): Promise<string>;
  /** Lets the helper pods see one more process of this machine. */
  knowProcess(pid: number | undefined): Promise<void>;
  /** Serves on a port of the far side: says `greeting` when somebody connects, and answers each `PING` with `+PONG`. */
  serve(port: number, greeting?: string): Promise<void>;
  /** A connection from the pod to a served port, over which something is said all the time, or now and then: a pooled one. */
  keepConnection(port: number, everyMs?: number): Promise<void>;
  end(): Promise<void>;
}

/** The pod erp/web-1 at 198.18.1.1 with its gateway 198.18.1.254; on the other side of its cable are both the gateway and 198.18.1.2. */
export async function podNetwork(): Promise<PodNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'shakedown-pod-network-'));
  const containerId = 'c0ffee00'.repeat(8);
  const far = spawn('unshare', ['--net', 'sleep', '120'], { stdio: 'ignore' });
  const pod = spawn('unshare', ['--net', 'sleep', '120'], { stdio: 'ignore' });
  const inodeOf = async (pid: number | 'self') => String((await stat(`/proc/${pid}/ns/net`)).ino);
  const own = await inodeOf('self');
  for (const { pid } of [far, pod]) {
    await waitUntil({
      what: 'a network namespace of its own',
      withinMs: 5_000,
      everyMs: 5,
      read: () => inodeOf(pid as number),
      until: (inode) => inode !== own,
    });
  }
  const pid = pod.pid as number;
  await mkdir(join(folder, 'cgroups', String(pid)), { recursive: true });
  await writeFile(join(folder, 'cgroups', String(pid), 'cgroup'), `0::/kubepods/pod1/${containerId}\n`);
  // Of all this machine's processes only those of this test are there, so that it neither sees nor touches what another one does.
  const proc = join(folder, 'proc');
  await mkdir(proc);
  const knowProcess = (known: number | 'self' | undefined) => symlink(`/proc/${known}`, join(proc, String(known)));
  for (const known of [1, 'self', pid, far.pid] as const) await knowProcess(known);

  const sh = (script: string, ...args: readonly string[]) =>
    new Promise<ExecResult>((resolve) => {
      execFile('sh', ['-c', script, 'sh', ...args], (error, stdout, stderr) =>
        resolve({ exitCode: error ? Number(error.code) || 1 : 0, stdout, stderr }),
      );
    });
  const run = async (command: string) => {
    const { exitCode, stdout, stderr } = await sh(`exec nsenter --net=/proc/${pid}/ns/net sh -c "$1"`, command);
    if (exitCode !== 0) throw new Error(`${command}: exit ${exitCode}: ${stderr}${stdout}`);
    return stdout;
  };
  await run(`set -e
    ip link set lo up
    ip link add eth0 type veth peer name far netns ${far.pid}
    ip address add 198.18.1.1/24 dev eth0; ip link set eth0 up
    nsenter --net=/proc/${far.pid}/ns/net sh -ec '
      ip link set lo up; ip address add 198.18.1.254/24 dev far; ip address add 198.18.1.2/24 dev far; ip link set far up'
    ip route add default via 198.18.1.254`);

  const cluster = fakeCluster({
    pods: [
      fakePod({
        namespace: 'erp',
        name: 'web-1',
        labels: { tier: 'web' },
        containers: [fakeContainer({ name: 'web', id: containerId })],
      }),
    ],
    objects: [
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'kubernetes-node-1', namespace: '' },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [
            { type: 'InternalIP', address: '198.18.0.11' },
            { type: 'Hostname', address: 'kubernetes-node-1' },
          ],
        },
      },
    ],
  });
  cluster.exec = async (helper, [, , script = '', , ...args]) => {
    if (cluster.down) throw cluster.down;
    if (!cluster.podList.some(({ namespace, name }) => namespace === helper.namespace && name === helper.name)) {
      throw new Error(`pods "${helper.name}" not found`);
    }
    const [first, ...rest] = args;
    const here = script.replaceAll('/dev/shm/inject', join(folder, 'inject'));
    if (first === '/proc' && rest[0] === '/proc') return sh(here, proc, join(folder, 'cgroups'), ...rest.slice(1));
    // Where /proc is comes first of all; a last will, which has no arguments, names it in its text.
    return first === '/proc' ? sh(here, proc, ...rest) : sh(here.replace('set -- /proc ', `set -- ${proc} `), ...args);
  };
  const inode = await inodeOf(pid);
  const children: ChildProcess[] = [pod, far];
  /** Runs JavaScript in a namespace, until it says that it is ready. */
  const runNode = async (at: number | undefined, script: string) => {
    const child = spawn('nsenter', [`--net=/proc/${at}/ns/net`, process.execPath, '-e', script]);
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.stderr.once('data', (text) => reject(new Error(String(text))));
    });
  };
  return {
    cluster,
    process: pod,
    inode,
    run,
    knowProcess,
    serve: (port, greeting = '') =>
      runNode(
        far.pid,
        `require('net').createServer((one) => {
          one.on('error', () => {}).write(${JSON.stringify(greeting)});
          one.on('data', (text) => String(text).startsWith('PING') && one.write('+PONG\\r\\n'));
        }).listen(${port}, '198.18.1.2', () => console.log('ready'))`,
      ),
    keepConnection: (port, everyMs = 20) =>
      runNode(
        pid,
        `const one = require('net').connect(${port}, '198.18.1.2', () => console.log('ready')).on('error', () => {});
        setInterval(() => one.write('x'), ${everyMs})`,
      ),
    async end() {
      // Whatever a helper left running in the pod, which in a cluster ends with the helper.
      for (const other of (await readdir('/proc')).map(Number).filter((number) => number > 0)) {
        if ((await inodeOf(other).catch(() => undefined)) === inode) process.kill(other, 'SIGKILL');
      }
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}
