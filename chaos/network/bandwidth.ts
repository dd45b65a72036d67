// Lets one pod send only so much: a token bucket on its network device, in its own network namespace. Whatever it sends stands in that one
// queue, over new connections and kept ones alike, its answers to probes and scrapes too. What stood there before comes back by itself
// when the bucket goes, but only if it was what the kernel puts there unasked; anything that somebody set up is refused.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, Json } from '../../lib/model/fault.ts';
import type { Cluster, Reach } from '../../lib/model/reach.ts';
import { runInHelper } from '../helper/helper-pod.ts';
import { onePodOf, type TierName, tierOf } from './aim.ts';
import {
  handleOf,
  leftInPlace,
  lookAtPod,
  type Place,
  placeSchema,
  runInPlace,
  takeBack,
  withPlace,
} from './pod-namespace.ts';
import { proof } from './rules-fault.ts';

export const bandwidthTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  place: placeSchema,
  device: z.string().regex(/^[a-zA-Z0-9._-]{1,15}$/),
  /** Whom the pod can send to for a measurement: its gateway. */
  gateway: z.ipv4(),
  kbitPerSecond: z.number().int().min(8).max(100_000),
  /** What stood on the device before, as `tc` tells it. */
  before: z.string(),
  /** What passed before, measured as it is afterwards. */
  kbitPerSecondBefore: z.number(),
});

export type BandwidthTicket = z.infer<typeof bandwidthTicketSchema>;

const name = 'network/bandwidth';

/** At least one packet of any size that devices have, and a moment of bursts. */
const burstBytes = 16_384;
/** A packet waits at most this long; later ones are lost, and TCP slows down. */
const queueMs = 400;

export const networkBandwidth = (of: TierName = 'web', kbitPerSecond = 256): Fault<BandwidthTicket> => ({
  name,
  version: 1,
  plan: {
    aim: `one pod of ${of}`,
    change: `what it sends is held to ${kbitPerSecond} kbit/s by a token bucket (tbf) on its network device`,
    undo: 'the bucket is removed by its handle, and what stood there before is looked for; then the helper pod goes',
  },
  rights(target) {
    const tier = tierOf(target, of);
    const pods = { apiGroup: '', resources: ['pods'], verbs: ['get', 'list'] };
    return { inject: tier ? [{ namespace: tier.namespace, ...pods }] : [], undo: [] };
  },
  async targets(reach) {
    const { namespace, name: pod } = await onePodOf(reach, name, of);
    return [{ namespace, name: pod }];
  },

  async prepare(reach) {
    const pod = await onePodOf(reach, name, of);
    return withPlace(reach, name, pod, 'bandwidth', async (place) => {
      const { device, gateway } = await wayOut(reach.cluster, place);
      const before = rootOf(await queuesOf(reach.cluster, place), device);
      // `0:` is a queue that the kernel put there; of those, these come back as they were.
      if (!/^qdisc (noqueue|pfifo_fast|fq_codel|fq) 0: root\b/.test(before)) {
        throw new Error(
          `${name}: ${pod.namespace}/${pod.name} has a queue of somebody’s on ${device} (${before || 'none that is known'}), which would not come back by itself. Next: aim at a pod whose queue is the kernel’s own`,
        );
      }
      await tryBucket(reach, place, kbitPerSecond);
      const measured = await measure(reach.cluster, place, { device, gateway, kbitPerSecond });
      return {
        runId: reach.runId,
        targets: [{ namespace: pod.namespace, name: pod.name }],
        place,
        device,
        gateway,
        kbitPerSecond,
        before,
        kbitPerSecondBefore: measured.kbitPerSecond,
      };
    });
  },

  async inject(ticket, reach) {
    const { place, device } = ticket;
    const put = `tc qdisc add dev "$1" root handle "$2:" tbf rate "$3kbit" burst ${burstBytes} latency ${queueMs}ms && tc qdisc show dev "$1"`;
    const args = [device, handleOf(place.mark), String(ticket.kbitPerSecond)];
    const said = await runInPlace(reach.cluster, place, put, args, { injects: true });
    if (said === undefined) {
      throw new Error(`${name}: the network namespace of ${place.pod.namespace}/${place.pod.name} is no more`);
    }
    seenBy.set(ticket, said);
  },
  undo: (ticket, reach) =>
    takeBack(reach, name, ticket.place, async (helper) => {
      const { place, device } = ticket;
      const args = [device, handleOf(place.mark)];
      await runInPlace(reach.cluster, place, takeScript, args, { helper });
    }),
  async residue(ticket, reach) {
    return leftInPlace(reach, ticket.place);
  },

  landed: (ticket, reach) =>
    proof(reach, async () => {
      const said = seenBy.get(ticket) ?? (await queuesOf(reach.cluster, ticket.place));
      return { is: isOurs(ticket, said), evidence: queueSeen(ticket, said) };
    }),
  holding: (ticket, reach) =>
    proof(reach, async () => {
      const [said, pod] = await Promise.all([queuesOf(reach.cluster, ticket.place), lookAtPod(reach, ticket.place)]);
      return { is: isOurs(ticket, said) && pod.samePod, evidence: { ...queueSeen(ticket, said), ...pod } };
    }),
  /** More is offered than may pass, and what passes is what the bucket gives, with its first burst. */
  effect: (ticket, reach) =>
    proof(reach, async () => {
      const there = isOurs(ticket, await queuesOf(reach.cluster, ticket.place));
      const measured = await measure(reach.cluster, ticket.place, ticket);
      const allowed = (ticket.kbitPerSecond / 8) * measured.ms + burstBytes;
      return {
        // A fifth more, for what is in the device already; and far below what passed before.
        is:
          there &&
          measured.passedBytes <= allowed * 1.2 &&
          measured.kbitPerSecond < ticket.kbitPerSecondBefore / 2 &&
          measured.heldBack > 0,
        evidence: {
          of: 'everything that the pod sends, over new and kept connections',
          ...measured,
          allowedBytes: Math.round(allowed),
          kbitPerSecondBefore: ticket.kbitPerSecondBefore,
        },
      };
    }),
});

