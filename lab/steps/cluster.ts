// What runs on the Kubernetes nodes: cluster services, database, ingress, monitoring, and the workshop app as a Helm release.
// Each step applies its manifests and waits until what it applied is really ready.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Target, targetSchema } from '../../lib/model/target.ts';
import { apply, applyObject, configMap, getJson, kubectl, manifest, secret } from '../kubectl.ts';
import { prepareBucket } from '../object-store.ts';
import { pkiFile, writeKubeconfig } from '../pki.ts';
import { contentHash, drillHost, labDir, network, nodes, paths, siteHost, stateDir } from '../places.ts';
import { $ } from '../shell.ts';
import { type Step, until } from '../step.ts';
import { acme, certificates } from './certificates.ts';
import { baseReference, imageReference } from './images.ts';
import { programsDir } from './programs.ts';

const database = 'erp';
const appUser = 'erp';
/** Of the attachments, and the name of the only user who writes to it. */
const bucket = 'attachments';
/** As which the workshop's pods run. */
const appUserId = 1000;
const technicians = 60;
const rulesFolder = join(labDir, 'monitoring/rules');
const contourFiles = ['01-crds.yaml', '02-rbac.yaml', '02-role-contour.yaml'];

function values(): Record<string, string> {
  return {
    IMAGE_BASE: baseReference,
    IMAGE_MARIADB: imageReference('mariadb'),
    IMAGE_HAPROXY: imageReference('haproxy'),
    IMAGE_REDIS: imageReference('redis'),
    IMAGE_PROMETHEUS: imageReference('prometheus'),
    IMAGE_ALERTING: imageReference('alerting'),
    IMAGE_ENVOY: imageReference('envoy'),
    IMAGE_CLUSTER: imageReference('cluster'),
    IMAGE_NODE: imageReference('node'),
    IMAGE_SUITE: imageReference('suite'),
    IMAGE_CERTIFICATES: imageReference('certificates'),
    IMAGE_NETWORK: imageReference('network'),
    IMAGE_S3: imageReference('s3'),
    SHARED_FILES: paths.sharedFiles,
    FRONT: network.front,
    HOST: network.host,
    SITE_HOST: siteHost,
    DRILL_HOST: drillHost,
    DNS_SERVICE: network.dnsService,
    // A changed configuration is a changed pod: what runs is what the files say.
    DNS_CONFIG_HASH: contentHash({ file: join(labDir, 'manifests/base.yaml') }),
    DATABASE_CONFIG_HASH: contentHash(
      { file: join(labDir, 'manifests/database.yaml') },
      databaseUsers({ app: '', monitor: '', reader: '', faults: '' }),
    ),
    REDIS_CONFIG_HASH: contentHash({ file: join(labDir, 'manifests/redis.yaml') }),
    S3_CONFIG_HASH: contentHash({ file: join(labDir, 'manifests/s3.yaml') }),
    MONITORING_CONFIG_HASH: contentHash({ file: join(labDir, 'manifests/monitoring.yaml') }, { file: rulesFolder }),
    GUARDIAN_CONFIG_HASH: contentHash(stringify(guardianTarget())),
    ALERTING_CONFIG_HASH: contentHash({ file: join(labDir, 'manifests/alerting.yaml') }),
    STORAGE_PATHS: JSON.stringify({
      nodePathMap: nodes.map((node) => ({ node: node.name, paths: [join(stateDir, 'nodes', node.name, 'volumes')] })),
    }),
  };
}

/** A step is done when what it last applied is what it would apply now: the hash lies in the cluster itself. */
async function applied(name: string): Promise<string> {
  const map = await getJson<{ data?: Record<string, string> }>('configmap', 'kube-system', 'lab-applied').catch(
    () => undefined,
  );
  return map?.data?.[name] ?? '';
}

