// The network namespace of one pod, entered from a helper pod on its Kubernetes node: what faults of the network change lives there and
// ends with the pod's sandbox, so nothing of the Kubernetes node itself is touched. A namespace is known by its inode, and held open
// while it is worked in; the pod's processes may come and go meanwhile.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Residue } from '../../lib/model/fault.ts';
import type { Cluster, Pod, Reach } from '../../lib/model/reach.ts';
import {
  armHelper,
  endInject,
  type Helper,
  type HelperRequest,
  helperToUndo,
  lookAtNode,
  removeHelper,
  runInHelper,
} from '../helper/helper-pod.ts';
import { injecting } from '../helper/inject-script.ts';
import { shellOfProcesses as processShell } from '../process/signal.ts';

/** The part of a ticket that leads back into the pod's namespace, from any process and with any helper. */
export const placeSchema = z.strictObject({
  pod: z.strictObject({
    namespace: z.string().min(1),
    name: z.string().min(1),
    uid: z.string().min(1),
    ip: z.string(),
  }),
  /** Restarts of all its containers, before. */
  restarts: z.number().int().min(0),
  kubernetesNode: z.string().min(1),
  /** Of the namespace; and a process that was in it, which is looked at first. */
  inode: z.string().regex(/^\d{4,20}$/),
  pid: z.number().int().min(1),
  /** What every rule of ours carries. */
  mark: z.string().regex(/^shakedown-[a-z0-9-]{3,120}$/),
  helper: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  /** Who looks after the pod: its gateway and its Kubernetes node, where probes come from, and Prometheus. */
  keepers: z.array(z.ipv4()).readonly(),
});

export type Place = z.infer<typeof placeSchema>;

/** Chains are ours by their name: at most 28 characters are allowed, so it is made of the mark. */
export const chainOf = (mark: string) => `sd-${createHash('sha256').update(mark).digest('hex').slice(0, 12)}`;

/** The handle of a queue of ours: a number in hexadecimal, below those that the kernel gives by itself. */
export const handleOf = (mark: string) =>
  ((Number.parseInt(createHash('sha256').update(mark).digest('hex').slice(0, 8), 16) % 0x7ffe) + 1).toString(16);

/** Starts a helper beside the pod and finds its namespace. `purpose` goes into the mark: two faults of a run on one pod differ in it. */
export async function armPlace(reach: Reach, fault: string, pod: Pod, purpose: string): Promise<Place> {
  const where = `${fault}: ${pod.namespace}/${pod.name}`;
  const container = pod.containers.find(({ id }) => id !== '');
  if (!container || pod.kubernetesNode === '' || pod.deleting) {
    throw new Error(
      `${where}: ${pod.deleting ? 'is being deleted' : `no running container (phase ${pod.phase})`}. Next: run again when the pod runs`,
    );
  }
  if (!z.ipv4().safeParse(pod.ip).success) {
    throw new Error(`${where}: its address is ${JSON.stringify(pod.ip)}; only IPv4 is known here`);
  }
  const mark = `shakedown-${reach.runId}-${purpose}-${pod.name}`
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 120);
  const request = requestOf(pod.kubernetesNode, mark, `${purpose}-${pod.name}`);
  const helper = await armHelper(reach, request);
  try {
    const [{ stdout }, nodeAddresses, prometheus] = await Promise.all([
      runInHelper(reach.cluster, helper, findScript, ['/proc', '/proc', container.id]),
      addressesOfNode(reach, pod.kubernetesNode),
      reach.cluster.pods(reach.target.prometheus.namespace, reach.target.prometheus.selector),
    ]);
    if (nodeAddresses.includes(pod.ip)) {
      throw new Error(
        `${where}: shares the network of its Kubernetes node (hostNetwork), so nothing can be put in for it alone. Next: aim at a pod with a network of its own`,
      );
    }
    const found = /^namespace (\d+) (\d+)(?: gateway ([\d.]+))?\n$/.exec(stdout);
    if (!found) {
      throw new Error(
        `${where}: no process of container ${container.name} (${container.id.slice(0, 12)}) on ${pod.kubernetesNode}; its helper said ${JSON.stringify(stdout.slice(0, 200))}. Next: see that the container runs and that cgroups of the Kubernetes node name it`,
      );
    }
    const [, inode = '', pid = '', gateway] = found;
    return {
      pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid, ip: pod.ip },
      restarts: restartsOf(pod),
      kubernetesNode: pod.kubernetesNode,
      inode,
      pid: Number(pid),
      mark,
      helper,
      keepers: [
        ...new Set([
          ...(gateway ? [gateway] : []),
          ...nodeAddresses,
          ...prometheus.map(({ ip }) => ip).filter((ip) => z.ipv4().safeParse(ip).success),
        ]),
      ].sort(),
    };
  } catch (error) {
    await removeHelper(reach.cluster, helper).catch(() => undefined); // found by the run's label, if it stays
    throw error;
  }
}

