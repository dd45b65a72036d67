// What is seeded into the lab: what the app can be told to do wrong, and what somebody with rights in the cluster could.
import type { Hands, LabDefect } from './lab-defect.ts';

const web = 'deployment/workshop-erpnext-gunicorn';
const shortWorker = 'deployment/workshop-erpnext-worker-s';
/** As the app's own user, whose password goes by standard input and is on no command line. */
async function inDatabase({ kubectl }: Hands, statements: readonly string[]): Promise<void> {
  const secret = ['get', 'secret', '--namespace', 'erp', 'database-app', '--output', 'jsonpath={.data.password}'];
  const password = Buffer.from(await kubectl(secret), 'base64').toString();
  const client = 'exec mariadb --no-defaults --host=127.0.0.1 --user=erp --ssl --database=erp';
  await kubectl(
    ['exec', '--stdin', '--namespace', 'erp', 'galera-0', '--container', 'mariadb', '--', 'sh', '-c'].concat(
      `read -r MYSQL_PWD; export MYSQL_PWD; ${client}`,
    ),
    `${password}\n${statements.join(';\n')};\n`,
  );
}

const sums = `
  SELECT item_code, warehouse, SUM(actual_qty) AS total, MAX(CONCAT(posting_datetime, creation)) AS newest
    FROM \`tabStock Ledger Entry\` WHERE is_cancelled = 0 GROUP BY item_code, warehouse`;
/** The ledger's sum is what counts: the bin shows it, and the newest entry carries it on. */
const mendBooks = [
  `UPDATE tabBin b JOIN (${sums}) s USING (item_code, warehouse) SET b.actual_qty = s.total WHERE b.actual_qty <> s.total`,
  `UPDATE \`tabStock Ledger Entry\` l JOIN (${sums}) s USING (item_code, warehouse)
      SET l.qty_after_transaction = s.total
    WHERE l.is_cancelled = 0 AND CONCAT(l.posting_datetime, l.creation) = s.newest AND l.qty_after_transaction <> s.total`,
];

/** A run whose steady state is red goes no further: its fault is not injected, and nothing after it is judged. */
const endedEarly = Object.fromEntries(
  [
    ...[
      'run.ended',
      'run.phases',
      'app-error-share',
      'app-p95',
      'galera-size',
      'galera-size-seen',
      'single-writer-kept',
    ],
    ...['scans-good', 'scans-p95', 'writes-good', 'writes-p95', 'others-good', 'load.acknowledged'],
  ].map((check) => [check, 'the steady state was red, so the run went no further']),
);
const books = { 'stock.documents': 'the books follow what is stored, not what was answered' };
const sentinelMends = 'Sentinel may mend it, and what it does to others is its own';

/** By a rollout, as a release would bring it; what it did to the books is mended, or the next run would not find them balanced. */
function builtIn(name: string, deployment = web): Pick<LabDefect, 'seed' | 'undo'> {
  const set = async ({ kubectl }: Hands, value: string): Promise<void> => {
    await kubectl(['set', 'env', '--namespace', 'erp', deployment, value]);
    await kubectl(['rollout', 'status', '--namespace', 'erp', deployment, '--timeout=150s']);
    // The old pods end their work; a guard of the run asks whether all is there.
    await kubectl(['wait', '--namespace', 'erp', '--for=condition=Available', deployment, '--timeout=60s']);
  };
  return {
    seed: (hands) => set(hands, `WORKSHOP_DEFECT=${name}`),
    async undo(hands) {
      await set(hands, 'WORKSHOP_DEFECT-');
      await inDatabase(hands, mendBooks);
    },
  };
}

