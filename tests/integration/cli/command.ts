// Runs the real command line in a process of its own, as its user would, with nothing of a cluster behind it.
import { cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { fakeTarget } from '../../fakes/run.ts';
import { type Ran, repo, run } from '../../lab/shakedown.ts';

export const scratchFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'shakedown-cli-'));

export const shakedownIn = (
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  checkout = repo,
): Promise<Ran> => run(process.execPath, [join(checkout, 'cli/main.ts'), ...args], folder, environment);

/** A target file that is right in itself; its API server is a loopback port on which nobody listens. */
export async function unreachableTarget(folder: string): Promise<string> {
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'closed', cluster: { server: 'https://127.0.0.1:9' } }],
      users: [{ name: 'nobody', user: { token: 'not-a-token' } }],
      contexts: [{ name: 'closed', context: { cluster: 'closed', user: 'nobody' } }],
      'current-context': 'closed',
    }),
  );
  const file = join(folder, 'target.yaml');
  await writeFile(file, stringify({ ...fakeTarget, kubernetes: { kubeconfig } }));
  return file;
}

/** A copy of what the command needs, so that a test can spoil its configuration. */
export async function copiedCheckout(folder: string): Promise<string> {
  const copy = join(folder, 'checkout');
  await mkdir(copy);
  for (const part of [
    'cli',
    'lib',
    'load',
    'scenarios',
    'chaos',
    'reports',
    'selftest',
    'lab',
    'k6.config.ts',
    'package.json',
  ])
    await cp(join(repo, part), join(copy, part), { recursive: true });
  await symlink(join(repo, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
