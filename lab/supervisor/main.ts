// The lab's host supervisor: one process that owns every other process of the lab, starts them again when they end,
// and switches the power of Kubernetes nodes. When it dies the kernel ends all of them, so no half lab is ever left.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cutLink, makeBridge, makeHost, removeBridge, removeHost } from './network.ts';
import type { Daemon, SupervisedNode, SupervisorPlan, SupervisorStatus } from './plan.ts';

const execute = promisify(execFile);
const plan: SupervisorPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const startedAt = Date.now();
let stopping = false;

interface Kept {
  child: ChildProcess | null;
  restarts: number;
}
const daemons = new Map<string, Kept>();
const nodes = new Map<
  string,
  { child: ChildProcess | null; power: 'on' | 'off'; since: number; switching: Promise<void> }
>();

/** In the namespace, and killed by the kernel when the supervisor dies. */
function spawnIn(namespace: string, log: string, command: readonly string[]): ChildProcess {
  const out = openSync(join(plan.logDir, `${log}.log`), 'a');
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'nsenter', `--net=/run/netns/${namespace}`, '--', ...command], {
    stdio: ['ignore', out, out],
    env: { PATH: `${plan.binDir}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/root' },
  });
}

function keep(daemon: Daemon): void {
  const kept: Kept = daemons.get(daemon.name) ?? { child: null, restarts: 0 };
  daemons.set(daemon.name, kept);
  kept.child = spawnIn(daemon.namespace, daemon.name, daemon.command);
  kept.child.on('exit', () => {
    kept.child = null;
    if (stopping) return;
    kept.restarts += 1;
    setTimeout(() => stopping || keep(daemon), 1000);
  });
}

const namespaceOf = (node: SupervisedNode): string => `shakedown-${node.name}`;

async function loopDevice(file: string): Promise<string> {
  const attached = (await execute('losetup', ['--associated', file, '--output', 'NAME', '--noheadings'])).stdout.trim();
  if (attached) return attached.split('\n')[0] as string;
  return (await execute('losetup', ['--find', '--show', file])).stdout.trim();
}

async function powerOn(node: SupervisedNode): Promise<void> {
  const state = nodes.get(node.name);
  if (!state || state.power === 'on') return;
  await makeHost(plan, namespaceOf(node), node.address);
  const device = await loopDevice(node.volumeFile);
  // Replays the journal, as a machine does that comes back.
  await execute('e2fsck', ['-p', device]).catch((error: { code?: number }) => {
    if ((error.code ?? 8) > 1) throw error; // 1: errors were corrected
  });
  const child = spawnIn(namespaceOf(node), node.name, [
    'unshare',
    ...['--mount', '--pid', '--uts', '--fork', '--kill-child=SIGKILL'],
    join(import.meta.dirname, 'node-init.sh'),
    ...[node.name, device, node.stateDir, plan.binDir],
  ]);
  Object.assign(state, { child, power: 'on', since: Date.now() });
  child.on('exit', (code) => {
    if (state.child !== child) return;
    state.child = null;
    // A node whose init ends by itself is a node that crashed; it stays off, to be seen.
    if (state.power === 'on') Object.assign(state, { power: 'off', since: Date.now() });
    if (!stopping) console.error(`${new Date().toISOString()} ${node.name} ended with ${code}`);
  });
}

/** As pulling the plug: the cable goes silent, unsynced writes of its volumes are lost, every process is gone at once. */
async function powerOff(node: SupervisedNode): Promise<void> {
  const state = nodes.get(node.name);
  if (!state?.child?.pid || state.power === 'off') return;
  state.power = 'off';
  state.since = Date.now();
  await cutLink(namespaceOf(node));
  const init = await childOf(state.child.pid);
  if (init) {
    // EXT4_IOC_SHUTDOWN with NOLOGFLUSH (2): keeps what was fsynced and loses the rest.
    const volumes = `/proc/${init}/root${node.stateDir}/volumes`;
    await execute('perl', [
      '-e',
      'open(F,"<",$ARGV[0]) or die $!; my $flags=pack("L",2); ioctl(F,0x8004587d,$flags) or die $!',
      volumes,
    ]);
    process.kill(init, 'SIGKILL');
  }
  const child = state.child;
  await ended(child);
}

/** The pid, as this machine counts, of the only child: the init of the node's PID namespace. */
async function childOf(pid: number): Promise<number | undefined> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean);
  return children.length === 1 ? Number(children[0]) : undefined;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve()),
  );
}

function status(): SupervisorStatus {
  return {
    pid: process.pid,
    startedAt,
    startedBy: plan.startedBy,
    fingerprint: plan.fingerprint,
    daemons: [...daemons].map(([name, kept]) => ({ name, pid: kept.child?.pid ?? null, restarts: kept.restarts })),
    nodes: [...nodes].map(([name, node]) => ({
      name,
      power: node.power,
      pid: node.child?.pid ?? null,
      since: node.since,
    })),
  };
}

/** One switch at a time for each node, in the order asked. */
function switchPower(name: string, power: 'on' | 'off'): Promise<void> {
  const node = plan.nodes.find((each) => each.name === name);
  const state = nodes.get(name);
  if (!node || !state)
    return Promise.reject(new Error(`there is no node ${name}; there are ${[...nodes.keys()].join(', ')}`));
  state.switching = state.switching
    .catch(() => undefined)
    .then(() => (power === 'on' ? powerOn(node) : powerOff(node)));
  return state.switching;
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const node of nodes.values()) if (node.child?.pid) node.child.kill('SIGKILL'); // takes the node's init along
  for (const { child } of daemons.values()) child?.kill('SIGTERM');
  const all = [...daemons.values(), ...nodes.values()].flatMap(({ child }) => (child ? [child] : []));
  const killer = setTimeout(() => all.map((child) => child.kill('SIGKILL')), 5000);
  await Promise.all(all.map(ended));
  clearTimeout(killer);
  for (const node of plan.nodes) {
    await removeHost(namespaceOf(node));
    const { stdout } = await execute('losetup', ['--associated', node.volumeFile, '--output', 'NAME', '--noheadings']);
    for (const device of stdout.split('\n').filter(Boolean)) await execute('losetup', ['--detach', device]);
  }
  for (const host of plan.hosts) await removeHost(host.namespace);
  await removeBridge(plan.bridge.name);
  rmSync(plan.socket, { force: true });
}

await makeBridge(plan);
for (const host of plan.hosts) await makeHost(plan, host.namespace, host.address);
for (const node of plan.nodes)
  nodes.set(node.name, { child: null, power: 'off', since: startedAt, switching: Promise.resolve() });
for (const daemon of plan.daemons) keep(daemon);
await Promise.all(plan.nodes.map((node) => switchPower(node.name, 'on')));

rmSync(plan.socket, { force: true });
createServer((request, response) => {
  const answer = (code: number, body: unknown): void => {
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const [, kind, name, power] = (request.url ?? '').split('/');
  if (request.method === 'GET' && kind === 'status') return answer(200, status());
  if (request.method === 'POST' && kind === 'nodes' && name && (power === 'on' || power === 'off')) {
    switchPower(name, power).then(
      () => answer(200, status()),
      (error: Error) => answer(500, { error: error.message }),
    );
    return;
  }
  if (request.method === 'POST' && kind === 'stop') {
    stop().then(
      () => {
        answer(200, { stopped: true });
        setTimeout(() => process.exit(0), 50);
      },
      (error: Error) => answer(500, { error: error.message }),
    );
    return;
  }
  answer(404, { error: `no such request: ${request.method} ${request.url}` });
}).listen(plan.socket, () => writeFileSync(join(plan.logDir, 'supervisor.ready'), String(process.pid)));

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => void stop().then(() => process.exit(0)));