function clusterStep(
  name: string,
  says: string,
  needs: readonly string[],
  seconds: number,
  inputs: () => string,
  run: Step['run'],
  scope?: 'full',
): Step {
  return {
    name,
    says,
    needs,
    seconds,
    ...(scope && { scope }),
    done: async () => (await applied(name)) === inputs(),
    async run(progress) {
      await run(progress);
      if (!(await getJson('configmap', 'kube-system', 'lab-applied')))
        await kubectl(['create', 'configmap', 'lab-applied', '--namespace', 'kube-system']).catch(() => undefined);
      await kubectl([
        'patch',
        'configmap',
        'lab-applied',
        '--namespace',
        'kube-system',
        '--type',
        'merge',
        '--patch',
        JSON.stringify({ data: { [name]: inputs() } }),
      ]);
    },
  };
}

/** The manifests and what is filled into them, no more: a new image changes only what runs it. */
const manifestInputs =
  (...names: readonly string[]) =>
  (): string => {
    const texts = names.map((name) => readFileSync(join(labDir, 'manifests', `${name}.yaml`), 'utf8'));
    const filled = Object.entries(values()).filter(([key]) => texts.some((text) => text.includes(`\${${key}}`)));
    return contentHash(...texts, JSON.stringify(filled), { file: join(labDir, 'steps/cluster.ts') });
  };

const certificateInputs =
  (...names: readonly string[]) =>
  (): string =>
    contentHash(manifestInputs(...names)(), { file: join(labDir, 'steps/certificates.ts') });

const objectStoreInputs = (): string => contentHash(manifestInputs('s3')(), { file: join(labDir, 'object-store.ts') });

async function rolledOut(kind: string, namespace: string, name: string, withinSeconds = 120): Promise<void> {
  await kubectl(['rollout', 'status', `${kind}/${name}`, '--namespace', namespace, `--timeout=${withinSeconds}s`]);
}

/** A password that is made once for each lab and kept only in the cluster. */
async function password(namespace: string, name: string, username?: string): Promise<string> {
  const existing = await getJson<{ data: Record<string, string> }>('secret', namespace, name);
  if (existing?.data.password) return Buffer.from(existing.data.password, 'base64').toString();
  const made = randomBytes(18).toString('base64url');
  await applyObject(secret(namespace, name, { password: made, ...(username && { username }) }));
  return made;
}

export function clusterSteps(): readonly Step[] {
  return [
    clusterStep('cluster', 'cluster DNS, storage and namespaces', ['import'], 10, manifestInputs('base'), async () => {
      await apply(await manifest('base', values()));
      await rolledOut('deployment', 'kube-system', 'coredns');
    }),
    clusterStep(
      'certificates',
      'cert-manager with a CA of its own',
      ['cluster', 'cache/programs/helm', 'cache/programs/cert-manager'],
      30,
      certificateInputs('certificates'),
      () => certificates(values()),
    ),
    clusterStep(
      'database',
      'MariaDB Galera and database proxies',
      ['certificates'],
      35,
      manifestInputs('database'),
      galera,
    ),
    clusterStep('redis', 'Redis for cache and queue, Sentinels', ['cluster'], 20, manifestInputs('redis'), redis),
    clusterStep('s3', 'an object store with versions', ['cluster'], 10, objectStoreInputs, objectStore),
    clusterStep('ingress', 'Contour, Envoy and TLS', ['cluster'], 15, manifestInputs('ingress'), async () => {
      for (const file of contourFiles) await apply(await readFile(join(programsDir('contour'), file), 'utf8'));
      const pem = (name: Parameters<typeof pkiFile>[0], kind: 'crt' | 'key'): Promise<string> =>
        readFile(pkiFile(name, kind), 'utf8');
      const tls = async (name: 'contour' | 'envoy', ca?: 'xds-ca'): Promise<Record<string, string>> => ({
        'tls.crt': await pem(name, 'crt'),
        'tls.key': await pem(name, 'key'),
        ...(ca && { 'ca.crt': await pem(ca, 'crt') }),
      });
      await applyObject(secret('projectcontour', 'contourcert', await tls('contour', 'xds-ca'), 'kubernetes.io/tls'));
      await applyObject(secret('projectcontour', 'envoycert', await tls('envoy', 'xds-ca'), 'kubernetes.io/tls'));
      await apply(await manifest('ingress', values()));
      await rolledOut('deployment', 'projectcontour', 'contour');
      await rolledOut('daemonset', 'projectcontour', 'envoy');
    }),
    clusterStep(
      'acme',
      'Pebble and its three-minute certificate',
      ['certificates', 'ingress'],
      40,
      certificateInputs('pebble', 'acme'),
      () => acme(values()),
      'full',
    ),
    clusterStep('monitoring', 'Prometheus and exporters', ['cluster'], 20, manifestInputs('monitoring'), monitoring),
    clusterStep('alerting', 'Alertmanager and prober', ['cluster'], 15, manifestInputs('alerting'), alerting, 'full'),
    clusterStep('policies', 'network policies', ['cluster'], 10, manifestInputs('policies'), policies, 'full'),
    clusterStep(
      'workshop',
      'the workshop app',
      ['database', 'redis', 's3', 'ingress', 'monitoring', 'cache/programs/helm'],
      30,
      workshopInputs,
      workshop,
    ),
    clusterStep(
      'suite',
      'the guardian',
      ['ingress', 'certificates'],
      10,
      manifestInputs('suite', 'suite-rights'),
      suite,
    ),
    {
      name: 'target',
      says: 'target file',
      needs: ['workshop', 'suite', 'cache/programs/k6'],
      seconds: 1,
      done: async () => (await readFile(paths.target, 'utf8').catch(() => '')) === targetFile(),
      async run() {
        await writeKubeconfig(join(stateDir, 'suite.kubeconfig'), 'suite');
        await writeFile(paths.target, targetFile());
      },
    },
  ];
}

