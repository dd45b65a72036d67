// What must hold before a run may start. A guard that can't look says so; it never guesses.
import { lookForWriters, readTopology } from '../../chaos/galera/topology.ts';
import type { Json, Proof } from '../model/fault.ts';
import { managedBy, partLabel } from '../model/labels.ts';
import type { PrometheusAnswer, Reach } from '../model/reach.ts';
import type { Guard } from '../model/scenario.ts';
import { readRedis, redisInWords, redisProblems } from './redis.ts';

type Seen = { readonly is: Proof['is']; readonly seen: string };

const yes = (seen: string): Seen => ({ is: 'yes', seen });
const no = (seen: string): Seen => ({ is: 'no', seen });
const cannotTell = (seen: string): Seen => ({ is: 'cannot-tell', seen });

/** A path that every Frappe answers, and for which it goes to the database. */
const pingPath = '/api/method/ping';

/** All nodes, one view: Primary, Synced, the size wanted and the same state. Size alone is green on an empty cluster too. */
export const galeraWhole = guard('galera-whole', async (reach) => {
  const { nodes } = reach.target.mariadb;
  const { views, silent } = await readTopology(reach);
  if (silent.length > 0) return cannotTell(silent.map(({ node, error }) => `${node}: ${error}`).join('; '));
  const seen = views
    .map(
      (one) => `${one.node} ${one.component}, ${one.localState}, size ${one.size}, state ${one.stateUuid.slice(0, 8)}`,
    )
    .join('; ');
  const states = new Set(views.map((view) => view.stateUuid));
  const whole = views.every(
    (view) => view.component === 'Primary' && view.localState === 'Synced' && view.ready && view.size === nodes,
  );
  if (views.length !== nodes) return no(`${views.length} Galera nodes, wanted ${nodes}: ${seen}`);
  return whole && states.size === 1 ? yes(seen) : no(`${seen}; wanted all Primary, Synced, size ${nodes}, one state`);
});

/** ERPNext's stock is safe by row locks, which do not reach other Galera nodes. */
export const singleWriter = guard('single-writer', async (reach) => {
  const { appUser } = reach.target.mariadb;
  // An app without a pool connects only while it works, so it is given something to do meanwhile.
  let looking = true;
  const busyWork = async () => {
    while (looking) {
      await reach.http.get(pingPath).catch(() => undefined); // site-tls tells what is wrong with the site
      await reach.sleep(20);
    }
  };
  const work = busyWork();
  const { busy, silent, seen } = await lookForWriters(reach).finally(() => {
    looking = false;
  });
  await work.catch(() => undefined);
  const says = `connections of ${appUser} by node: ${seen}`;
  if (busy.length > 1) return no(`${says}; wanted on one node only`);
  if (silent.length > 0 || busy.length === 0) return cannotTell(says);
  return yes(says);
});

export const webTierReady = guard('web-tier-ready', async (reach) => {
  const { namespace, selector, replicasMin } = reach.target.tiers.web;
  const pods = await reach.cluster.pods(namespace, selector);
  // Running includes pods that are on their way out, and says nothing of readiness.
  const ready = pods.filter((pod) => pod.ready && !pod.deleting);
  const seen = `${ready.length} of ${pods.length} pods ready in ${namespace} (${selector})`;
  return ready.length >= replicasMin && ready.length === pods.length
    ? yes(seen)
    : no(
        `${seen}; wanted all, and at least ${replicasMin}: ${pods.map(({ name, phase, deleting }) => `${name} ${deleting ? 'deleting' : phase}`).join(', ')}`,
      );
});

export const redisWhole = guard('redis-whole', async ({ redis, target }) => {
  if (!redis) return cannotTell('no way to ask Redis');
  const seen = await readRedis(redis, target);
  const problems = redisProblems(seen, target);
  return problems.length === 0 ? yes(redisInWords(seen)) : no(`${problems.join('; ')} (${redisInWords(seen)})`);
});

