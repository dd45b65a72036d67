// Makes one pod's new connections to a tier slow, by a proxy that holds back what comes back. The proxy (toxiproxy) stands in the pod's own
// network namespace, started there by the helper, and packet rules lead to it; the app is not told. That the way through the proxy is no
// slower by itself is measured before. Connections that were there can't be led anywhere else: each is reset at its next packet, so that the
// app's pool renews itself through the proxy; without that most of the app would never meet the fault.
// Undo resets too: what was connected through the proxy ends with it.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, Json } from '../../lib/model/fault.ts';
import type { Cluster, Reach } from '../../lib/model/reach.ts';
import { runInHelper } from '../helper/helper-pod.ts';
import { type Aim, aimed, aimRights, aimSays } from './aim.ts';
import { type Packets, parsePackets, takeRules } from './packet-rules.ts';
import { chainOf, leftInPlace, lookAtPod, type Place, placeSchema, runInPlace, withPlace } from './pod-namespace.ts';
import { proof } from './rules-fault.ts';
import { type Attempt, connectionsTo, tryConnections } from './try-connection.ts';

const timesSchema = z.record(z.string(), z.number());
const portSchema = z.number().int().min(1).max(65535);

export const delayTicketSchema = z.strictObject({
  runId: z.string().min(1),
  targets: z.array(z.strictObject({ namespace: z.string(), name: z.string() })).length(1),
  place: placeSchema,
  latencyMs: z.number().int().min(1).max(60_000),
  /** What is said before an answer is waited for; empty to who speaks first. */
  hello: z.string().max(64),
  /** Of the proxy's own control, inside the pod. */
  controlPort: portSchema,
  /** `ADDRESS:PORT` of each peer that answered, and where the proxy stands for it. */
  ways: z
    .array(z.strictObject({ to: z.string().regex(/^[\d.]+:\d+$/), listen: portSchema }))
    .min(1)
    .readonly(),
  /** Connections to them that were there before. */
  pooled: z.number().int().min(0),
  /** From the beginning of a new connection to the first byte of an answer, before: without the proxy, and through it. */
  directMs: timesSchema,
  throughProxyMs: timesSchema,
});

export type DelayTicket = z.infer<typeof delayTicketSchema>;

const name = 'network/delay';

/** As whom the proxy runs, so that its own connections are told apart from the pod's. Nobody else should. */
const proxyUser = 64_123;

