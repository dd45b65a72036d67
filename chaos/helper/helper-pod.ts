// A helper pod on a Kubernetes node: what a fault needs there to send signals, to set packet rules or to fill a processor. It starts in
// `prepare`, so that injecting is one short command, and it carries a last will: should everybody else be dead when its time is over, it
// takes back by itself what was put in through it.

import type { Residue } from '../../lib/model/fault.ts';
import { managedBy, partLabel, runLabel } from '../../lib/model/labels.ts';
import type { Cluster, ExecResult, Reach } from '../../lib/model/reach.ts';
import { waitUntil } from '../../lib/wait.ts';
import { residueOf } from '../proof.ts';
import { endInjectScript } from './inject-script.ts';

export interface Helper {
  readonly namespace: string;
  readonly name: string;
}

export interface HelperRequest {
  readonly kubernetesNode: string;
  /** For its name: what it does and to whom, `signal-galera-0`. */
  readonly purpose: string;
  /** A shell script that takes back what was put in; right when nothing was. Run when the helper's time is over, and when it is told to end. */
  readonly lastWill?: string;
  /** Longer than prepare, hold and undo together; by then the guardian has long undone what the suite could not. */
  readonly lifeSeconds?: number;
  /** Mounts /sys/fs/cgroup of the Kubernetes node, to put a process beside those of a container. */
  readonly cgroups?: boolean;
}

/** Longer than the longest run of one scenario. */
const lifeSecondsUsual = 900;
const execMs = 10_000;

/** Starts it and waits until it can be used. One that does not start is removed again. */
export async function armHelper(reach: Reach, request: HelperRequest): Promise<Helper> {
  const { cluster, runId } = reach;
  const { namespace } = reach.target.suite;
  const helper: Helper = { namespace, name: nameOf(runId, request.purpose) };
  try {
    await cluster.create(helperPod(helper, reach, request) as never);
    await waitUntil({
      what: `helper pod ${namespace}/${helper.name} runs on ${request.kubernetesNode}`,
      withinMs: 60_000,
      everyMs: 200,
      read: () => cluster.pod(namespace, helper.name),
      until: (pod) => pod?.ready === true,
      show: (pod) => (pod ? `phase ${pod.phase}` : 'no such pod'),
      signal: reach.signal,
      sleep: reach.sleep,
      now: reach.now,
    });
    return helper;
  } catch (error) {
    // What can't be removed now carries the run's label and is found by it; the first failure is the one to tell.
    await removeHelper(cluster, helper).catch(() => undefined);
    throw error;
  }
}

/** At most 63 characters. Of a long purpose its beginning and its end stay, which tell what it does and the pod from its siblings. */
function nameOf(runId: string, purpose: string): string {
  const room = 63 - 'shakedown--'.length - runId.length;
  const short = purpose.length <= room ? purpose : `${purpose.slice(0, 12)}-${purpose.slice(13 - room)}`;
  return `shakedown-${short}-${runId}`;
}

/** Right as well when it never was there. Gone from the API at once; its process ends a moment later. */
export async function removeHelper(cluster: Cluster, helper: Helper): Promise<void> {
  await cluster.remove({ apiVersion: 'v1', kind: 'Pod', ...helper }, { graceSeconds: 0 });
}

/** Helper pods of a run that are still there, in any state. */
export async function helpersLeft(cluster: Cluster, namespace: string, runId: string): Promise<readonly string[]> {
  const pods = await cluster.pods(namespace, `${runLabel}=${runId},${partLabel}=helper`);
  return pods.map((pod) => pod.name);
}

/** Clean when the helper pod is gone from the API. */
export function helperResidue(reach: Pick<Reach, 'cluster'>, { namespace, name }: Helper): Promise<Residue> {
  const where = `helper pod ${namespace}/${name}`;
  return residueOf(where, async () => ((await reach.cluster.pod(namespace, name)) ? [where] : []));
}

