// Fills the volume behind one of a container's mounts with a file of ours, up to a bound of bytes left. The file is reached through the
// Kubernetes node's own mount of the file system, so that it can be removed although the container, its pod or the helper is gone.
// What could fill a machine is refused: its root file system, those of its kubelet, containers and logs, memory, and file systems larger
// than asked for.
import { z } from 'zod';
import type { Fault, Json, Proof } from '../../lib/model/fault.ts';
import type { Cluster, Reach } from '../../lib/model/reach.ts';
import { armHelper, type Helper, type HelperRequest, removeHelper } from '../helper/helper-pod.ts';
import { injecting, lastWillOfOrder, leaveOrder } from '../helper/inject-script.ts';
import { residueOf, type TakeBack, takeBack } from '../helper/take-back.ts';
import {
  choosePlace,
  type Place,
  type PodChoice,
  placeNow,
  placeSchema,
  rightsOfPlace,
  type TierName,
} from '../process/place.ts';
import { findProcesses, mainProcess, runOnContainer, scriptOnContainer, shellOfProcesses } from '../process/signal.ts';
import { cannotTell } from '../proof.ts';

export const volumeFullTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  helper: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  place: placeSchema,
  mountPath: z.string().startsWith('/'),
  mainPid: z.number().int().min(1),
  volume: z.strictObject({
    /** As stat -f has it: for most file systems it is made of their own id, and stays when the device gets another number. */
    fileSystemId: z.string().regex(/^[0-9a-f]+$/),
    type: z.string(),
    /** Of the mount, inside its file system. */
    root: z.string().startsWith('/'),
    bytes: z.number().int().positive(),
  }),
  /** Its name carries the run. */
  file: z.string().regex(/^\.shakedown-[a-z0-9-]+$/),
  leaveBytes: z.number().int().min(0),
});

export type VolumeFullTicket = z.infer<typeof volumeFullTicketSchema>;

export interface VolumeAim {
  readonly tier: TierName;
  readonly pod?: PodChoice;
  readonly mountPath: string;
  readonly leaveBytes: number;
  /** A larger file system is refused. */
  readonly fileSystemBytesMax: number;
}

const name = 'resources/volume-full';
const mebibyte = 1024 * 1024;
const fillMs = 25_000;
/** A file system rounds, and others write and delete meanwhile. */
const slackBytes = mebibyte;

interface Fill {
  readonly fileBytes: number;
  readonly freeBytes: number;
  readonly by: string;
}
/** What inject itself saw, for the landed that follows it in the same process. */
const filledBy = new WeakMap<VolumeFullTicket, Fill>();

export function volumeFull(aim: VolumeAim): Fault<VolumeFullTicket> {
  const { tier, mountPath, leaveBytes } = aim;
  const choose = (reach: Reach) => choosePlace(reach, name, tier, aim.pod);
  return {
    name,
    version: 1,
    plan: {
      aim: `the volume at ${mountPath} of one container: ${aim.pod?.phrase ?? tier}, and whatever shares its file system`,
      change: `a file of ours leaves ${leaveBytes / mebibyte} MiB free`,
      undo: 'the file, which carries the run’s id, is removed on the Kubernetes node; the helper does so too when its own time is over',
    },
    rights: (target) => ({ inject: rightsOfPlace(target, tier), undo: [] }),
    async targets(reach) {
      const { namespace, pod } = await choose(reach);
      return [{ namespace, name: pod }];
    },

    async prepare(reach) {
      const place = await choose(reach);
      const helper = await armHelper(reach, requestOf(place));
      try {
        const main = mainProcess(await findProcesses(reach.cluster, helper, place.containerId));
        if (!main) throw new Error(`${name}: no process at all in container ${place.container} of ${place.pod}`);
        const volume = await readVolume(reach.cluster, helper, place, main.pid, aim);
        return {
          runId: reach.runId,
          targets: [{ namespace: place.namespace, name: place.pod }],
          helper,
          place,
          mountPath,
          mainPid: main.pid,
          volume,
          file: `.shakedown-${reach.runId}-full`,
          leaveBytes,
        };
      } catch (error) {
        await removeHelper(reach.cluster, helper).catch(() => undefined); // found by the run's label, if it stays
        throw error;
      }
    },

    async inject(ticket, reach) {
      const { cluster } = reach;
      const { helper, place } = ticket;
      const args = [...onNode(ticket), String(ticket.leaveBytes), orderOf(ticket)];
      const { stdout } = await runOnContainer(cluster, helper, injecting(fillScript), place.containerId, args, fillMs);
      const match = /^by (\w+)\nfile (\d+)\nfree (\d+)\n$/.exec(stdout);
      if (!match)
        throw new Error(`${name}: ${place.pod}: not filled: ${stdout.trim().slice(0, 300) || 'nothing was said'}`);
      filledBy.set(ticket, { by: match[1] ?? '', fileBytes: Number(match[2]), freeBytes: Number(match[3]) });
    },

    undo: (ticket, reach) => takeBack(ticket, reach, howBack(ticket, reach.cluster)),

    residue: (ticket, reach) => residueOf(ticket, reach, howBack(ticket, reach.cluster)),

    async landed(ticket, reach) {
      const filled = filledBy.get(ticket);
      return filled ? { is: 'yes', at: reach.now(), evidence: { file: ticket.file, ...filled } } : full(ticket, reach);
    },

    /** The container's own user finds no place for more than was left. */
    async effect(ticket, reach): Promise<Proof> {
      try {
        const { helper, place, file, mainPid } = ticket;
        const { stdout } = await runOnContainer(reach.cluster, helper, injecting(tryScript), place.containerId, [
          String(mainPid),
          ticket.mountPath,
          `${file}-try`,
          String(ticket.leaveBytes + 2 * slackBytes),
        ]);
        const match = /^free (\d+)\nwrite (.*)\n$/.exec(stdout);
        if (!match)
          throw new Error(`helper ${helper.name} tried to write and said ${JSON.stringify(stdout.slice(0, 200))}`);
        const freeBytes = Number(match[1]);
        const write = match[2] ?? '';
        const noPlace = /No space left|ENOSPC/i.test(write);
        // Who may not write there at all can't show it; then the free bytes that the container sees do.
        const is = noPlace || (write !== 'ok' && freeBytes <= ticket.leaveBytes + slackBytes) ? 'yes' : 'no';
        return { is, at: reach.now(), evidence: { freeBytes, write } };
      } catch (error) {
        return cannotTell(reach, error);
      }
    },

    holding: full,
  };
}

