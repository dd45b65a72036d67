// Plays a scenario with the real command, and does something to it as soon as its progress says what is waited for.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Ran, repo } from './shakedown.ts';

export const program = [process.execPath, join(repo, 'cli/main.ts')] as const;

export function playUntil(
  runs: string,
  scenario: string,
  says: string,
  act: (suite: ChildProcess) => unknown,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const [node, main] = program;
    const child = spawn(node, [main, 'run', scenario, '--json', '--runs', runs], {
      cwd: repo,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr, acted] = ['', '', false];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      if (acted || !stderr.includes(says)) return;
      acted = true;
      Promise.resolve(act(child)).catch(reject);
    });
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