/** Helper pods of any run: one that was killed while it prepared has no ticket yet. */
export async function allHelpers(
  cluster: Cluster,
  namespace: string,
): Promise<readonly (Helper & { readonly runId: string })[]> {
  const pods = await cluster.pods(namespace, `${managedBy.key}=${managedBy.value},${partLabel}=helper`);
  return pods.map(({ name, labels }) => ({ namespace, name, runId: labels[runLabel] ?? '' }));
}

/** `sh -c SCRIPT sh ARGS…` in the helper. Throws with what it said on standard error when it does not end with 0. */
export async function runInHelper(
  cluster: Cluster,
  helper: Helper,
  script: string,
  args: readonly string[] = [],
  withinMs = execMs,
): Promise<ExecResult> {
  const result = await cluster.exec(helper, ['sh', '-c', script, 'sh', ...args], withinMs);
  if (result.exitCode === 0) return result;
  throw new Error(
    `helper ${helper.name}: exit ${result.exitCode}: ${result.stderr.trim().slice(0, 300) || result.stdout.slice(0, 300)}`,
  );
}

/** Before anything is taken back through it: an inject that was given up may still run there, or begin. */
export async function endInject(cluster: Cluster, helper: Helper): Promise<void> {
  await runInHelper(cluster, helper, endInjectScript);
}

/**
 * The helper of a ticket, to undo with: the one that was armed, or, when that is gone or its node was restarted, another in its place.
 * `away`: its Kubernetes node does not answer for now. `gone`: it is no part of the cluster any more, and what ran there neither.
 */
export async function helperToUndo(
  reach: Reach,
  helper: Helper,
  request: HelperRequest,
): Promise<Helper | 'away' | 'gone'> {
  const there = await reach.cluster.pod(helper.namespace, helper.name);
  if (there?.ready && !there.deleting) return helper;
  if (there) await removeHelper(reach.cluster, helper);
  const node = await lookAtNode(reach, request.kubernetesNode);
  return node === 'ready' ? armHelper(reach, request) : node;
}

export async function lookAtNode(reach: Pick<Reach, 'cluster'>, name: string): Promise<'ready' | 'away' | 'gone'> {
  const node = (await reach.cluster.get({ apiVersion: 'v1', kind: 'Node', namespace: '', name })) as
    | { status?: { conditions?: { type: string; status: string }[] } }
    | undefined;
  if (!node) return 'gone';
  const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return ready ? 'ready' : 'away';
}

function helperPod(helper: Helper, { runId, target }: Reach, request: HelperRequest) {
  const { kubernetesNode, lastWill = 'true', lifeSeconds = lifeSecondsUsual, cgroups = false } = request;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...helper,
      labels: { [managedBy.key]: managedBy.value, [runLabel]: runId, [partLabel]: 'helper' },
    },
    spec: {
      nodeName: kubernetesNode,
      hostPID: true,
      restartPolicy: 'Never',
      activeDeadlineSeconds: lifeSeconds + 60,
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          name: 'helper',
          image: target.suite.helperImage,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', mainScript, 'sh', String(lifeSeconds), lastWill],
          securityContext: { privileged: true, runAsUser: 0, runAsNonRoot: false, readOnlyRootFilesystem: true },
          // The limit leaves room for a loop over all processes of a Kubernetes node to go at full speed.
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '1', memory: '128Mi' } },
          volumeMounts: [
            // Packet rules are changed under the lock that everybody on the Kubernetes node takes.
            { name: 'lock', mountPath: '/run/xtables.lock' },
            ...(cgroups ? [{ name: 'cgroups', mountPath: '/sys/fs/cgroup' }] : []),
          ],
        },
      ],
      volumes: [
        { name: 'lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
        ...(cgroups ? [{ name: 'cgroups', hostPath: { path: '/sys/fs/cgroup', type: 'Directory' } }] : []),
      ],
    },
  };
}

/** Arguments: seconds, last will. The will is done once, at the end of its time or when told to end. */
const mainScript = `
life=$1 will=$2
sleep "$life" &
end() {
  (${endInjectScript})
  sh -c "$will"
}
trap 'kill $!; end; exit 0' TERM INT
wait
end
`;