/** What inject itself saw, for the landed that follows it in the same process. */
const seenBy = new WeakMap<object, string>();

/** The device's root queue; empty when the namespace is no more. */
async function queuesOf(cluster: Cluster, place: Place): Promise<string> {
  return (await runInPlace(cluster, place, 'tc qdisc show')) ?? '';
}

/** Told with the device or, when one device was asked for, without. */
function rootOf(said: string, device: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const line = lines.find((one) => / root\b/.test(one) && (!one.includes(' dev ') || one.includes(` dev ${device} `)));
  return line?.replace(` dev ${device}`, '') ?? '';
}

const isOurs = ({ place, device }: BandwidthTicket, said: string) =>
  rootOf(said, device).startsWith(`qdisc tbf ${handleOf(place.mark)}: root`);

const queueSeen = ({ device }: BandwidthTicket, said: string): { readonly [key: string]: Json } => ({
  device,
  queue: rootOf(said, device) || 'the network namespace is no more',
});

async function wayOut(cluster: Cluster, place: Place): Promise<{ device: string; gateway: string }> {
  const said = (await runInPlace(cluster, place, 'ip -4 route show default')) ?? '';
  const match = /^default via ([\d.]+) dev (\S+)/.exec(said);
  if (match) return { gateway: match[1] as string, device: match[2] as string };
  throw new Error(
    `${name}: ${place.pod.namespace}/${place.pod.name} has no default route (${JSON.stringify(said.slice(0, 200))}), so its network device is not known`,
  );
}

async function tryBucket(reach: Reach, place: Place, kbitPerSecond: number): Promise<void> {
  const script = `exec unshare --net tc qdisc add dev lo root tbf rate "$1kbit" burst ${burstBytes} latency ${queueMs}ms`;
  try {
    await runInHelper(reach.cluster, place.helper, script, [String(kbitPerSecond)]);
  } catch (error) {
    throw new Error(
      `${name}: Kubernetes node ${place.kubernetesNode} takes no token bucket: ${messageOf(error)}. Next: see that its kernel has sch_tbf`,
      { cause: error },
    );
  }
}

/** Sends more than may pass to the gateway's port 9 (discard) for a moment, and counts what the device let out. */
async function measure(
  cluster: Cluster,
  place: Place,
  { device, gateway, kbitPerSecond }: Pick<BandwidthTicket, 'device' | 'gateway' | 'kbitPerSecond'>,
): Promise<{ ms: number; offeredBytes: number; passedBytes: number; heldBack: number; kbitPerSecond: number }> {
  // Ten times what may pass in half a second.
  const packets = Math.min(4_000, Math.max(100, Math.ceil((10 * (kbitPerSecond * 62.5 + burstBytes)) / 1_400)));
  const said = await runInPlace(cluster, place, measureScript, [device, gateway, String(packets)]);
  const match = /^ms (\d+) passed (\d+) held (\d+)\n$/.exec(said ?? '');
  if (!match) throw new Error(`measured and said ${JSON.stringify((said ?? 'gone').slice(0, 200))}`);
  const [ms, passedBytes, heldBack] = match.slice(1).map(Number) as [number, number, number];
  return {
    ms,
    offeredBytes: packets * 1_400,
    passedBytes,
    heldBack,
    kbitPerSecond: Math.round((passedBytes * 8) / ms),
  };
}

/** Arguments: device, address, packets of 1400 bytes. `held` is how often the queue held something back. */
export const measureScript = `
exec timeout 8 bash -c '
  passed() { ip -s link show dev "$1" | sed -n "/TX:/{n;s/^ *\\([0-9]*\\) .*/\\1/p}"; }
  held() { tc -s qdisc show dev "$1" root | sed -n "s/.*overlimits \\([0-9]*\\).*/\\1/p" | head -n 1; }
  printf -v packet "%01400d" 0
  exec 3<>"/dev/udp/$2/9"
  over=$(held "$1") sent=$(passed "$1") began=\${EPOCHREALTIME/./}
  # Nobody listens there, and says so now and then.
  for ((i = 0; i < $3; i++)); do printf %s "$packet" >&3; done 2>/dev/null
  sleep 0.3
  now=$(passed "$1") ended=\${EPOCHREALTIME/./}
  echo "ms $(((ended - began) / 1000)) passed $((now - sent)) held $(($(held "$1") - over))"' bash "$@"
`;

/** Arguments: device, handle. Only ours goes. */
const takeScript = `
case $(tc qdisc show dev "$1" root) in
  "qdisc tbf $2: "*) tc qdisc del dev "$1" root ;;
esac
`;
