// Keys and certificates of one lab, made anew with each lab and kept readable by root alone.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { network, paths } from './places.ts';
import { $ } from './shell.ts';

export type Authority = 'cluster-ca' | 'site-ca' | 'xds-ca';

interface Leaf {
  readonly authority: Authority;
  readonly subject: string;
  readonly names?: readonly string[];
}

const cluster = (subject: string, names?: readonly string[]): Leaf => ({
  authority: 'cluster-ca',
  subject,
  ...(names && { names }),
});

const leaves = {
  apiserver: cluster('/CN=kube-apiserver', [
    ...[network.controlPlane, network.kubernetesService, '127.0.0.1'].map((address) => `IP:${address}`),
    ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'].map(
      (name) => `DNS:${name}`,
    ),
  ]),
  'apiserver-kubelet': cluster('/O=system:masters/CN=apiserver-kubelet'),
  admin: cluster('/O=system:masters/CN=lab-admin'),
  'controller-manager': cluster('/CN=system:kube-controller-manager'),
  scheduler: cluster('/CN=system:kube-scheduler'),
  'kube-proxy': cluster('/CN=system:kube-proxy'),
  'node-1': cluster('/O=system:nodes/CN=system:node:node-1'),
  'node-2': cluster('/O=system:nodes/CN=system:node:node-2'),
  'node-3': cluster('/O=system:nodes/CN=system:node:node-3'),
  suite: cluster('/CN=shakedown-suite'),
  contour: { authority: 'xds-ca', subject: '/CN=contour', names: ['DNS:contour', 'DNS:contour.projectcontour.svc'] },
  envoy: { authority: 'xds-ca', subject: '/CN=envoy', names: ['DNS:envoy', 'DNS:envoy.projectcontour.svc'] },
} as const satisfies Record<string, Leaf>;

export type LeafName = keyof typeof leaves;

export const pkiFile = (name: LeafName | Authority | 'service-accounts', kind: 'crt' | 'key' | 'pub'): string =>
  join(paths.pki, `${name}.${kind}`);
export const pkiExists = (): boolean => existsSync(join(paths.pki, 'complete'));

export async function makePki(): Promise<void> {
  await mkdir(paths.pki, { recursive: true, mode: 0o700 });
  const openssl = $({ quiet: true, cwd: paths.pki });
  for (const authority of ['cluster-ca', 'site-ca', 'xds-ca'] as const) {
    await openssl`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj ${`/O=Shakedown lab/CN=${authority}`} -addext keyUsage=critical,keyCertSign,cRLSign -keyout ${authority}.key -out ${authority}.crt`;
  }
  for (const [name, leaf] of Object.entries(leaves) as [LeafName, Leaf][]) {
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      ...(leaf.names ? [`subjectAltName=${leaf.names.join(',')}`] : []),
    ];
    await writeFile(join(paths.pki, `${name}.ext`), `${extensions.join('\n')}\n`);
    await openssl`openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj ${leaf.subject} -keyout ${name}.key -out ${name}.csr`;
    await openssl`openssl x509 -req -in ${name}.csr -CA ${leaf.authority}.crt -CAkey ${leaf.authority}.key -CAcreateserial -days 3650 -extfile ${name}.ext -out ${name}.crt`;
  }
  await openssl`openssl genrsa -out service-accounts.key 2048`;
  await openssl`openssl rsa -in service-accounts.key -pubout -out service-accounts.pub`;
  await writeFile(paths.encryption, `${JSON.stringify(encryptionAtRest())}\n`, { mode: 0o600 });
  await openssl`sh -c ${'chmod 600 *.key && touch complete'}`;
}

/** What the API server encrypts before it writes to etcd, with a key that is made once for each lab. */
function encryptionAtRest(): unknown {
  const key = { name: 'lab', secret: randomBytes(32).toString('base64') };
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys: [key] } }, { identity: {} }] }],
  };
}

/** Everything inline, so that the file works wherever it is copied to. */
export async function writeKubeconfig(file: string, user: LeafName): Promise<void> {
  const inline = async (path: string): Promise<string> => (await readFile(path)).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [
      {
        name: 'lab',
        cluster: {
          server: `https://${network.controlPlane}:6443`,
          'certificate-authority-data': await inline(pkiFile('cluster-ca', 'crt')),
        },
      },
    ],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': await inline(pkiFile(user, 'crt')),
          'client-key-data': await inline(pkiFile(user, 'key')),
        },
      },
    ],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
  };
  await writeFile(file, JSON.stringify(config, null, 1), { mode: 0o600 });
}
