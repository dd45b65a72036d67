// A suite that injected faults and then stands still, to be killed in the middle of them; and how to tell that all is as it was before.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readTargetFile } from '../../cli/target-file.ts';
import { paths } from '../../lab/places.ts';
import { until } from '../../lab/step.ts';
import { openReach } from '../../lib/clients/reach.ts';
import { managedBy } from '../../lib/model/labels.ts';
import type { Reach, TargetSnapshot } from '../../lib/model/reach.ts';
import { takeSnapshot } from '../../lib/probes/target-snapshot.ts';
import { compareSnapshots } from '../../lib/runner/compare-snapshots.ts';

export interface HangingSuite {
  readonly runId: string;
  /** SIGKILL, and nothing of it is left on this machine. */
  kill(): Promise<void>;
}

/** Resolves once every fault is injected, has landed and had its effect. Rejects with all that it said when one has not. */
export function hangIn(faults: readonly string[]): Promise<HangingSuite> {
  const script = join(import.meta.dirname, 'play-fault.ts');
  const child: ChildProcess = spawn(process.execPath, [script, ...faults, '--hang'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  child.stderr?.on('data', (text) => said.push(String(text)));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        said.push(line);
        const step = JSON.parse(line) as { step: string; runId?: string; proof?: { is: string } };
        if (step.step === 'failed' || (step.proof && step.proof.is !== 'yes')) child.kill('SIGTERM');
        if (step.step === 'hanging')
          resolve({
            runId: step.runId ?? '',
            async kill() {
              child.kill('SIGKILL');
              await gone;
            },
          });
      });
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${code ?? signal}:\n${said.join('\n')}`)));
  });
}

export const openLab = async (): Promise<Reach & AsyncDisposable> =>
  openReach(await readTargetFile(paths.target), { runId: 'watch', seed: 0, signal: new AbortController().signal });

/** Tickets, helper pods, reports of the guardian: what the suite itself keeps in the target. */
export async function keptInTarget({ cluster, target }: Reach): Promise<readonly string[]> {
  const { namespace } = target.suite;
  const labelSelector = `${managedBy.key}=${managedBy.value}`;
  const maps = (await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector })) as unknown as {
    metadata: { name: string };
  }[];
  const pods = await cluster.pods(namespace, labelSelector);
  return [...maps.map(({ metadata }) => metadata.name), ...pods.map(({ name }) => name)];
}

/** The whole target, as a run itself would compare it; it may take a while to come to rest. */
export async function asBefore(reach: Reach, before: TargetSnapshot, withinMs: number): Promise<void> {
  await until('the target is as it was before', withinMs, async () => {
    const { is, left } = compareSnapshots(before, await takeSnapshot(reach));
    return is === 'clean' || `${is}: ${left.join('; ')}`;
  });
}
