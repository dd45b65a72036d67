// The embedded default target: a real three-node Kubernetes with an ERPNext-like workshop, on one Linux machine.
// Up is an ordered list of small steps (lab/steps); what is there already is not done again.
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';
import { type Part, partsOfLab, type Scope, scopes } from './parts.ts';
import { cacheDir, contentHash, labDir, logDir, network, nodes, paths, runDir, stateDir } from './places.ts';
import { type Progress, runSteps, type Step } from './step.ts';
import { clusterSteps } from './steps/cluster.ts';
import { baseReference, imageArchive, imageNames, imageReference, imageSteps } from './steps/images.ts';
import { importStep, machineSteps } from './steps/machines.ts';
import { packages } from './steps/packages.ts';
import { programSteps, programsDir } from './steps/programs.ts';
import { stopSupervisor, supervisorStatus } from './supervisor/client.ts';
import type { SupervisorStatus } from './supervisor/plan.ts';

const scopeFile = join(stateDir, 'scope');

export const k6Program = (): string => join(programsDir('k6'), 'k6');

/** What the machines are made of. Another value means another lab, which is built from scratch. */
const machineFingerprint = (): string =>
  contentHash(
    programsDir('kubernetes'),
    { file: join(labDir, 'supervisor') },
    { file: join(labDir, 'steps/machines.ts') },
    { file: join(labDir, 'pki.ts') },
    { file: join(labDir, 'audit-policy.yaml') },
    { file: join(labDir, 'places.ts') },
  );

/** In an order in which each comes after what it needs. */
export function steps(scope: Scope): readonly Step[] {
  return allSteps().filter((step) => scope === 'full' || step.scope === undefined);
}

function allSteps(): readonly Step[] {
  const images = imageSteps();
  const references = [baseReference, ...imageNames.map(imageReference)];
  return [
    packages,
    ...programSteps(),
    ...images,
    ...machineSteps(machineFingerprint(), process.cwd()),
    importStep(
      references,
      imageArchive,
      images.map(({ name }) => name),
    ),
    ...clusterSteps(),
  ];
}

/** How much of the lab was asked for when it came up, and so is looked after; undefined when it is down. */
async function scopeUp(): Promise<Scope | undefined> {
  const text = (await readFile(scopeFile, 'utf8').catch(() => '')).trim();
  return scopes.find((scope) => scope === text);
}

/** Brings up what is missing and returns the path of the target file. What is up stays up, also when less is asked for now. */
export async function labUp(asked: Scope, progress: Progress, signal?: AbortSignal): Promise<string> {
  await withLock('lab up', async () => {
    await mkdir(cacheDir, { recursive: true });
    const scope = (await scopeUp()) === 'full' ? 'full' : asked;
    await runSteps(steps(scope), progress, signal);
    await writeFile(scopeFile, `${scope}\n`);
  });
  return paths.target;
}

/** Stops everything and forgets keys, etcd and volumes; what was built stays in the cache. */
export async function labDown(progress: Progress): Promise<void> {
  await withLock('lab down', async () => {
    const status = await supervisorStatus();
    progress.line(status ? 'lab: stopping' : 'lab: was not running');
    await stopSupervisor();
    await rm(stateDir, { recursive: true, force: true });
    await rm(logDir, { recursive: true, force: true });
  });
}

export interface LabStatus {
  /** Up: every step of its scope is done, every Kubernetes node Ready, every part of its scope healthy. */
  readonly state: 'down' | 'up' | 'incomplete';
  readonly scope: Scope;
  readonly outstanding: readonly string[];
  readonly parts: readonly Part[];
  readonly supervisor?: SupervisorStatus;
  readonly kubernetesNodes: readonly { readonly name: string; readonly ready: boolean; readonly version: string }[];
  readonly addresses: { readonly apiServer: string; readonly front: string };
  readonly target: string;
}

export async function labStatus(): Promise<LabStatus> {
  const supervisor = await supervisorStatus();
  const addresses = { apiServer: network.controlPlane, front: network.front };
  const scope = (await scopeUp()) ?? 'full';
  if (!supervisor)
    return { state: 'down', scope, outstanding: [], kubernetesNodes: [], parts: [], addresses, target: paths.target };
  const outstanding: string[] = [];
  for (const step of steps(scope)) if (!(await step.done())) outstanding.push(step.name);
  const listed = JSON.parse(await kubectl(['get', 'nodes', '--output', 'json']).catch(() => '{"items":[]}')) as {
    items: {
      metadata: { name: string };
      status: { conditions: { type: string; status: string }[]; nodeInfo: { kubeletVersion: string } };
    }[];
  };
  const kubernetesNodes = listed.items.map(({ metadata, status }) => ({
    name: metadata.name,
    ready: status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    version: status.nodeInfo.kubeletVersion,
  }));
  const parts = await partsOfLab().catch(() => []);
  const whole =
    outstanding.length === 0 &&
    kubernetesNodes.length === nodes.length &&
    kubernetesNodes.every(({ ready }) => ready) &&
    parts.length > 0 &&
    parts.every((part) => part.health === 'healthy' || (scope === 'core' && part.scope === 'full'));
  return {
    state: whole ? 'up' : 'incomplete',
    scope,
    outstanding,
    parts,
    supervisor,
    kubernetesNodes,
    addresses,
    target: paths.target,
  };
}

export class LabBusy extends Error {}

/** One lab a machine: whoever changes it holds the lock, and says who it is. A lock whose holder has died is taken over. */
async function withLock(what: string, work: () => Promise<void>): Promise<void> {
  await mkdir(runDir, { recursive: true });
  const file = join(runDir, 'lab.lock');
  for (;;) {
    try {
      closeSync(openSync(file, 'wx'));
      break;
    } catch {
      const holder = (await readFile(file, 'utf8').catch(() => '')).trim();
      const pid = Number(holder.split(' ')[0]);
      if (pid && alive(pid))
        throw new LabBusy(`the lab is being changed by process ${holder}. Next: wait for it, or end that process`);
      await rm(file, { force: true });
    }
  }
  await writeFile(file, `${process.pid} (${what}, from ${process.cwd()})\n`);
  try {
    await work();
  } finally {
    await rm(file, { force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