/** The file is there, and no more is free than was to be left. */
async function full(ticket: VolumeFullTicket, reach: Reach): Promise<Proof> {
  try {
    const { helper, place } = ticket;
    const [{ stdout }, container] = await Promise.all([
      runOnContainer(reach.cluster, helper, lookScript, place.containerId, onNode(ticket)),
      placeNow(reach, place).catch(() => null),
    ]);
    const said = parseLook(helper, stdout);
    const is = said.file !== 'gone' && said.freeBytes <= ticket.leaveBytes + slackBytes ? 'yes' : 'no';
    const evidence: Json = { file: said.file, freeBytes: said.freeBytes, container } as never;
    return { is, at: reach.now(), evidence };
  } catch (error) {
    return cannotTell(reach, error);
  }
}

function howBack(ticket: VolumeFullTicket, cluster: Cluster): TakeBack {
  const { place, file, helper } = ticket;
  const where = `on the volume of ${place.namespace}/${place.pod} on ${place.kubernetesNode}`;
  return {
    fault: name,
    helper,
    request: requestOf(place),
    outlivesNode: true,
    async take(other) {
      const { stdout } = await runOnContainer(cluster, other, removeScript, place.containerId, onNode(ticket));
      return stdout === 'gone\n' ? [] : [`file ${file} ${where}: ${stdout.trim().slice(0, 200)}`];
    },
    async look(other) {
      const { stdout } = await runOnContainer(cluster, other, lookScript, place.containerId, onNode(ticket));
      const said = parseLook(other, stdout);
      return [
        ...(said.file === 'gone' ? [] : [`file ${file} ${where}`]),
        ...(said.tried ? [`file ${file}-try ${where}`] : []),
      ];
    },
  };
}

interface Look {
  readonly file: number | 'gone';
  /** The file that effect writes for a moment. */
  readonly tried: boolean;
  readonly freeBytes: number;
}

function parseLook(helper: Helper, stdout: string): Look {
  const match = /^file (\d+|gone)\ntry (there|gone)\nfree (\d+)\n$/.exec(stdout);
  if (!match)
    throw new Error(`helper ${helper.name} looked for the file and said ${JSON.stringify(stdout.slice(0, 200))}`);
  const file = match[1] === 'gone' ? 'gone' : Number(match[1]);
  return { file, tried: match[2] === 'there', freeBytes: Number(match[3]) };
}

const onNode = ({ volume, file }: VolumeFullTicket): readonly string[] => [volume.fileSystemId, volume.root, file];

/** What is to be removed is known only after the helper is armed: inject leaves the order in the helper's own memory before it fills. */
const requestOf = (place: Place): HelperRequest => ({
  kubernetesNode: place.kubernetesNode,
  purpose: `volume-${place.pod}`,
  lastWill: lastWillOfOrder,
});
const orderOf = (ticket: VolumeFullTicket) => scriptOnContainer(removeScript, ticket.place.containerId, onNode(ticket));