export const networkDelay = (aim: Aim = { from: 'web', to: 'databaseProxy' }, latencyMs = 200): Fault<DelayTicket> => ({
  name,
  version: 1,
  plan: {
    aim: aimSays(aim),
    change: `new connections are led through a proxy that holds each answer back for ${latencyMs} ms; kept ones are reset`,
    undo: 'the packet rules are removed by the run’s mark; then the helper pod, and the proxy with it',
  },
  rights: (target) => ({ inject: aimRights(target, aim), undo: [] }),
  async targets(reach) {
    const { pod } = await aimed(reach, name, aim);
    return [{ namespace: pod.namespace, name: pod.name }];
  },

  async prepare(reach) {
    const { pod, peers, port, hello } = await aimed(reach, name, aim);
    return withPlace(reach, name, pod, 'delay', async (place) => {
      const { cluster } = reach;
      const to = peers.map((address) => `${address}:${port}`);
      const direct = answered((await tryConnections(cluster, place, to, { hello, withinMs: 3_000 })) ?? []);
      const reachable = to.filter((one) => direct[one] !== undefined);
      if (reachable.length === 0) {
        throw new Error(
          `${name}: nobody of ${to.join(', ')} answers ${pod.namespace}/${pod.name} even before. Next: run again on a target that works`,
        );
      }
      const first = firstPort(place);
      const ticket = {
        runId: reach.runId,
        targets: [{ namespace: pod.namespace, name: pod.name }],
        place,
        latencyMs,
        hello,
        controlPort: first,
        ways: reachable.map((one, index) => ({ to: one, listen: first + 1 + index })),
        pooled: (await connectionsTo(cluster, place, reachable)) ?? 0,
        directMs: direct,
        throughProxyMs: {},
      };
      await tryWays(reach, ticket);
      await startProxy(cluster, ticket);
      const local = ticket.ways.map(({ listen }) => `127.0.0.1:${listen}`);
      const through = answered((await tryConnections(cluster, place, local, { hello, withinMs: 3_000 })) ?? []);
      const throughProxyMs = Object.fromEntries(
        ticket.ways.flatMap(({ to: peer, listen }) => {
          const ms = through[`127.0.0.1:${listen}`];
          return ms === undefined ? [] : [[peer, ms] as const];
        }),
      );
      const slow = reachable.filter((one) => !((throughProxyMs[one] ?? Number.POSITIVE_INFINITY) < latencyMs / 2));
      if (slow.length > 0) {
        throw new Error(
          `${name}: through the proxy alone, without a delay, ${slow.join(', ')} answered after ${slow.map((one) => throughProxyMs[one] ?? 'nothing').join(', ')} ms, wanted less than half of the ${latencyMs} ms to be added: nobody could tell the delay from the proxy. Next: run again on a machine that is less busy, or with a longer delay`,
        );
      }
      return { ...ticket, throughProxyMs };
    });
  },

  async inject(ticket, reach) {
    const { place, controlPort, latencyMs: latency } = ticket;
    const args = [String(controlPort), String(latency), place.mark, waysText(ticket), ...ticket.ways.map(proxyName)];
    const said = await runInPlace(reach.cluster, place, injectScript, args, { injects: true });
    if (said === undefined) {
      throw new Error(`${name}: the network namespace of ${place.pod.namespace}/${place.pod.name} is no more`);
    }
    seenBy.set(ticket, said);
  },
  undo: (ticket, reach) => takeRules(reach, name, ticket.place),
  residue: (ticket, reach) => leftInPlace(reach, ticket.place),

  landed: (ticket, reach) =>
    proof(reach, async () => {
      const said = seenBy.get(ticket) ?? (await lookAtWays(reach.cluster, ticket));
      return { is: isThere(ticket, said), evidence: waysSeen(ticket, said) };
    }),
  holding: (ticket, reach) =>
    proof(reach, async () => {
      const [said, pod] = await Promise.all([lookAtWays(reach.cluster, ticket), lookAtPod(reach, ticket.place)]);
      return { is: isThere(ticket, said) && pod.samePod, evidence: { ...waysSeen(ticket, said), ...pod } };
    }),
  /** A new connection is answered later by what is to be added, measured against the proxy without a delay; kept ones were reset. */
  effect: (ticket, reach) =>
    proof(reach, async () => {
      const { place, ways, hello, latencyMs: latency, throughProxyMs } = ticket;
      const to = ways.map((way) => way.to);
      const attempts = await tryConnections(reach.cluster, place, to, { hello, withinMs: latency + 3_000 });
      const said = await lookAtWays(reach.cluster, ticket);
      const now = answered(attempts ?? []);
      const added = to.map((one) => Math.round((now[one] ?? Number.NaN) - (throughProxyMs[one] ?? Number.NaN)));
      const packets = said === undefined ? {} : parsePackets(said, place);
      const reset = packets['out:established']?.packets ?? 0;
      const evidence = {
        ...waysSeen(ticket, said),
        answerMs: { before: ticket.directMs, throughProxyBefore: throughProxyMs, now },
        addedMs: added.map((ms) => (Number.isFinite(ms) ? ms : null)),
        pooledBefore: ticket.pooled,
        pooledPacketsReset: reset,
      };
      // A timer may end a little early against another clock; late it may be, on a busy machine.
      const late = added.every((ms) => ms >= latency * 0.9);
      return { is: isThere(ticket, said) && late && (ticket.pooled === 0 || reset > 0), evidence };
    }),
});

/** What inject itself read back, for the landed that follows it in the same process. */
const seenBy = new WeakMap<object, string>();