/** Whatever an earlier lab granted and this one does not goes first: rights are what the file says, no more. */
async function suite(): Promise<void> {
  await apply(await manifest('suite-rights', values()));
  await applyObject(configMap('shakedown', 'shakedown-target', { 'target.yaml': stringify(guardianTarget()) }));
  await apply(await manifest('suite', values()));
  await rolledOut('deployment', 'shakedown', 'shakedown-guardian');
}

async function galera(): Promise<void> {
  const [app, monitor, reader, faults] = [
    await password('erp', 'database-app', appUser),
    await password('erp', 'database-monitor', 'monitor'),
    await password('erp', 'database-reader', 'shakedown'),
    await password('erp', 'database-faults', 'shakedown-faults'),
  ];
  await applyObject(secret('erp', 'database-users', { 'init.sql': databaseUsers({ app, monitor, reader, faults }) }));
  // The only time at which a new cluster may be founded is when there has never been one.
  const existed = (await getJson('statefulset', 'erp', 'galera')) !== undefined;
  if (!existed) await applyObject(configMap('erp', 'galera-bootstrap', { bootstrap: 'galera-0' }));
  await apply(await manifest('database', values()));
  await rolledOut('statefulset', 'erp', 'galera', 240);
  await until('Galera has three nodes', 60_000, async () => {
    const size = await kubectl([
      'exec',
      '--namespace',
      'erp',
      'galera-0',
      '--container',
      'wsrep-check',
      '--',
      'node',
      '-e',
      'fetch("http://127.0.0.1:9200").then(r => r.text()).then(console.log)',
    ]);
    return size.includes('"whole":true') || size;
  });
  await applyObject(configMap('erp', 'galera-bootstrap', { bootstrap: '' }));
  await rolledOut('deployment', 'erp', 'database-proxy');
}

/** What each server does as it starts. */
function databaseUsers(passwords: Readonly<Record<'app' | 'monitor' | 'reader' | 'faults', string>>): string {
  const { app, monitor, reader, faults } = passwords;
  return [
    `create database if not exists ${database} character set utf8mb4 collate utf8mb4_unicode_ci;`,
    `create or replace user '${appUser}'@'%' identified by '${app}' require ssl;`,
    `grant all on ${database}.* to '${appUser}'@'%';`,
    // No max_user_connections on any of them: the server counts wrongly once a user was replaced while it was connected, which each start of
    // another node does, and refuses for ever at last.
    `create or replace user 'monitor'@'%' identified by '${monitor}';`,
    `grant process, replication client, slave monitor on *.* to 'monitor'@'%';`,
    // Reads the ledger and the list of connections; can change nothing.
    `create or replace user 'shakedown'@'%' identified by '${reader}';`,
    `grant select on ${database}.* to 'shakedown'@'%';`,
    `grant process on *.* to 'shakedown'@'%';`,
    // Changes settings for a fault, and nothing else; reads no row.
    `create or replace user 'shakedown-faults'@'%' identified by '${faults}';`,
    "grant read_only admin, process on *.* to 'shakedown-faults'@'%';",
    // The server's own process, when a certificate was renewed (lab/images/mariadb/entrypoint.sh).
    "create or replace user 'mysql'@'localhost' identified via unix_socket;",
    "grant reload on *.* to 'mysql'@'localhost';",
    'delete from mysql.global_priv where user = "" or (user = "root" and host <> "localhost");',
    'flush privileges;',
    '',
  ].join('\n');
}

