// Power and cables of Kubernetes nodes, by a supervisor on this machine that listens on a socket. It has a clock of its own: a node that
// was switched off and of which nothing more is heard is switched on again.
import { request } from 'node:http';
import { Problem } from '../errors.ts';
import type { NodePower } from '../model/reach.ts';

interface SupervisedNode {
  readonly name: string;
  readonly power: 'on' | 'off';
  readonly link: 'on' | 'off';
  /** Of what all its processes live under; null when they are gone. */
  readonly pid: number | null;
  readonly since: number;
}

const answerMs = 60_000;

export function supervisedNodePower(socketPath: string): NodePower {
  const ask = (method: 'GET' | 'POST', path: string) => call(socketPath, method, path);
  const switched = (node: string, what: string, how: string) =>
    ask('POST', `/nodes/${encodeURIComponent(node)}/${what}/${how}`).then(() => undefined);
  return {
    async state(node) {
      const { nodes = [] } = (await ask('GET', '/status')) as { nodes?: readonly SupervisedNode[] };
      const found = nodes.find(({ name }) => name === node);
      if (!found) throw new Error(`the supervisor at ${socketPath} knows no Kubernetes node ${node}`);
      const { power, link, pid, since } = found;
      return { power, link, running: pid !== null, since };
    },
    off: (node, what, unheardMsMax) => switched(node, what, `off?unheardMsMax=${Math.round(unheardMsMax)}`),
    hold: (node, what) => switched(node, what, 'hold'),
    on: (node, what) => switched(node, what, 'on'),
  };
}

function call(socketPath: string, method: string, path: string): Promise<unknown> {
  const problem = (seen: string, cause?: unknown) =>
    new Problem({
      kind: 'target-unusable',
      where: `${method} ${path} of the supervisor at ${socketPath}`,
      what: 'not done',
      seen,
      next: 'is the lab up on this machine?',
      cause,
    });
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, timeout: answerMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        const answer = JSON.parse(body || '{}') as { error?: string };
        if (response.statusCode === 200) resolve(answer);
        else reject(problem(answer.error ?? `status ${response.statusCode}`));
      });
    });
    sent.on('error', (error) => reject(problem(error.message, error)));
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${answerMs} ms`)));
    sent.end();
  });
}
