// A gate that was never seen to block proves nothing: with an app that acknowledges before it commits, it must block and name what was lost.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';
import { shakedown } from './shakedown.ts';

const deployment = 'deployment/workshop-erpnext-gunicorn';
const scratch = await mkdtemp(join(tmpdir(), 'shakedown-defect-'));

async function setDefect(value: string): Promise<void> {
  await kubectl(['set', 'env', '--namespace', 'erp', deployment, value]);
  await kubectl(['rollout', 'status', '--namespace', 'erp', deployment, '--timeout=120s']);
}

afterAll(async () => {
  await setDefect('WORKSHOP_DEFECT-');
  await rm(scratch, { recursive: true, force: true });
});

it('acknowledging before commit is found out: not ready, lost markers named', async () => {
  await setDefect('WORKSHOP_DEFECT=ack-before-commit');
  const play = () => shakedown('run', 'galera-writer-crash', '--json', '--runs', scratch);
  let ran = await play();
  let answer = JSON.parse(ran.stdout);
  // Not steady before the fault, so soon after what the test before did: nothing was injected, and it is played again. Once.
  if (answer.runs[0].ended === 'aborted') {
    ran = await play();
    answer = JSON.parse(ran.stdout);
  }
  expect(answer.runs[0].ledger.lost, ran.stderr).toBeGreaterThan(0);
  const lost = answer.runs[0].findings.find(({ check }: { check: string }) => check === 'ledger.lost');
  expect(lost.outcome).toBe('failed');
  expect(lost.examples.length).toBeGreaterThan(0);
  expect(ran.code).toBe(1);
});
