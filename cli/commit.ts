// Which state of the suite this is, as git says it.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** `-dirty` when something was changed since; `unknown` without git. */
export async function commitHere(): Promise<string> {
  const git = promisify(execFile);
  const { stdout } = await git('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
    cwd: import.meta.dirname,
  }).catch(() => ({ stdout: '' }));
  return stdout.trim() || 'unknown';
}