/** For what is judged from Prometheus: a node that is back is told so only at its next scrape, and until then its last word stands. */
export const galeraSeenWhole = guard('galera-seen-whole', async (reach) => {
  const { nodes } = reach.target.mariadb;
  const answers = await reach.prometheus.instant(
    `count(mysql_global_status_wsrep_cluster_size == ${nodes}) and (count(mysql_up == 1) == ${nodes})`,
  );
  const seen = answers
    .map((answer) => `${answer.replica}: ${firstValue(answer) ?? answer.error ?? 'none'} of ${nodes} say ${nodes}`)
    .join('; ');
  if (answers.length === 0 || answers.some(({ error }) => error !== undefined))
    return cannotTell(seen || 'no replica of Prometheus was found');
  return answers.every((answer) => firstValue(answer) === nodes) ? yes(seen) : no(seen);
});

/** Every replica is there and scrapes: a run without measurements shows nothing, so it is not begun. */
export const prometheusFresh = guard('prometheus-fresh', async (reach) => {
  const { replicas, scrapeIntervalMs } = reach.target.prometheus;
  const answers = await reach.prometheus.instant('max(time() - timestamp(up))');
  const ages = answers.map((answer) => ({ replica: answer.replica, age: firstValue(answer), error: answer.error }));
  const seen = ages
    .map(
      ({ replica, age, error }) =>
        `${replica}: ${age === undefined ? (error ?? 'no data') : `${age.toFixed(1)} s old`}`,
    )
    .join('; ');
  if (answers.length !== replicas) return no(`${answers.length} replicas, wanted ${replicas}: ${seen || 'none'}`);
  if (ages.some(({ age }) => age === undefined)) return cannotTell(seen);
  // One scrape may be late, and one under way.
  const oldestSeconds = (3 * scrapeIntervalMs) / 1000;
  return ages.every(({ age }) => age !== undefined && age <= oldestSeconds)
    ? yes(seen)
    : no(`${seen}; wanted at most ${oldestSeconds} s`);
});

/**
 * A proxy that sends a POST again makes a second document, and takes a 5xx away from the client who should see it. Contour retries as
 * soon as `retry-on` is set on an Ingress, or a `retryPolicy` on a route of an HTTPProxy: a missing or zero number of retries means once,
 * and even -1 leaves Envoy its default of once (contour v1.33.8, internal/annotation and internal/envoy/v3/route.go). The method plays no
 * part in it.
 */
export const ingressRetriesOff = guard('ingress-retries-off', async (reach) => {
  const { namespace, name, kind } = reach.target.ingress.ingress;
  const apiVersion = kind === 'HTTPProxy' ? 'projectcontour.io/v1' : 'networking.k8s.io/v1';
  const object = await reach.cluster.get({ apiVersion, kind, namespace, name });
  const what = `${kind} ${namespace}/${name}`;
  if (object === undefined) return cannotTell(`no ${what}`);
  const retryOn = kind === 'HTTPProxy' ? retriesOfProxy(object) : retriesOfIngress(object);
  if (retryOn === undefined) return cannotTell(`${what} includes others, whose routes are not read`);
  const harmful = retryOn.filter((condition) => !neverArrived.has(condition));
  const setting = kind === 'HTTPProxy' ? 'retryPolicy' : 'projectcontour.io/retry-on';
  return harmful.length === 0
    ? yes(`${what} has ${retryOn.length === 0 ? 'no retries' : `retries on ${retryOn.join(', ')}`}`)
    : no(`${what} retries on ${harmful.join(', ')}, also a POST. Next: remove ${setting}`);
});

function retriesOfIngress(object: Json): readonly string[] {
  const { annotations = {} } = (object as { metadata?: { annotations?: Record<string, string> } }).metadata ?? {};
  const retryOn = annotations['projectcontour.io/retry-on'] ?? annotations['contour.heptio.com/retry-on'] ?? '';
  return retryOn
    .split(',')
    .map((condition) => condition.trim())
    .filter((condition) => condition !== '');
}

