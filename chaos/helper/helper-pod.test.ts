// Helper pods on a cluster in memory; their main script runs for real.
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fakeNode, fakePod } from '../../tests/fakes/cluster.ts';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { armHelper, helpersLeft, helperToUndo, removeHelper, runInHelper } from './helper-pod.ts';

test('the helper is pinned, privileged, labelled, ends by itself, and is removed twice without complaint', async () => {
  const reach = fakeReach();
  const armed = await armHelper(reach, { kubernetesNode: 'kubernetes-node-2', purpose: 'signal-galera-1' });
  expect(reach.cluster.objects.get(`Pod shakedown/${armed.name}`)).toMatchObject({
    metadata: { labels: { 'shakedown.dev/run': 'rtest', 'shakedown.dev/part': 'helper' } },
    spec: {
      nodeName: 'kubernetes-node-2',
      hostPID: true,
      activeDeadlineSeconds: 960,
      automountServiceAccountToken: false,
      containers: [{ image: 'helper', securityContext: { privileged: true } }],
    },
  });
  expect(await helpersLeft(reach.cluster, 'shakedown', 'rtest')).toEqual([armed.name]);
  await removeHelper(reach.cluster, armed);
  await removeHelper(reach.cluster, armed);
  expect(await helpersLeft(reach.cluster, 'shakedown', 'rtest')).toEqual([]);
});

test('a long purpose is cut in its middle: the run and the pod are still told apart', async () => {
  const purpose = 'freeze-workshop-erpnext-worker-default-94b64f458-cqjhs';
  const { name } = await armHelper(fakeReach(), { kubernetesNode: 'n', purpose });
  expect(name).toHaveLength(63);
  expect(name).toMatch(/^shakedown-freeze-works-.*-94b64f458-cqjhs-rtest$/);
});

test('a helper that never runs is removed, and the failure says what was last seen', async () => {
  const reach = fakeReach();
  const { pod } = reach.cluster;
  reach.cluster.pod = async (namespace, name) => {
    const found = await pod(namespace, name);
    return found && { ...found, ready: false, phase: 'Pending' };
  };
  await expect(armHelper(reach, { kubernetesNode: 'n', purpose: 'signal-galera-1' })).rejects.toThrow(
    'not within 60000 ms, last seen: phase Pending',
  );
  expect(reach.cluster.podList).toEqual([]);
});

/** The pod's own command, as the kubelet would start it. */
async function mainOf(request: Parameters<typeof armHelper>[1]): Promise<[string, string[]]> {
  const memory = await mkdtemp(join(tmpdir(), 'shakedown-memory-'));
  const reach = fakeReach();
  const { name } = await armHelper(reach, request);
  const pod = reach.cluster.objects.get(`Pod shakedown/${name}`) as never as {
    spec: { containers: [{ command: [string, ...string[]] }] };
  };
  const [program, ...args] = pod.spec.containers[0].command;
  return [program, args.map((word) => word.replaceAll('/dev/shm', memory))];
}

test('its last will is done when its time is over, and once', async () => {
  const [program, args] = await mainOf({ kubernetesNode: 'n', purpose: 'x', lifeSeconds: 0, lastWill: 'echo gone' });
  expect((await promisify(execFile)(program, args)).stdout).toBe('gone\n');
});

test('its last will is done when it is told to end', async () => {
  const [program, args] = await mainOf({ kubernetesNode: 'n', purpose: 'x', lastWill: 'echo gone' });
  const child = execFile(program, args);
  let said = '';
  child.stdout?.on('data', (text) => {
    said += text;
  });
  setTimeout(() => child.kill('SIGTERM'), 300);
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, said]).toEqual([0, 'gone\n']);
});

test('to undo, the armed helper serves; one that is gone is replaced, unless its Kubernetes node is away', async () => {
  const reach = fakeReach();
  const request = { kubernetesNode: 'kubernetes-node-2', purpose: 'rules-galera-1' };
  const armed = await armHelper(reach, request);
  expect(await helperToUndo(reach, armed, request)).toEqual(armed);
  await removeHelper(reach.cluster, armed);
  expect(await helperToUndo(reach, armed, request)).toBe('gone');
  reach.cluster.objects.set('Node /kubernetes-node-2', fakeNode('kubernetes-node-2', false));
  expect(await helperToUndo(reach, armed, request)).toBe('away');
  reach.cluster.objects.set('Node /kubernetes-node-2', fakeNode('kubernetes-node-2', true));
  expect(await helperToUndo(reach, armed, request)).toEqual(armed);
  expect(await helpersLeft(reach.cluster, 'shakedown', 'rtest')).toEqual([armed.name]);
});

test('what a script says when it fails is told', async () => {
  const reach = fakeReach();
  reach.cluster.podList.push(fakePod({ namespace: 'shakedown', name: 'h' }));
  reach.cluster.exec = async () => ({ exitCode: 3, stdout: '', stderr: 'no such chain\n' });
  await expect(runInHelper(reach.cluster, { namespace: 'shakedown', name: 'h' }, 'true')).rejects.toThrow(
    'helper h: exit 3: no such chain',
  );
});