async function redis(): Promise<void> {
  for (const group of ['cache', 'queue', 'sentinel']) await password('erp', `redis-${group}`);
  await apply(await manifest('redis', values()));
  for (const group of ['cache', 'queue', 'sentinel']) await rolledOut('statefulset', 'erp', `redis-${group}`);
}

async function objectStore(): Promise<void> {
  const root = { accessKey: 'root', secretKey: await password('storage', 's3-root', 'root') };
  const user = { accessKey: bucket, secretKey: await password('erp', 's3-attachments', bucket) };
  await apply(await manifest('s3', values()));
  await rolledOut('statefulset', 'storage', 's3');
  const pod = await getJson<{ status: { podIP: string } }>('pod', 'storage', 's3-0');
  await prepareBucket(`http://${pod?.status.podIP}:7070`, root, bucket, user);
}

async function monitoring(): Promise<void> {
  const rules = (await readdir(rulesFolder)).sort();
  const texts = await Promise.all(rules.map((file) => readFile(join(rulesFolder, file), 'utf8')));
  const byName = Object.fromEntries(rules.map((file, index) => [file, texts[index] ?? '']));
  await applyObject(configMap('monitoring', 'prometheus-rules', byName));
  await apply(await manifest('monitoring', values()));
  await rolledOut('statefulset', 'monitoring', 'prometheus');
  await rolledOut('daemonset', 'monitoring', 'node-exporter');
  await rolledOut('deployment', 'monitoring', 'kube-state-metrics');
}

async function alerting(): Promise<void> {
  const siteCa = await readFile(pkiFile('site-ca', 'crt'), 'utf8');
  await applyObject(configMap('monitoring', 'site-ca', { 'ca.crt': siteCa }));
  await apply(await manifest('alerting', values()));
  await rolledOut('statefulset', 'monitoring', 'alertmanager');
  await rolledOut('deployment', 'monitoring', 'blackbox');
}

async function policies(): Promise<void> {
  await apply(await manifest('policies', values()));
  await rolledOut('daemonset', 'kube-system', 'kube-router');
}

interface User {
  readonly user: string;
  readonly fullName: string;
  readonly password: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly roles: readonly string[];
}

/** The site's people: one API token for each virtual technician, and the two users of the recorded contract. */
function makeUsers(): readonly User[] {
  const user = (name: string, roles: readonly string[]): User => ({
    user: `${name}@example.com`,
    fullName: name,
    password: randomBytes(12).toString('base64url'),
    apiKey: randomBytes(8).toString('hex'),
    apiSecret: randomBytes(12).toString('hex'),
    roles,
  });
  const stock = ['Stock User', 'Stock Manager'];
  return [
    ...Array.from({ length: technicians }, (_, index) =>
      user(`technician-${String(index + 1).padStart(3, '0')}`, ['Stock User']),
    ),
    user('scanner', [...stock, 'System Manager']),
    user('clerk', []),
  ];
}

function helmValues(): unknown {
  const [repository, tag] = imageReference('workshop').split(':') as [string, string];
  return {
    image: { repository, tag, pullPolicy: 'Never' },
    dbHost: 'database.erp.svc.cluster.local',
    dbPort: 3306,
    dbName: database,
    dbUser: appUser,
    dbExistingSecret: 'database-app',
    dbExistingSecretPasswordKey: 'password',
    dbTlsSecret: 'database-tls',
    redisSentinels: [0, 1, 2].map((n) => `redis-sentinel-${n}.redis-sentinel.erp.svc.cluster.local:26379`),
    redisCacheSecret: 'redis-cache',
    redisQueueSecret: 'redis-queue',
    redisSentinelSecret: 'redis-sentinel',
    usersExistingSecret: 'workshop-users',
    siteHost,
    siteDomains: [drillHost],
    filesExistingClaim: 'workshop-files',
    s3Endpoint: 'http://s3.storage.svc.cluster.local:7070',
    s3Bucket: bucket,
    s3Secret: 's3-attachments',
    tlsSecret: 'site-tls',
    ingress: { kind: 'HTTPProxy' },
  };
}