/** What prepare does once the place is armed: when that fails, the helper goes. */
export async function withPlace<T>(
  reach: Reach,
  fault: string,
  pod: Pod,
  purpose: string,
  prepare: (place: Place) => Promise<T>,
): Promise<T> {
  const place = await armPlace(reach, fault, pod, purpose);
  try {
    return await prepare(place);
  } catch (error) {
    await removeHelper(reach.cluster, place.helper).catch(() => undefined); // found by the run's label, if it stays
    throw error;
  }
}

const requestOf = (kubernetesNode: string, mark: string, purpose: string): HelperRequest => ({
  kubernetesNode,
  purpose,
  // Shell words are quoted by their alphabet: a mark has letters, digits and dashes.
  lastWill: `set -- /proc ${mark} ${chainOf(mark)} ${handleOf(mark)} take${sweepScript}`,
});

const restartsOf = (pod: Pod) => pod.containers.reduce((sum, { restarts }) => sum + restarts, 0);

async function addressesOfNode(reach: Reach, kubernetesNode: string): Promise<readonly string[]> {
  const node = (await reach.cluster.get({ apiVersion: 'v1', kind: 'Node', namespace: '', name: kubernetesNode })) as
    | { status?: { addresses?: { address: string }[] } }
    | undefined;
  const addresses = node?.status?.addresses ?? [];
  return addresses.map(({ address }) => address).filter((address) => z.ipv4().safeParse(address).success);
}

/**
 * Runs a script inside the pod's namespace; `undefined` when that namespace is no more. The script may use only what the helper's image has.
 * One that injects is led there by a process of that very pod's containers alone: the kernel gives the inode of a namespace that is gone
 * to the next. All others go by the run's mark, and a stranger's namespace has none.
 */
export async function runInPlace(
  cluster: Cluster,
  place: Place,
  script: string,
  args: readonly string[] = [],
  { helper = place.helper, withinMs, injects = false }: { helper?: Helper; withinMs?: number; injects?: boolean } = {},
): Promise<string | undefined> {
  const [enter, way] = injects
    ? [injecting(enterPodScript), ['/proc', '/proc', await containersOf(cluster, place), place.inode]]
    : [enterScript, ['/proc', place.inode, String(place.pid)]];
  const { stdout } = await runInHelper(cluster, helper, enter, [...way, script, ...args], withinMs);
  if (stdout === 'gone\n') return undefined;
  if (!stdout.startsWith('in\n')) {
    throw new Error(
      `helper ${helper.name}: entered a network namespace and said ${JSON.stringify(stdout.slice(0, 200))}`,
    );
  }
  return stdout.slice(3);
}

/** Ids of what runs in the very pod now. Throws when it is another. */
async function containersOf(cluster: Cluster, { pod: { namespace, name, uid } }: Place): Promise<string> {
  const pod = await cluster.pod(namespace, name);
  const ids = pod?.uid === uid ? pod.containers.flatMap(({ id }) => (id === '' ? [] : [id])) : [];
  if (ids.length > 0) return ids.join(' ');
  const seen = !pod ? 'is no more' : pod.uid === uid ? 'has no running container' : 'is another pod by now';
  throw new Error(`${namespace}/${name} ${seen}; nothing was put in. Next: run again on a pod that stays`);
}

/** Is the pod still the one, and what happened to its containers since? For proofs; told beside them. */
export async function lookAtPod(
  reach: Reach,
  place: Place,
): Promise<{ readonly samePod: boolean; readonly restartsSince: number }> {
  const pod = await reach.cluster.pod(place.pod.namespace, place.pod.name);
  return { samePod: pod?.uid === place.pod.uid, restartsSince: pod ? restartsOf(pod) - place.restarts : 0 };
}

