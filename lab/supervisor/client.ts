// Talks to the lab's host supervisor over its socket; also starts it.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { logDir, paths, runDir, stateDir } from '../places.ts';
import { until } from '../step.ts';
import type { SupervisorPlan, SupervisorStatus } from './plan.ts';

function call(method: string, path: string, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: paths.supervisorSocket, method, path, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => {
        const answer = JSON.parse(body || '{}');
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(`lab supervisor: ${answer.error ?? `status ${response.statusCode}`}`));
      });
    });
    sent
      .on('error', reject)
      .on('timeout', () =>
        sent.destroy(new Error(`lab supervisor: no answer to ${method} ${path} within ${timeoutMs} ms`)),
      );
    sent.end();
  });
}

/** Undefined when no lab is running on this machine. */
export async function supervisorStatus(): Promise<SupervisorStatus | undefined> {
  return (await call('GET', '/status', 5000).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return undefined;
    throw error;
  })) as SupervisorStatus | undefined;
}

export const switchPower = async (node: string, power: 'on' | 'off'): Promise<SupervisorStatus> =>
  (await call('POST', `/nodes/${node}/power/${power}`, 60_000)) as SupervisorStatus;

export async function stopSupervisor(): Promise<void> {
  const status = await supervisorStatus();
  if (!status) return;
  await call('POST', '/stop', 60_000);
  await until(
    'lab supervisor has ended',
    20_000,
    async () => !isAlive(status.pid) || `process ${status.pid} is still there`,
  );
}

export async function startSupervisor(plan: SupervisorPlan): Promise<void> {
  await mkdir(runDir, { recursive: true });
  await mkdir(logDir, { recursive: true });
  const file = join(stateDir, 'supervisor.json');
  await writeFile(file, JSON.stringify(plan, null, 1));
  await rm(join(logDir, 'supervisor.ready'), { force: true });
  const log = openSync(join(logDir, 'supervisor.log'), 'a');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), file], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
  });
  child.unref();
  await until('lab supervisor answers', 60_000, async () => {
    if (child.exitCode !== null)
      throw new Error(
        `it ended with ${child.exitCode}: ${(await readFile(join(logDir, 'supervisor.log'), 'utf8')).trim().split('\n').slice(-3).join(' | ')}`,
      );
    return (await supervisorStatus()) ? true : 'no answer yet';
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
