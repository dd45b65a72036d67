// Guests: processes of ours, started by a helper pod and put into one cgroup of a container, where they use up what the container may
// have and no more. Their command line ends in the run's marker, by which they are found and ended, whoever started them. A guest ends
// by itself when its helper's process is gone, and when the container's main process is, so that a restart finds the cgroup empty.
import { z } from 'zod';
import type { Cluster } from '../../lib/model/reach.ts';
import type { Helper, HelperRequest } from '../helper/helper-pod.ts';
import { injecting } from '../helper/inject-script.ts';
import { type Place, placeSchema } from '../process/place.ts';
import {
  findProcesses,
  mainProcess,
  type Process,
  parseProcesses,
  runOnContainer,
  scriptOnContainer,
  shellOfProcesses,
} from '../process/signal.ts';

export const guestTicketFields = {
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  helper: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  place: placeSchema,
  /** Guests live as long as both of these: the helper's process and the container's. */
  keeperPid: z.number().int().min(1),
  mainPid: z.number().int().min(1),
  /** The last word of a guest's command line. */
  marker: z.string().min(20),
  guests: z.number().int().min(1),
};

export type GuestTicket = z.infer<z.ZodObject<typeof guestTicketFields>>;

export type Controller = 'cpu' | 'memory';

export const markerOf = (runId: string, kind: string, { containerId }: Place): string =>
  `shakedown-${kind}-${runId}-${containerId.slice(0, 12)}`;

export const guestRequest = (place: Place, kind: string, marker: string): HelperRequest => ({
  kubernetesNode: place.kubernetesNode,
  purpose: `${kind}-${place.pod}`,
  lastWill: scriptOnContainer(endScript, place.containerId, [marker, 'end']),
  cgroups: true,
});

/** The processes that a guest's life hangs on. */
export async function hostsOf(
  cluster: Cluster,
  helper: Helper,
  fault: string,
  place: Place,
): Promise<{ readonly keeperPid: number; readonly mainPid: number }> {
  const pod = await cluster.pod(helper.namespace, helper.name);
  const own = pod?.containers[0]?.id ?? '';
  const [keepers, mains] = await Promise.all([
    findProcesses(cluster, helper, own),
    findProcesses(cluster, helper, place.containerId),
  ]);
  const keeper = mainProcess(keepers);
  const main = mainProcess(mains);
  if (keeper && main) return { keeperPid: keeper.pid, mainPid: main.pid };
  throw new Error(
    `${fault}: no process of ${keeper ? `container ${place.container} of ${place.pod}` : `helper ${helper.name}`} was found on ${place.kubernetesNode}. Next: see whether the suite's helper pods share the Kubernetes node's process ids (hostPID)`,
  );
}

/** Starts them, and returns those that are in the cgroup: all, or it throws. `program` is what runs there, its words before the marker. */
export async function startGuests(
  cluster: Cluster,
  ticket: GuestTicket,
  controller: Controller,
  program: readonly string[],
): Promise<readonly Process[]> {
  const { helper, place, guests, marker } = ticket;
  const { stdout } = await runOnContainer(cluster, helper, injecting(startScript), place.containerId, [
    cgroupRoot,
    controller,
    String(ticket.mainPid),
    String(guests),
    marker,
    String(ticket.keeperPid),
    ...program,
  ]);
  const started = parseProcesses(stdout);
  if (started.length === guests) return started;
  throw new Error(
    `${started.length} of ${guests} guests are in the ${controller} cgroup of ${place.pod}: ${stdout.trim().slice(0, 300) || 'nothing was said'}`,
  );
}

/** Those that are in the container's cgroup at this moment. */
export async function guestsThere(
  cluster: Cluster,
  { helper, place, marker, mainPid }: GuestTicket,
  controller: Controller,
): Promise<readonly Process[]> {
  const { stdout } = await runOnContainer(cluster, helper, thereScript, place.containerId, [
    cgroupRoot,
    controller,
    String(mainPid),
    marker,
    'there',
  ]);
  return parseProcesses(stdout);
}

/** Anywhere on the Kubernetes node, in whatever cgroup: what undo must not leave. One line each. */
export async function guestsLeft(cluster: Cluster, helper: Helper, ticket: GuestTicket): Promise<readonly string[]> {
  const { place, marker } = ticket;
  const { stdout } = await runOnContainer(cluster, helper, lookScript, place.containerId, [marker, 'look']);
  return lines(ticket, stdout);
}

export async function endGuests(cluster: Cluster, helper: Helper, ticket: GuestTicket): Promise<readonly string[]> {
  const { place, marker } = ticket;
  const { stdout } = await runOnContainer(cluster, helper, endScript, place.containerId, [marker, 'end']);
  if (/^done$/m.test(stdout)) return [];
  return [...lines(ticket, stdout), `helper ${helper.name} could not end all guests`];
}

