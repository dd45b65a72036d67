// A target, a load and a fault without any cluster: state is one small store, time is virtual when asked, and every touch is told.
// With a file as its store the target outlives the process, so that a killed run can be undone from another one.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim } from '../../lib/model/claim.ts';
import type { PlannedLoad, Write } from '../../lib/model/evidence.ts';
import type { Fault, Json, Proof, Ticket } from '../../lib/model/fault.ts';
import type { LoadDriver, LoadEnd, LoadEvent, RunningLoad } from '../../lib/model/load-driver.ts';
import type { Cluster, ObjectRef, Pod, Reach } from '../../lib/model/reach.ts';
import type { Scenario } from '../../lib/model/scenario.ts';
import { type Target, targetSchema } from '../../lib/model/target.ts';
import { noLedger, type Verdict } from '../../lib/model/verdict.ts';
import type { Clock } from '../../lib/runner/clock.ts';
import type { LedgerReader, OpenedReach } from '../../lib/runner/run-scenario.ts';
import { pointsOf } from '../fixtures/write-run-folder.ts';
import { mergePatch } from './cluster.ts';

/** Virtual time: it jumps to the next timer when nothing else is left to do. */
export function fakeClock(start = Date.UTC(2026, 10, 23, 12)): Clock {
  let time = 0;
  let pumping = false;
  let timers: { at: number; fire: () => void }[] = [];
  const pump = () => {
    const next = timers.reduce<(typeof timers)[number] | undefined>((a, b) => (a && a.at <= b.at ? a : b), undefined);
    if (!next) {
      pumping = false;
      return;
    }
    timers = timers.filter((timer) => timer !== next);
    time = Math.max(time, next.at);
    next.fire();
    setImmediate(() => setImmediate(pump));
  };
  return {
    now: () => start + time,
    mono: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = () => {
          timers = timers.filter((one) => one !== timer);
          reject(signal?.reason);
        };
        const timer = {
          at: time + Math.max(0, ms),
          fire: () => {
            signal?.removeEventListener('abort', stop);
            resolve();
          },
        };
        signal?.addEventListener('abort', stop, { once: true });
        timers.push(timer);
        if (!pumping) {
          pumping = true;
          setImmediate(() => setImmediate(pump));
        }
      }),
  };
}

interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Record<string, string>;
    readonly resourceVersion?: string;
  };
}

const conflict = (what: string) => Object.assign(new Error(`conflict: ${what}`), { code: 409 });

