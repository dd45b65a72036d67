// Cuts the Galera node that the app writes to off from the other nodes, while the app still reaches it: the hard case, for nothing tells
// the app but the node itself, which has lost its majority and must refuse. The proxies have to find that out by their own check.
import { z } from 'zod';
import type { Fault, Json } from '../../lib/model/fault.ts';
import type { Pod, Reach } from '../../lib/model/reach.ts';
import { type PacketRule, packetsMet, packetsOf, readRules, tryRules } from '../network/packet-rules.ts';
import { withPlace } from '../network/pod-namespace.ts';
import { proof, rulesSteps, rulesTicketShape } from '../network/rules-fault.ts';
import { findWriter, readTopology } from './topology.ts';

export const writerPartitionTicketSchema = z.strictObject({
  ...rulesTicketShape,
  /** The view before, as the writer had it. */
  view: z.strictObject({ confId: z.number(), size: z.number(), stateUuid: z.string() }),
});

export type WriterPartitionTicket = z.infer<typeof writerPartitionTicketSchema>;

const name = 'galera/writer-partition';

/** Galera's own: the group's messages, and a state transfer of what is missing (IST) or of everything (SST). */
const groupPorts = [4567, 4568, 4444];

export const galeraWriterPartition: Fault<WriterPartitionTicket> = {
  name,
  version: 1,
  plan: {
    aim: 'the Galera node that the app writes to',
    change: `DROP between it and the other Galera nodes on ports ${groupPorts.join(', ')}, both ways; the app still reaches it`,
    undo: 'the packet rules are removed by the run’s mark; then the helper pod',
  },
  rights: () => ({ inject: [], undo: [] }),
  async targets(reach) {
    const { node } = await findWriter(reach);
    return [{ namespace: reach.target.mariadb.namespace, name: node }];
  },

  async prepare(reach) {
    // Twice: once to know where the helper must run, and once more right before inject, for roles move.
    const { pod } = await writerAmongPeers(reach);
    return withPlace(reach, name, pod, 'partition', async (place) => {
      const { writer, pod: again, peers } = await writerAmongPeers(reach);
      if (again.uid !== pod.uid) {
        throw new Error(
          `${name}: the writer moved from ${pod.name} to ${again.name} while the helper started. Next: run again on a target that is steady`,
        );
      }
      const both = { protocol: 'tcp', peers, ports: groupPorts, portsOf: 'either', act: 'drop' } as const;
      const rules: readonly PacketRule[] = [
        { direction: 'in', ...both },
        { direction: 'out', ...both },
      ];
      await tryRules(reach, name, place, rules);
      return {
        runId: reach.runId,
        targets: [{ namespace: pod.namespace, name: pod.name }],
        place,
        rules,
        view: { confId: writer.confId, size: writer.size, stateUuid: writer.stateUuid },
      };
    });
  },

  ...rulesSteps<WriterPartitionTicket>(name),

  /**
   * The writer knows that it has no majority, the others go on without it, and the app works on one of them. Galera's own attempts to
   * connect anew are the new connections, its kept ones the established: both must have been met.
   */
  effect: (ticket, reach) =>
    proof(reach, async () => {
      const [{ views, silent }, packets] = await Promise.all([
        readTopology(reach),
        readRules(reach.cluster, ticket.place),
      ]);
      const victim = ticket.place.pod.name;
      const cutOff = views.find(({ node }) => node === victim);
      const others = views.filter(({ node }) => node !== victim);
      const evidence = {
        before: ticket.view,
        views,
        silent,
        packetsDropped: packets ? packetsMet(packets) : 'the network namespace is no more',
      } as never as Json;
      if (silent.length > 0 || others.length === 0) return { is: undefined, evidence };
      const { size, stateUuid } = ticket.view;
      const wentOn = others.every(
        (view) => view.component === 'Primary' && view.size === size - 1 && view.stateUuid === stateUuid,
      );
      const appOn = views.filter(({ appConnections }) => appConnections > 0).map(({ node }) => node);
      const met = packets !== undefined && packetsOf(packets, 'new') > 0 && packetsOf(packets, 'established') > 0;
      return {
        is: cutOff?.component !== 'Primary' && wentOn && appOn.length === 1 && appOn[0] !== victim && met,
        evidence,
      };
    }),
};

async function writerAmongPeers(reach: Reach) {
  const { namespace, selector } = reach.target.mariadb;
  const writer = await findWriter(reach);
  const pods = await reach.cluster.pods(namespace, selector);
  const pod = pods.find(({ name: podName }) => podName === writer.node);
  const peers = pods.filter((one) => one !== pod);
  if (!pod || writer.component !== 'Primary' || writer.size < 3 || peers.length !== writer.size - 1) {
    throw new Error(
      `${name}: ${namespace}/${writer.node} is ${writer.component} in a group of ${writer.size}, with pods ${pods.map((one: Pod) => one.name).join(', ') || 'none'} (${selector}); wanted three nodes or more, so that the others have a majority, and a pod for each. Next: bring the group together, or correct mariadb.selector`,
    );
  }
  const addresses = peers.map(({ ip }) => ip);
  if (addresses.includes(''))
    throw new Error(`${name}: a peer of ${writer.node} has no address. Next: run again when all run`);
  return { writer, pod, peers: addresses };
}
