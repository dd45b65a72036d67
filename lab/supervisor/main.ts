// The lab's host supervisor: one process that owns every other process of the lab, starts them again when they end,
// and switches the power of Kubernetes nodes. When it dies the kernel ends all of them, so no half lab is ever left.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deadMan } from './dead-man.ts';
import { cutLink, isLinkUp, joinLink, makeBridge, makeHost, removeBridge, removeHost } from './network.ts';
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
interface NodeState {
  child: ChildProcess | null;
  power: 'on' | 'off';
  link: 'on' | 'off';
  since: number;
  switching: Promise<void>;
}
type What = 'power' | 'link';
const nodes = new Map<string, NodeState>();
/** What is off on somebody's behalf who must be heard of, or it is switched on again. */
const unheard = deadMan((which, msMax) => {
  const [what, name] = which.split(' ') as [What, string];
  console.error(`${new Date().toISOString()} nothing was heard for ${msMax} ms: ${which} on again`);
  switchNode(name, what, 'on').catch((error: Error) => {
    console.error(`${which}: ${error.message}; tried again in ${againMs} ms`);
    unheard.begin(which, againMs);
  });
});
const againMs = 5_000;
const timesOff = new Map<string, number>();

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
  await replayJournal(device);
  const child = spawnIn(namespaceOf(node), node.name, [
    'unshare',
    ...['--mount', '--pid', '--uts', '--fork', '--kill-child=SIGKILL'],
    join(import.meta.dirname, 'node-init.sh'),
    ...[node.name, device, node.stateDir, plan.binDir],
  ]);
  Object.assign(state, { child, power: 'on', link: 'on', since: Date.now() });
  child.on('exit', (code) => {
    if (state.child !== child) return;
    state.child = null;
    // A node whose init ends by itself is a node that crashed; it stays off, to be seen.
    if (state.power === 'on') Object.assign(state, { power: 'off', since: Date.now() });
    if (!stopping) console.error(`${new Date().toISOString()} ${node.name} ended with ${code}`);
  });
}

/** As a machine does that comes back. The file system of a node that was switched off a moment ago may still be about to be let go. */
async function replayJournal(device: string): Promise<void> {
  const until = Date.now() + 10_000;
  for (;;) {
    const failed = await execute('e2fsck', ['-p', device]).then(
      () => undefined,
      (error: Error & { code?: number; stdout?: string; stderr?: string }) => error,
    );
    if (!failed || failed.code === 1) return; // 1: errors were corrected
    const said = `${failed.stdout ?? ''}${failed.stderr ?? ''}`.trim();
    if (!/in use|is mounted/.test(said) || Date.now() > until)
      throw new Error(`e2fsck of ${device} ended with ${failed.code}: ${said || failed.message}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** As pulling the plug: the cable goes silent, unsynced writes of its volumes are lost, every process is gone at once. */
async function powerOff(node: SupervisedNode): Promise<void> {
  const state = nodes.get(node.name);
  if (!state?.child?.pid || state.power === 'off') return;
  const { child } = state;
  state.power = 'off';
  state.since = Date.now();
  const init = childOf(state.child.pid);
  try {
    await cutLink(namespaceOf(node));
    if (init) await loseUnsynced(`/proc/${init}/root${node.stateDir}/volumes`);
  } finally {
    // Also when its volumes could not be cut off: a node that is half off would have two lives when it is switched on again.
    // Its parent ends when the init and all that lived under it are gone.
    if (init) process.kill(init, 'SIGKILL');
    else child.kill('SIGKILL');
    await ended(child);
  }
}

/** EXT4_IOC_SHUTDOWN with NOLOGFLUSH (2): keeps what was fsynced and loses the rest. */
async function loseUnsynced(mountPoint: string): Promise<void> {
  await execute('perl', [
    '-e',
    'open(F,"<",$ARGV[0]) or die $!; my $flags=pack("L",2); ioctl(F,0x8004587d,$flags) or die $!',
    mountPoint,
  ]);
}

/** The pid, as this machine counts, of the only child: the init of the node's PID namespace. */
function childOf(pid: number): number | undefined {
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
      // Looked at, not remembered. A node without power has a dead cable.
      link: isLinkUp(namespaceOf(nodeNamed(name).node)) ? 'on' : 'off',
      pid: node.child?.pid ?? null,
      since: node.since,
    })),
  };
}

async function linkTo(node: SupervisedNode, link: 'on' | 'off'): Promise<void> {
  const state = nodes.get(node.name);
  if (!state || state.link === link) return;
  if (link === 'off') await cutLink(namespaceOf(node));
  // A node without power gets its cable with its power.
  else if (state.power === 'on') await joinLink(namespaceOf(node));
  Object.assign(state, { link, since: Date.now() });
}

/** One switch at a time for each node, in the order asked. */
async function switchNode(name: string, what: What, to: 'on' | 'off', unheardMsMax?: number): Promise<void> {
  const { node, state } = nodeNamed(name);
  if (stopping) throw new Error('the lab is being taken down');
  const which = `${what} ${name}`;
  if (to === 'off') unheard.end(which);
  if (to === 'off' && unheardMsMax !== undefined) unheard.begin(which, unheardMsMax);
  if (to === 'off') timesOff.set(which, (timesOff.get(which) ?? 0) + 1);
  const asked = timesOff.get(which);
  const change = async () => {
    await (what === 'link' ? linkTo(node, to) : to === 'on' ? powerOn(node) : powerOff(node));
    // Not before it is on, for whoever asked may be gone when that fails; and not when somebody has switched it off anew meanwhile.
    if (to === 'on' && timesOff.get(which) === asked) unheard.end(which);
  };
  state.switching = state.switching.catch(() => undefined).then(change);
  return state.switching;
}

function nodeNamed(name: string): { readonly node: SupervisedNode; readonly state: NodeState } {
  const node = plan.nodes.find((each) => each.name === name);
  const state = nodes.get(name);
  if (node && state) return { node, state };
  throw new Error(`there is no node ${name}; there are ${[...nodes.keys()].join(', ')}`);
}

/** Who switched it off is still there. */
function hold(name: string, what: What): void {
  nodeNamed(name);
  if (!unheard.heard(`${what} ${name}`)) throw new Error(`the ${what} of ${name} is not off on anybody's behalf`);
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  unheard.endAll();
  const switching = Promise.allSettled([...nodes.values()].map((node) => node.switching));
  await Promise.race([switching, new Promise((resolve) => setTimeout(resolve, 10_000))]);
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
  nodes.set(node.name, {
    child: null,
    power: 'off',
    link: 'on',
    since: startedAt,
    switching: Promise.resolve(),
  });
for (const daemon of plan.daemons) keep(daemon);
await Promise.all(plan.nodes.map((node) => switchNode(node.name, 'power', 'on')));

rmSync(plan.socket, { force: true });
createServer((request, response) => {
  const answer = (code: number, body: unknown): void => {
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const url = new URL(request.url ?? '/', 'http://supervisor');
  const [, kind, name, what, how] = url.pathname.split('/');
  if (request.method === 'GET' && kind === 'status') return answer(200, status());
  if (request.method === 'POST' && kind === 'nodes' && name && (what === 'power' || what === 'link')) {
    const unheardMsMax = Number(url.searchParams.get('unheardMsMax') ?? Number.NaN);
    const change = async () => {
      if (how === 'hold') hold(name, what);
      else if (how === 'on') await switchNode(name, what, 'on');
      else if (how === 'off') await switchNode(name, what, 'off', unheardMsMax > 0 ? unheardMsMax : undefined);
      else throw new Error(`${how}: wanted on, off or hold`);
    };
    change().then(
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