/** Objects by kind, namespace and name, with the optimistic locking of the real API. */
export function fakeCluster(options: { file?: string; touched?: (what: string) => void } = {}): Cluster {
  const { file, touched = () => undefined } = options;
  let memory: Record<string, Stored> = {};
  const read = (): Record<string, Stored> =>
    file ? (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Stored>) : {}) : memory;
  const write = (objects: Record<string, Stored>) => {
    memory = objects;
    if (!file) return;
    writeFileSync(`${file}.part`, JSON.stringify(objects));
    renameSync(`${file}.part`, file);
  };
  const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`;
  const put = (object: Json, versionBefore: number): Json => {
    const stored = object as unknown as Stored;
    const { kind, metadata } = stored;
    const next = { ...stored, metadata: { ...metadata, resourceVersion: String(versionBefore + 1) } };
    write({ ...read(), [keyOf(kind, metadata.namespace, metadata.name)]: next });
    return next as unknown as Json;
  };
  const matches = (stored: Stored, selector = '') =>
    selector
      .split(',')
      .filter((part) => part !== '')
      .every((part) => {
        const [key = '', value] = part.split('=');
        return stored.metadata.labels?.[key] === value;
      });
  const find = (kind: string, namespace: string, selector?: string) =>
    Object.values(read()).filter(
      (one) => one.kind === kind && one.metadata.namespace === namespace && matches(one, selector),
    );
  const podOf = ({ metadata }: Stored): Pod => ({
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.name,
    kubernetesNode: 'node-1',
    ip: '198.18.0.1',
    phase: 'Running',
    ready: true,
    deleting: false,
    labels: metadata.labels ?? {},
    containers: [],
  });
  return {
    version: async () => 'v1.34.4',
    pods: async (namespace, selector) => find('Pod', namespace, selector).map(podOf),
    pod: async (namespace, name) =>
      find('Pod', namespace)
        .map(podOf)
        .find((pod) => pod.name === name),
    exec: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
    get: async ({ kind, namespace, name }: ObjectRef) =>
      read()[keyOf(kind, namespace, name)] as unknown as Json | undefined,
    list: async ({ kind, namespace, labelSelector }) => find(kind, namespace, labelSelector) as unknown as Json[],
    async create(object) {
      const { kind, metadata } = object as unknown as Stored;
      if (read()[keyOf(kind, metadata.namespace, metadata.name)]) throw conflict(`${kind} ${metadata.name} exists`);
      touched(`create ${kind} ${metadata.name}`);
      return put(object, 0);
    },
    async replace(object) {
      const { kind, metadata } = object as unknown as Stored;
      const current = read()[keyOf(kind, metadata.namespace, metadata.name)];
      if (!current) throw Object.assign(new Error('not found'), { code: 404 });
      const version = current.metadata.resourceVersion;
      if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== version) throw conflict(metadata.name);
      return put(object, Number(version));
    },
    async patch(ref, patch) {
      const current = read()[keyOf(ref.kind, ref.namespace, ref.name)];
      if (!current) throw Object.assign(new Error('not found'), { code: 404 });
      touched(`patch ${ref.kind} ${ref.name}`);
      return put(mergePatch(current as unknown as Json, patch), Number(current.metadata.resourceVersion));
    },
    evict: async () => true,
    async remove({ kind, namespace, name }) {
      const { [keyOf(kind, namespace, name)]: gone, ...rest } = read();
      if (gone) touched(`remove ${kind} ${name}`);
      write(rest);
    },
    secret: async () => ({}),
  };
}

export const fakeTarget: Target = targetSchema.parse({
  schema: 'shakedown.target/1',
  name: 'fake',
  environment: { class: 'disposable' },
  kubernetes: { kubeconfig: '/nowhere' },
  suite: { namespace: 'shakedown', helperImage: 'helper' },
  site: {
    url: 'https://fake.example',
    dialect: 'frappe-15',
    company: 'Workshop',
    warehouse: 'Stores',
    technicians: { namespace: 'erp', name: 'technicians' },
    barcodes: { pattern: 'B%05d', itemPattern: 'ITEM-%d', count: 10 },
  },
  tiers: { web: { namespace: 'erp', selector: 'tier=web' } },
  mariadb: {
    namespace: 'erp',
    selector: 'tier=mariadb',
    container: 'mariadb',
    database: 'erp',
    credentials: { namespace: 'erp', name: 'reader' },
    appUser: 'erp',
  },
  redis: { cache: { namespace: 'erp', selector: 'tier=redis' } },
  ingress: {
    controller: 'contour',
    namespace: 'ingress',
    selector: 'app=envoy',
    ingress: { namespace: 'erp', name: 'erp' },
  },
  prometheus: { namespace: 'monitoring', selector: 'app=prometheus', scrapeIntervalMs: 1000, replicas: 2 },
});

export function fakeReach(
  clock: Clock,
  cluster: Cluster,
  prometheus: Reach['prometheus'] = {
    instant: async () => [],
    range: async () => [
      { replica: 'prometheus-0', response: { status: 'success', data: { resultType: 'matrix', result: [] } } },
    ],
  },
  sql: Partial<Reach['sql']> = {},
) {
  return async (options: { runId: string; seed: number; signal: AbortSignal }): Promise<OpenedReach> => ({
    reach: {
      target: fakeTarget,
      runId: options.runId,
      signal: options.signal,
      now: clock.now,
      random: () => 0.5,
      sleep: (ms) => clock.sleep(ms, options.signal),
      cluster,
      sql: {
        nodes: async () => ['galera-0'],
        query: async () => [{ version: '10.11' }],
        snapshot: async (_, queries) => queries.map(() => []),
        change: async () => [],
        ...sql,
      },
      prometheus,
      http: { get: async () => ({ status: 200, headers: {}, body: '', durationMs: 1 }) },
    },
    close: async () => undefined,
  });
}

/** Its trace in the target is one object of kind Broken; a helper pod is armed by prepare. */
export function fakeFault(
  events: string[] = [],
  changes: Partial<Fault> = {},
  targets: Ticket['targets'] = [{ namespace: 'erp', name: 'galera-1' }],
): Fault {
  const broken = (runId: string): ObjectRef => ({
    apiVersion: 'v1',
    kind: 'Broken',
    namespace: 'erp',
    name: `broken-${runId}`,
  });
  const is = (yes: boolean, reach: Reach): Proof => ({ is: yes ? 'yes' : 'no', at: reach.now(), evidence: {} });
  return {
    name: 'fake/break',
    version: 1,
    plan: { aim: 'a fake', change: 'is broken', undo: 'is mended' },
    rights: () => ({ inject: [], undo: [] }),
    targets: async () => targets,
    async prepare(reach) {
      events.push('prepare');
      return { runId: reach.runId, targets };
    },
    async inject(ticket, reach) {
      events.push('inject');
      const { name, namespace } = broken(ticket.runId);
      await reach.cluster.create({ apiVersion: 'v1', kind: 'Broken', metadata: { name, namespace } });
    },
    landed: async (ticket, reach) => is((await reach.cluster.get(broken(ticket.runId))) !== undefined, reach),
    effect: async (ticket, reach) => is((await reach.cluster.get(broken(ticket.runId))) !== undefined, reach),
    holding: async (ticket, reach) => is((await reach.cluster.get(broken(ticket.runId))) !== undefined, reach),
    async undo(ticket, reach) {
      events.push('undo');
      await reach.cluster.remove(broken(ticket.runId));
    },
    async residue(ticket, reach) {
      events.push('residue');
      const left = await reach.cluster.get(broken(ticket.runId));
      return left ? { is: 'dirty', left: [`broken-${ticket.runId} in erp`] } : { is: 'clean', left: [] };
    },
    ...changes,
  };
}

const planned: PlannedLoad = {
  profile: 'fake',
  ratesPerSecond: { 'barcode-lookup': 8, 'goods-receipt': 1, 'parts-issue': 1 },
  stallBudgetMs: 10_000,
  virtualUsersMax: 10,
};

/**
 * Ten operations a second; `good` says of each moment whether it went well, `diesAfterMs` when the generator ends by itself. With `record`
 * samples.ndjson is written as k6's driver does.
 */
export function fakeLoad(
  clock: Clock,
  options: {
    events?: string[];
    good?: (now: number) => boolean;
    diesAfterMs?: number;
    /** Carried by the first operations, one each. */
    writes?: readonly Write[];
    /** Carried by the nth operation of the load, for the run that is on. */
    writeOf?: (runId: string, number: number) => Write | undefined;
    record?: boolean;
    /** What goes wrong when the load is passed on. */
    passingProblem?: string;
  } = {},
): LoadDriver {
  const { events = [], good = () => true, writes = [] } = options;
  const writeOf = options.writeOf ?? ((_: string, number: number) => writes[number]);
  return {
    plan: () => planned,
    async start({ runId: firstRunId, folder }) {
      events.push('load started');
      interface Kept {
        readonly past: LoadEvent[];
        readonly listeners: Set<(event: LoadEvent) => void>;
        folder?: string;
      }
      const keepIn = (folder?: string): Kept => ({ past: [], listeners: new Set(), ...(folder ? { folder } : {}) });
      const { promise: ended, resolve } = Promise.withResolvers<LoadEnd>();
      let runId = firstRunId;
      let number = 0;
      let stopped = false;
      let marked: Kept | undefined;
      const first = keepIn(folder);
      const open = new Set([first]);
      const began = clock.mono();
      const save = (kept: Kept, told: readonly LoadEvent[]) => {
        if (options.record && kept.folder) appendFileSync(join(kept.folder, 'samples.ndjson'), pointLines(told));
      };
      save(first, []);
      const account = (past: readonly LoadEvent[]) => ({
        processorSeconds: 1,
        generator: {
          processors: 2,
          busiest: { windowMs: 5_000, processorSeconds: 1 },
          iterations: past.length,
          iterationSeconds: past.length * 0.022,
        },
      });
      void (async () => {
        while (!stopped) {
          await clock.sleep(100);
          if (stopped) return;
          if (options.diesAfterMs !== undefined && clock.mono() - began > options.diesAfterMs) {
            stopped = true;
            resolve({ exitCode: 107, problem: 'the script threw', processorSeconds: 1 });
            return;
          }
          const write = writeOf(runId, number);
          number += 1;
          const event: LoadEvent = {
            kind: 'operation',
            operation: {
              journey: write ? 'parts-issue' : 'barcode-lookup',
              run: runId,
              sentAt: clock.now(),
              durationMs: 20,
              good: good(clock.now()),
              status: 200,
              ...(write ? { write } : {}),
            },
          };
          for (const kept of open) {
            kept.past.push(event);
            save(kept, [event]);
            for (const listener of kept.listeners) listener(event);
          }
        }
      })();
      const stop = async (): Promise<LoadEnd> => {
        if (!stopped) {
          stopped = true;
          events.push('load stopped');
          resolve({ exitCode: 0, problem: '', processorSeconds: 1 });
        }
        return ended;
      };
      const loadOf = (own: Kept): RunningLoad => ({
        listen(listener) {
          for (const event of own.past) listener(event);
          own.listeners.add(listener);
          return () => own.listeners.delete(listener);
        },
        mark() {
          marked = keepIn();
          open.add(marked);
        },
        async passOn(nextRunId) {
          const next = marked;
          if (!next) throw new Error('no mark');
          const at = clock.now();
          runId = nextRunId;
          open.delete(own);
          events.push(`load passed on to ${nextRunId}`);
          await clock.sleep(30);
          return {
            at,
            problem: options.passingProblem ?? '',
            ...account(own.past),
            takeOver(folder) {
              next.folder = folder;
              save(next, next.past);
              return loadOf(next);
            },
            stop,
            ended,
          };
        },
        stop,
        ended,
      });
      return loadOf(first);
    },
  };
}

/** As k6 would have written them. */
const pointLines = (events: readonly LoadEvent[]): string =>
  pointsOf({
    operations: events.flatMap((event) => (event.kind === 'operation' ? [event.operation] : [])),
    drops: events.flatMap((event) => (event.kind === 'drop' ? [event.drop] : [])),
  })
    .map((point) => `${JSON.stringify(point)}\n`)
    .join('');

export const fakeLedger = (events: string[] = []): LedgerReader => ({
  async stockBefore(reach) {
    events.push('stock before');
    return [{ kind: 'read', node: 'galera-0', round: 0, at: reach.now(), what: 'stock-before' }];
  },
  async readBack(reach, acknowledged, keep) {
    events.push('ledger read');
    if (acknowledged.length > 0) events.push(`looked for ${acknowledged.join(', ')}`);
    await keep([{ kind: 'read', node: 'galera-0', round: 0, at: reach.now(), what: 'documents' }]);
  },
});

export const fakeClaim: Claim = {
  name: 'fake-break',
  hypothesis: 'Breaking one fake thing loses nothing and is over within 30 s.',
  judgeVersion: 1,
  faults: ['fake/break'],
  objectives: [
    {
      name: 'lookups-good',
      source: 'k6',
      journeys: ['barcode-lookup'],
      measure: 'good-ratio',
      phases: ['steady'],
      min: 0.99,
      samplesMin: 10,
    },
    {
      name: 'up',
      source: 'prometheus',
      query: 'up',
      unit: '',
      reduce: 'min',
      phases: ['steady'],
      min: 1,
      coverageMin: 0.9,
    },
  ],
  load: { achievedRatioMin: 0.9, acknowledgedMin: 1 },
  ledger: { nodes: 1, lostMax: 0, duplicatedMax: 0 },
  recovery: { recoveryMsMax: 30_000, windowMs: 2_000, badRatioMax: 0.01 },
  blastRadius: { namespaces: ['erp'], targetsMax: 1 },
  needs: [],
};

export function fakeScenario(
  fault: Fault,
  changes: { claim?: Partial<Claim>; play?: Partial<Scenario['play']> } = {},
): Scenario {
  return {
    claim: { ...fakeClaim, ...changes.claim },
    play: {
      load: 'fake',
      steadyMs: 5_000,
      timeline: [{ fault, holdMs: 3_000 }],
      recoveryWaitMs: 20_000,
      afterMs: 2_000,
      probes: [],
      ...changes.play,
    },
    guards: [],
    suite: 'smoke',
  };
}

export const passed = (claim: Claim, runId = 'r1'): Verdict => ({
  judgeVersion: 1,
  scenario: claim.name,
  runId,
  outcome: 'passed',
  findings: [{ check: 'fake', outcome: 'passed', says: 'the fake judge is content' }],
  recovery: { ms: 1_000, resolutionMs: 100 },
  ledger: { ...noLedger, sent: 1, acknowledged: 1 },
});
