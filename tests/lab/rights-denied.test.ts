// A suite that lacks a right in the middle of a fault says which, and leaves nothing: here it comes as the guardian, who may undo and not inject.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { kubectl } from '../../lab/kubectl.ts';
import { paths } from '../../lab/places.ts';
import type { Target } from '../../lib/model/target.ts';
import { keptInTarget, openLab } from '../faults/hanging-suite.ts';
import { repo, run } from './shakedown.ts';

interface Kubeconfig {
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
}

it('what may not be deleted is told with the right that is missing, and nothing is left', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'shakedown-denied-'));
  try {
    const target = parse(await readFile(paths.target, 'utf8')) as Target;
    const config = parse(await readFile(target.kubernetes.kubeconfig, 'utf8')) as Kubeconfig;
    const token = await kubectl(['create', 'token', 'shakedown-guardian', '--namespace', 'shakedown']);
    const kubeconfig = join(scratch, 'kubeconfig');
    const users = config.users.map(({ name }) => ({ name, user: { token: token.trim() } }));
    await writeFile(kubeconfig, stringify({ ...config, users }), { mode: 0o600 });
    const file = join(scratch, 'target.yaml');
    await writeFile(file, stringify({ ...target, kubernetes: { kubeconfig } }));

    const played = await run(
      process.execPath,
      [join(repo, 'tests/faults/play-fault.ts'), 'pods/delete', '--target', file],
      scratch,
    );
    expect(played.code, played.stdout).toBe(1);
    expect(played.stdout).toContain('403');
    expect(played.stdout).toContain('give the suite’s user this right');
    expect(played.stdout).not.toContain(token.trim());
    await using reach = await openLab();
    // What the guardian told of an earlier run is nothing of this one.
    expect((await keptInTarget(reach)).filter((name) => !name.startsWith('shakedown-guardian-'))).toEqual([]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
