import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { supervisedNodePower } from './node-power.ts';

/** A supervisor that says what it is given, on a socket of its own. */
async function supervisor(answer: (asked: string) => { readonly code?: number; readonly body: unknown }) {
  const socket = join(await mkdtemp(join(tmpdir(), 'shakedown-supervisor-')), 'socket');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { code = 200, body } = answer(asked.at(-1) ?? '');
    response.writeHead(code).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  return { power: supervisedNodePower(socket), asked };
}

const nodes = [
  { name: 'node-1', power: 'on', link: 'on', pid: 17, since: 5 },
  { name: 'node-2', power: 'off', link: 'off', pid: null, since: 7 },
];

test('says of a Kubernetes node what the supervisor sees of it', async () => {
  const { power } = await supervisor(() => ({ body: { nodes } }));
  expect(await power.state('node-1')).toEqual({ power: 'on', link: 'on', running: true, since: 5 });
  expect(await power.state('node-2')).toEqual({ power: 'off', link: 'off', running: false, since: 7 });
  await expect(power.state('node-9')).rejects.toThrow('knows no Kubernetes node node-9');
});

test('switches power and link apart, and says for how long it may go unheard', async () => {
  const { power, asked } = await supervisor(() => ({ body: {} }));
  await power.off('node-1', 'power', 15_000);
  await power.hold('node-1', 'power');
  await power.on('node-1', 'power');
  await power.off('node-1', 'link', 15_000);
  expect(asked).toEqual([
    'POST /nodes/node-1/power/off?unheardMsMax=15000',
    'POST /nodes/node-1/power/hold',
    'POST /nodes/node-1/power/on',
    'POST /nodes/node-1/link/off?unheardMsMax=15000',
  ]);
});

test('a refusal is told in the supervisor’s own words, and a supervisor that is not there by its socket', async () => {
  const { power } = await supervisor(() => ({ code: 500, body: { error: 'there is no node node-9' } }));
  await expect(power.off('node-9', 'power', 15_000)).rejects.toThrow('there is no node node-9');
  await expect(supervisedNodePower('/nowhere/socket').state('node-1')).rejects.toThrow('/nowhere/socket');
});
