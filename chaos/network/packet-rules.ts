// Packet rules in the network namespace of one pod: drop, refuse or lose what goes in or out, by peer and port. They stand in chains of
// our own, so that they come and go in one step, and each line counts: TCP's first packets (a new connection) apart from the rest (a
// connection that was there), since a fault that only pooled connections survive is none. Flags tell the two apart, not conntrack: that
// takes a pooled connection for a new one when it had not watched it before.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Json } from '../../lib/model/fault.ts';
import type { Cluster, Reach } from '../../lib/model/reach.ts';
import { runInHelper } from '../helper/helper-pod.ts';
import { chainOf, type Place, runInPlace, takeBack, takeRulesShell } from './pod-namespace.ts';

export const packetRuleSchema = z.strictObject({
  /** As the pod sees it. */
  direction: z.enum(['in', 'out']),
  /** `any` is everything, pings too. */
  protocol: z.enum(['tcp', 'udp', 'any']),
  /** Empty: everybody but those who look after the pod (`keepers` of the place), whose probes and scrapes are no part of the fault. */
  peers: z.array(z.union([z.ipv4(), z.cidrv4()])).readonly(),
  /** Empty: all. Not with `any`. */
  ports: z.array(z.number().int().min(1).max(65535)).max(15).readonly(),
  /** Whose ports: the pod serves on them, or its peer does, or either. */
  portsOf: z.enum(['pod', 'peer', 'either']),
  /** `reject` answers with a reset (TCP) or says that the port is not there. */
  act: z.enum(['drop', 'reject']),
  /** Of the packets, at random; all when it is not given. */
  share: z.number().gt(0).lt(1).optional(),
});

export type PacketRule = z.infer<typeof packetRuleSchema>;

/** What a line met since it was put in. `in:new`, `out:established`, `in:other`, and with a share `in:seen`, the packets it was drawn from. */
export type Packets = Readonly<
  Record<string, { readonly lines: number; readonly packets: number; readonly bytes: number }>
>;

/** Puts them in, in one step, and reads them back. Throws when that namespace is no more. */
export async function putRules(cluster: Cluster, place: Place, rules: readonly PacketRule[]): Promise<Packets> {
  const said = await runInPlace(cluster, place, putScript, [rulesText(place, rules), place.mark], {
    injects: true,
  });
  if (said === undefined) {
    throw new Error(
      `the network namespace ${place.inode} of ${place.pod.namespace}/${place.pod.name} is no more: its sandbox was replaced. Next: run again on a pod that stays`,
    );
  }
  return parsePackets(said, place);
}

/** `undefined` when the namespace is no more; without lines when there is none of ours in it. */
export async function readRules(cluster: Cluster, place: Place): Promise<Packets | undefined> {
  const said = await runInPlace(cluster, place, readScript, [place.mark]);
  return said === undefined ? undefined : parsePackets(said, place);
}

/** Takes back what carries the mark, whoever put it in; then the helper goes. Right as well when nothing was put in. */
export async function takeRules(reach: Reach, fault: string, place: Place): Promise<void> {
  await takeBack(reach, fault, place, async (helper) => {
    await runInPlace(reach.cluster, place, takeScript, [place.mark, chainOf(place.mark)], { helper });
  });
}

/** Are all lines there that were to be put in? */
export function allThere(packets: Packets | undefined, place: Place, rules: readonly PacketRule[]): boolean {
  if (!packets) return false;
  const wanted = new Map<string, number>();
  for (const { label } of linesOf(place, rules)) wanted.set(label, (wanted.get(label) ?? 0) + 1);
  const jumps = new Set(rules.map(({ direction }) => direction));
  for (const direction of jumps) wanted.set(direction, 1);
  return [...wanted].every(([label, count]) => packets[label]?.lines === count);
}

/** For a proof: packets by what they were; jumps and lines are left out. */
export function packetsMet(packets: Packets): Json {
  return Object.fromEntries(
    Object.entries(packets)
      .filter(([label]) => label.includes(':'))
      .map(([label, { packets: count }]) => [label, count]),
  );
}

export const packetsOf = (packets: Packets, ...kinds: readonly string[]): number =>
  Object.entries(packets)
    .filter(([label]) => kinds.some((kind) => label === kind || label.endsWith(`:${kind}`)))
    .reduce((sum, [, { packets: count }]) => sum + count, 0);

/** Tries them in a network namespace made for it, so that a kernel without a match is known before anything is touched. */
export async function tryRules(reach: Reach, fault: string, place: Place, rules: readonly PacketRule[]): Promise<void> {
  try {
    const { stdout } = await runInHelper(reach.cluster, place.helper, tryScript, [rulesText(place, rules), place.mark]);
    if (!allThere(parsePackets(stdout, place), place, rules)) throw new Error(`it has only ${stdout.slice(0, 300)}`);
  } catch (error) {
    const why = messageOf(error);
    throw new Error(
      `${fault}: Kubernetes node ${place.kubernetesNode} does not take the packet rules that the fault needs: ${why}. Next: see that its kernel has nf_tables with the matches multiport, statistic and comment, and REJECT`,
      { cause: error },
    );
  }
}

