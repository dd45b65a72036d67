// The target's site as its users reach it: by name, over TLS that is verified, following no redirect.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { messageOf, Problem } from '../errors.ts';
import type { Http } from '../model/reach.ts';
import type { Target } from '../model/target.ts';

export function siteHttp(site: Target['site'], signal: AbortSignal): Http & { close(): Promise<void> } {
  const url = new URL(site.url);
  // With another address to connect to, TLS still asks for and verifies the site's own name.
  const agentFor = (origin: URL) =>
    new Agent({
      connections: 8,
      connect: {
        timeout: 10_000,
        rejectUnauthorized: true,
        servername: url.hostname,
        ...(site.caFile === undefined ? {} : { ca: readCa(site.caFile) }),
        ...(site.connectAddress === undefined ? {} : { lookup: lookupTo(site.connectAddress, origin.hostname) }),
      },
    });
  const secure = agentFor(url);
  const plainUrl = new URL(`http://${url.hostname}/`);
  const plain = agentFor(plainUrl);

  return {
    async get(path, options = {}) {
      const base = options.plain ? plainUrl : url;
      const began = performance.now();
      try {
        const answer = await request(new URL(path, base), {
          dispatcher: options.plain ? plain : secure,
          headers: options.headers ?? {},
          signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 10_000)]),
        });
        const body = await answer.body.text();
        return {
          status: answer.statusCode,
          headers: flat(answer.headers),
          body,
          durationMs: performance.now() - began,
        };
      } catch (cause) {
        signal.throwIfAborted();
        throw new Problem({
          kind: 'target-unusable',
          where: `GET ${new URL(path, base)}`,
          what: 'no answer from the site',
          seen: `${(cause as { code?: string }).code ?? ''} ${messageOf(cause)}`.trim(),
          next: 'check site.url, site.connectAddress and site.caFile of the target file with curl',
          cause,
        });
      }
    },
    async close() {
      await Promise.all([secure.destroy(), plain.destroy()]);
    },
  };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Problem({
      kind: 'target-unusable',
      where: file,
      what: 'the site’s CA file can’t be read',
      seen: messageOf(cause),
      next: 'correct site.caFile in the target file',
      cause,
    });
  }
}

type Lookup = (
  hostname: string,
  options: { readonly all?: boolean },
  done: (error: Error | null, address: string | { address: string; family: number }[], family?: number) => void,
) => void;

/** Answers the site's name with the given address, and no other name: a redirect to elsewhere must not land here. */
function lookupTo(address: string, hostname: string): Lookup {
  const family = address.includes(':') ? 6 : 4;
  return (asked, { all }, done) => {
    if (asked !== hostname) return done(new Error(`${asked} is not the site`), '');
    if (all) done(null, [{ address, family }]);
    else done(null, address, family);
  };
}

const flat = (headers: Readonly<Record<string, string | string[] | undefined>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
