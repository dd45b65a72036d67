// Sends signals to a container's processes from outside, through a helper pod on the same Kubernetes node. From inside, the
// container's own init would be spared by the kernel, and images without a shell could not be reached at all.
// The helper is privileged (host PID namespace) for that alone: it touches only processes whose cgroup names the container meant,
// and sends a signal only when process id, start time and cgroup still are those that were recorded.
import type { Cluster, ExecResult } from '../../lib/model/reach.ts';
import { type Helper, runInHelper } from '../helper/helper-pod.ts';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks from boot to the process's start, as /proc/PID/stat has it: with the pid it names one process for good. */
  readonly startTicks: string;
}

export interface Process extends ProcessId {
  /** One letter, as in ps: R running, S asleep, T stopped, Z dead and not yet buried, … */
  readonly state: string;
  readonly command: string;
}

/** What a container's process is found by. */
export interface ContainerProcess extends ProcessId {
  readonly containerId: string;
}

export interface Killed {
  /** Of the Kubernetes node's clock, epoch milliseconds. */
  readonly sentAt: number;
  readonly goneAt: number;
}

/** The container's processes: all, or those whose command is the one given. */
export async function findProcesses(
  cluster: Cluster,
  helper: Helper,
  containerId: string,
  command?: string,
): Promise<readonly Process[]> {
  const { stdout } = await runOnContainer(cluster, helper, findScript, containerId);
  // The kernel keeps 15 characters of a command's name.
  return parseProcesses(stdout).filter((process) => command === undefined || process.command === command.slice(0, 15));
}

/** The one that the container is: with it the container ends. It is the oldest, since all others come from it or were put beside it. */
export function mainProcess(processes: readonly Process[]): Process | undefined {
  return [...processes].sort(
    (one, other) => Number(BigInt(one.startTicks) - BigInt(other.startTicks)) || one.pid - other.pid,
  )[0];
}

/** `undefined` when that very process is no more, whatever else now has its pid; dead and not yet buried counts as no more. */
export async function lookAtProcess(
  cluster: Cluster,
  helper: Helper,
  process: ContainerProcess,
): Promise<{ readonly state: string } | undefined> {
  const { containerId, pid, startTicks } = process;
  const { stdout } = await runOnContainer(cluster, helper, lookScript, containerId, [String(pid), startTicks]);
  const [word, state = ''] = stdout.trim().split(' ');
  if (word === 'there') return { state };
  if (word === 'gone') return undefined;
  throw new Error(`helper ${helper.name}: looked at process ${pid} and said ${JSON.stringify(stdout.slice(0, 200))}`);
}

/**
 * Kills it (SIGKILL) and watches until it is gone, in one go, so that the proof costs no second round trip.
 * Throws when the process is not the recorded one any more: then nothing was sent.
 */
export async function killProcess(
  cluster: Cluster,
  helper: Helper,
  process: ContainerProcess,
  watchMs = 5_000,
): Promise<Killed> {
  const { containerId, pid, startTicks } = process;
  const { stdout } = await runOnContainer(cluster, helper, killScript, containerId, [
    String(pid),
    startTicks,
    String(watchMs),
  ]);
  const killed = parseKilled(stdout);
  if (killed) return killed;
  if (stdout.startsWith('another')) {
    throw new Error(
      `helper ${helper.name}: process ${pid} (started at tick ${startTicks}) of container ${containerId.slice(0, 12)} is no more; nothing was sent`,
    );
  }
  throw new Error(
    `helper ${helper.name}: process ${pid} was not seen to end within ${watchMs} ms of SIGKILL: ${stdout.trim().slice(0, 200)}`,
  );
}

/** A script that begins with `shellOfProcesses`, for one container. */
export function runOnContainer(
  cluster: Cluster,
  helper: Helper,
  script: string,
  containerId: string,
  args: readonly string[] = [],
  withinMs?: number,
): Promise<ExecResult> {
  return runInHelper(cluster, helper, script, [...placesOf(containerId), ...args], withinMs);
}

/** The same script as a text that needs no arguments: for a helper's last will. */
export function scriptOnContainer(script: string, containerId: string, args: readonly string[] = []): string {
  const words = [...placesOf(containerId), ...args];
  return `set -- ${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}\n${script}`;
}

