// How k6 is called: everything that could come in from elsewhere is shut out, from the user's own k6 configuration to a proxy variable.

import { lookup } from 'node:dns/promises';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import type { Target } from '../model/target.ts';

export const argumentsOf = (points: string, script: string): readonly string[] => [
  'run',
  '--quiet',
  '--no-color',
  '--no-usage-report',
  '--summary-mode=disabled',
  // Version 1 opens its REST API unless told otherwise, version 2 only when told to; this is right for both.
  '--address=',
  '--out',
  `json=${points}`,
  script,
];

/** `folder` is a new one of ours. */
export function environmentOf(places: {
  readonly folder: string;
  readonly taskFile: string;
  readonly caFile: string | undefined;
}): Record<string, string> {
  return {
    // k6 looks for a configuration file below it.
    HOME: places.folder,
    SHAKEDOWN_LOAD: places.taskFile,
    // Version 2 would fetch missing extensions from a build service.
    K6_AUTO_EXTENSION_RESOLUTION: 'false',
    ...(places.caFile === undefined ? {} : certificatesOf(places.caFile, places.folder)),
  };
}

/** Go reads both; an empty folder keeps the machine's own authorities out, as in the rest of the suite. */
function certificatesOf(caFile: string, folder: string): Record<string, string> {
  const path = resolve(caFile);
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new Error(`load: site.caFile ${path} can't be read`, { cause });
  }
  const none = join(folder, 'no-certificates');
  mkdirSync(none);
  return { SSL_CERT_FILE: path, SSL_CERT_DIR: none };
}

/** What k6's `hosts` wants: an IP address, with a port if there is one. */
export async function connectAddressOf({ connectAddress }: Target['site']): Promise<string | undefined> {
  if (connectAddress === undefined || isIP(connectAddress)) return connectAddress;
  const [, host = connectAddress, port] = /^\[?([^\]]*?)\]?(:\d+)?$/.exec(connectAddress) ?? [];
  const address = isIP(host) ? host : (await lookup(host)).address;
  if (port === undefined) return address;
  return `${isIP(address) === 6 ? `[${address}]` : address}${port}`;
}
