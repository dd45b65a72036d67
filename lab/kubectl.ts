// kubectl against the lab, with the lab's own kubeconfig. Secrets go through standard input, never through arguments.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labDir, paths } from './places.ts';
import { $ } from './shell.ts';
import { programsDir } from './steps/programs.ts';

export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const program = join(programsDir('kubernetes'), 'kubectl');
  const ran = await $({
    quiet: true,
    input: input ?? '',
  })`${program} --kubeconfig ${paths.kubeconfig} ${args}`.nothrow();
  if (ran.exitCode !== 0) throw new Error(`kubectl ${args.slice(0, 6).join(' ')}: ${ran.stderr.trim().slice(0, 600)}`);
  return ran.stdout;
}

export const apply = (yaml: string): Promise<string> =>
  kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=lab', '-f', '-'], yaml);
export const applyObject = (object: unknown): Promise<string> => apply(JSON.stringify(object));

/** A manifest of lab/manifests with its ${PLACEHOLDERS} filled in; one that is left over is an error. */
export async function manifest(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(labDir, 'manifests', `${name}.yaml`), 'utf8');
  return text.replace(/\$\{(\w+)\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`manifests/${name}.yaml: no value for ${key}`);
    return value;
  });
}

/** Undefined when the object is not there. */
export async function getJson<T>(kind: string, namespace: string, name: string): Promise<T | undefined> {
  const text = await kubectl(['get', kind, name, '--namespace', namespace, '--ignore-not-found', '--output', 'json']);
  return text.trim() ? (JSON.parse(text) as T) : undefined;
}

export const secret = (
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
  type = 'Opaque',
): unknown => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  type,
  stringData: data,
});
export const configMap = (namespace: string, name: string, data: Readonly<Record<string, string>>): unknown => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