const proxyName = (_way: unknown, index: number) => `way-${index}`;

/** Below the ports that connections are made from, and another one for each run and pod. */
const firstPort = ({ mark }: Place) =>
  20_000 + (Number.parseInt(createHash('sha256').update(mark).digest('hex').slice(0, 6), 16) % 1_000) * 10;

const answered = (attempts: readonly Attempt[]): Record<string, number> =>
  Object.fromEntries(attempts.flatMap(({ to, answerMs }) => (answerMs === undefined ? [] : [[to, answerMs] as const])));

/**
 * Only first packets are led to the proxy: a connection that was there looks new to conntrack, and would be torn apart. What still goes to a
 * peer without being led there is one that was there.
 */
function waysText({ place, ways }: Pick<DelayTicket, 'place' | 'ways'>): string {
  const chain = chainOf(place.mark);
  const comment = (label: string) => `-m comment --comment "${place.mark}:${label}"`;
  const ofProxy = (label: string) => `-m owner --uid-owner ${proxyUser} ${comment(label)} -j RETURN`;
  const split = ways.map(({ to, listen }) => ({ address: to.split(':')[0], port: to.split(':')[1], listen }));
  return [
    '*nat',
    `:${chain}-led - [0:0]`,
    `-A ${chain}-led ${ofProxy('out:proxy')}`,
    ...split.map(
      ({ address, port, listen }) =>
        `-A ${chain}-led -d ${address} -p tcp --syn --dport ${port} ${comment('out:led')} -j REDIRECT --to-ports ${listen}`,
    ),
    `-I OUTPUT 1 -p tcp ${comment('led')} -j ${chain}-led`,
    'COMMIT',
    '*filter',
    `:${chain}-out - [0:0]`,
    `-A ${chain}-out ${ofProxy('out:proxy')}`,
    ...split.map(
      ({ address, port }) =>
        `-A ${chain}-out -d ${address} -p tcp ! --syn --dport ${port} ${comment('out:established')} -j REJECT --reject-with tcp-reset`,
    ),
    `-I OUTPUT 1 -p tcp ${comment('out')} -j ${chain}-out`,
    'COMMIT',
    '',
  ].join('\n');
}

async function tryWays(reach: Reach, ticket: Pick<DelayTicket, 'place' | 'ways'>): Promise<void> {
  const { place } = ticket;
  const script = `printf '%s' "$1" | exec unshare --net iptables-restore -w 5 --noflush`;
  try {
    await runInHelper(reach.cluster, place.helper, script, [waysText(ticket)]);
  } catch (error) {
    throw new Error(
      `${name}: Kubernetes node ${place.kubernetesNode} does not take the packet rules that lead to the proxy: ${messageOf(error)}. Next: see that its kernel has nf_tables with NAT, REDIRECT and the match owner`,
      { cause: error },
    );
  }
}

async function startProxy(cluster: Cluster, { place, controlPort, ways }: DelayTicket): Promise<void> {
  const config = ways.map((way, index) => ({
    name: proxyName(way, index),
    listen: `127.0.0.1:${way.listen}`,
    upstream: way.to,
    enabled: true,
  }));
  const args = [String(controlPort), String(proxyUser), JSON.stringify(config)];
  const said = await runInPlace(cluster, place, startScript, args);
  if (said === 'started\n') return;
  throw new Error(
    `${name}: the proxy did not start in ${place.pod.namespace}/${place.pod.name}: ${JSON.stringify((said ?? 'its network namespace is no more').slice(0, 400))}. Next: see that suite.helperImage has toxiproxy-server and setpriv, and that ports from ${controlPort} on are free in the pod`,
  );
}

async function lookAtWays(cluster: Cluster, { place, controlPort }: DelayTicket): Promise<string | undefined> {
  return runInPlace(cluster, place, lookScript, [String(controlPort), place.mark]);
}