function workshopInputs(): string {
  return contentHash(
    JSON.stringify(helmValues()),
    { file: join(labDir, 'workshop/chart') },
    { file: join(labDir, 'manifests/files.yaml') },
    { file: join(labDir, 'steps/cluster.ts') },
  );
}

async function workshop(): Promise<void> {
  const known = await getJson<{ data: Record<string, string> }>('secret', 'erp', 'workshop-users');
  const users: readonly User[] = known
    ? JSON.parse(Buffer.from(known.data['users.json'] ?? '', 'base64').toString())
    : makeUsers();
  if (!known) await applyObject(secret('erp', 'workshop-users', { 'users.json': JSON.stringify(users) }));
  // Each time, since a lab from before may have been told less.
  const atWork = users
    .filter(({ user }) => user.startsWith('technician-'))
    .map(({ user, apiKey, apiSecret, password }) => ({ user, apiKey, apiSecret, password }));
  await applyObject(secret('erp', 'workshop-technicians', { 'users.json': JSON.stringify(atWork) }));
  await mkdir(paths.sharedFiles, { recursive: true });
  await chown(paths.sharedFiles, appUserId, appUserId);
  await apply(await manifest('files', values()));
  const helm = join(programsDir('helm'), 'helm');
  const run = $({
    quiet: true,
    input: stringify(helmValues()),
    env: { ...process.env, HOME: '/root', KUBECONFIG: paths.kubeconfig },
  });
  await run`${helm} upgrade --install workshop ${join(labDir, 'workshop/chart')} --namespace erp --values - --wait --timeout 180s`;
  // A worker has 25 minutes to end a long job, and one that was told to end while it began has not heard it. Nobody waits so long for a lab:
  // the queue gives the job to another one.
  const onlyWanted = async () => {
    const ending = await endingPods();
    return ending.length === 0 || `still ending: ${ending.join(' ')}`;
  };
  await until('only the wanted pods are left', 45_000, onlyWanted).catch(async () => {
    const late = await endingPods();
    const now = ['--grace-period=0', '--force', '--ignore-not-found'];
    if (late.length > 0) await kubectl(['delete', 'pods', ...late, '--namespace', 'erp', ...now]);
    await until('only the wanted pods are left', 45_000, onlyWanted);
  });
  await until('the site answers through the front', 60_000, async () => {
    const asked = await $({
      quiet: true,
    })`curl --silent --show-error --max-time 5 --cacert ${paths.siteCa} --resolve ${`${siteHost}:443:${network.front}`} ${`https://${siteHost}/api/method/ping`}`.nothrow();
    return asked.stdout.includes('pong') || `${asked.stdout.slice(0, 200)} ${asked.stderr.trim()}`;
  });
}

/** Pods of the workshop that were told to end and have not. */
async function endingPods(): Promise<readonly string[]> {
  const ending = '{range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name} {end}';
  const app = ['--namespace', 'erp', '--selector', 'app.kubernetes.io/app=frappe'];
  return (await kubectl(['get', 'pods', ...app, '--output', `jsonpath=${ending}`])).split(' ').filter(Boolean);
}

/** All that the suite knows of the lab. */
const targetFile = (): string =>
  `# Written by the lab: all that the suite knows of it. Copy it as a start for your own cluster.\n${stringify(labTarget())}`;

/** The same as a pod in the cluster sees it: nothing of this machine. */
function guardianTarget(): unknown {
  const { nodePower: _, kubernetes: __, site, ...rest } = labTarget();
  const { caFile: ___, connectAddress: ____, ...reachable } = site;
  return { ...rest, kubernetes: { kubeconfig: 'in-cluster' }, site: reachable };
}

