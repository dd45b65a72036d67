// cert-manager from its own chart, with the programs that were built here, and the issuers on it: the lab's own CA, and Pebble.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { apply, applyObject, getJson, kubectl, manifest, secret } from '../kubectl.ts';
import { pkiFile } from '../pki.ts';
import { kubernetesVersion } from '../places.ts';
import { $ } from '../shell.ts';
import { until } from '../step.ts';
import { imageReference } from './images.ts';
import { programsDir } from './programs.ts';

const namespace = 'cert-manager';
const parts = ['controller', 'webhook', 'cainjector'] as const;

export async function certificates(values: Readonly<Record<string, string>>): Promise<void> {
  await apply(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
  await apply(await renderedChart());
  for (const part of parts)
    await kubectl(['rollout', 'status', `deployment/${nameOf(part)}`, '--namespace', namespace, '--timeout=120s']);
  const pem = (kind: 'crt' | 'key') => readFile(pkiFile('site-ca', kind), 'utf8');
  await applyObject(
    secret(namespace, 'lab-ca', { 'tls.crt': await pem('crt'), 'tls.key': await pem('key') }, 'kubernetes.io/tls'),
  );
  // The webhook answers a moment after its pod is ready: its certificate has to reach the API server first.
  const filled = await manifest('certificates', values);
  await until('cert-manager takes what it is given', 60_000, () =>
    apply(filled).then(
      () => true as const,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
  );
  for (const name of ['site', 'database']) await issued(name);
}

/** Pebble first: an issuer that was refused is tried again only after half a minute. */
export async function acme(values: Readonly<Record<string, string>>): Promise<void> {
  const bundle = Buffer.from(await readFile(pkiFile('site-ca', 'crt'))).toString('base64');
  await apply(await manifest('pebble', values));
  await kubectl(['rollout', 'status', 'deployment/pebble', '--namespace', namespace, '--timeout=120s']);
  await apply(await manifest('acme', { ...values, SITE_CA_BUNDLE: bundle }));
  await issued('drill');
}

function issued(name: string): Promise<void> {
  return until(`the certificate ${name} is issued`, 120_000, async () => {
    const certificate = await getJson<{
      status?: { conditions?: { type: string; status: string; message: string }[] };
    }>('certificate', 'erp', name);
    const ready = certificate?.status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' || (ready?.message ?? 'nothing is said of it yet');
  });
}

const nameOf = (part: (typeof parts)[number]) => (part === 'controller' ? 'cert-manager' : `cert-manager-${part}`);

/** The chart of the release that was built, CRDs included; its images are replaced by ours, which hold all programs. */
async function renderedChart(): Promise<string> {
  const built = programsDir('cert-manager');
  const chart = await mkdtemp(join(tmpdir(), 'shakedown-cert-manager-'));
  try {
    await $({ quiet: true })`cp -r ${join(built, 'cert-manager')}/. ${chart}`;
    await copyFile(join(chart, 'Chart.template.yaml'), join(chart, 'Chart.yaml'));
    await $({ quiet: true })`cp -r ${join(built, 'crds')}/. ${join(chart, 'templates')}`;
    await rm(join(chart, 'templates/README.md'), { force: true });
    await writeFile(join(chart, 'ours.yaml'), stringify(chartValues()));
    const helm = $({ quiet: true, env: { ...process.env, HOME: '/root' } });
    const { stdout } =
      await helm`${join(programsDir('helm'), 'helm')} template cert-manager ${chart} --namespace ${namespace} --kube-version ${kubernetesVersion} --values ${join(chart, 'ours.yaml')}`;
    return parseAllDocuments(stdout)
      .map((document) => document.toJS() as Rendered | null)
      .filter((object) => object !== null)
      .map((object) => stringify(object.kind === 'Deployment' ? withOurProgram(object) : object))
      .join('---\n');
  } finally {
    await rm(chart, { recursive: true, force: true });
  }
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: { readonly spec: { readonly containers: Record<string, unknown>[] } } };
}

function withOurProgram(deployment: Rendered): Rendered {
  const part = parts.find((one) => nameOf(one) === deployment.metadata.name);
  const [container] = deployment.spec.template.spec.containers;
  if (!part || !container)
    throw new Error(`cert-manager's chart has a Deployment ${deployment.metadata.name}, not known here`);
  container.command = [`/usr/local/bin/${part}`];
  container.securityContext = { ...(container.securityContext as object), readOnlyRootFilesystem: true };
  return deployment;
}

function chartValues(): unknown {
  const [repository, tag] = imageReference('certificates').split(':') as [string, string];
  const image = { repository, tag, pullPolicy: 'Never' };
  const resources = { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '300m', memory: '128Mi' } };
  return {
    image,
    resources,
    webhook: { image, resources },
    cainjector: { image, resources },
    acmesolver: { image },
    startupapicheck: { enabled: false },
    // Leases in its own namespace: nothing of it is needed elsewhere.
    global: { leaderElection: { namespace } },
    installCRDs: true,
  };
}
