// Fills a container's memory up to a share of what it may have, with a process of ours in its own cgroup. It takes less when the container
// itself takes more, and offers itself first should the kernel have to kill: the aim is want of memory, not the end of the container.
import { z } from 'zod';
import type { Reach } from '../../lib/model/reach.ts';
import type { Helper } from '../helper/helper-pod.ts';
import type { Place } from '../process/place.ts';
import { runOnContainer } from '../process/signal.ts';
import { cgroupRoot, guestTicketFields, shellOfCgroup } from './guests.ts';
import { type ResourceAim, resourceFault } from './resource-fault.ts';

export const memoryTicketSchema = z.strictObject({
  ...guestTicketFields,
  limitBytes: z.number().int().positive(),
  wantedBytes: z.number().int().positive(),
  /** Counted by the kernel before: a limit that was met, and a kill. */
  refusedBefore: z.number().int(),
  killedBefore: z.number().int(),
});

export type MemoryTicket = z.infer<typeof memoryTicketSchema>;

export interface MemoryAim extends ResourceAim {
  /** Of the container's limit, 0.1 to 0.95: above that the kernel would kill. */
  readonly share: number;
}

const name = 'resources/memory';
const mebibyte = 1024 * 1024;
const chunkBytes = 4 * mebibyte;
/** Less than that could not be told from what the container does by itself. */
const roomBytesMin = 16 * mebibyte;
/** What the Kubernetes node must keep: the kubelet begins to evict pods at 100 MiB, unless it is told otherwise. */
const nodeBytesMin = 256 * mebibyte;

export function memoryFull({ share, ...aim }: MemoryAim) {
  if (!(share >= 0.1 && share <= 0.95)) throw new Error(`${name}: a share of ${share}, wanted 0.1 to 0.95`);
  return resourceFault<MemoryTicket>({
    name,
    kind: 'memory',
    controller: 'memory',
    aim,
    plan: {
      change: `a process in the container’s own cgroup takes memory until ${Math.round(share * 100)} % of the limit are used`,
    },
    async measure(reach, helper, place, mainPid) {
      const { limitBytes, workingBytes, availableBytes, refused, killed } = await readMemory(
        reach,
        helper,
        place,
        mainPid,
      );
      const where = `container ${place.container} of ${place.pod}`;
      if (limitBytes === undefined) {
        throw new Error(
          `${name}: ${where} has no memory limit, so what is taken there would be missing on ${place.kubernetesNode}. Next: set resources.limits.memory, or aim at another tier`,
        );
      }
      const wantedBytes = Math.floor(limitBytes * share);
      if (wantedBytes - workingBytes < roomBytesMin) {
        throw new Error(
          `${name}: ${where} uses ${mebibytes(workingBytes)} of ${mebibytes(limitBytes)} already, which leaves too little up to ${share} of it. Next: aim at another tier, or at a larger share`,
        );
      }
      if (availableBytes < wantedBytes - workingBytes + nodeBytesMin) {
        throw new Error(
          `${name}: ${place.kubernetesNode} has only ${mebibytes(availableBytes)} available, and ${mebibytes(wantedBytes - workingBytes)} would be taken, with ${mebibytes(nodeBytesMin)} to be left: the kernel would kill elsewhere. Next: aim at a smaller limit, or free memory there`,
        );
      }
      return { guests: 1, limitBytes, wantedBytes, refusedBefore: refused, killedBefore: killed };
    },
    program: ({ wantedBytes }) => [
      'node',
      '--expose-gc',
      '-e',
      memoryProgram,
      '--',
      String(wantedBytes),
      String(chunkBytes),
    ],
    async done({ helper, place, mainPid, limitBytes, wantedBytes, refusedBefore, killedBefore }, reach) {
      const now = await readMemory(reach, helper, place, mainPid);
      return {
        is: now.workingBytes >= wantedBytes - 2 * chunkBytes ? 'yes' : 'no',
        evidence: {
          limit: mebibytes(limitBytes),
          wanted: mebibytes(wantedBytes),
          used: mebibytes(now.workingBytes),
          limitMet: now.refused - refusedBefore,
          killedByKernel: now.killed - killedBefore,
        },
      };
    },
  });
}

const mebibytes = (bytes: number) => `${Math.round(bytes / mebibyte)} MiB`;