export function labTarget(): Target {
  return targetSchema.parse({
    schema: 'shakedown.target/1',
    name: 'lab',
    environment: { class: 'disposable' },
    kubernetes: { kubeconfig: join(stateDir, 'suite.kubeconfig') },
    suite: {
      namespace: 'shakedown',
      helperImage: imageReference('suite'),
      guardian: { selector: 'app.kubernetes.io/name=shakedown-guardian', replicasMin: 2 },
    },
    site: {
      url: `https://${siteHost}`,
      connectAddress: network.front,
      caFile: paths.siteCa,
      dialect: 'frappe-15',
      markerField: 'custom_client_marker',
      company: 'Wind Power LLC',
      warehouse: 'Stores - WP',
      dockWarehouse: 'Dock - WP',
      jobCards: { workOrder: 'MFG-WO-1', operation: 'Assemble' },
      jobs: {
        table: 'tabNotification Log',
        documentField: 'document_name',
        idField: 'custom_job_id',
        queues: ['home-frappe-frappe-bench:short'],
      },
      features: ['files', 'realtime'],
      technicians: { namespace: 'erp', name: 'workshop-technicians' },
      barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
    },
    tiers: {
      web: {
        namespace: 'erp',
        selector: 'app.kubernetes.io/name=erpnext-gunicorn',
        container: 'gunicorn',
        replicasMin: 2,
      },
      'worker-short': backgroundTier('worker-s', 'short', 2),
      'worker-default': backgroundTier('worker-d', 'default', 2),
      'worker-long': backgroundTier('worker-l', 'long', 1),
      scheduler: backgroundTier('scheduler', 'scheduler', 1),
      realtime: {
        namespace: 'erp',
        selector: 'app.kubernetes.io/name=erpnext-socketio',
        container: 'socketio',
        replicasMin: 2,
      },
    },
    mariadb: {
      namespace: 'erp',
      selector: 'app.kubernetes.io/name=galera',
      container: 'mariadb',
      replicasMin: 3,
      port: 3306,
      process: 'mariadbd',
      database,
      credentials: { namespace: 'erp', name: 'database-reader' },
      faultCredentials: { namespace: 'erp', name: 'database-faults' },
      appUser,
      nodes: 3,
    },
    databaseProxy: { namespace: 'erp', selector: 'app.kubernetes.io/name=database-proxy', replicasMin: 2 },
    cronJobs: { namespace: 'erp', selector: 'app.kubernetes.io/component=checks' },
    redis: {
      cache: redisTier('cache'),
      queue: redisTier('queue'),
      sentinel: {
        namespace: 'erp',
        selector: 'app.kubernetes.io/name=redis-sentinel',
        container: 'sentinel',
        replicasMin: 3,
        credentials: { namespace: 'erp', name: 'redis-sentinel' },
        masters: { cache: 'cache', queue: 'queue' },
      },
    },
    ingress: {
      controller: 'contour',
      namespace: 'projectcontour',
      selector: 'app=envoy',
      tlsPort: 8443,
      ingress: { namespace: 'erp', name: 'workshop-erpnext', kind: 'HTTPProxy' },
    },
    drillCertificate: {
      host: drillHost,
      certificate: { namespace: 'erp', name: 'drill' },
      lifeMs: 180_000,
      issuer: { namespace: 'cert-manager', selector: 'app.kubernetes.io/name=pebble', port: 14_000 },
    },
    nodePower: { socket: paths.supervisorSocket },
    prometheus: {
      namespace: 'monitoring',
      selector: 'app.kubernetes.io/name=prometheus',
      port: 9090,
      scrapeIntervalMs: 5000,
      replicas: 2,
    },
  });
}

const backgroundTier = (name: string, container: string, replicasMin: number) => ({
  namespace: 'erp',
  selector: `app.kubernetes.io/name=erpnext-${name}`,
  container,
  replicasMin,
});

const redisTier = (group: 'cache' | 'queue') => ({
  namespace: 'erp',
  selector: `app.kubernetes.io/name=redis-${group}`,
  container: 'redis',
  replicasMin: 3,
  credentials: { namespace: 'erp', name: `redis-${group}` },
});
