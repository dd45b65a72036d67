// What this machine lacks for the lab, each with what to do about it. Only looks; changes nothing.
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { networkInterfaces, totalmem } from 'node:os';
import { join } from 'node:path';
import { $ } from 'zx';
import { cacheDir, labDir, network } from './places.ts';
import { programsDir } from './steps/programs.ts';
import { supervisorStatus } from './supervisor/client.ts';

export interface Complaint {
  readonly what: string;
  readonly next: string;
}

const gibibyte = 1024 ** 3;
const memoryMin = 7 * gibibyte;
/** The Go caches take about 9 GB, programs and images 3 GB, the nodes 4 GB. */
const diskColdMin = 20 * gibibyte;
const diskWarmMin = 3 * gibibyte;

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
  const warm = existsSync(join(programsDir('kubernetes'), 'kubelet'));
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
    const wanted = warm ? diskWarmMin : diskColdMin;
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