const lines = ({ marker, place }: GuestTicket, stdout: string) =>
  parseProcesses(stdout).map(({ pid }) => `process ${pid} (${marker}) on ${place.kubernetesNode}`);

export const cgroupRoot = '/sys/fs/cgroup';

/**
 * Sets `join`, the cgroup of a controller that a process is in, and `group`, the container's own, which has the limits: the same unless
 * the container made cgroups of its own. Version 1 has a tree for each controller, version 2 one for all; a machine may have both.
 */
export const shellOfCgroup = `${shellOfProcesses}
own_group() {
  case $1 in
    */"$id"/*) own=\${1%%/"$id"/*}/$id ;;
    *-"$id".scope/*) own=\${1%%-"$id".scope/*}-$id.scope ;;
    *) own=$1 ;;
  esac
}
find_group() {
  join= group= version=
  while IFS= read -r line; do
    controllers=\${line#*:}; path=\${controllers#*:}; controllers=\${controllers%%:*}
    case ,$controllers, in
      ,,) [ -z "$join" ] && [ -e "$fs$path/cgroup.controllers" ] && join=$fs$path version=2 ;;
      *,"$1",*)
        for root in "$fs/$1" "$fs/$controllers"; do
          [ -e "$root$path/cgroup.procs" ] && join=$root$path version=1
        done ;;
    esac
  done <"$cgroups/$2/cgroup"
  [ -n "$join" ] || { echo "no $1 cgroup of process $2 under $fs" >&2; exit 6; }
  own_group "$join"; group=$own
}
`;

/** Is the process one of the run's? The shell's read leaves out the zero bytes between the words, so what is compared is the end of all of it. */
const shellOfOurs = `
ours() {
  text=
  { while IFS= read -r line || [ -n "$line" ]; do text=$text$line; done <"$proc/$1/cmdline"; } 2>/dev/null
  case $text in *"$marker") read_stat "$1" && [ "$state" != Z ] && [ "$state" != X ] ;; *) return 1 ;; esac
}
# Sets pids: processes whose command line names the marker somewhere.
marked() {
  files=$(grep -ls -F -e "$marker" "$proc"/[0-9]*/cmdline)
  [ "$?" -le 2 ] || { echo "no grep to look with" >&2; exit 4; }
  pids=
  for file in $files; do file=\${file%/cmdline}; pids="$pids \${file##*/}"; done
}
tell() { printf 'process %s %s %s %s\\n' "$1" "$start" "$state" "$command"; }
`;

const shellOfThere = `
tell_there() {
  count=0
  while IFS= read -r one; do
    ours "$one" || continue
    count=$((count + 1))
    [ -n "$1" ] && tell "$one"
  done <"$join/cgroup.procs"
}
`;

/**
 * Arguments: cgroup root, controller, main pid, how many, marker, keeper's pid, program… A guest is told, before its marker, where /proc is,
 * who keeps it, who is its host, the cgroup to join, the container's own, and the cgroup version. Says each that is there.
 */
export const startScript = `${shellOfCgroup}${shellOfOurs}${shellOfThere}
fs=$1 controller=$2 main=$3 wanted=$4 marker=$5 keeper=$6; shift 6
belongs "$main" || { echo "process $main is not in container $id" >&2; exit 5; }
find_group "$controller" "$main"
started=0
while [ "$started" -lt "$wanted" ]; do
  started=$((started + 1))
  setsid "$@" "$proc" "$keeper" "$main" "$join" "$group" "$version" "$marker" </dev/null >/dev/null 2>&1 &
done
tries=0
while [ "$tries" -lt 500 ]; do
  tell_there ''
  [ "$count" -ge "$wanted" ] && break
  tries=$((tries + 1))
  sleep 0.01
done
tell_there all
`;

/** Arguments: cgroup root, controller, main pid, marker, and a word that is not the marker. Nobody is there when the container is gone. */
export const thereScript = `${shellOfCgroup}${shellOfOurs}${shellOfThere}
fs=$1 controller=$2 main=$3 marker=$4
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
belongs "$main" || exit 0
find_group "$controller" "$main"
tell_there all
`;

/** Arguments: marker, and a word that is not the marker. */
export const lookScript = `${shellOfProcesses}${shellOfOurs}
marker=$1
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
marked
for pid in $pids; do
  ours "$pid" && tell "$pid"
done
exit 0
`;

/** The same arguments. Says \`done\` when none is there any more, else those that are. */
export const endScript = `${shellOfProcesses}${shellOfOurs}
marker=$1
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
tries=0
while :; do
  left=0
  marked
  for pid in $pids; do
    ours "$pid" || continue
    left=$((left + 1))
    kill -KILL "$pid" 2>/dev/null
    [ "$tries" = 200 ] && tell "$pid"
  done
  [ "$left" = 0 ] && { echo done; exit 0; }
  [ "$tries" = 200 ] && exit 0
  tries=$((tries + 1))
  sleep 0.01
done
`;
