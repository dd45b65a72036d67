// The Kubernetes API server as plain HTTP and JSON: what kubectl --raw does. Objects are not pressed through typed models,
// which would drop fields that they don't know and turn times into other times.
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, request } from 'undici';
import { messageOf, Problem } from '../errors.ts';
import type { Target } from '../model/target.ts';

export interface ApiServer {
  readonly config: KubeConfig;
  /** For error messages: whom we asked. */
  readonly name: string;
  /** Throws a Problem with the answer's status as `code` when it is not 2xx. */
  ask(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    withinMs?: number,
  ): Promise<unknown>;
  /** The answer as it came, whatever its status. */
  raw(path: string, withinMs: number): Promise<{ status: number; body: string }>;
  close(): Promise<void>;
}

const answerMs = 15_000;

export async function openApiServer(target: Target['kubernetes'], signal: AbortSignal): Promise<ApiServer> {
  const config = loadConfig(target);
  const server = config.getCurrentCluster()?.server ?? '';
  const name = `${server} (context ${config.getCurrentContext()} of ${target.kubeconfig})`;
  const security = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    return options;
  };
  const { ca, cert, key, rejectUnauthorized, servername } = await security();
  const connect = Object.fromEntries(
    Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined),
  );
  const agent = new Agent({ connect: { ...connect, timeout: 10_000 }, connections: 16 });

  async function send(method: string, path: string, body: unknown, withinMs: number) {
    // Asked each time: tokens of cloud providers expire.
    const { headers, auth } = await security();
    try {
      const answer = await request(new URL(path, server.endsWith('/') ? server : `${server}/`), {
        method: method as 'GET',
        dispatcher: agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
        headers: {
          accept: 'application/json',
          ...(headers as Record<string, string> | undefined),
          ...(auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}),
          ...(body === undefined
            ? {}
            : { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.statusCode, body: await answer.body.text() };
    } catch (cause) {
      signal.throwIfAborted();
      throw new Problem({
        kind: 'target-unusable',
        where: `${method} ${path.split('?')[0]}`,
        what: 'no answer from the Kubernetes API',
        seen: `${messageOf(cause)} at ${name}`,
        next: 'check that the cluster is up and the kubeconfig names it',
        cause,
      });
    }
  }

  return {
    config,
    name,
    async ask(method, path, body, withinMs = answerMs) {
      const answer = await send(method, path, body, withinMs);
      if (answer.status >= 200 && answer.status < 300) return answer.body === '' ? {} : JSON.parse(answer.body);
      throw new Problem({
        kind: 'target-unusable',
        where: `${method} ${path.split('?')[0]}`,
        what: 'refused by the Kubernetes API',
        seen: `${answer.status} ${statusMessage(answer.body)}`,
        next: answer.status === 403 ? 'give the suite’s user this right' : 'see what the API says of it with kubectl',
        code: answer.status,
      });
    },
    raw: (path, withinMs) => send('GET', path, undefined, withinMs),
    close: () => agent.destroy(),
  };
}

function loadConfig(target: Target['kubernetes']): KubeConfig {
  const problem = (seen: string, cause?: unknown) =>
    new Problem({
      kind: 'target-unusable',
      where: target.kubeconfig,
      what: 'this kubeconfig can’t be used',
      seen,
      next: 'name a kubeconfig and context in the target file that kubectl can use',
      cause,
    });
  const config = new KubeConfig();
  if (target.kubeconfig === 'in-cluster') {
    config.loadFromCluster();
    return config;
  }
  try {
    readFileSync(target.kubeconfig); // its own error names the file
    config.loadFromFile(target.kubeconfig);
  } catch (error) {
    throw problem(messageOf(error), error);
  }
  if (target.context !== undefined) {
    if (!config.getContexts().some(({ name }) => name === target.context)) {
      const contexts = config.getContexts().map(({ name }) => name);
      throw problem(`no context ${target.context}, only ${contexts.join(', ') || 'none'}`);
    }
    config.setCurrentContext(target.context);
  }
  if (!config.getCurrentCluster()?.server) throw problem('no current context with a cluster');
  return config;
}

/** The message of a Status object, or the beginning of whatever a proxy answered instead. */
function statusMessage(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // Not the API itself.
  }
  return body.slice(0, 200);
}
