// All ports to one target, opened together and closed together.
import type { Pod, Reach, RedisGroup } from '../model/reach.ts';
import type { Target } from '../model/target.ts';
import { alertmanagerReplicas } from './alertmanager.ts';
import { openApiServer } from './api-server.ts';
import { siteHttp } from './http.ts';
import { kubernetesCluster } from './kubernetes.ts';
import { supervisedNodePower } from './node-power.ts';
import { openPodStream } from './port-forward.ts';
import { prometheusReplicas } from './prometheus.ts';
import { redisOnNodes } from './redis.ts';
import { sqlOnNodes } from './sql.ts';
import { ingressTls } from './tls.ts';

export interface ReachOptions {
  readonly runId: string;
  readonly seed: number;
  /** Aborted: everything under way fails with its reason. */
  readonly signal: AbortSignal;
}

/** Asks the API server for its version, so that a target that can't be reached is told here and not in the middle of something. */
export async function openReach(target: Target, options: ReachOptions): Promise<Reach & AsyncDisposable> {
  const { runId, seed, signal } = options;
  // Its own controller, so that closing ends what is still under way although the run's signal goes on.
  const over = new AbortController();
  const life = AbortSignal.any([signal, over.signal]);
  const http = siteHttp(target.site, life);
  const api = await openApiServer(target.kubernetes, life).catch(async (error: unknown) => {
    await http.close();
    throw error;
  });
  const cluster = kubernetesCluster(api, life);
  const { mariadb, redis } = target;
  const login = async (secret: { readonly namespace: string; readonly name: string }) => {
    const { username = '', password = '' } = await cluster.secret(secret.namespace, secret.name);
    return { username, password };
  };
  const sql = sqlOnNodes({
    nodes: namesOf(() => cluster.pods(mariadb.namespace, mariadb.selector)),
    openStream: (pod, withinMs) =>
      openPodStream(api, { namespace: mariadb.namespace, pod, port: mariadb.port }, withinMs),
    credentials: remembered(() => login(mariadb.credentials)),
    faultCredentials: async () => mariadb.faultCredentials && login(mariadb.faultCredentials),
    database: mariadb.database,
  });

  const groupOf = (group: RedisGroup) => {
    const found = redis[group];
    if (!found) throw new Error(`${target.name} has no Redis ${group}`);
    return found;
  };

  const close = async () => {
    over.abort(new Error('the reach is closed'));
    await sql.close();
    await Promise.allSettled([http.close(), api.close()]);
  };
  try {
    await cluster.version();
  } catch (error) {
    await close();
    throw error;
  }

  return {
    target,
    runId,
    signal,
    now: () => Date.now(),
    random: seeded(seed),
    sleep: (ms) => sleepFor(ms, life),
    cluster,
    sql,
    prometheus: prometheusReplicas(api, cluster, target.prometheus),
    ...(target.alertmanager ? { alertmanager: alertmanagerReplicas(api, cluster, target.alertmanager) } : {}),
    redis: redisOnNodes({
      groups: (['cache', 'queue', 'sentinel'] as const).filter((group) => redis[group] !== undefined),
      nodes: (group) => namesOf(() => cluster.pods(groupOf(group).namespace, groupOf(group).selector))(),
      openStream: (group, pod, withinMs) => {
        const { namespace, port } = groupOf(group);
        return openPodStream(api, { namespace, pod, port }, withinMs);
      },
      password: async (group) => {
        const { credentials } = groupOf(group);
        return credentials && (await cluster.secret(credentials.namespace, credentials.name)).password;
      },
    }),
    http,
    tls: ingressTls({
      replicas: namesOf(() => cluster.pods(target.ingress.namespace, target.ingress.selector)),
      openStream: (pod, withinMs) =>
        openPodStream(api, { namespace: target.ingress.namespace, pod, port: target.ingress.tlsPort }, withinMs),
    }),
    ...(target.nodePower ? { nodePower: supervisedNodePower(target.nodePower.socket) } : {}),
    [Symbol.asyncDispose]: close,
  };
}

const namesOf = (pods: () => Promise<readonly Pod[]>) => async () =>
  (await pods())
    .filter((pod) => !pod.deleting)
    .map((pod) => pod.name)
    .sort();

/** A value that is fetched once; a failure is forgotten, so that the next one asks again. */
function remembered<T>(fetch: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => {
    value ??= fetch().catch((error: unknown) => {
      value = undefined;
      throw error;
    });
    return value;
  };
}

/** mulberry32: 32 bits of state are plenty for choosing targets, and a seed repeats the run on any machine. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