/** For iptables-restore. Exported for its test. */
export function rulesText(place: Place, rules: readonly PacketRule[]): string {
  if (rules.length === 0) throw new Error(`no packet rule for ${place.pod.namespace}/${place.pod.name}`);
  const chain = chainOf(place.mark);
  const directions = [...new Set(rules.map(({ direction }) => direction))];
  const comment = (label: string) => `-m comment --comment "${place.mark}:${label}"`;
  return [
    '*filter',
    ...directions.map((direction) => `:${chain}-${direction} - [0:0]`),
    ...linesOf(place, rules).map(({ direction, match, label, target }) =>
      `-A ${chain}-${direction} ${match} ${comment(label)} ${target}`.replaceAll(/ +/g, ' ').trimEnd(),
    ),
    // First of all, and not for what the pod says to itself: its containers' exporters are evidence.
    ...directions.map((direction) =>
      direction === 'in'
        ? `-I INPUT 1 ! -i lo ${comment('in')} -j ${chain}-in`
        : `-I OUTPUT 1 ! -o lo ${comment('out')} -j ${chain}-out`,
    ),
    'COMMIT',
    '',
  ].join('\n');
}

interface Line {
  readonly direction: PacketRule['direction'];
  readonly match: string;
  readonly label: string;
  readonly target: string;
}

function linesOf(place: Place, rules: readonly PacketRule[]): readonly Line[] {
  const open = new Set(rules.filter(({ peers }) => peers.length === 0).map(({ direction }) => direction));
  const kept = [...open].flatMap((direction) =>
    place.keepers.map((address) => ({
      direction,
      match: `${direction === 'in' ? '-s' : '-d'} ${address}`,
      label: `${direction}:kept`,
      target: '-j RETURN',
    })),
  );
  return [...kept, ...rules.flatMap(linesOfRule)];
}

function linesOfRule(rule: PacketRule): readonly Line[] {
  const { direction, protocol, peers, ports, portsOf, act, share } = rule;
  if (protocol === 'any' && ports.length > 0) throw new Error('a packet rule for any protocol can’t name ports');
  const from = direction === 'in' ? '-s' : '-d';
  const side =
    portsOf === 'either' ? '--ports' : (direction === 'in') === (portsOf === 'pod') ? '--dports' : '--sports';
  const port = ports.length === 0 ? '' : `-m multiport ${side} ${ports.join(',')}`;
  const kinds = {
    tcp: [
      ['new', `-p tcp --syn ${port}`],
      ['established', `-p tcp ! --syn ${port}`],
    ],
    udp: [['other', `-p udp ${port}`]],
    any: [
      ['new', '-p tcp --syn'],
      ['established', '-p tcp ! --syn'],
      ['other', '! -p tcp'],
    ],
  }[protocol];
  const drawn = share === undefined ? '' : `-m statistic --mode random --probability ${share}`;
  return (peers.length === 0 ? [''] : peers.map((peer) => `${from} ${peer}`)).flatMap((peer) =>
    kinds.flatMap(([kind, match]) => {
      const target = act === 'drop' ? 'DROP' : kind === 'other' ? 'REJECT' : 'REJECT --reject-with tcp-reset';
      return [
        ...(share === undefined
          ? []
          : [{ direction, match: `${peer} ${match}`, label: `${direction}:seen`, target: '' }]),
        { direction, match: `${peer} ${match} ${drawn}`, label: `${direction}:${kind}`, target: `-j ${target}` },
      ];
    }),
  );
}

/** Lines of iptables-save with counters; others than ours are passed over. */
export function parsePackets(stdout: string, { mark }: Pick<Place, 'mark'>): Packets {
  const met: Record<string, { lines: number; packets: number; bytes: number }> = {};
  for (const line of stdout.split('\n')) {
    const match = /^\[(\d+):(\d+)\] -A .*--comment "?(shakedown-[a-z0-9-]+):([a-z:]+)"?(?: |$)/.exec(line);
    if (match?.[3] !== mark) continue;
    const [, packets = '', bytes = '', , label = ''] = match;
    const before = met[label] ?? { lines: 0, packets: 0, bytes: 0 };
    met[label] = {
      lines: before.lines + 1,
      packets: before.packets + Number(packets),
      bytes: before.bytes + Number(bytes),
    };
  }
  return met;
}

/*
 * All but the last run inside the pod's namespace (runInPlace). With iptables over nf_tables each change is one transaction.
 */
/** Arguments: rules for iptables-restore, mark. */
export const putScript = `
printf '%s' "$1" | iptables-restore -w 5 --noflush || exit 6
iptables-save -c -t filter | grep -F -e "$2:"
`;

/** Arguments: mark. No line of ours is an answer too. */
export const readScript = `
rules=$(iptables-save -c -t filter) || exit 6
printf '%s\\n' "$rules" | grep -F -e "$1:"
exit 0
`;

/** Arguments: mark, chain. */
export const takeScript = `
mark=$1 chain=$2 enter=
${takeRulesShell}
take_rules
`;

/** Arguments: as of putScript. In a network namespace of its own, which ends with it. */
export const tryScript = `exec unshare --net sh -c '${putScript.replaceAll("'", `'\\''`)}' sh "$@"`;
