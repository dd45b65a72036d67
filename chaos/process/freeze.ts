// Stops processes of one container without ending them (SIGSTOP): connections stay open, nothing is answered, and whoever waits for them
// has to notice by itself. A container that a liveness probe restarts meanwhile is not frozen any more, and holding says so.
import { z } from 'zod';
import type { Fault, Json, Proof } from '../../lib/model/fault.ts';
import type { Cluster, Reach } from '../../lib/model/reach.ts';
import { armHelper, type Helper, type HelperRequest, removeHelper } from '../helper/helper-pod.ts';
import { injecting, lastWillOfOrder, leaveOrder } from '../helper/inject-script.ts';
import { residueOf, type TakeBack, takeBack } from '../helper/take-back.ts';
import { cannotTell } from '../proof.ts';
import { type ProcessMeant, theProcess } from './crash-steps.ts';
import {
  choosePlace,
  type Place,
  type PodChoice,
  placeNow,
  placeSchema,
  rightsOfPlace,
  type TierName,
} from './place.ts';
import {
  findProcesses,
  mainProcess,
  type Process,
  type ProcessId,
  parseProcesses,
  runOnContainer,
  scriptOnContainer,
  shellOfProcesses,
} from './signal.ts';

export const processFreezeTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  helper: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  place: placeSchema,
  /** Everything that runs in the container, or only the processes named. */
  whole: z.boolean(),
  processes: z
    .array(z.strictObject({ pid: z.number().int().min(1), startTicks: z.string() }))
    .min(1)
    .max(500),
});

export type ProcessFreezeTicket = z.infer<typeof processFreezeTicketSchema>;

export interface FreezeOptions {
  readonly tier: TierName;
  readonly pod?: PodChoice;
  readonly processes: 'all' | ProcessMeant;
}

const name = 'process/freeze';
const watchMs = 3_000;

/** What inject itself saw, for the landed that follows it in the same process. */
const stoppedBy = new WeakMap<ProcessFreezeTicket, readonly Process[]>();

