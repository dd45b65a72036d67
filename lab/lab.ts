// The embedded default target: a real three-node Kubernetes with an ERPNext-like workshop, on one Linux machine.
// Up is an ordered list of small steps (lab/steps); what is there already is not done again.
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';
import { cacheDir, contentHash, labDir, logDir, network, nodes, paths, runDir, stateDir } from './places.ts';
import { type Progress, runSteps, type Step } from './step.ts';
import { clusterSteps } from './steps/cluster.ts';
import { baseReference, imageArchive, imageNames, imageReference, imageSteps } from './steps/images.ts';
import { importStep, machineSteps } from './steps/machines.ts';
import { packages } from './steps/packages.ts';
import { programSteps, programsDir } from './steps/programs.ts';
import { stopSupervisor, supervisorStatus } from './supervisor/client.ts';
import type { SupervisorStatus } from './supervisor/plan.ts';

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

function steps(): readonly Step[] {
  const images = imageSteps();
  const references = [baseReference, ...imageNames.map(imageReference)];
  return [
    packages,
    ...programSteps([
      'kubernetes',
      'coredns',
      'contour',
      'kube-state-metrics',
      'local-path-provisioner',
      'helm',
      'cert-manager',
      'kube-router',
      'versitygw',
      'k6',
    ]),
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

/** Brings up what is missing and returns the path of the target file. */
export async function labUp(progress: Progress, signal?: AbortSignal): Promise<string> {
  await withLock('lab up', async () => {
    await mkdir(cacheDir, { recursive: true });
    await runSteps(steps(), progress, signal);
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
  readonly state: 'down' | 'up' | 'incomplete';
  readonly outstanding: readonly string[];
  readonly supervisor?: SupervisorStatus;
  readonly kubernetesNodes: readonly { readonly name: string; readonly ready: boolean; readonly version: string }[];
  readonly addresses: { readonly apiServer: string; readonly front: string };
  readonly target: string;
}

export async function labStatus(): Promise<LabStatus> {
  const supervisor = await supervisorStatus();
  const addresses = { apiServer: network.controlPlane, front: network.front };
  if (!supervisor) return { state: 'down', outstanding: [], kubernetesNodes: [], addresses, target: paths.target };
  const outstanding: string[] = [];
  for (const step of steps()) if (!(await step.done())) outstanding.push(step.name);
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
  const whole =
    outstanding.length === 0 && kubernetesNodes.length === nodes.length && kubernetesNodes.every(({ ready }) => ready);
  return {
    state: whole ? 'up' : 'incomplete',
    outstanding,
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
