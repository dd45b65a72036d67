// Hosts of the lab as network namespaces on one bridge. Removing a namespace removes all that was in it.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { SupervisorPlan } from './plan.ts';

const execute = promisify(execFile);
const ip = async (...args: string[]): Promise<string> => (await execute('ip', args)).stdout;

const linkOf = (namespace: string): string => `sd-${namespace.replace(/^shakedown-/, '')}`.slice(0, 15);

export async function makeBridge({ bridge, routes }: SupervisorPlan): Promise<void> {
  await removeBridge(bridge.name);
  await ip('link', 'add', bridge.name, 'type', 'bridge', 'nf_call_iptables', '0');
  await ip('address', 'add', `${bridge.address}/${bridge.prefix}`, 'dev', bridge.name);
  await ip('link', 'set', bridge.name, 'up');
  for (const route of routes) await ip('route', 'replace', route.range, 'via', route.via);
}

export async function removeBridge(name: string): Promise<void> {
  await ip('link', 'delete', name).catch(() => undefined); // there was none
}

/** A namespace as a machine that was just switched on: no firewall rule, no connection, no address of an earlier life. */
export async function makeHost(plan: SupervisorPlan, namespace: string, address: string): Promise<void> {
  await removeHost(namespace);
  const link = linkOf(namespace);
  await ip('netns', 'add', namespace);
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  await ip('link', 'set', link, 'master', plan.bridge.name, 'up');
  const inside = (...args: string[]): Promise<string> => ip('-netns', namespace, ...args);
  await inside('address', 'add', `${address}/${plan.bridge.prefix}`, 'dev', 'eth0');
  await inside('link', 'set', 'lo', 'up');
  await inside('link', 'set', 'eth0', 'up');
  await inside('route', 'add', 'default', 'via', plan.bridge.address);
  for (const route of plan.routes)
    if (route.via !== address) await inside('route', 'add', route.range, 'via', route.via);
}

export async function removeHost(namespace: string): Promise<void> {
  await ip('link', 'delete', linkOf(namespace)).catch(() => undefined);
  await ip('netns', 'delete', namespace).catch(() => undefined);
}

/** A cut cable: nothing is answered and nothing refused, as from a machine without power. */
export async function cutLink(namespace: string): Promise<void> {
  await ip('link', 'set', linkOf(namespace), 'down');
}

export async function joinLink(namespace: string): Promise<void> {
  await ip('link', 'set', linkOf(namespace), 'up');
}

/** As the kernel has it at this moment; no cable at all is none that is up. */
export function isLinkUp(namespace: string): boolean {
  const flags = `/sys/class/net/${linkOf(namespace)}/flags`;
  return existsSync(flags) && (Number(readFileSync(flags, 'utf8')) & 1) === 1; // IFF_UP
}
