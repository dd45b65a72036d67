// Denies a tier by NetworkPolicy, the way a well-meant hardening does. Policies only ever allow, so a policy that allows nothing changes
// nothing while another lets the same pods be reached: those that are made for the tier alone lose their ingress rules meanwhile.
// A cluster that does not enforce policies takes all of it without a word, so the effect is a connection that is really refused; and what
// it does to connections that are open already nobody has promised, so that is looked at and told.
import { z } from 'zod';
import type { Fault, Json, Proof, Right } from '../../lib/model/fault.ts';
import { managedBy, runLabel } from '../../lib/model/labels.ts';
import type { ObjectRef, Pod, Reach } from '../../lib/model/reach.ts';
import { helpersLeft, removeHelper } from '../helper/helper-pod.ts';
import {
  leftOfChange,
  lookAtChange,
  makeChange,
  nameOf,
  objectChangeSchema,
  recordChange,
  takeBack,
  valueAt,
} from '../objects/object-change.ts';
import { servingPods, type TierName, tierOf, wantedTier } from '../objects/workload.ts';
import { proofOf, residueOf } from '../proof.ts';
import { type LabelSelector, labelsOfSelector, matches } from './label-selector.ts';
import { placeSchema, runInPlace, withPlace } from './pod-namespace.ts';
import { type Attempt, tryConnections } from './try-connection.ts';

export const denyPolicyTicketSchema = z.strictObject({
  runId: z.string().min(1),
  /** The pods that are denied. */
  targets: z.array(z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) })).min(1),
  policyName: z.string().min(1),
  namespace: z.string().min(1),
  matchLabels: z.record(z.string(), z.string()),
  /** Policies that let the tier be reached, and lose their ingress rules. */
  narrowed: z.array(objectChangeSchema),
  /** Policies that select others too and so stay as they are. */
  kept: z.array(z.string()),
  /** From where it is tried: the network of a pod that uses the tier. */
  from: placeSchema,
  /** `address:port` of each pod of the tier. */
  doors: z.array(z.string()).min(1),
  /** Addresses that lead to the tier, of its pods and Services, and the open connections to them. */
  addresses: z.array(z.string()),
  openBefore: z.array(z.string()),
});

export type DenyPolicyTicket = z.infer<typeof denyPolicyTicketSchema>;

export interface DenyPolicy {
  readonly name: string;
  readonly tier: TierName;
  /** Whose pods use the tier. */
  readonly from: TierName;
}

/** One name for every run, so that the right to remove it can be bounded to it. */
const policyName = 'shakedown-deny';
const pingPath = '/api/method/ping';