/** Of all its routes; undefined when some of them stand elsewhere. */
function retriesOfProxy(object: Json): readonly string[] | undefined {
  const { includes = [], routes = [] } = (object as Proxy).spec ?? {};
  if (includes.length > 0) return undefined;
  // A policy that names no condition means 5xx.
  const named = (given: readonly string[] = []) => (given.length > 0 ? given : ['5xx']);
  return [...new Set(routes.flatMap(({ retryPolicy }) => (retryPolicy ? named(retryPolicy.retryOn) : [])))];
}

interface Proxy {
  readonly spec?: {
    readonly includes?: readonly unknown[];
    readonly routes?: readonly { readonly retryPolicy?: { readonly retryOn?: readonly string[] } }[];
  };
}

/** Envoy's conditions under which nothing of the request has reached the app. */
const neverArrived: ReadonlySet<string> = new Set(['connect-failure', 'refused-stream', 'reset-before-request']);

export const siteTls = guard('site-tls', async (reach) => {
  const answer = await reach.http.get(pingPath); // throws when the certificate can't be verified
  if (answer.status !== 200) return no(`GET ${pingPath} answers ${answer.status} over TLS, wanted 200`);
  const plain = await reach.http.get(pingPath, { plain: true });
  const location = plain.headers.location ?? '';
  const host = new URL(reach.target.site.url).host;
  return [301, 302, 307, 308].includes(plain.status) && location.startsWith(`https://${host}/`)
    ? yes(`TLS verified, plain HTTP goes to ${location}`)
    : no(
        `plain HTTP answers ${plain.status}${location ? ` to ${location}` : ''}, wanted a redirect to https://${host}/`,
      );
});

/** What an earlier run left: tickets say that something may not be undone, helper pods that something is still armed. */
export const noUnfinishedRun = guard('no-unfinished-run', async ({ cluster, target }) => {
  const { namespace } = target.suite;
  const labelled = (part: string) => `${managedBy.key}=${managedBy.value},${partLabel}=${part}`;
  const [tickets, helpers] = await Promise.all([
    cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector: labelled('ticket') }),
    cluster.pods(namespace, labelled('helper')),
  ]);
  const left = [...tickets.map((ticket) => `ticket ${nameOf(ticket)}`), ...helpers.map((pod) => `helper ${pod.name}`)];
  return left.length === 0
    ? yes(`nothing left in ${namespace}`)
    : no(`${left.join(', ')} in ${namespace}. Next: shakedown undo --all`);
});

/** Should this very process die in the middle of a fault, somebody else must take it back. */
export const guardianWatches = guard('guardian-watches', async ({ cluster, target }) => {
  const { namespace, guardian } = target.suite;
  if (!guardian)
    return no(
      'the target file names no guardian, so nobody would undo a fault whose suite was killed. Next: run one (docs/operating.md) and name it in suite.guardian',
    );
  const pods = await cluster.pods(namespace, guardian.selector);
  const ready = pods.filter((pod) => pod.ready && !pod.deleting);
  const seen = `${ready.length} of ${pods.length} guardians ready in ${namespace} (${guardian.selector})`;
  return ready.length >= guardian.replicasMin ? yes(seen) : no(`${seen}; wanted at least ${guardian.replicasMin}`);
});

/** In the order in which they are asked: what the suite itself needs first. */
export const guards: readonly Guard[] = [
  noUnfinishedRun,
  guardianWatches,
  siteTls,
  webTierReady,
  galeraWhole,
  singleWriter,
  redisWhole,
  prometheusFresh,
  ingressRetriesOff,
];

function guard(name: string, look: (reach: Reach) => Promise<Seen>): Guard {
  return {
    name,
    async check(reach) {
      try {
        return await look(reach);
      } catch (error) {
        return cannotTell(error instanceof Error ? error.message : String(error));
      }
    },
  };
}

/** The value of an instant query with one series; undefined when there is none, or it is no finite number. */
function firstValue({ response }: PrometheusAnswer): number | undefined {
  const { data } = (response ?? {}) as { data?: { result?: readonly { value?: readonly [number, string] }[] } };
  const value = Number(data?.result?.[0]?.value?.[1] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

const nameOf = (object: Json) => (object as { metadata?: { name?: string } }).metadata?.name ?? '?';
