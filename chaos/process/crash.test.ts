// The mechanism is tested with galera/writer-crash, the scripts in signal.test.ts; here what this fault chooses and what it takes for its effect.
import { expect, test } from 'vitest';
import { fakeCluster, fakeContainer, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { workerCrash as fault } from './crash.ts';

const containerId = 'a1b2c3d4'.repeat(8);

function world() {
  const pod = (changes: Partial<Parameters<typeof fakeContainer>[0]> = {}, uid = 'uid-1') =>
    fakePod({
      namespace: 'erp',
      name: 'worker-1',
      uid,
      labels: { tier: 'worker' },
      kubernetesNode: 'kubernetes-node-1',
      containers: [fakeContainer({ name: 'short', id: containerId, ...changes })],
    });
  const process = (pid: number, startTicks: string) => ({ pid, startTicks, state: 'S', command: 'node', containerId });
  const cluster = fakeCluster({
    pods: [pod()],
    // The child came later, and has the smaller pid.
    processes: { 'kubernetes-node-1': [process(40, '1000'), process(50, '999')] },
  });
  const tier = { namespace: 'erp', selector: 'tier=worker', container: 'short', replicasMin: 1 };
  const target = { ...fakeTarget, tiers: { ...fakeTarget.tiers, 'worker-short': tier } };
  return { cluster, reach: fakeReach({ cluster, target }), pod };
}

test('the container’s main process is the oldest, and is the one that is killed', async () => {
  const { reach, cluster } = world();
  const ticket = await fault.prepare(reach);
  expect(ticket).toEqual({
    runId: 'rtest',
    targets: [{ namespace: 'erp', name: 'worker-1' }],
    helper: { namespace: 'shakedown', name: 'shakedown-signal-worker-1-rtest' },
    process: { containerId, pid: 50, startTicks: '999' },
    podUid: 'uid-1',
    restarts: 0,
    container: 'short',
  });
  await fault.inject(ticket, reach);
  expect(cluster.log).toContain('kill node 50 on kubernetes-node-1');
  expect(await fault.landed(ticket, reach)).toMatchObject({ is: 'yes', evidence: { process: { gone: true } } });
});

test('its effect is that the kubelet saw the very container end and started it again', async () => {
  const { reach, cluster, pod } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  const lastTerminated = { id: containerId, exitCode: 137, finishedAt: 5, reason: 'Error' };
  cluster.podList[0] = pod({ id: '9'.repeat(64), restarts: 1, lastTerminated });
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'yes',
    evidence: { container: { restartsSince: 1, ended: { exitCode: 137 } } },
  });
  cluster.podList[0] = pod({
    id: '9'.repeat(64),
    restarts: 1,
    lastTerminated: { ...lastTerminated, id: '8'.repeat(64) },
  });
  expect((await fault.effect(ticket, reach)).is).toBe('no');
  cluster.podList[0] = pod({ id: '9'.repeat(64) }, 'uid-2');
  expect((await fault.effect(ticket, reach)).is).toBe('cannot-tell');
});

test('undo takes the helper back', async () => {
  const { reach, cluster } = world();
  const ticket = await fault.prepare(reach);
  expect((await fault.residue(ticket, reach)).is).toBe('dirty');
  await fault.undo(ticket, reach);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
  expect(cluster.podList.map(({ name }) => name)).toEqual(['worker-1']);
});