/** With the armed helper, or with another in its place, which is removed again in either case. */
export async function takeBack(
  reach: Reach,
  fault: string,
  place: Place,
  take: (helper: Helper) => Promise<void>,
): Promise<void> {
  const request = requestOf(place.kubernetesNode, place.mark, purposeOf(place.helper, reach.runId));
  const helper = await helperToUndo(reach, place.helper, request);
  // The network namespaces of its pods went with it.
  if (helper === 'gone') return;
  if (helper === 'away') {
    throw new Error(
      `${fault}: undo not complete: Kubernetes node ${place.kubernetesNode} is away, so nobody can look into the network namespace of ${place.pod.namespace}/${place.pod.name}. Next: undo again when it is back`,
    );
  }
  await endInject(reach.cluster, helper);
  await take(helper);
  await removeHelper(reach.cluster, helper);
}

/** A helper's name is made of its purpose and the run. */
const purposeOf = ({ name }: Helper, runId: string) =>
  name.replace(/^shakedown-/, '').replace(new RegExp(`-${runId}$`), '');

/** What carries the mark, in any network namespace of the pod's Kubernetes node, and the helper if it is still there. Always a look of its own. */
export async function leftInPlace(reach: Reach, place: Place): Promise<Residue> {
  const where = `${place.pod.namespace}/${place.pod.name} on ${place.kubernetesNode}`;
  try {
    const armed = await reach.cluster.pod(place.helper.namespace, place.helper.name);
    const marked = await withLooker(reach, place, armed?.ready ? place.helper : undefined, async (helper) => {
      const args = ['/proc', place.mark, chainOf(place.mark), handleOf(place.mark), 'look'];
      const { stdout } = await runInHelper(reach.cluster, helper, sweepScript, args, 30_000);
      if (!/(^|\n)looked \d+\n$/.test(stdout)) throw new Error(`said ${JSON.stringify(stdout.slice(-200))}`);
      return stdout.split('\n').filter((line) => line.startsWith('left '));
    });
    const left = [
      ...(marked ?? []).map((line) => `${where}: ${line.slice(5)}`),
      ...(armed ? [`helper pod ${place.helper.namespace}/${place.helper.name}`] : []),
    ];
    return { is: left.length === 0 ? 'clean' : 'dirty', left };
  } catch (error) {
    const why = messageOf(error);
    return { is: 'cannot-tell', left: [`what carries ${place.mark} around ${where}: ${why}`] };
  }
}

/** Undefined when the Kubernetes node is no more. */
async function withLooker<T>(
  reach: Reach,
  place: Place,
  armed: Helper | undefined,
  look: (helper: Helper) => Promise<T>,
): Promise<T | undefined> {
  if (armed) return look(armed);
  const node = await lookAtNode(reach, place.kubernetesNode);
  if (node === 'away') throw new Error(`Kubernetes node ${place.kubernetesNode} is away, so nobody can look there`);
  if (node === 'gone') return undefined;
  const helper = await armHelper(reach, { kubernetesNode: place.kubernetesNode, purpose: `look-${place.pod.name}` });
  try {
    return await look(helper);
  } finally {
    await removeHelper(reach.cluster, helper);
  }
}

const inodeOf = `
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
inode_of() { stat -L -c %i "$1" 2>/dev/null; }
`;

const opensShell = `
opens() { { command exec 9<"$1"; } 2>/dev/null && [ "$(inode_of /proc/self/fd/9)" = "$inode" ]; }
`;

/** Arguments: /proc, where the cgroup files are, container id. Says `namespace INODE PID [gateway ADDRESS]`, or nothing without a process. */
export const findScript = `${processShell}${inodeOf}
for folder in "$proc"/[0-9]*; do
  pid=\${folder##*/}
  belongs "$pid" || continue
  read_stat "$pid" && [ "$state" != Z ] && [ "$state" != X ] || continue
  command exec 9<"$proc/$pid/ns/net" || continue
  inode=$(inode_of /proc/self/fd/9) || continue
  gateway=$(nsenter --net=/proc/self/fd/9 ip -4 route show default | sed -n 's/^default via \\([0-9.]*\\) .*/ gateway \\1/p' | head -n 1)
  echo "namespace $inode $pid$gateway"
  exit 0
done
`;

/**
 * Arguments: /proc, inode, a process to look at first, script, its arguments. Says `gone`, or `in` and then what the script says.
 * Descriptor 9 holds the namespace, so that what was compared is what is entered.
 */