export const labDefects: readonly LabDefect[] = [
  {
    family: 'app',
    name: 'books-lines-twice',
    seeds: 'One document in twenty books its lines twice.',
    on: 'control',
    turns: { 'ledger.duplicated': 'failed' },
    may: { ...books, 'stock.running': 'of two entries of one moment neither is the newest' },
    ...builtIn('apply-twice'),
  },
  {
    family: 'app',
    name: 'refused-but-found',
    seeds: 'One write in twenty is refused, and stored all the same.',
    on: 'control',
    turns: { 'ledger.refused': 'failed' },
    may: { ...books, ...endedEarly },
    ...builtIn('refuse-but-keep'),
  },
  {
    family: 'app',
    name: 'serves-stale-stock',
    seeds: 'One booking in twenty leaves the stock that is shown as it was.',
    on: 'control',
    turns: { 'stock.bin': 'failed' },
    may: { 'stock.running': 'the next booking of that part carries the stale balance on' },
    ...builtIn('stale-stock'),
  },
  {
    family: 'app',
    name: 'loses-queue-jobs',
    seeds: 'One job in twenty is reported as done, and nothing was done.',
    on: 'worker-kill',
    turns: { 'jobs.lost': 'failed' },
    ...builtIn('lose-jobs', shortWorker),
  },
  {
    family: 'app',
    name: 'hides-errors-behind-200',
    seeds: 'One scan in twenty is answered with 200 and an error for a body.',
    on: 'control',
    turns: { 'scans-good': 'failed' },
    may: endedEarly,
    ...builtIn('hide-errors'),
  },
  {
    family: 'app',
    name: 'acknowledges-before-commit',
    seeds: 'Writes are answered with 200 before their transaction is committed, and die with the database.',
    on: 'galera-writer-crash',
    turns: { 'ledger.lost': 'failed' },
    may: {
      ...books,
      'writes-p95': 'the defect holds locks',
      'writes-good': 'the defect holds locks',
    },
    ...builtIn('ack-before-commit'),
  },
  {
    family: 'platform',
    name: 'has-two-masters',
    seeds: 'A replica of the queue’s Redis is told to be a master, again and again.',
    on: 'sentinel-failover-queue',
    when: 'after',
    turns: { 'one-queue-master': 'failed' },
    may: { 'after.guards': sentinelMends, 'redis-queue-replicas': sentinelMends },
    async seed({ kubectl, sleep, over }) {
      while (!over.aborted) {
        for (const pod of ['redis-queue-0', 'redis-queue-1', 'redis-queue-2'])
          await kubectl(['exec', '--namespace', 'erp', pod, '--container', 'redis', '--', 'sh', '-c', promote]);
        await sleep(1_000);
      }
    },
    // Sentinel makes a replica of every master but one.
    undo: ({ sleep }) => sleep(20_000),
  },
  {
    family: 'observation',
    name: 'prometheus-is-away',
    seeds: 'Prometheus is scaled down before anybody asked it.',
    on: 'control',
    when: 'after',
    turns: { 'app-error-share': 'inconclusive' },
    may: Object.fromEntries(
      [
        ...['app-p95', 'galera-size', 'galera-size-seen'],
        ...['service', 'galera', 'redis', 'queue', 'cluster'].map(
          (part) => `alert.quiet.part=${part},severity=critical`,
        ),
      ].map((check) => [check, 'Prometheus is asked for it too']),
    ),
    async seed({ kubectl }) {
      await kubectl([...prometheus, '--replicas=0']);
    },
    async undo({ kubectl }) {
      await kubectl([...prometheus, '--replicas=2']);
      await kubectl(['rollout', 'status', '--namespace', 'monitoring', 'statefulset/prometheus', '--timeout=120s']);
    },
  },
  {
    family: 'fault',
    name: 'is-undone-by-somebody',
    seeds: 'Somebody rolls the bad release back before the fault is undone.',
    on: 'web-tier-rollout',
    when: 'holding',
    turns: { 'fault.holding': 'inconclusive' },
    may: { 'fault.effect': 'it is over before its effect was seen' },
    async seed({ kubectl, sleep }) {
      await sleep(3_000);
      await kubectl(['rollout', 'undo', '--namespace', 'erp', web]);
    },
    async undo({ kubectl }) {
      await kubectl(['rollout', 'status', '--namespace', 'erp', web, '--timeout=120s']);
    },
  },
  {
    family: 'fault',
    name: 'leaves-a-policy',
    seeds: 'A NetworkPolicy that was not there before is left in the target.',
    on: 'web-pod-kill',
    when: 'holding',
    turns: { 'run.residue': 'failed' },
    async seed({ kubectl }) {
      await kubectl(['apply', '-f', '-'], JSON.stringify(leftover));
    },
    async undo({ kubectl }) {
      await kubectl(['delete', 'networkpolicy', '--namespace', 'erp', leftover.metadata.name, '--ignore-not-found']);
    },
  },
];

const prometheus = ['scale', '--namespace', 'monitoring', 'statefulset/prometheus'];
const promote = 'redis-cli replicaof no one';

/** It selects no pod. */
const leftover = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'left-by-nobody', namespace: 'erp', labels: { 'shakedown.dev/run': 'rleft' } },
  spec: { podSelector: { matchLabels: { nobody: 'has-this' } }, policyTypes: ['Ingress'] },
};
