// The ports through which scenarios and faults touch the world. Time and chance are arguments; tests hand in fakes.
import type { AlertmanagerAnswer } from './alertmanager.ts';
import type { Instant } from './evidence.ts';
import type { Json } from './fault.ts';
import type { Target } from './target.ts';

export interface ContainerState {
  readonly name: string;
  /** Without the runtime's scheme: `containerd://` is cut off. Empty while there is none. */
  readonly id: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly startedAt?: Instant;
  readonly lastTerminated?: {
    readonly id: string;
    readonly exitCode: number;
    readonly finishedAt: Instant;
    readonly reason: string;
  };
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly kubernetesNode: string;
  readonly ip: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly deleting: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerState[];
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Kubernetes objects go as plain JSON with apiVersion and kind. */
export interface Cluster {
  version(): Promise<string>;
  pods(namespace: string, labelSelector: string): Promise<readonly Pod[]>;
  pod(namespace: string, name: string): Promise<Pod | undefined>;
  exec(
    pod: { namespace: string; name: string; container?: string },
    command: readonly string[],
    withinMs: number,
  ): Promise<ExecResult>;
  get(ref: ObjectRef): Promise<Json | undefined>;
  list(kind: { apiVersion: string; kind: string; namespace: string; labelSelector?: string }): Promise<readonly Json[]>;
  /** Throws an error with `code: 409` when it is there already. */
  create(object: Json): Promise<Json>;
  /** Whole-object update; with metadata.resourceVersion it throws an error with `code: 409` when someone else was faster. */
  replace(object: Json): Promise<Json>;
  /** JSON merge patch. Throws an error with `code: 404` when there is no such object. */
  patch(ref: ObjectRef, patch: Json): Promise<Json>;
  /**
   * Right as well when it is gone or never was. Waits until it is gone; with `wait: false` until the API has taken it.
   * With `uid` only that very object: throws an error with `code: 409` when another one has its name.
   */
  remove(ref: ObjectRef, options?: { graceSeconds?: number; wait?: boolean; uid?: string }): Promise<void>;
  /** Asks for an eviction. Refused (429) by a disruption budget: false. */
  evict(namespace: string, pod: string): Promise<boolean>;
  /** A Secret's values, decoded. They must not reach a ticket, a journal, a log or a report. */
  secret(namespace: string, name: string): Promise<Readonly<Record<string, string>>>;
}

export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** `scale`, `status`, …: the part of the object that is meant. */
  readonly subresource?: string;
}

export type SqlRow = Readonly<Record<string, string | number | null>>;

export interface SnapshotQuery {
  readonly sql: string;
  readonly values?: readonly (string | number)[];
  /** While it promises something no further row is read. What it throws ends the reading. */
  readonly each?: (row: SqlRow) => void | Promise<void>;
}

/** SQL on each Galera node by itself, never through the database proxy. Nodes are pod names. */
export interface Sql {
  nodes(): Promise<readonly string[]>;
  query(node: string, sql: string, values?: readonly (string | number)[]): Promise<readonly SqlRow[]>;
  /**
   * All in one transaction with a consistent snapshot: what the node held at one moment, while writes go on. The rows of a query with `each`
   * go there one after the other, as they come, and its answer is empty: that is for those of which there may be millions.
   */
  snapshot(node: string, queries: readonly SnapshotQuery[]): Promise<readonly (readonly SqlRow[])[]>;
  /** For faults: one statement, sent once, as the user of mariadb.faultCredentials. */
  change(node: string, sql: string): Promise<readonly SqlRow[]>;
}

export interface PrometheusAnswer {
  readonly replica: string;
  readonly response?: Json;
  readonly error?: string;
}

/** Every replica is asked; each answers for itself. */
export interface Prometheus {
  instant(query: string): Promise<readonly PrometheusAnswer[]>;
  range(query: string, from: Instant, to: Instant, stepMs: number): Promise<readonly PrometheusAnswer[]>;
}

/** Every replica by itself: they tell each other of silences, but each decides on its own what is held back. */
export interface Alertmanager {
  ask(): Promise<readonly AlertmanagerAnswer[]>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly durationMs: number;
}

/** Requests to the target's site through its ingress, with certificates verified. */
export interface Http {
  get(
    path: string,
    options?: { headers?: Readonly<Record<string, string>>; timeoutMs?: number; plain?: boolean },
  ): Promise<HttpAnswer>;
}

export type RedisGroup = 'cache' | 'queue' | 'sentinel';

/** Each Redis and each Sentinel by itself; nodes are pod names. */
export interface Redis {
  /** Those that the target has. */
  readonly groups: readonly RedisGroup[];
  nodes(group: RedisGroup): Promise<readonly string[]>;
  /** The answer to one command, as RESP says it: strings, numbers, lists. Throws when there is none, or when it is an error. */
  ask(group: RedisGroup, node: string, command: readonly string[]): Promise<unknown>;
}

/** What a replica of the ingress shows in a handshake of its own for a host, trusted or not. */
export interface ServedCertificate {
  readonly at: Instant;
  readonly serial: string;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** Common name of who issued it. */
  readonly issuer: string;
}

/** TLS handshakes with each replica of the ingress by itself; replicas are pod names. Never a resumed session. */
export interface Tls {
  replicas(): Promise<readonly string[]>;
  served(replica: string, host: string): Promise<ServedCertificate>;
}

export type PowerOrLink = 'power' | 'link';

export interface NodeState {
  readonly power: 'on' | 'off';
  /** Of the cable itself, looked at when asked; without power it is off too. */
  readonly link: 'on' | 'off';
  /** Whether any process of it is still there. */
  readonly running: boolean;
  readonly since: Instant;
}

/**
 * Power and network cable of whole Kubernetes nodes, for targets whose machines can be switched. Whoever switches one off says for how
 * long it may go unheard: then it is switched on again without being asked.
 */
export interface NodePower {
  state(kubernetesNode: string): Promise<NodeState>;
  off(kubernetesNode: string, what: PowerOrLink, unheardMsMax: number): Promise<void>;
  /** Still here: the time begins anew. */
  hold(kubernetesNode: string, what: PowerOrLink): Promise<void>;
  /** Right as well when it is on. */
  on(kubernetesNode: string, what: PowerOrLink): Promise<void>;
}

export interface Reach {
  readonly target: Target;
  readonly runId: string;
  /** Aborted when the run is to end; undo gets a signal of its own. */
  readonly signal: AbortSignal;
  now(): Instant;
  /** 0..1, seeded. */
  random(): number;
  sleep(ms: number): Promise<void>;
  readonly cluster: Cluster;
  readonly sql: Sql;
  readonly prometheus: Prometheus;
  /** Absent where the target file names none. */
  readonly alertmanager?: Alertmanager;
  readonly http: Http;
  /** Absent in fakes that need none: whoever asks then cannot tell. */
  readonly redis?: Redis;
  readonly tls?: Tls;
  /** Absent where nobody can switch machines from here. */
  readonly nodePower?: NodePower;
}

/**
 * What a target was at one moment: places (`Deployment erp/web`, `read_only of galera-0`) with what stood there, as text; null where nobody
 * could look. Compared before and after a run, it shows what no fault knows that it left.
 */
export type TargetSnapshot = Readonly<Record<string, string | null>>;
