// What the loss of a whole Kubernetes node is made of, be it its power or its network cable: one switch of the supervisor of its machine,
// which switches it on again by itself when it hears nothing more from us. So the fault ends even when nobody is left who could end it.

import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Fault, FaultTarget, Json, Proof, Residue } from '../../lib/model/fault.ts';
import type { NodePower, NodeState, PowerOrLink, Reach } from '../../lib/model/reach.ts';
import { waitUntil } from '../../lib/wait.ts';
import { findWriter, type NodeView, readTopology } from '../galera/topology.ts';

export const nodeAwayTicketSchema = z.strictObject({
  runId: z.string().min(1),
  /** A Kubernetes node has no namespace. */
  targets: z.array(z.strictObject({ namespace: z.literal(''), name: z.string().min(1) })).length(1),
  unheardMsMax: z.number().int().min(1),
  /** Galera nodes that run there, and the view before, as the writer had it. */
  galera: z.strictObject({
    nodes: z.array(z.string()),
    writer: z.string(),
    view: z.strictObject({ confId: z.number(), size: z.number(), stateUuid: z.string() }),
  }),
});

export type NodeAwayTicket = z.infer<typeof nodeAwayTicketSchema>;

/** The Kubernetes node with the Galera node that the app writes to, which is the hard case; or one with another Galera node. */
export type WhichNode = 'writer' | 'not-the-writer';

/** The runner looks once a second; a look may take ten seconds on a bad day. */
const unheardMsMax = 15_000;

export interface NodeAway extends Pick<Fault, 'name' | 'version' | 'plan'> {
  readonly what: PowerOrLink;
  readonly which: WhichNode;
  /** What the supervisor must see of the thing itself. */
  readonly landed: (state: NodeState) => boolean;
}

export function nodeAway({ name, version, plan, what, which, landed }: NodeAway): Fault<NodeAwayTicket> {
  return {
    name,
    version,
    plan,
    // The kubelet's Lease tells that a Kubernetes node lives, to who can't ask its supervisor.
    rights: () => ({
      inject: [],
      undo: [{ namespace: leaseNamespace, apiGroup: 'coordination.k8s.io', resources: ['leases'], verbs: ['get'] }],
    }),
    targets: async (reach) => [targetOf((await chooseNode(reach, name, which)).kubernetesNode)],

    async prepare(reach) {
      const power = powerOf(reach, name);
      const { kubernetesNode, galeraNodes, writer } = await chooseNode(reach, name, which);
      const [state, ready] = await Promise.all([power.state(kubernetesNode), readyOf(reach, kubernetesNode)]);
      if (state.power !== 'on' || state.link !== 'on' || ready.status !== 'True')
        throw new Error(
          `${name}: Kubernetes node ${kubernetesNode} has power ${state.power}, network ${state.link} and is ${readyInWords(ready)} already. Next: wait until it is well, or see what the run before left`,
        );
      const { confId, size, stateUuid } = writer;
      if (size - galeraNodes.length <= size / 2)
        throw new Error(
          `${name}: ${galeraNodes.length} of ${size} Galera nodes run on ${kubernetesNode}: without them there is no majority, so nothing would survive. Next: spread them over more Kubernetes nodes`,
        );
      return {
        runId: reach.runId,
        targets: [targetOf(kubernetesNode)],
        unheardMsMax,
        galera: { nodes: [...galeraNodes], writer: writer.node, view: { confId, size, stateUuid } },
      };
    },

    async inject(ticket, reach) {
      await powerOf(reach, name).off(nodeOf(ticket), what, ticket.unheardMsMax);
    },

    /** Who can't reach the supervisor waits for it: it switches on by itself, and then the kubelet is heard of again. */
    async undo(ticket, reach) {
      const node = nodeOf(ticket);
      let cause: unknown;
      try {
        if (reach.nodePower) return await reach.nodePower.on(node, what);
      } catch (error) {
        cause = error;
      }
      try {
        await waitUntilAlive(reach, node, aliveMs);
      } catch (error) {
        const why = cause instanceof Error ? `${cause.message}; ` : '';
        throw new Error(
          `${name}: undo not complete: ${why}${messageOf(error)}. Next: shakedown undo on the machine of its supervisor${what === 'power' ? `, or shakedown lab power ${node} on` : ''}`,
          { cause: cause ?? error },
        );
      }
    },

    async residue(ticket, reach): Promise<Residue> {
      const node = nodeOf(ticket);
      const state = await reach.nodePower?.state(node).catch(() => undefined); // then its kubelet is asked
      if (state) {
        const off = (['power', 'link'] as const).filter((each) => state[each] === 'off');
        return off.length === 0
          ? { is: 'clean', left: [] }
          : { is: 'dirty', left: off.map((each) => `${each} of Kubernetes node ${node} is off`) };
      }
      try {
        await waitUntilAlive(reach, node, aliveMs);
        return { is: 'clean', left: [] };
      } catch (error) {
        return {
          is: 'cannot-tell',
          left: [`Kubernetes node ${node}: its supervisor can’t be asked, ${messageOf(error)}`],
        };
      }
    },

    landed: (ticket, reach) =>
      proofBy(reach, async () => {
        const state = await heldState(ticket, reach);
        return { is: landed(state) ? 'yes' : 'no', evidence: { kubernetesNode: nodeOf(ticket), ...state } };
      }),

    holding: (ticket, reach) =>
      proofBy(reach, async () => {
        const state = await heldState(ticket, reach);
        return { is: landed(state) ? 'yes' : 'no', evidence: { ...state } };
      }),

    /** Kubernetes misses it, the Galera nodes that are left went on without those on it, and the app works on one of them. */
    effect: (ticket, reach) =>
      proofBy(reach, async () => {
        const { galera } = ticket;
        const nodes = (await reach.sql.nodes()).filter((node) => !galera.nodes.includes(node));
        const [, ready, { views, silent }] = await Promise.all([
          heldState(ticket, reach),
          readyOf(reach, nodeOf(ticket)),
          readTopology(reach, nodes),
        ]);
        const onSurvivors = views.filter((view) => view.appConnections > 0).map((view) => view.node);
        const evidence = { kubernetes: ready, galera: { before: galera, survivors: views, silent } } as unknown as Json;
        if (views.length === 0 || silent.length > 0) return { is: 'cannot-tell', evidence };
        const missed = ready.status !== 'True';
        return { is: missed && views.every(leftBehind(ticket)) && onSurvivors.length === 1 ? 'yes' : 'no', evidence };
      }),
  };

  function heldState(ticket: NodeAwayTicket, reach: Reach): Promise<NodeState> {
    return heldOff(powerOf(reach, name), nodeOf(ticket), what);
  }
}

