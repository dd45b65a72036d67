// Uses up the processor time that a container may have, with busy processes in its own cgroup: the container is throttled, and nobody
// beside it gets less than before.
import { z } from 'zod';
import type { Reach } from '../../lib/model/reach.ts';
import type { Helper } from '../helper/helper-pod.ts';
import type { Place } from '../process/place.ts';
import { runOnContainer } from '../process/signal.ts';
import { cgroupRoot, guestTicketFields, shellOfCgroup } from './guests.ts';
import { type ResourceAim, resourceFault } from './resource-fault.ts';

export const processorTicketSchema = z.strictObject({
  ...guestTicketFields,
  /** What the container may have, in processors. */
  limit: z.number().positive(),
});

export type ProcessorTicket = z.infer<typeof processorTicketSchema>;

/**
 * Throttled in this share of the periods (of 100 ms, usually) that are looked at. On an idle Kubernetes node it is nearly all of them; on
 * a busy one a container with a small request does not always get as far as its limit. A container that is throttled so much by itself is
 * refused before.
 */
const throttledShareMin = 0.3;
const windowMs = 1_000;
const guestsMax = 64;

const name = 'resources/processor';

export const processorBusy = (aim: ResourceAim) =>
  resourceFault<ProcessorTicket>({
    name,
    kind: 'processor',
    controller: 'cpu',
    aim,
    plan: { change: 'busy processes in the container’s own cgroup, one more than it may use processors' },
    async measure(reach, helper, place, mainPid) {
      const { limit, periods, throttled } = await readProcessor(reach, helper, place, mainPid);
      if (limit === undefined) {
        throw new Error(
          `${name}: container ${place.container} of ${place.pod} has no processor limit, so busy processes in it would take from its neighbours. Next: set resources.limits.cpu, or aim at another tier`,
        );
      }
      if (isThrottled(periods, throttled)) {
        throw new Error(
          `${name}: container ${place.container} of ${place.pod} is throttled in ${throttled} of ${periods} periods already, so nobody could tell what busy processes did to it. Next: run again when it is less busy, or aim at another tier`,
        );
      }
      return { limit, guests: Math.min(guestsMax, Math.ceil(limit) + 1) };
    },
    program: () => ['sh', '-c', busyScript, 'guest'],
    async done({ helper, place, mainPid, limit }, reach) {
      const { periods, throttled } = await readProcessor(reach, helper, place, mainPid);
      const evidence = { limit, windowMs, periods, throttled };
      return { is: isThrottled(periods, throttled) ? 'yes' : 'no', evidence };
    },
  });

/** Without a period the container asked for nothing, or the kernel keeps no count of it. */
const isThrottled = (periods: number, throttled: number) => periods > 0 && throttled / periods >= throttledShareMin;

interface ProcessorReading {
  /** Undefined when there is none. */
  readonly limit: number | undefined;
  /** Of the window that was looked at. */
  readonly periods: number;
  readonly throttled: number;
}

async function readProcessor(
  reach: Reach,
  helper: Helper,
  { containerId }: Place,
  mainPid: number,
): Promise<ProcessorReading> {
  const { stdout } = await runOnContainer(reach.cluster, helper, processorScript, containerId, [
    cgroupRoot,
    String(mainPid),
    String(windowMs / 1000),
  ]);
  const match = /^quota (-?\d+|max) (\d+)\nfrom (\d+) (\d+)\nto (\d+) (\d+)\n$/.exec(stdout);
  if (!match) throw new Error(`helper ${helper.name}: read cpu.stat and said ${JSON.stringify(stdout.slice(0, 200))}`);
  const [, quota = '', ...rest] = match;
  const [period = 0, fromPeriods = 0, fromThrottled = 0, toPeriods = 0, toThrottled = 0] = rest.map(Number);
  const limited = quota !== 'max' && Number(quota) > 0 && period > 0;
  return {
    limit: limited ? Number(quota) / period : undefined,
    periods: toPeriods - fromPeriods,
    throttled: toThrottled - fromThrottled,
  };
}

/** Joins its cgroup before it does anything else. Arguments: see startScript. */
export const busyScript = `
proc=$1 keeper=$2 main=$3 join=$4
echo $$ >>"$join/cgroup.procs" || exit 1
while [ -d "$proc/$keeper" ] && [ -d "$proc/$main" ]; do
  n=0
  while [ "$n" -lt 20000 ]; do n=$((n + 1)); done
done
`;

/** Arguments: cgroup root, main pid, seconds between two looks. */
export const processorScript = `${shellOfCgroup}
fs=$1 main=$2 pause=$3
belongs "$main" || { echo "process $main of the container is no more" >&2; exit 5; }
find_group cpu "$main"
stat() {
  periods=0 throttled=0
  while read -r key value; do
    case $key in nr_periods) periods=$value ;; nr_throttled) throttled=$value ;; esac
  done <"$group/cpu.stat"
  echo "$1 $periods $throttled"
}
if [ "$version" = 1 ]; then read -r quota <"$group/cpu.cfs_quota_us"; read -r period <"$group/cpu.cfs_period_us"
else read -r quota period <"$group/cpu.max"; fi
echo "quota $quota $period"
stat from
sleep "$pause"
stat to
`;

export const workerProcessorBusy = processorBusy({ tier: 'worker-default' });
