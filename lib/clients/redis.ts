// Redis, pod by pod, with the one command that a guard needs. A client library would retry and reconnect behind our back.
import type { Duplex } from 'node:stream';
import { Problem } from '../errors.ts';
import type { Redis } from '../model/reach.ts';

export interface RedisOptions {
  readonly nodes: () => Promise<readonly string[]>;
  readonly openStream: (node: string, withinMs: number) => Promise<Duplex>;
  readonly answerMs?: number;
}

export function redisOnNodes(options: RedisOptions): Redis {
  const { answerMs = 5_000 } = options;
  return {
    nodes: options.nodes,
    async ping(node) {
      const stream = await options.openStream(node, answerMs);
      try {
        return await firstLine(stream, node, answerMs);
      } finally {
        stream.destroy();
      }
    },
  };
}

/** Sends PING as an inline command; the answer is one line, `+PONG` or an error such as `-NOAUTH …`, which is an answer too. */
function firstLine(stream: Duplex, node: string, answerMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (seen: string, cause?: unknown) => {
      clearTimeout(timer);
      reject(
        new Problem({
          kind: 'target-unusable',
          where: `Redis ${node}`,
          what: 'no answer to PING',
          seen,
          next: `look at the log of ${node}`,
          cause,
        }),
      );
    };
    const timer = setTimeout(() => fail(`nothing within ${answerMs} ms`), answerMs);
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\r\n');
      if (end < 0) return;
      clearTimeout(timer);
      resolve(text.slice(0, end));
    });
    stream.on('error', (error: Error) => fail(error.message, error));
    stream.on('close', () => fail('the connection closed'));
    stream.write('PING\r\n');
  });
}
