// What is seeded into the lab: what the app can be told to do wrong, and what somebody with rights in the cluster could.
import type { Hands, LabDefect } from './lab-defect.ts';

const web = 'deployment/workshop-erpnext-gunicorn';
const shortWorker = 'deployment/workshop-erpnext-worker-s';
const books = { 'stock.documents': 'the books follow what is stored, not what was answered' };
const sentinelMends = 'Sentinel may mend it, and what it does to others is its own';

/** By a rollout, as a release would bring it. */
function builtIn(name: string, deployment = web): Pick<LabDefect, 'seed' | 'undo'> {
  const set = async ({ kubectl }: Hands, value: string): Promise<void> => {
    await kubectl(['set', 'env', '--namespace', 'erp', deployment, value]);
    await kubectl(['rollout', 'status', '--namespace', 'erp', deployment, '--timeout=150s']);
    // The old pods end their work; a guard of the run asks whether all is there.
    await kubectl(['wait', '--namespace', 'erp', '--for=condition=Available', deployment, '--timeout=60s']);
  };
  return {
    seed: (hands) => set(hands, `WORKSHOP_DEFECT=${name}`),
    undo: (hands) => set(hands, 'WORKSHOP_DEFECT-'),
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
    may: books,
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
    name: 'prometheus-restarts-in-the-window',
    seeds: 'Both replicas of Prometheus are killed and come back in the middle of what they should have seen.',
    on: 'control',
    when: 'after',
    turns: { 'app-error-share': 'inconclusive' },
    async seed({ kubectl }) {
      const now = ['--grace-period=0', '--force', '--wait=false'];
      await kubectl(['delete', 'pods', '--namespace', 'monitoring', 'prometheus-0', 'prometheus-1', ...now]);
    },
    async undo({ kubectl }) {
      await kubectl(['rollout', 'status', '--namespace', 'monitoring', 'statefulset/prometheus', '--timeout=120s']);
    },
  },
  {
    family: 'load',
    name: 'is-frozen-for-a-while',
    seeds: 'The load generator stands still for eight seconds.',
    on: 'control',
    when: 'steady',
    turns: { 'load.achieved': 'inconclusive' },
    async seed(hands) {
      await hands.sleep(8_000);
      await hands.signalGenerator('SIGSTOP');
      await hands.sleep(8_000);
      await hands.signalGenerator('SIGCONT');
    },
    async undo() {},
  },
  {
    family: 'fault',
    name: 'is-undone-by-somebody',
    seeds: 'Somebody rolls the bad release back before the fault is undone.',
    on: 'web-tier-rollout',
    when: 'holding',
    turns: { 'fault.holding': 'inconclusive' },
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
    on: 'control',
    when: 'steady',
    turns: { 'run.residue': 'failed' },
    async seed({ kubectl }) {
      await kubectl(['apply', '-f', '-'], JSON.stringify(leftover));
    },
    async undo({ kubectl }) {
      await kubectl(['delete', 'networkpolicy', '--namespace', 'erp', leftover.metadata.name, '--ignore-not-found']);
    },
  },
];

const promote = 'redis-cli replicaof no one';

/** It selects no pod. */
const leftover = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'left-by-nobody', namespace: 'erp', labels: { 'shakedown.dev/run': 'rleft' } },
  spec: { podSelector: { matchLabels: { nobody: 'has-this' } }, policyTypes: ['Ingress'] },
};