export function processFreeze({ tier, pod, processes: meant }: FreezeOptions): Fault<ProcessFreezeTicket> {
  const what =
    meant === 'all' ? 'all processes' : meant === 'main' ? 'the main process' : `the process ${meant.command}`;
  const choose = (reach: Reach) => choosePlace(reach, name, tier, pod);
  return {
    name,
    version: 1,
    plan: {
      aim: `${what} of one container: ${pod?.phrase ?? tier}`,
      change: 'SIGSTOP, from a helper pod on its Kubernetes node',
      undo: 'SIGCONT; the helper pod is removed, and sends it too when its own time is over',
    },
    rights: (target) => ({ inject: rightsOfPlace(target, tier), undo: [] }),
    async targets(reach) {
      const place = await choose(reach);
      return [{ namespace: place.namespace, name: place.pod }];
    },

    async prepare(reach) {
      const place = await choose(reach);
      const helper = await armHelper(reach, requestOf(place));
      try {
        const all = await findProcesses(reach.cluster, helper, place.containerId);
        // Undo continues what is stopped in this container, so nothing may be that we did not stop.
        const strangers = all.filter(({ state }) => state === 'T');
        if (strangers.length > 0) {
          throw new Error(
            `${name}: ${strangers.map(({ pid, command }) => `${command} ${pid}`).join(', ')} in ${place.pod} is stopped already, and not by this run. Next: shakedown undo, or continue it`,
          );
        }
        const chosen = meant === 'all' ? mainFirst(all) : [await theProcess(reach, helper, name, place, meant)];
        if (chosen.length === 0)
          throw new Error(`${name}: no process at all in container ${place.container} of ${place.pod}`);
        const again = await choose(reach);
        if (again.podUid !== place.podUid || again.containerId !== place.containerId) {
          throw new Error(
            `${name}: the choice moved from ${place.pod} to ${again.pod}, or its container was started again, while the helper started. Next: run again on a target that is steady`,
          );
        }
        return {
          runId: reach.runId,
          targets: [{ namespace: place.namespace, name: place.pod }],
          helper,
          place,
          whole: meant === 'all',
          processes: chosen.map(({ pid, startTicks }) => ({ pid, startTicks })),
        };
      } catch (error) {
        await removeHelper(reach.cluster, helper).catch(() => undefined); // found by the run's label, if it stays
        throw error;
      }
    },

    async inject(ticket, reach) {
      stoppedBy.set(ticket, await stopProcesses(reach.cluster, ticket));
    },

    undo: (ticket, reach) => takeBack(ticket, reach, howBack(ticket, reach.cluster)),

    residue: (ticket, reach) => residueOf(ticket, reach, howBack(ticket, reach.cluster)),

    async landed(ticket, reach) {
      const seen = stoppedBy.get(ticket);
      return seen
        ? { is: 'yes', at: reach.now(), evidence: { stopped: seen.map(({ pid, command }) => `${command} ${pid}`) } }
        : frozen(ticket, reach);
    },

    /** Somebody waits for what is stopped: connections that it does not take, bytes that it does not read, or a probe that failed. */
    async effect(ticket, reach): Promise<Proof> {
      try {
        const { cluster } = reach;
        const [container, waiting] = await Promise.all([
          placeNow(reach, ticket.place),
          readWaiting(cluster, ticket.helper, ticket.place.containerId, ticket.processes),
        ]);
        const waits = waiting.unaccepted + waiting.unread > 0 || !container.ready;
        const is = !container.sameContainer ? 'no' : waits ? 'yes' : 'no';
        return { is, at: reach.now(), evidence: { waiting, container } as never };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },

    holding: frozen,
  };
}

/** The very processes are there and stopped. One that is gone took the fault along. */
async function frozen(ticket: ProcessFreezeTicket, reach: Reach): Promise<Proof> {
  try {
    const [found, container] = await Promise.all([
      findProcesses(reach.cluster, ticket.helper, ticket.place.containerId),
      placeNow(reach, ticket.place).catch(() => null),
    ]);
    const ours = found.filter((process) => ticket.processes.some((one) => sameProcess(one, process)));
    const running = ours.filter(({ state }) => state !== 'T' && state !== 'Z');
    const [main] = ticket.processes;
    const mainThere = main !== undefined && ours.some((process) => sameProcess(main, process));
    const is = mainThere && running.length === 0 ? 'yes' : 'no';
    const evidence: Json = {
      stopped: ours.filter(({ state }) => state === 'T').length,
      running: running.map(({ pid, command, state }) => `${command} ${pid} ${state}`),
      gone: ticket.processes.length - ours.length,
      container,
    } as never;
    return { is, at: reach.now(), evidence };
  } catch (error) {
    return cannotTell(reach, error);
  }
}

const sameProcess = (one: ProcessId, other: ProcessId) => one.pid === other.pid && one.startTicks === other.startTicks;

function mainFirst(all: readonly Process[]): readonly Process[] {
  const main = mainProcess(all);
  return main ? [main, ...all.filter((process) => process !== main)] : [];
}

async function stopProcesses(cluster: Cluster, ticket: ProcessFreezeTicket): Promise<readonly Process[]> {
  const { helper, place } = ticket;
  const { stdout } = await runOnContainer(cluster, helper, injecting(stopScript), place.containerId, [
    scriptOnContainer(continueScript, place.containerId, [String(watchMs), ...wordsOf(ticket)]),
    String(watchMs),
    ...wordsOf(ticket),
  ]);
  const stopped = parseProcesses(stdout);
  const done = /^done$/m.test(stdout);
  if (done && stopped.length > 0) return stopped;
  throw new Error(
    `${name}: ${done ? 'no process to stop' : `not all stopped within ${watchMs} ms`} in ${place.container} of ${place.pod}: ${done ? 'those meant are no more' : stdout.trim().slice(0, 300)}. Next: run again on a target that is steady`,
  );
}

/** Sends SIGCONT and says what is stopped all the same. */
async function continueProcesses(cluster: Cluster, helper: Helper, ticket: ProcessFreezeTicket): Promise<string[]> {
  const { stdout } = await runOnContainer(cluster, helper, continueScript, ticket.place.containerId, [
    String(watchMs),
    ...wordsOf(ticket),
  ]);
  if (/^done$/m.test(stdout)) return [];
  return (
    leftOf(ticket, parseProcesses(stdout)) ?? [`helper ${helper.name} said ${JSON.stringify(stdout.slice(0, 200))}`]
  );
}

function howBack(ticket: ProcessFreezeTicket, cluster: Cluster): TakeBack {
  return {
    fault: name,
    helper: ticket.helper,
    request: requestOf(ticket.place),
    take: (helper) => continueProcesses(cluster, helper, ticket),
    look: async (helper) => {
      const found = await findProcesses(cluster, helper, ticket.place.containerId);
      const ours = found.filter((process) => ticket.whole || ticket.processes.some((one) => sameProcess(one, process)));
      return leftOf(ticket, ours) ?? [];
    },
  };
}

function leftOf({ place }: ProcessFreezeTicket, processes: readonly Process[]): string[] | undefined {
  const stopped = processes.filter(({ state }) => state === 'T');
  if (stopped.length === 0) return undefined;
  return stopped.map(({ pid, command }) => `${command} ${pid} in ${place.namespace}/${place.pod} is still stopped`);
}

/** None: all of the container. */
const wordsOf = ({ whole, processes }: ProcessFreezeTicket): readonly string[] =>
  whole ? [] : processes.map(({ pid, startTicks }) => `${pid}:${startTicks}`);

const requestOf = (place: Place): HelperRequest => ({
  kubernetesNode: place.kubernetesNode,
  purpose: `freeze-${place.pod}`,
  lastWill: lastWillOfOrder,
});

async function readWaiting(
  cluster: Cluster,
  helper: Helper,
  containerId: string,
  processes: readonly ProcessId[],
): Promise<{ readonly unaccepted: number; readonly unread: number }> {
  const { stdout } = await runOnContainer(
    cluster,
    helper,
    waitingScript,
    containerId,
    processes.map(({ pid, startTicks }) => `${pid}:${startTicks}`),
  );
  const match = /^waiting (\d+) (\d+)\n$/.exec(stdout);
  if (!match)
    throw new Error(`helper ${helper.name}: looked at sockets and said ${JSON.stringify(stdout.slice(0, 200))}`);
  return { unaccepted: Number(match[1]), unread: Number(match[2]) };
}

/*
 * What the two scripts that signal have in common. Arguments: how many milliseconds to watch, then PID:START of each process meant, or
 * none for all of the container. They go round until nothing is left to do, for a process may fork while it is being stopped.
 */
const shellOfRounds = `
watch=$1; shift
[ -r "$proc/1/stat" ] || { echo "no $proc to look at" >&2; exit 4; }
all=$# wanted=" $* "
meant() {
  belongs "$1" && read_stat "$1" || return 1
  [ "$all" = 0 ] && return 0
  case $wanted in *" $1:$start "*) return 0 ;; esac
  return 1
}
tell() { printf 'process %s %s %s %s\\n' "$1" "$start" "$state" "$command"; }
began=$(date +%s%3N)
# All of the container's, anew in each round, or those named.
everyone() { if [ "$all" = 0 ]; then candidates; else pids=; for one in $wanted; do pids="$pids \${one%%:*}"; done; fi; }
over() { [ "$(($(date +%s%3N) - began))" -gt "$watch" ]; }
`;

/** Its first argument is the order for the last will. Says each process that is stopped and \`done\`; without \`done\` it says those that are not. */
export const stopScript = `${shellOfProcesses}${leaveOrder}${shellOfRounds}
while :; do
  left=0
  everyone
  for pid in $pids; do
    meant "$pid" || continue
    case $state in T | t | Z | X) continue ;; esac
    left=$((left + 1))
    kill -STOP "$pid" 2>/dev/null
  done
  [ "$left" = 0 ] && break
  if over; then
    for pid in $pids; do
      meant "$pid" && tell "$pid"
    done
    exit 0
  fi
  sleep 0.005
done
for pid in $pids; do
  meant "$pid" && [ "$state" = T ] && tell "$pid"
done
echo done
`;

/** Says \`done\` when none of them is stopped, else those that are. */
export const continueScript = `${shellOfProcesses}${shellOfRounds}
while :; do
  left=0
  everyone
  for pid in $pids; do
    meant "$pid" && [ "$state" = T ] || continue
    left=$((left + 1))
    kill -CONT "$pid" 2>/dev/null
    over && tell "$pid"
  done
  [ "$left" = 0 ] && { echo done; exit 0; }
  over && exit 0
  sleep 0.005
done
`;

/** Arguments: PID:START of each. Says \`waiting\`, listening sockets with connections that nobody took, and sockets with unread bytes. */
export const waitingScript = `${shellOfProcesses}
unaccepted=0 unread=0
for one in "$@"; do
  pid=\${one%%:*}
  same "$pid" "\${one#*:}" || continue
  inodes=$(ls -l "$proc/$pid/fd" 2>/dev/null | sed -n 's/.*socket:\\[\\([0-9]*\\)\\]$/\\1/p' | tr '\\n' ' ')
  [ -n "$inodes" ] || continue
  counts=$(cat "$proc/$pid/net/tcp" "$proc/$pid/net/tcp6" 2>/dev/null | awk -v inodes="$inodes" '
    BEGIN { count = split(inodes, list, " "); for (i = 1; i <= count; i++) own[list[i]] = 1 }
    $10 in own { split($5, queue, ":"); if (queue[2] != "00000000") { if ($4 == "0A") taken++; else bytes++ } }
    END { print taken + 0, bytes + 0 }')
  unaccepted=$((unaccepted + \${counts% *})) unread=$((unread + \${counts#* }))
done
echo "waiting $unaccepted $unread"
`;

/** A worker of the queue that most jobs go through: it holds its job and does not come to an end with it. */
export const workerFreeze = processFreeze({ tier: 'worker-default', processes: 'all' });