export function denyPolicy({ name, tier, from }: DenyPolicy): Fault<DenyPolicyTicket> {
  return {
    name,
    version: 1,
    plan: {
      aim: `the pods of ${tier}`,
      change: 'a NetworkPolicy lets nobody reach them, and policies made for them alone lose their ingress rules',
      undo: 'the policy is removed, and the recorded rules are put back',
    },
    rights(target) {
      const namespace = tierOf(target, tier)?.namespace;
      if (namespace === undefined) return { inject: [], undo: [] };
      const policies = (verbs: readonly string[], names?: readonly string[]): Right => ({
        namespace,
        apiGroup: 'networking.k8s.io',
        resources: ['networkpolicies'],
        verbs,
        ...(names ? { names } : {}),
      });
      return {
        inject: [
          policies(['list', 'create']),
          { namespace, apiGroup: '', resources: ['pods', 'services'], verbs: ['list'] },
          { namespace, apiGroup: 'discovery.k8s.io', resources: ['endpointslices'], verbs: ['list'] },
        ],
        undo: [policies(['get', 'patch']), policies(['delete'], [policyName])],
      };
    },
    targets: async (reach) =>
      (await servingPods(reach, name, tier)).map(({ namespace, name }) => ({ namespace, name })),

    async prepare(reach) {
      const { namespace, selector } = wantedTier(reach.target, name, tier);
      const matchLabels = labelsOfSelector(selector);
      if (!matchLabels) {
        throw new Error(
          `${name}: a NetworkPolicy can't be made of the selector ${selector}. Next: use the form key=value[,key=value]`,
        );
      }
      const pods = await servingPods(reach, name, tier);
      const { narrowed, kept } = await policiesOf(reach, name, namespace, pods);
      const [user] = await servingPods(reach, name, from);
      if (!user) throw new Error(`${name}: no pod of ${from} to try it from`);
      const addresses = [...pods.map(({ ip }) => ip), ...(await serviceAddresses(reach, namespace, pods))];
      const doors = await doorsOf(reach, name, tier, pods);
      return withPlace(reach, name, user, 'policy', async (place) => {
        const ticket: DenyPolicyTicket = {
          runId: reach.runId,
          targets: pods.map((pod) => ({ namespace, name: pod.name })),
          policyName,
          namespace,
          matchLabels,
          narrowed: [...narrowed],
          kept: [...kept],
          from: place,
          doors: [...doors],
          addresses,
          openBefore: [],
        };
        const shut = (await tryDoors(ticket, reach)).filter(({ outcome }) => outcome !== 'open');
        if (shut.length > 0) {
          throw new Error(
            `${name}: ${user.namespace}/${user.name} can't reach ${shut.map(({ to, outcome }) => `${to} (${outcome})`).join(', ')} as it is, so nothing could be shown. Next: see whether ${from} uses ${tier}`,
          );
        }
        return { ...ticket, openBefore: (await openConnections(ticket, reach)).map(({ local }) => local) };
      });
    },

    async inject(ticket, reach) {
      await reach.cluster.create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: {
          namespace: ticket.namespace,
          name: ticket.policyName,
          labels: { [managedBy.key]: managedBy.value, [runLabel]: ticket.runId },
        },
        spec: { podSelector: { matchLabels: ticket.matchLabels }, policyTypes: ['Ingress'] },
      });
      for (const change of ticket.narrowed) await makeChange(change, reach);
    },

    /** Each part by itself: one that fails must not keep the others. */
    async undo(ticket, reach) {
      const parts = await Promise.allSettled([
        ...ticket.narrowed.map((change) => takeBack(change, reach)),
        removePolicy(ticket, reach),
        removeHelper(reach.cluster, ticket.from.helper),
      ]);
      const failed = parts.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
      if (failed.length > 0) throw failed.length === 1 ? failed[0] : new AggregateError(failed);
    },

    residue: (ticket, reach) =>
      residueOf(name, async () => [
        ...(await Promise.all(ticket.narrowed.map((change) => leftOfChange(change, reach)))).flat(),
        ...((await ourPolicy(ticket, reach)) ? [nameOf(policyRef(ticket))] : []),
        ...(await helpersLeft(reach.cluster, ticket.from.helper.namespace, ticket.runId)).map(
          (helper) => `helper pod ${ticket.from.helper.namespace}/${helper}`,
        ),
      ]),

    landed: (ticket, reach) => proofOf(reach, () => lookAtPolicies(ticket, reach)),
    holding: (ticket, reach) => proofOf(reach, () => lookAtPolicies(ticket, reach)),

    /** No new connection gets through to any pod of the tier. */
    effect: (ticket, reach) =>
      proofOf(reach, async () => {
        const attempts = await tryDoors(ticket, reach);
        const open = await openConnections(ticket, reach);
        const still = open.filter(({ local }) => ticket.openBefore.includes(local));
        const pooled: Json = {
          before: ticket.openBefore.length,
          stillOpen: still.length,
          waitingForAnAnswer: still.filter(({ unacknowledged }) => unacknowledged).length,
          ...(from === 'web' ? { siteAnswers: await askSite(reach) } : {}),
        };
        return {
          is: denied(attempts),
          evidence: {
            from: `${ticket.from.pod.namespace}/${ticket.from.pod.name}`,
            newConnections: Object.fromEntries(attempts.map(({ to, outcome }) => [to, outcome])),
            pooled,
            ...(ticket.kept.length > 0 ? { otherPoliciesOfTheSamePods: ticket.kept } : {}),
          },
        };
      }),
  };
}

/** The app's way to its database. */
export const denyDatabaseProxy = denyPolicy({ name: 'network/policy', tier: 'databaseProxy', from: 'web' });

const policyRef = ({ namespace, policyName: name }: DenyPolicyTicket): ObjectRef => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  namespace,
  name,
});

interface Policy {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly podSelector?: LabelSelector;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly unknown[];
  };
}

/** Those that let the tier be reached: made for it alone, or for others too. */
async function policiesOf(reach: Reach, fault: string, namespace: string, tier: readonly Pod[]) {
  const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace };
  const [all, policies] = await Promise.all([
    reach.cluster.pods(namespace, ''),
    reach.cluster.list(kind) as Promise<unknown> as Promise<readonly Policy[]>,
  ]);
  const uids = new Set(tier.map(({ uid }) => uid));
  const narrowed = [];
  const kept: string[] = [];
  for (const { metadata, spec } of policies) {
    const selected = all.filter(({ labels }) => matches(labels, spec.podSelector ?? {}));
    const lets = (spec.ingress?.length ?? 0) > 0 && selected.some(({ uid }) => uids.has(uid));
    if (!lets) continue;
    // Pods of the tier that are not ready yet, or ending, belong to it as well.
    const [some] = tier;
    const alone = selected.every((pod) => uids.has(pod.uid) || sameOwnLabels(pod, some));
    if (alone)
      narrowed.push(await recordChange(reach, fault, { ...kind, name: metadata.name }, { spec: { ingress: null } }));
    else kept.push(metadata.name);
  }
  return { narrowed, kept };
}

/** Labels that a Deployment writes anew for each revision, or a StatefulSet for each pod, say nothing of the tier. */
const sameOwnLabels = (pod: Pod, other: Pod | undefined) => ownLabels(pod) === ownLabels(other);
const ownLabels = (pod: Pod | undefined) =>
  JSON.stringify(
    Object.entries(pod?.labels ?? {})
      .filter(
        ([key]) =>
          !/^(pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/|apps\.kubernetes\.io\/pod-index)/.test(
            key,
          ),
      )
      .sort(),
  );

interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly clusterIP?: string };
}

interface EndpointSlice {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  /** The API says null for none. */
  readonly endpoints?: readonly { readonly targetRef?: { readonly uid?: string } }[] | null;
}

async function serviceAddresses(reach: Reach, namespace: string, tier: readonly Pod[]): Promise<readonly string[]> {
  const [services, slices] = (await Promise.all([
    reach.cluster.list({ apiVersion: 'v1', kind: 'Service', namespace }),
    reach.cluster.list({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespace }),
  ])) as unknown as readonly [readonly Service[], readonly EndpointSlice[]];
  const uids = new Set<string | undefined>(tier.map(({ uid }) => uid));
  const leading = new Set(
    slices
      .filter(({ endpoints }) => endpoints?.some(({ targetRef }) => uids.has(targetRef?.uid)))
      .map(({ metadata }) => metadata.labels?.['kubernetes.io/service-name']),
  );
  return services.flatMap(({ metadata, spec }) =>
    leading.has(metadata.name) && spec.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : [],
  );
}

/** Where the target file names no port for the tier, the first that its pods declare. */
async function doorsOf(reach: Reach, fault: string, tier: TierName, pods: readonly Pod[]): Promise<readonly string[]> {
  const { port } = wantedTier(reach.target, fault, tier) as { readonly port?: number };
  return Promise.all(
    pods.map(async ({ namespace, name, ip }) => {
      const pod = await reach.cluster.get({ apiVersion: 'v1', kind: 'Pod', namespace, name });
      const containers = (valueAt(pod, ['spec', 'containers']) ?? []) as unknown as readonly Container[];
      const declared = containers.flatMap(({ ports = [] }) => ports).find(({ protocol = 'TCP' }) => protocol === 'TCP');
      const at = port ?? declared?.containerPort;
      if (at === undefined) throw new Error(`${fault}: ${namespace}/${name} declares no TCP port to try`);
      return `${ip}:${at}`;
    }),
  );
}

interface Container {
  readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[];
}

async function ourPolicy(ticket: DenyPolicyTicket, reach: Reach): Promise<boolean> {
  const policy = await reach.cluster.get(policyRef(ticket));
  return valueAt(policy, ['metadata', 'labels', runLabel]) === ticket.runId;
}

async function removePolicy(ticket: DenyPolicyTicket, reach: Reach): Promise<void> {
  if (await ourPolicy(ticket, reach)) await reach.cluster.remove(policyRef(ticket), { wait: false });
}

async function lookAtPolicies(ticket: DenyPolicyTicket, reach: Reach) {
  const [ours, ...changes] = await Promise.all([
    ourPolicy(ticket, reach),
    ...ticket.narrowed.map((change) => lookAtChange(change, reach)),
  ]);
  const is = ours && changes.every((change) => change.is === 'yes') ? 'yes' : 'no';
  return {
    is,
    evidence: { policy: nameOf(policyRef(ticket)), ours, narrowed: changes.map(({ evidence }) => evidence) },
  } as const;
}

/** From inside the pod's network, so with its address: what the app itself would meet. */
async function tryDoors({ from, doors }: DenyPolicyTicket, reach: Reach) {
  const attempts = await tryConnections(reach.cluster, from, doors);
  if (!attempts)
    throw new Error(
      `the network of ${from.pod.namespace}/${from.pod.name} is no more, so nothing can be tried from there`,
    );
  return attempts;
}

/** A try that failed for another reason says nothing of the policy. */
function denied(attempts: readonly Attempt[]): Proof['is'] {
  if (attempts.some(({ outcome }) => outcome === 'open')) return 'no';
  return attempts.some(({ outcome }) => outcome === 'failed') ? 'cannot-tell' : 'yes';
}

interface Connection {
  /** Its own end, the same as long as it is the same connection. */
  readonly local: string;
  /** Something was sent that the other end has not said that it got. */
  readonly unacknowledged: boolean;
}

async function openConnections({ from, addresses }: DenyPolicyTicket, reach: Reach): Promise<readonly Connection[]> {
  const said = await runInPlace(reach.cluster, from, 'ss -tnH state established');
  return connectionsTo(said ?? '', addresses);
}

/** Of what `ss -tnH` tells: bytes received and sent but not taken, own end, other end. */
export const connectionsTo = (said: string, addresses: readonly string[]): readonly Connection[] =>
  said.split('\n').flatMap((line) => {
    const [, sent = '', local = '', peer = ''] = line.trim().split(/\s+/);
    const address = peer.replace(/:\d+$/, '').replace(/^\[::ffff:([\d.]+)\]$/, '$1');
    return addresses.includes(address) ? [{ local, unacknowledged: Number(sent) > 0 }] : [];
  });

/** Through the ingress to a page for which the app asks its database: it can only use the connections that it has. */
async function askSite(reach: Reach): Promise<string> {
  try {
    return String((await reach.http.get(pingPath, { timeoutMs: 3_000 })).status);
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : String(error);
  }
}
