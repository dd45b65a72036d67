// Where the lab keeps things on this machine, and its addresses. One lab a machine, whichever checkout started it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Built things, named by the hash of what they are built from: safe to delete, slow to have again. */
export const cacheDir = process.env.SHAKEDOWN_CACHE ?? '/var/cache/shakedown';
/** The running lab: keys, etcd, nodes, volumes. `lab down` empties it. */
export const stateDir = '/var/lib/shakedown/lab';
/** Sockets and pid files. */
export const runDir = '/run/shakedown';
export const logDir = '/var/log/shakedown';

export const labDir = import.meta.dirname;
export const repoDir = join(labDir, '..');

export const paths = {
  bin: join(cacheDir, 'bin'),
  images: join(cacheDir, 'images'),
  kubeconfig: join(stateDir, 'kubeconfig'),
  target: join(stateDir, 'target.yaml'),
  pki: join(stateDir, 'pki'),
  siteCa: join(stateDir, 'pki', 'site-ca.crt'),
  encryption: join(stateDir, 'pki', 'encryption.json'),
  /** Outside the Kubernetes nodes' own disks: none of them takes it along when it goes. */
  sharedFiles: join(stateDir, 'shared-files'),
  auditPolicy: join(stateDir, 'audit-policy.yaml'),
  auditLog: join(logDir, 'audit.log'),
  supervisorSocket: join(runDir, 'supervisor.sock'),
  supervisorLock: join(runDir, 'supervisor.pid'),
} as const;

// 198.18.0.0/15 is set aside for benchmarks (RFC 2544), so the lab meets nobody's private network.
export const network = {
  bridge: 'shakedown0',
  prefix: 18,
  host: '198.18.0.1',
  controlPlane: '198.18.0.2',
  front: '198.18.0.3',
  serviceRange: '198.18.64.0/20',
  kubernetesService: '198.18.64.1',
  dnsService: '198.18.64.10',
  podRange: '198.19.0.0/16',
} as const;

export interface KubernetesNode {
  readonly name: string;
  readonly address: string;
  readonly podRange: string;
  readonly podGateway: string;
}

export const nodes: readonly KubernetesNode[] = [1, 2, 3].map((n) => ({
  name: `node-${n}`,
  address: `198.18.0.${10 + n}`,
  podRange: `198.19.${n}.0/24`,
  podGateway: `198.19.${n}.1`,
}));

export const siteHost = 'erp.shakedown.test';
/** The same site under a name on which a certificate may really expire. */
export const drillHost = 'drill.shakedown.test';
export const kubernetesVersion = 'v1.34.4';

/** SHA-256 over files, folders (without their tests) and plain strings, in the order given; 12 hex digits. */
export function contentHash(...parts: readonly (string | { readonly file: string })[]): string {
  const hash = createHash('sha256');
  const add = (file: string): void => {
    if (statSync(file).isDirectory())
      for (const entry of readdirSync(file).sort()) entry.endsWith('.test.ts') || add(join(file, entry));
    else hash.update(readFileSync(file)).update('\0');
  };
  for (const part of parts) typeof part === 'string' ? hash.update(part).update('\0') : add(part.file);
  return hash.digest('hex').slice(0, 12);
}
