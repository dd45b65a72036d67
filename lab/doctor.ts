// What this machine lacks for the lab, and what the running lab lacks, each with what to do about it. Only looks; changes nothing.
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { networkInterfaces, totalmem } from 'node:os';
import { join } from 'node:path';
import { labStatus } from './lab.ts';
import { cacheDir, labDir, network, stateDir } from './places.ts';
import { $ } from './shell.ts';
import { programNames, programsDir } from './steps/programs.ts';
import { supervisorStatus } from './supervisor/client.ts';

export interface Complaint {
  readonly what: string;
  readonly next: string;
}

const gibibyte = 1024 ** 3;
const memoryMin = 7 * gibibyte;
/** The Go caches take about 9 GB, programs and images 3 GB, the nodes 4 GB. */
const diskColdMin = 24 * gibibyte;
const diskWarmMin = 3 * gibibyte;

/** What would keep the lab from coming up on this machine. */
export async function doctor(): Promise<readonly Complaint[]> {
  const complaints: Complaint[] = [];
  const complain = (what: string, next: string): void => {
    complaints.push({ what, next });
  };
  if (process.platform !== 'linux')
    return [
      {
        what: `this is ${process.platform}; the lab needs Linux`,
        next: 'use a Debian 12 machine, or your own cluster with --target FILE',
      },
    ];
  if (process.getuid?.() !== 0)
    complain(
      'not root; the lab makes namespaces and mounts',
      'run it as root, or use your own cluster with --target FILE',
    );
  const unbuilt = programNames.filter((name) => !existsSync(programsDir(name)));
  const warm = unbuilt.length === 0;
  if (!warm) {
    const version = /go(\d+)\.(\d+)/.exec((await $({ quiet: true })`go env GOVERSION`.nothrow()).stdout);
    const wanted = /^go (\d+)\.(\d+)/m.exec(readFileSync(join(labDir, 'builds/contour/go.mod'), 'utf8'));
    if (!version)
      complain('no Go compiler found', `install Go ${wanted?.[1]}.${wanted?.[2]} or newer and put it on the PATH`);
    else if (Number(version[1]) === Number(wanted?.[1]) && Number(version[2]) < Number(wanted?.[2]))
      complain(`Go ${version[1]}.${version[2]} is too old`, `install Go ${wanted?.[1]}.${wanted?.[2]} or newer`);
    else if ((await $({ quiet: true, timeout: '30s' })`go list -m golang.org/x/mod@latest`.nothrow()).exitCode !== 0)
      complain('no registry of Go modules within reach', 'check the network, and GOPROXY (go env GOPROXY)');
    if ((await $({ quiet: true })`which apt-get`.nothrow()).exitCode !== 0)
      complain('no apt-get; the lab builds on Debian packages', 'use Debian 12');
  }
  if (totalmem() < memoryMin)
    complain(`${(totalmem() / gibibyte).toFixed(1)} GiB of memory; the lab wants 7`, 'use a larger machine');
  for (const folder of [cacheDir, '/var/lib']) {
    const disk = await statfs(existsSync(folder) ? folder : '/var');
    const free = disk.bavail * disk.bsize;
    const wanted = unbuilt.includes('kubernetes') ? diskColdMin : diskWarmMin;
    if (free < wanted) {
      complain(
        `${(free / gibibyte).toFixed(1)} GiB free under ${folder}; the lab wants ${(wanted / gibibyte).toFixed(0)}`,
        `free some space, or set SHAKEDOWN_CACHE to a folder with more (now ${cacheDir})`,
      );
      break;
    }
  }
  if (!(await supervisorStatus().catch(() => undefined))) {
    for (const [name, addresses] of Object.entries(networkInterfaces()))
      for (const { address } of addresses ?? [])
        if (/^198\.1[89]\./.test(address) && name !== network.bridge)
          complain(
            `interface ${name} has ${address}, in the lab's range 198.18.0.0/15`,
            `take the address away (ip address del ${address} dev ${name})`,
          );
  }
  return complaints;
}

/** What a lab that is up, or should be, is missing. Nothing to say of one that is down. */
export async function labComplaints(): Promise<readonly Complaint[]> {
  const { state, scope, outstanding, kubernetesNodes, supervisor, parts } = await labStatus();
  if (state === 'down') return [];
  const off = supervisor?.nodes.filter(({ power }) => power === 'off').map(({ name }) => name) ?? [];
  const up = `shakedown lab up${scope === 'core' ? ' --only core' : ''}`;
  return [
    ...off.map((name) => ({ what: `the power of ${name} is off`, next: `shakedown lab power ${name} on` })),
    ...kubernetesNodes
      .filter(({ name, ready }) => !ready && !off.includes(name))
      .map(({ name }) => ({
        what: `${name} is not Ready`,
        next: `wait a minute; then see the logs in ${stateDir}/nodes/${name}`,
      })),
    ...(outstanding.length > 0 ? [{ what: `not done, or changed since: ${outstanding.join(', ')}`, next: up }] : []),
    ...parts
      .filter((part) => part.health === 'missing' && (part.scope === 'core' || scope === 'full'))
      .map(({ name, is }) => ({ what: `${name} (${is}) is not there`, next: up })),
    ...parts
      .filter(({ health }) => health === 'unwell')
      .map(({ name, is, ready, wanted }) => ({
        what: `${name} (${is}) has ${ready} of ${wanted} pods ready`,
        next: 'wait a minute; then shakedown lab status, and kubectl describe of its pods',
      })),
    ...parts
      .filter((part) => part.health === 'missing' && part.scope === 'full' && scope === 'core')
      .map(({ name, is }) => ({
        what: `${name} (${is}) belongs to the full lab, and only the core is up`,
        next: 'shakedown lab up',
      })),
  ];
}