async function readVolume(
  cluster: Cluster,
  helper: Helper,
  place: Place,
  mainPid: number,
  { mountPath, leaveBytes, fileSystemBytesMax }: VolumeAim,
): Promise<VolumeFullTicket['volume']> {
  const { stdout } = await runOnContainer(cluster, helper, volumeScript, place.containerId, [
    String(mainPid),
    mountPath,
  ]);
  const where = `${place.container} of ${place.pod} at ${mountPath}`;
  const refuse = (why: string) => {
    throw new Error(`${name}: ${where}: ${why}. Next: aim at a volume with a file system of its own`);
  };
  if (/^not-mounted$/m.test(stdout)) return refuse('no volume is mounted there');
  const match =
    /^type (\S+)\nid ([0-9a-f]+)\nroot (\/.*)\nsize (\d+)\nfree (\d+)\nmachine (no|\/.*)\nnode (yes|no)\n$/.exec(
      stdout,
    );
  if (!match) throw new Error(`${name}: ${where}: helper ${helper.name} said ${JSON.stringify(stdout.slice(0, 300))}`);
  const [, type = '', fileSystemId = '', root = '', size = '', free = '', machine, node] = match;
  if (/^(tmpfs|ramfs|overlay)/.test(type)) return refuse(`it is ${type}, which is memory or the container’s own layer`);
  if (machine !== 'no') {
    return refuse(
      `it lies on the file system of ${machine} of ${place.kubernetesNode}, and filling that would fill the machine`,
    );
  }
  const bytes = Number(size);
  if (bytes > fileSystemBytesMax) {
    return refuse(
      `its file system has ${Math.round(bytes / mebibyte)} MiB, more than the ${Math.round(fileSystemBytesMax / mebibyte)} that are allowed`,
    );
  }
  if (node !== 'yes')
    return refuse(`${place.kubernetesNode} itself has no mount of it, so nobody could undo without the container`);
  if (Number(free) <= leaveBytes + slackBytes) return refuse(`only ${free} bytes are free already`);
  return { fileSystemId, type, root, bytes };
}

/*
 * Mounts are lines of /proc/PID/mountinfo: id, parent, device, root inside the file system, where it is mounted, …; special characters
 * are written as \\040 and the like, which printf %b turns back.
 */
const shellOfVolumes = `
plain() { case $1 in *\\\\*) said=$(printf %b "$1") ;; *) said=$1 ;; esac; }
free_of() { set -- $(stat -f -c '%a %S' "$1"); echo $(($1 * $2)); }
# Sets folder: where the node itself has the folder ROOT of the file system ID. Without it nobody can look.
find_folder() {
  folder=
  look_at 1
  while read -r _ _ _ root point rest; do
    case " $rest " in *" - overlay "* | *" - tmpfs "* | *" - proc "* | *" - sysfs "* | *" - cgroup"* | *" - devpts "* | *" - mqueue "* | *" - nsfs "*) continue ;; esac
    plain "$root"; root=$said
    plain "$point"; point=$said
    case $2/ in "\${root%/}"/*) ;; *) continue ;; esac
    [ "$(stat -f -c %i "$seen/root$point" 2>/dev/null)" = "$1" ] || continue
    folder=$seen/root\${point%/}\${2#"\${root%/}"}
    return 0
  done <"$seen/mountinfo"
  return 1
}
# Sets seen: where a process's mounts and root are told.
look_at() {
  seen=$cgroups/$1
  [ -r "$seen/mountinfo" ] || seen=$proc/$1
  [ -r "$seen/mountinfo" ] || { echo "no $seen/mountinfo to look at" >&2; exit 4; }
}
`;

/** What all scripts that run on the node's side begin with. Arguments: file system id, root, file. */
const shellOfFile = `${shellOfProcesses}${shellOfVolumes}
wanted=$1 root_wanted=$2 file=$3; shift 3
find_folder "$wanted" "$root_wanted" || { echo "file system $wanted is mounted nowhere on the Kubernetes node now" >&2; exit 7; }
`;