export const enterScript = `
proc=$1 inode=$2 pid=$3 script=$4; shift 4
${inodeOf}${opensShell}
if [ ! -r "$proc/$pid/ns/net" ] || ! opens "$proc/$pid/ns/net"; then
  found= own=$(inode_of "$proc/self/ns/net")
  all=$(stat -L -c '%i %n' "$proc"/[0-9]*/ns/net 2>/dev/null)
  # Who sees only itself was not let in, and can't tell that somebody is gone.
  printf '%s\\n' "$all" | grep -q -v -e "^$own " -e '^$' || { echo "can't look into namespaces under $proc" >&2; exit 4; }
  for path in $(printf '%s\\n' "$all" | sed -n "s/^$inode //p"); do
    if [ -r "$path" ] && opens "$path"; then found=yes; break; fi
  done
  [ -n "$found" ] || { echo gone; exit 0; }
fi
echo in
exec nsenter --net=/proc/self/fd/9 sh -c "$script" sh "$@"
`;

/** Arguments: /proc, where the cgroup files are, container ids, inode, script, its arguments. Says the same. */
export const enterPodScript = `${processShell}
ids=$id inode=$1 script=$2; shift 2
${inodeOf}${opensShell}
for id in $ids; do
  candidates
  for pid in $pids; do
    # Twice, for a process may have ended meanwhile, and another have got its number.
    belongs "$pid" && opens "$proc/$pid/ns/net" && belongs "$pid" || continue
    echo in
    exec nsenter --net=/proc/self/fd/9 sh -c "$script" sh "$@"
  done
done
echo gone
`;

/**
 * Removes what is ours from the packet rules of a network namespace, by the mark and by the name of our chains, all in one step.
 * Wants mark and chain, and in `enter` what leads into the namespace; empty when one is in it.
 */
export const takeRulesShell = `
take_rules() {
  newline='
'
  dump=$($enter iptables-save) || return 6
  wanted= last= any=
  while IFS= read -r line; do
    case $line in
      '*'*) wanted=$wanted$line$newline last= ;;
      ":$chain-"*) line=\${line#:}; line=\${line%% *}; last="$last-F $line$newline-X $line$newline" any=yes ;;
      "-A $chain-"*) ;;
      '-A '*"$mark:"*) wanted="$wanted-D\${line#-A}$newline" any=yes ;;
      COMMIT) wanted=$wanted\${last}COMMIT$newline ;;
    esac
  done <<DUMP
$dump
DUMP
  [ -n "$any" ] || return 0
  # All jumps go before the chains that they lead to: those stand last in their table.
  printf '%s' "$wanted" | $enter iptables-restore -w 5 --noflush
}
`;

/**
 * Arguments: /proc, mark, chain, handle, `look` or `take`. Goes through every network namespace that a process is in; says `left …` for
 * each line of ours, and `looked N` when it could look into each. A queue is looked for in pods alone: a handle is short.
 */
export const sweepScript = `
proc=$1 mark=$2 chain=$3 handle=$4 what=$5
enter='nsenter --net=/proc/self/fd/9'
${inodeOf}${takeRulesShell}
count=0 failed= done= first=$(inode_of "$proc/1/ns/net")
for entry in $(stat -L -c '%i:%n' "$proc"/[0-9]*/ns/net 2>/dev/null | sort); do
  inode=\${entry%%:*} path=\${entry#*:}
  case " $done " in *" $inode "*) continue ;; esac
  # A process may have ended since: then another one leads there, or nobody is in it.
  [ -r "$path" ] && { command exec 9<"$path"; } 2>/dev/null && [ "$(inode_of /proc/self/fd/9)" = "$inode" ] || continue
  done="$done $inode" count=$((count + 1))
  rules=$($enter iptables-save) && queues=$($enter tc qdisc show) || { failed=$path; continue; }
  case $rules in *"$mark:"* | *":$chain-"*)
    if [ "$what" = take ]; then take_rules || failed=$path
    else printf '%s\\n' "$rules" | grep -e "$mark:" -e "^:$chain-" | sed 's/^/left /'
    fi ;;
  esac
  [ "$inode" != "$first" ] || continue
  device=$(printf '%s\\n' "$queues" | sed -n "s/^qdisc tbf $handle: dev \\([^ ]*\\) root .*/\\1/p")
  if [ -n "$device" ] && [ "$what" = take ]; then $enter tc qdisc del dev "$device" root || failed=$path
  elif [ -n "$device" ]; then echo "left queue tbf $handle: of $device"
  fi
done
[ -z "$failed" ] && [ "$count" -gt 0 ] || { echo "could not look into \${failed:-any network namespace}" >&2; exit 6; }
echo "looked $count"
`;
