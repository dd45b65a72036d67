import { execFile } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { type FakeApiHandlers, type FakeApiServer, fakeApiServer } from '../../tests/fakes/api-server.ts';
import { fakeTarget } from '../../tests/fakes/reach.ts';
import { openReach } from './reach.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const http: NonNullable<FakeApiHandlers['http']> = ({ path }) => {
  if (path === '/version') return { body: { gitVersion: 'v1.34.4' } };
  const pod = (name: string, deletionTimestamp?: string) => ({
    metadata: { namespace: 'erp', name, uid: name, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    spec: {},
  });
  if (path === '/api/v1/namespaces/erp/pods')
    return { body: { items: [pod('galera-1'), pod('galera-0'), pod('galera-2', 'now')] } };
  if (path === '/api/v1/namespaces/erp/secrets/reader') return { body: { data: {} } };
  return undefined;
};

async function start(): Promise<{ server: FakeApiServer; target: typeof fakeTarget }> {
  const server = await fakeApiServer({ http });
  closing.push(server.close);
  return { server, target: { ...fakeTarget, kubernetes: { kubeconfig: server.kubeconfig } } };
}

const options = { runId: 'r1', seed: 7, signal: new AbortController().signal };

test('opens all ports; Galera nodes are pods that stay, in order', async () => {
  const { target } = await start();
  await using reach = await openReach(target, options);
  expect(await reach.cluster.version()).toBe('v1.34.4');
  expect(await reach.sql.nodes()).toEqual(['galera-0', 'galera-1']);
  await expect(reach.sql.query('galera-0', 'select 1')).rejects.toThrow('port 3306 of erp/galera-0');
});

test('chance comes from the seed', async () => {
  const { target } = await start();
  const draw = async (seed: number) => {
    await using reach = await openReach(target, { ...options, seed });
    return Array.from({ length: 50 }, () => reach.random());
  };
  const numbers = await draw(7);
  expect(await draw(7)).toEqual(numbers);
  expect(await draw(8)).not.toEqual(numbers);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers).size).toBe(50);
});

test('what is under way ends when it is closed, and connections with it', async () => {
  const { server, target } = await start();
  const reach = await openReach(target, options);
  const sleeping = expect(reach.sleep(60_000)).rejects.toThrow('the reach is closed');
  await reach[Symbol.asyncDispose]();
  await sleeping;
  await expect(reach.cluster.version()).rejects.toThrow('the reach is closed');
  await expect.poll(server.openSockets).toBe(0);
});

test('a target that is not there is told at opening, and leaves nothing open', async () => {
  const { server, target } = await start();
  await server.close();
  await expect(openReach(target, options)).rejects.toMatchObject({ kind: 'target-unusable' });
});

test('a process that opened and closed a reach ends by itself', async () => {
  const { target } = await start();
  const script = `
    import { openReach } from ${JSON.stringify(new URL('./reach.ts', import.meta.url).href)};
    const reach = await openReach(${JSON.stringify(target)}, { runId: 'r1', seed: 1, signal: new AbortController().signal });
    await reach.sql.query('galera-0', 'select 1').catch(() => undefined);
    await reach.cluster.exec({ namespace: 'erp', name: 'x' }, ['true'], 60_000).catch(() => undefined);
    await reach[Symbol.asyncDispose]();
    console.log('closed');
  `;
  const said = await new Promise<string>((resolve, reject) => {
    const args = ['--input-type=module', '--eval', script];
    execFile(process.execPath, args, { timeout: 10_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
  expect(said).toBe('closed\n');
}, 15_000);