const leaseNamespace = 'kube-node-lease';

/** Longer than the supervisor's own patience, the start of a Kubernetes node and a beat of its Lease, which comes every 10 s; shorter than undo may take. */
const aliveMs = 45_000;

const targetOf = (kubernetesNode: string) => ({ namespace: '' as const, name: kubernetesNode });
const nodeOf = ({ targets }: { readonly targets: readonly FaultTarget[] }) => targets[0]?.name ?? '';

function powerOf({ nodePower, target }: Reach, fault: string): NodePower {
  if (nodePower) return nodePower;
  throw new Error(
    `${fault}: nobody can switch the machines of ${target.name} from here. Next: run it where nodePower of the target file reaches their supervisor`,
  );
}

/** Each look says that we are still here, for the supervisor would else end it. */
async function heldOff(power: NodePower, node: string, what: PowerOrLink): Promise<NodeState> {
  const state = await power.state(node);
  if (state[what] === 'off') await power.hold(node, what);
  return state;
}

async function chooseNode(reach: Reach, fault: string, which: WhichNode) {
  const { namespace, selector } = reach.target.mariadb;
  const writer = await findWriter(reach);
  const pods = (await reach.cluster.pods(namespace, selector)).filter((pod) => pod.kubernetesNode !== '');
  const writers = pods.find((pod) => pod.name === writer.node)?.kubernetesNode;
  const others = [...new Set(pods.map((pod) => pod.kubernetesNode))].filter((node) => node !== writers).sort();
  const kubernetesNode = which === 'writer' ? writers : others[Math.floor(reach.random() * others.length)];
  if (!kubernetesNode)
    throw new Error(
      `${fault}: no Kubernetes node with ${which === 'writer' ? `the writer ${writer.node}` : 'another Galera node than the writer'} (pods: ${pods.map((pod) => `${pod.name} on ${pod.kubernetesNode}`).join(', ') || 'none'}). Next: compare mariadb of the target file with the pods in ${namespace}`,
    );
  const galeraNodes = pods.filter((pod) => pod.kubernetesNode === kubernetesNode).map((pod) => pod.name);
  return { kubernetesNode, galeraNodes, writer };
}

/** A Galera node that comes back makes a view too: two changes mean that it was gone in between. */
const leftBehind =
  ({ galera: { view, nodes } }: NodeAwayTicket) =>
  ({ component, confId, size, stateUuid }: NodeView): boolean =>
    nodes.length === 0 ||
    (component === 'Primary' &&
      stateUuid === view.stateUuid &&
      ((confId > view.confId && size < view.size) || confId >= view.confId + 2));

interface Ready {
  /** `Unknown` when nothing was heard of the kubelet for a while. */
  readonly status: string;
  readonly since: string;
}

async function readyOf({ cluster }: Reach, name: string): Promise<Ready> {
  const node = (await cluster.get({ apiVersion: 'v1', kind: 'Node', namespace: '', name })) as {
    status?: { conditions?: { type: string; status: string; lastTransitionTime?: string }[] };
  } | null;
  const { status = 'missing', lastTransitionTime = '' } =
    node?.status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
  return { status, since: lastTransitionTime };
}

const readyInWords = ({ status }: Ready) => (status === 'True' ? 'Ready' : `not Ready (${status})`);

/** Ready alone may be old: Kubernetes says it for a while after a node was lost. So its kubelet must be heard of while we wait. */
async function waitUntilAlive(reach: Reach, node: string, withinMs: number): Promise<void> {
  const look = async () => {
    const [ready, lease] = await Promise.all([
      readyOf(reach, node),
      reach.cluster.get({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        namespace: leaseNamespace,
        name: node,
      }) as Promise<{ spec?: { renewTime?: string } } | undefined>,
    ]);
    return { ready, renewTime: lease?.spec?.renewTime ?? '' };
  };
  let first: string | undefined;
  await waitUntil({
    what: `Kubernetes node ${node} is Ready and its kubelet is heard of`,
    withinMs,
    everyMs: 500,
    read: look,
    until: ({ ready, renewTime }) => {
      first ??= renewTime;
      return ready.status === 'True' && renewTime !== first;
    },
    show: ({ ready, renewTime }) => `${readyInWords(ready)}, its kubelet last heard of at ${renewTime || 'no time'}`,
    signal: reach.signal,
    sleep: reach.sleep,
    now: reach.now,
  });
}

async function proofBy(reach: Reach, look: () => Promise<Omit<Proof, 'at'>>): Promise<Proof> {
  try {
    const seen = await look();
    return { at: reach.now(), ...seen };
  } catch (error) {
    return { is: 'cannot-tell', at: reach.now(), evidence: { error: messageOf(error) } };
  }
}
