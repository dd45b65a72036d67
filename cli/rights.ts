// `shakedown rights`: the Roles that the suite and its guardian need on a target, made of what the faults say of themselves. The lab applies
// the same text, so a fault that asks for too little fails there, and nobody is given more than is used.
import { Command } from 'commander';
import { stringify } from 'yaml';
import { faults } from '../chaos/registry.ts';
import type { Right } from '../lib/model/fault.ts';
import { merged, rightsOfRuns } from '../lib/model/rights.ts';
import type { Target } from '../lib/model/target.ts';
import { readTargetFile } from './target-file.ts';

export function rightsCommand(): Command {
  return new Command('rights')
    .description('print the Roles that the suite and its guardian need on a target, for kubectl apply; touches nothing')
    .requiredOption('--target <file>', 'target file; it alone is read')
    .option('--user <name>', 'the user that the suite comes as', 'shakedown-suite')
    .action(async ({ target, user }: { target: string; user: string }) =>
      console.log(rolesOf(await readTargetFile(target), user)),
    );
}

/** Roles, ClusterRoles and their bindings as YAML: of the suite's user, and of the guardian's service account in the suite's namespace. */
export function rolesOf(target: Target, user: string): string {
  const runs = rightsOfRuns(target);
  const of = faults.map(({ fault }) => fault.rights(target));
  const undo = [...runs.undo, ...of.flatMap((rights) => rights.undo)];
  const suite = [...runs.inject, ...of.flatMap((rights) => rights.inject), ...undo];
  const guardian = { kind: 'ServiceAccount', name: 'shakedown-guardian', namespace: target.suite.namespace };
  return [
    ...rolesFor('shakedown-suite', merged(suite), {
      kind: 'User',
      name: user,
      apiGroup: 'rbac.authorization.k8s.io',
    }),
    ...rolesFor('shakedown-guardian', merged(undo), guardian),
  ]
    .map((object) => stringify(object))
    .join('---\n');
}

function rolesFor(name: string, rights: readonly Right[], subject: object): readonly object[] {
  const namespaces = [...new Set(rights.map(({ namespace }) => namespace))].sort();
  return namespaces.flatMap((namespace) => {
    const prefix = namespace === undefined ? 'Cluster' : '';
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const rules = rights
      .filter((right) => right.namespace === namespace)
      .map(({ apiGroup, resources, verbs, names }) => ({
        apiGroups: [apiGroup],
        resources,
        ...(names ? { resourceNames: names } : {}),
        verbs,
      }));
    const open = namespace === undefined ? [{ nonResourceURLs: ['/version'], verbs: ['get'] }] : [];
    return [
      { apiVersion, kind: `${prefix}Role`, metadata, rules: [...rules, ...open] },
      {
        apiVersion,
        kind: `${prefix}RoleBinding`,
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${prefix}Role`, name },
        subjects: [subject],
      },
    ];
  });
}
