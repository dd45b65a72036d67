// Go programs, each built from its own go.mod under lab/builds; the result is kept by the hash of what it is built from.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, contentHash, kubernetesVersion, labDir } from '../places.ts';
import { $ } from '../shell.ts';
import type { Step } from '../step.ts';

interface Build {
  readonly packages: readonly string[];
  readonly seconds: number;
  readonly ldflags?: string;
  /** Files and folders of the main module that are applied as they are, such as CRDs. */
  readonly files?: readonly string[];
  readonly module?: string;
}

const versionFlags = [
  `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  '-X k8s.io/component-base/version.gitMajor=1',
  '-X k8s.io/component-base/version.gitMinor=34',
].join(' ');

const builds = {
  kubernetes: {
    packages: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'].map(
      (name) => `k8s.io/kubernetes/cmd/${name}`,
    ),
    ldflags: versionFlags,
    seconds: 300,
  },
  coredns: { packages: ['github.com/coredns/coredns'], seconds: 90 },
  contour: {
    packages: ['github.com/projectcontour/contour/cmd/contour'],
    seconds: 100,
    module: 'github.com/projectcontour/contour',
    files: ['examples/contour/01-crds.yaml', 'examples/contour/02-rbac.yaml', 'examples/contour/02-role-contour.yaml'],
  },
  'kube-state-metrics': {
    packages: ['k8s.io/kube-state-metrics/v2'],
    seconds: 80,
  },
  helm: { packages: ['helm.sh/helm/v4/cmd/helm'], seconds: 90 },
  'cert-manager': {
    packages: ['controller', 'webhook', 'cainjector', 'acmesolver'].map(
      (name) => `github.com/cert-manager/cert-manager/cmd/${name}`,
    ),
    module: 'github.com/cert-manager/cert-manager',
    files: ['deploy/crds', 'deploy/charts/cert-manager'],
    seconds: 90,
  },
  'kube-router': { packages: ['github.com/cloudnativelabs/kube-router/v2/cmd/kube-router'], seconds: 60 },
  versitygw: { packages: ['github.com/versity/versitygw/cmd/versitygw'], seconds: 90 },
  'local-path-provisioner': { packages: ['github.com/rancher/local-path-provisioner'], seconds: 70 },
  toxiproxy: { packages: ['github.com/Shopify/toxiproxy/v2/cmd/server'], seconds: 15 },
  k6: { packages: ['go.k6.io/k6/v2'], seconds: 60 },
} as const satisfies Record<string, Build>;

export type Program = keyof typeof builds;
export const programNames = Object.keys(builds) as readonly Program[];

/** Folder with the programs (and files) of one build; its name changes with what it is built from. */
export function programsDir(name: Program): string {
  const build: Build = builds[name];
  return join(
    cacheDir,
    'programs',
    `${name}-${contentHash({ file: join(labDir, 'builds', name) }, JSON.stringify(build))}`,
  );
}

/** One after the other: two compilers at once only fight over the cores and the memory. */
export function programSteps(): readonly Step[] {
  return programNames.map((name, index) => {
    const build: Build = builds[name];
    const folder = programsDir(name);
    const before = programNames[index - 1];
    return {
      name: `cache/programs/${name}`,
      says: `building ${name}`,
      needs: before ? [`cache/programs/${before}`] : [],
      seconds: build.seconds,
      done: async () => existsSync(folder),
      async run() {
        const draft = `${folder}.draft`;
        await rm(draft, { recursive: true, force: true });
        await mkdir(draft, { recursive: true });
        const go = $({
          cwd: join(labDir, 'builds', name),
          quiet: true,
          env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly', GOTOOLCHAIN: 'local' },
        });
        await go`go build -trimpath -ldflags ${`-s -w ${build.ldflags ?? ''}`} -o ${draft}/ ${build.packages}`;
        if (build.module) {
          const moduleDir = (await go`go list -m -f {{.Dir}} ${build.module}`).stdout.trim();
          for (const file of build.files ?? []) await $`cp -r ${join(moduleDir, file)} ${draft}/`;
          // A module's files are read-only, and so would be a folder of them.
          await $`chmod -R u+w ${draft}`;
        }
        await rm(folder, { recursive: true, force: true });
        await rename(draft, folder);
      },
    };
  });
}