function placesOf(containerId: string): readonly string[] {
  // An empty or short id would match strangers.
  if (!/^[0-9a-f]{32,128}$/.test(containerId)) throw new Error(`not a container id: ${JSON.stringify(containerId)}`);
  return ['/proc', '/proc', containerId];
}

/** Lines `process PID START STATE COMMAND`. */
export function parseProcesses(stdout: string): readonly Process[] {
  return stdout
    .split('\n')
    .map((line) => /^process (\d+) (\d+) (\S) (.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid = '', startTicks = '', state = '', command = '']) => ({
      pid: Number(pid),
      startTicks,
      state,
      command,
    }));
}

export function parseKilled(stdout: string): Killed | undefined {
  const match = /^sent (\d+)\ngone (\d+)\n?$/.exec(stdout);
  return match ? { sentAt: Number(match[1]), goneAt: Number(match[2]) } : undefined;
}

/*
 * The scripts take: where /proc is, where the cgroup files are (the same, but for tests), the container's id, and then their own.
 * One grep for all processes, and else what the shell has built in until a signal was sent: a fork for each process of a Kubernetes node
 * would take a second, and the shell reads files byte by byte.
 */
export const shellOfProcesses = `
proc=$1 cgroups=$2 id=$3; shift 3
newline='
'
# Is the process in the container's cgroup? cgroupfs driver: /…/ID; systemd driver: /…/cri-containerd-ID.scope; or below them.
belongs() {
  { while IFS= read -r line; do
    case $line in */"$id" | */"$id"/* | *-"$id".scope | *-"$id".scope/*) return 0 ;; esac
  done <"$cgroups/$1/cgroup"; } 2>/dev/null
  return 1
}
# Sets pids: processes whose cgroup file names the container somewhere. Whether they are in it, belongs says.
candidates() {
  files=$(grep -ls -F -e "$id" "$cgroups"/[0-9]*/cgroup)
  [ "$?" -le 2 ] || { echo "no grep to look with" >&2; exit 4; }
  pids=
  for file in $files; do file=\${file%/cgroup}; pids="$pids \${file##*/}"; done
}
# Sets state, start and command. The command's name stands in brackets and may itself hold spaces, brackets and newlines,
# so what follows it is counted from the last closing bracket: field 3 of the manual is the first there, field 22 the twentieth.
read_stat() {
  stat=
  { while IFS= read -r line || [ -n "$line" ]; do stat=$stat$line$newline; done <"$proc/$1/stat"; } 2>/dev/null
  [ -n "$stat" ] || return 1
  command=\${stat#*\\(}; command=\${command%\\)*}
  case $command in *"$newline"*) command='?' ;; esac
  set -f; set -- \${stat##*\\)}; set +f
  state=$1 start=\${20}
}
# Is it that very process, and alive?
same() { belongs "$1" && read_stat "$1" && [ "$start" = "$2" ] && [ "$state" != Z ] && [ "$state" != X ]; }
`;

/** Arguments: none of its own. */
export const findScript = `${shellOfProcesses}
candidates
for pid in $pids; do
  belongs "$pid" && read_stat "$pid" && printf 'process %s %s %s %s\\n' "$pid" "$start" "$state" "$command"
done
exit 0
`;

/** Arguments: pid, start. Says `there STATE` or `gone`; a /proc that can't be read is an error, not a process that is gone. */
export const lookScript = `${shellOfProcesses}
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
if same "$1" "$2"; then echo "there $state"; else echo gone; fi
`;

/** Arguments: pid, start, how many milliseconds to watch. Says `sent MS` and `gone MS`, `another` when it is not that process, or `still`. */
export const killScript = `${shellOfProcesses}
pid=$1 wanted=$2 watch=$3
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
sent=$(date +%s%3N)
# Nothing between the look and the signal but the shell itself.
if same "$pid" "$wanted"; then kill -KILL "$pid" || exit 5; else echo another; exit 0; fi
echo "sent $sent"
while same "$pid" "$wanted"; do
  if [ "$(($(date +%s%3N) - sent))" -gt "$watch" ]; then echo still "$state"; exit 0; fi
  sleep 0.005
done
echo "gone $(date +%s%3N)"
`;