/** All rules, and each proxy with its delay. */
function isThere(ticket: DelayTicket, said: string | undefined): boolean {
  if (said === undefined) return false;
  const packets: Packets = parsePackets(said, ticket.place);
  const count = ticket.ways.length;
  const lines = { 'out:led': count, 'out:established': count, 'out:proxy': 2, led: 1, out: 1 };
  return (
    Object.entries(lines).every(([label, wanted]) => packets[label]?.lines === wanted) &&
    delaysOf(said).filter((ms) => ms === ticket.latencyMs).length === count
  );
}

/** Of each proxy that is on: how long it holds back. The last line is what the proxy says of itself. */
function delaysOf(said: string): readonly number[] {
  const line = said.split('\n').findLast((one) => one.startsWith('{'));
  if (line === undefined) return [];
  const proxies = JSON.parse(line) as Record<
    string,
    { enabled?: boolean; toxics?: { type?: string; attributes?: { latency?: number } }[] }
  >;
  return Object.values(proxies).flatMap(({ enabled, toxics = [] }) =>
    enabled ? toxics.flatMap(({ type, attributes }) => (type === 'latency' ? [attributes?.latency ?? 0] : [])) : [],
  );
}

function waysSeen(ticket: DelayTicket, said: string | undefined): { readonly [key: string]: Json } {
  const packets = said === undefined ? {} : parsePackets(said, ticket.place);
  return {
    networkNamespace: said === undefined ? `${ticket.place.inode} is no more` : ticket.place.inode,
    proxies: said === undefined ? [] : delaysOf(said).map((ms) => `holds back ${ms} ms`),
    connectionsLed: packets['out:led']?.packets ?? 0,
  };
}

/** Wants bash. A request to the proxy's own control: method, path, body. */
const askProxy = `
  ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$control" || return 7
    printf "%s %s HTTP/1.0\\r\\nUser-Agent: shakedown\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s" "$1" "$2" "\${#3}" "$3" >&3
    cat <&3; exec 3>&-
  }
`;

/** Arguments: control port, user, configuration. It goes on when this ends, and ends with the helper. */
export const startScript = `
config=/dev/shm/proxy-$1.json log=/dev/shm/proxy-$1.log
printf '%s' "$3" >"$config" && chmod 644 "$config"
setsid setpriv --reuid "$2" --regid "$2" --clear-groups toxiproxy-server -host 127.0.0.1 -port "$1" -config "$config" >"$log" 2>&1 </dev/null 9<&- &
for _ in $(seq 60); do
  if timeout 1 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"' bash "$1" 2>/dev/null; then echo started; exit 0; fi
  sleep 0.05
done
tail -n 3 "$log"
`;

/** Arguments: control port, mark. Our rules with their counters, and then what the proxy says, if it is there. */
export const lookScript = `
exec bash -c '
  control=$1 mark=$2
  ${askProxy}
  rules=$(iptables-save -c -t nat && iptables-save -c -t filter) || exit 6
  grep -F -e "$mark:" <<<"$rules"
  ask GET /proxies "" 2>/dev/null | tail -n 1
  exit 0' bash "$@"
`;

/** Arguments: control port, milliseconds, mark, rules, names of the proxies. First slow, then led there; and then looked at. */
export const injectScript = `
exec bash -c '
  control=$1 ms=$2 mark=$3 rules=$4; shift 4
  ${askProxy}
  for proxy in "$@"; do
    said=$(ask POST "/proxies/$proxy/toxics" "{\\"name\\":\\"hold\\",\\"type\\":\\"latency\\",\\"stream\\":\\"downstream\\",\\"attributes\\":{\\"latency\\":$ms}}")
    [[ $said == *" 200 "* ]] || { echo "the proxy said: \${said:0:200}" >&2; exit 8; }
  done
  printf %s "$rules" | iptables-restore -w 5 --noflush || exit 6
  rules=$(iptables-save -c -t nat && iptables-save -c -t filter) || exit 6
  grep -F -e "$mark:" <<<"$rules"
  ask GET /proxies "" | tail -n 1' bash "$@"
`;
