// How long it takes from inject until a fault is proven to have landed, and how long undo takes; and what Chaos Toolkit takes to kill the
// same kind of pod, without a proof, in the same run.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { faults } from '../../chaos/registry.ts';
import { readTargetFile } from '../../cli/target-file.ts';
import { cacheDir, paths } from '../../lab/places.ts';
import { until } from '../../lab/step.ts';
import { openReach } from '../../lib/clients/reach.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { webTierReady } from '../../lib/probes/guards.ts';
import { newRunId } from '../../lib/runner/gate.ts';
import { run } from '../lab/shakedown.ts';

export interface FaultTimes {
  readonly fault: string;
  /** From the call of inject until landed says yes. */
  readonly landedMs: readonly number[];
  readonly undoMs: readonly number[];
}

/** One of each of the three quick mechanisms: the API, a signal, packet rules. */
const quick = ['pods/delete-forced', 'process/freeze', 'network/loss'] as const;

export async function faultTimes(rounds: number): Promise<readonly FaultTimes[]> {
  const target = await readTargetFile(paths.target);
  const times: FaultTimes[] = [];
  for (const name of quick) {
    const known = faults.find(({ fault }) => fault.name === name);
    if (!known) throw new Error(`no fault ${name} in the registry`);
    const [landedMs, undoMs]: [number[], number[]] = [[], []];
    for (let round = 1; round <= rounds; round++) {
      const signal = AbortSignal.timeout(120_000);
      await using reach = await openReach(target, { runId: newRunId(Date.now()), seed: round, signal });
      await settled(reach);
      const ticket = await known.fault.prepare(reach);
      let began = performance.now();
      await known.fault.inject(ticket, reach);
      while ((await known.fault.landed(ticket, reach)).is !== 'yes') await reach.sleep(20);
      landedMs.push(performance.now() - began);
      began = performance.now();
      await known.fault.undo(ticket, reach);
      undoMs.push(performance.now() - began);
      const residue = await known.fault.residue(ticket, reach);
      if (residue.is !== 'clean') throw new Error(`${name} left ${residue.left.join(', ')}`);
    }
    times.push({ fault: name, landedMs, undoMs });
  }
  return times;
}

/** Two web pods ready, none on its way out: as a run begins. */
const settled = (reach: Reach): Promise<void> =>
  until('the web tier is ready', 120_000, async () => {
    const { is, seen } = await webTierReady.check(reach);
    return is === 'yes' || seen;
  });

export interface PeerTimes {
  /** Of the call that deletes a pod, by its own journal. */
  readonly callMs: readonly number[];
  /** Of the whole `chaos run`. */
  readonly wholeMs: readonly number[];
}

const peer = ['chaostoolkit==1.19.0', 'chaostoolkit-kubernetes==0.39.0'] as const;

/** Installed once into a folder of its own in the cache. It comes as the lab's administrator: it has no roles of its own. */
export async function chaosToolkitTimes(rounds: number, scratch: string): Promise<PeerTimes> {
  const venv = join(cacheDir, 'bench/chaostoolkit');
  await must('python3', '-m', 'venv', venv);
  await must(join(venv, 'bin/pip'), 'install', '--quiet', ...peer);
  const experiment = join(scratch, 'experiment.json');
  await writeFile(experiment, JSON.stringify(await killOneWebPod()));
  const target = await readTargetFile(paths.target);
  const [callMs, wholeMs]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    await using reach = await openReach(target, { runId: 'peer', seed: 0, signal: AbortSignal.timeout(180_000) });
    await settled(reach);
    const journal = join(scratch, `journal-${round}.json`);
    const began = performance.now();
    const ran = await run(
      join(venv, 'bin/chaos'),
      ['--no-version-check', 'run', '--journal-path', journal, experiment],
      scratch,
      { KUBECONFIG: paths.kubeconfig },
    );
    wholeMs.push(performance.now() - began);
    const { status, run: activities } = JSON.parse(await readFile(journal, 'utf8')) as {
      status: string;
      run: readonly { duration: number; status: string }[];
    };
    if (ran.code !== 0 || status !== 'completed' || activities[0]?.status !== 'succeeded')
      throw new Error(`Chaos Toolkit ended with ${ran.code}, ${status}: ${ran.stderr.slice(-1_000)}`);
    callMs.push(activities[0].duration * 1000);
  }
  return { callMs, wholeMs };
}

async function killOneWebPod(): Promise<unknown> {
  const { namespace, selector } = (await readTargetFile(paths.target)).tiers.web;
  return {
    title: 'One web pod is deleted by force',
    description: 'The same that pods/delete-forced does.',
    method: [
      {
        type: 'action',
        name: 'delete one web pod',
        provider: {
          type: 'python',
          module: 'chaosk8s.pod.actions',
          func: 'terminate_pods',
          arguments: { label_selector: selector, ns: namespace, qty: 1, rand: true, grace_period: 0 },
        },
      },
    ],
    rollbacks: [],
  };
}

async function must(program: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(program, args, '/');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr.slice(-1_000)}`);
}