/** Arguments: main pid, mount path. */
export const volumeScript = `${shellOfProcesses}${shellOfVolumes}
pid=$1 path=$2
belongs "$pid" || { echo "process $pid of the container is no more" >&2; exit 5; }
look_at "$pid"
own=
while read -r _ _ _ root point _; do
  plain "$point"
  [ "$said" = "$path" ] && { plain "$root"; own=$said; }
done <"$seen/mountinfo"
[ -n "$own" ] || { echo not-mounted; exit 0; }
here=$proc/$pid/root$path
id=$(stat -f -c %i "$here")
echo "type $(stat -f -c %T "$here" | tr ' /' '--')"
echo "id $id"
echo "root $own"
set -- $(stat -f -c '%b %S' "$here"); echo "size $(($1 * $2))"
echo "free $(free_of "$here")"
look_at 1
stat -c %d "$seen/root/." >/dev/null || exit 11
device=$(stat -c %d "$here/.") machine=no
for one in / /var/lib/kubelet /var/lib/containerd /var/lib/docker /var/lib/etcd /var/log; do
  there=$seen/root$one
  # What it leads to is meant as the Kubernetes node sees it.
  [ -L "$there" ] && case $(readlink "$there") in /*) there=$seen/root$(readlink "$there") ;; esac
  [ "$(stat -c %d "$there/." 2>/dev/null)" = "$device" ] && { machine=$one; break; }
done
echo "machine $machine"
if find_folder "$id" "$own"; then echo 'node yes'; else echo 'node no'; fi
`;

/**
 * Arguments: file system id, root, file, bytes to leave, and the order for the last will. First that, then the file: fallocate where the
 * file system can, which writes nothing; else dd.
 */
export const fillScript = `${shellOfFile}
leave=$1; shift
${leaveOrder}free=$(free_of "$folder")
bytes=$((free - leave))
[ "$bytes" -gt 0 ] || { echo "only $free bytes are free"; exit 0; }
[ ! -e "$folder/$file" ] || { echo "$file is there already"; exit 0; }
by=fallocate
if ! fallocate -l "$bytes" "$folder/$file" 2>/dev/null; then
  # A file system that needs blocks of its own for so large a file, or one that knows no fallocate.
  by=dd
  rm -f "$folder/$file"
  dd if=/dev/zero of="$folder/$file" bs=1M count=$((bytes / 1048576)) 2>/dev/null
fi
# What the file's own bookkeeping left over, or what others freed meanwhile.
for again in 1 2 3; do
  over=$(($(free_of "$folder") - leave))
  [ "$over" -gt 65536 ] || break
  if [ "$by" = dd ]; then dd if=/dev/zero bs=65536 count=$((over / 65536)) 2>/dev/null >>"$folder/$file"
  else fallocate -l $(($(stat -c %s "$folder/$file") + over)) "$folder/$file" 2>/dev/null; fi
done
echo "by $by"
echo "file $(stat -c %s "$folder/$file")"
echo "free $(free_of "$folder")"
`;

/** Arguments: file system id, root, file. A folder that was deleted took the file along. */
export const lookScript = `${shellOfFile}
if [ -e "$folder/$file" ]; then echo "file $(stat -c %s "$folder/$file")"; else echo 'file gone'; fi
if [ -e "$folder/$file-try" ]; then echo 'try there'; else echo 'try gone'; fi
if [ -d "$folder" ]; then echo "free $(free_of "$folder")"; else echo 'free 0'; fi
`;

/** The same arguments. Says \`gone\`. */
export const removeScript = `${shellOfFile}
rm -f "$folder/$file" "$folder/$file-try" || exit 9
if [ -e "$folder/$file" ] || [ -e "$folder/$file-try" ]; then echo 'still there'; else echo gone; fi
`;

/** Arguments: main pid, mount path, name of the file to try, its bytes. As the container's own user, and gone again at once. */
export const tryScript = `${shellOfProcesses}${shellOfVolumes}
pid=$1 path=$2 file=$3 bytes=$4
belongs "$pid" || { echo "process $pid of the container is no more" >&2; exit 5; }
user=$(sed -n 's/^Uid:[^0-9]*\\([0-9]*\\).*/\\1/p' "$proc/$pid/status") group=$(sed -n 's/^Gid:[^0-9]*\\([0-9]*\\).*/\\1/p' "$proc/$pid/status")
cd "$proc/$pid/root$path" || exit 10
echo "free $(free_of .)"
said=$(LC_ALL=C setpriv --reuid "$user" --regid "$group" --clear-groups --bounding-set=-all fallocate -l "$bytes" "$file" 2>&1) && said=ok
rm -f "$file"
echo "write $said" | tr '\\n' ' '
echo
`;

/**
 * In the lab each Kubernetes node has a file system of its own for volumes, shared by all of that node's: with the queue's Redis the
 * neighbours get to feel it too, as on any machine with local volumes.
 */
export const queueVolumeFull = volumeFull({
  tier: 'redis-queue',
  mountPath: '/data',
  leaveBytes: mebibyte,
  fileSystemBytesMax: 16 * 1024 * mebibyte,
});