interface MemoryReading {
  readonly limitBytes: number | undefined;
  /** Without file pages that nobody used lately, as the kubelet counts it: those go before anybody is killed. */
  readonly workingBytes: number;
  /** Of the Kubernetes node, as its kernel estimates it. */
  readonly availableBytes: number;
  readonly refused: number;
  readonly killed: number;
}

async function readMemory(
  reach: Reach,
  helper: Helper,
  { containerId }: Place,
  mainPid: number,
): Promise<MemoryReading> {
  const { stdout } = await runOnContainer(reach.cluster, helper, memoryScript, containerId, [
    cgroupRoot,
    String(mainPid),
  ]);
  const match = /^memory (\d+|max) (\d+) (\d+) (\d+) (\d+) (\d+)\n$/.exec(stdout);
  if (!match)
    throw new Error(`helper ${helper.name}: read the memory cgroup and said ${JSON.stringify(stdout.slice(0, 200))}`);
  const [, limit = '', ...rest] = match;
  const [usage = 0, inactiveFile = 0, refused = 0, killed = 0, availableKib = 0] = rest.map(Number);
  // Version 1 says the largest number of pages that there is when there is no limit.
  const limited = limit !== 'max' && Number(limit) < 2 ** 60;
  return {
    limitBytes: limited ? Number(limit) : undefined,
    workingBytes: Math.max(0, usage - inactiveFile),
    availableBytes: availableKib * 1024,
    refused,
    killed,
  };
}

/** Arguments: bytes wanted, bytes of a chunk, then those of startScript. What Node.js itself needs was charged to the helper before it joined. */
export const memoryProgram = `
const fs = require('node:fs');
const [wanted, chunk, proc, keeper, main, join, group, version] = process.argv.slice(1);
try { fs.writeFileSync('/proc/self/oom_score_adj', '1000'); } catch { process.exit(1); }
fs.appendFileSync(join + '/cgroup.procs', process.pid + '\\n');
const key = version === '1' ? 'total_inactive_file' : 'inactive_file';
const working = () => {
  const usage = Number(fs.readFileSync(group + (version === '1' ? '/memory.usage_in_bytes' : '/memory.current'), 'utf8'));
  const line = fs.readFileSync(group + '/memory.stat', 'utf8').split('\\n').find((one) => one.startsWith(key + ' '));
  return usage - Number((line || '').split(' ')[1] || 0);
};
const held = [];
const step = () => {
  if (!fs.existsSync(proc + '/' + keeper) || !fs.existsSync(proc + '/' + main)) process.exit(0);
  let used = working();
  // At most what is missing at this look, and never more than is wanted in all, should the kernel not charge it to this cgroup.
  for (; used + Number(chunk) <= Number(wanted) && (held.length + 1) * Number(chunk) <= Number(wanted); used += Number(chunk))
    held.push(Buffer.alloc(Number(chunk), 1));
  if (used > Number(wanted) + Number(chunk) && held.length > 0) {
    held.splice(0, Math.ceil((used - Number(wanted)) / Number(chunk)));
    gc();
  }
};
step();
setInterval(step, 100);
`;

/** Arguments: cgroup root, main pid. Says limit, usage, inactive file pages, how often the limit was met, how many were killed for it, and the node's available KiB. */
export const memoryScript = `${shellOfCgroup}
fs=$1 main=$2
belongs "$main" || { echo "process $main of the container is no more" >&2; exit 5; }
find_group memory "$main"
# value FILE KEY
value() {
  value=0
  while read -r key number; do [ "$key" = "$2" ] && value=\${number%% *}; done <"$1"
  return 0
}
if [ "$version" = 1 ]; then
  read -r limit <"$group/memory.limit_in_bytes"
  read -r usage <"$group/memory.usage_in_bytes"
  read -r refused <"$group/memory.failcnt"
  value "$group/memory.stat" total_inactive_file; inactive=$value
  value "$group/memory.oom_control" oom_kill; killed=$value
else
  read -r limit <"$group/memory.max"
  read -r usage <"$group/memory.current"
  value "$group/memory.events" max; refused=$value
  value "$group/memory.stat" inactive_file; inactive=$value
  value "$group/memory.events" oom_kill; killed=$value
fi
value "$proc/meminfo" MemAvailable:
echo "memory $limit $usage $inactive $refused $killed $value"
`;

export const workerMemoryFull = memoryFull({ tier: 'worker-default', share: 0.9 });
