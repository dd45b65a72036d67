// Debian packages that the lab's host side runs on.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheDir, contentHash } from '../places.ts';
import { $ } from '../shell.ts';
import type { Step } from '../step.ts';

/** A program of each package, by which its presence is told. */
const wanted: Readonly<Record<string, string>> = {
  debootstrap: '/usr/sbin/debootstrap',
  buildah: '/usr/bin/buildah',
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/ptp',
  'etcd-server': '/usr/bin/etcd',
  haproxy: '/usr/sbin/haproxy',
  iptables: '/usr/sbin/iptables',
  ipset: '/usr/sbin/ipset',
  conntrack: '/usr/sbin/conntrack',
  iproute2: '/bin/ip',
  e2fsprogs: '/sbin/mkfs.ext4',
  openssl: '/usr/bin/openssl',
  perl: '/usr/bin/perl',
  unzip: '/usr/bin/unzip',
  curl: '/usr/bin/curl',
  'python3-pip': 'pip',
};

/** By its path, or by its name anywhere on the PATH. */
const isThere = (file: string): boolean =>
  file.startsWith('/')
    ? existsSync(file)
    : (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, file)));

export const packages: Step = {
  name: 'cache/packages',
  says: 'Debian packages for the host',
  needs: [],
  seconds: 40,
  done: async () => Object.values(wanted).every(isThere),
  run: () => installPackages(Object.entries(wanted).flatMap(([name, file]) => (isThere(file) ? [] : [name]))),
};

export async function installPackages(names: readonly string[]): Promise<void> {
  // The packages would start their services where an init system is: the lab runs its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await $({ env, quiet: true })`apt-get update -q`;
  await $({ env, quiet: true })`apt-get install -qy --no-install-recommends ${names}`;
}

/**
 * The folder with the programs of Debian packages that are unpacked beside the system instead of installed into it: nothing starts, and
 * nothing else changes. For programs that need nothing but the C library.
 */
export async function unpackedPackages(names: readonly string[]): Promise<string> {
  const folder = join(cacheDir, 'packages', contentHash(...names));
  if (!existsSync(folder)) {
    await mkdir(join(cacheDir, 'packages'), { recursive: true });
    const draft = await mkdtemp(`${folder}.draft-`);
    try {
      await $({ quiet: true })`apt-get update -q`;
      await $({ quiet: true, cwd: draft })`apt-get download -q ${names}`;
      for (const name of names) await $({ quiet: true, cwd: draft })`sh -c ${`dpkg -x ${name}_*.deb unpacked`}`;
      await rename(join(draft, 'unpacked'), folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  return join(folder, 'usr/bin');
}
