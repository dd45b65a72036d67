import { afterEach, expect, test } from 'vitest';
import { type FakeApiServer, fakeApiServer } from '../../tests/fakes/api-server.ts';
import { fakeTarget } from '../../tests/fakes/reach.ts';
import { siteHttp } from './http.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(site: (server: FakeApiServer) => Partial<typeof fakeTarget.site>) {
  const server = await fakeApiServer({
    http: ({ path }) =>
      path === '/moved'
        ? { status: 302, headers: { location: 'https://elsewhere.example/' }, body: '' }
        : path === '/slow'
          ? 'hang'
          : { body: { message: 'pong' } },
  });
  closing.push(server.close);
  const http = siteHttp({ ...fakeTarget.site, ...site(server) }, new AbortController().signal);
  closing.push(http.close);
  return { http, server };
}

const named = (server: FakeApiServer) => ({
  url: `https://erp.example:${server.port}`,
  connectAddress: '127.0.0.1',
  caFile: server.caFile,
});

test('connects to the address given and verifies the name', async () => {
  const { http } = await open(named);
  const answer = await http.get('/api/method/ping');
  expect(answer).toMatchObject({ status: 200, body: '{"message":"pong"}' });
  expect(answer.durationMs).toBeGreaterThan(0);
});

test('a redirect is told, not followed', async () => {
  const { http, server } = await open(named);
  expect(await http.get('/moved')).toMatchObject({ status: 302, headers: { location: 'https://elsewhere.example/' } });
  expect(server.requests).toHaveLength(1);
});

test('a certificate for another name, or of an unknown authority, is no answer', async () => {
  const wrong = await open((server) => ({ ...named(server), url: `https://other.example:${server.port}` }));
  await expect(wrong.http.get('/')).rejects.toThrow('ERR_TLS_CERT_ALTNAME_INVALID');
  const unknown = await open((server) => ({ url: `https://erp.example:${server.port}`, connectAddress: '127.0.0.1' }));
  await expect(unknown.http.get('/')).rejects.toThrow(/SELF_SIGNED|UNABLE_TO_VERIFY/);
});

test('silence ends after the time given', async () => {
  const { http } = await open(named);
  await expect(http.get('/slow', { timeoutMs: 100 })).rejects.toThrow('no answer from the site');
});

test('a CA file that is not there is told before anything is sent', () => {
  const site = { ...fakeTarget.site, caFile: '/nowhere/ca.crt' };
  expect(() => siteHttp(site, new AbortController().signal)).toThrow('/nowhere/ca.crt');
});
