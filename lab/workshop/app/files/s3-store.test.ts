// How the store for buckets takes what goes wrong; that it keeps and gives back is asked of a real one (tests/integration/workshop).
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createS3Store } from './s3-store.ts';
import { type FileStore, StoreFailed } from './store.ts';

const key = 'private/files/a.txt';
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function storeThat(answers: RequestListener, withinMs = 5_000): Promise<FileStore> {
  const listening = createServer(answers);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
  return createS3Store({ endpoint, bucket: 'b', accessKey: 'a', secretKey: 'hush', region: 'us-east-1' }, withinMs);
}

const failure = async (work: Promise<unknown>): Promise<StoreFailed> => {
  const error = await work.then(
    () => expect.fail('did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreFailed);
  return error as StoreFailed;
};

describe('a bucket of attachments', () => {
  it('does not wait for ever, not in the line either, and asks once', async () => {
    let asked = 0;
    const store = await storeThat(() => {
      asked += 1;
    }, 300);
    const started = performance.now();
    const failures = await Promise.all(Array.from({ length: 12 }, () => failure(store.has(key))));
    expect(failures.map(({ message }) => message)).toEqual(
      Array(12).fill('the object store did not answer within 0.3 s'),
    );
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(asked).toBeLessThanOrEqual(12);
  });

  it('tells a refusal by its number and its name, and asks once', async () => {
    let asked = 0;
    const store = await storeThat((_, response) => {
      asked += 1;
      response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    });
    expect((await failure(store.put(key, Buffer.from('x')))).message).toBe('the object store answered 503 SlowDown');
    expect((await failure(store.get(key))).message).toBe('the object store answered 503 SlowDown');
    expect((await failure(store.has(key))).message).toBe('the object store answered 503');
    expect(asked).toBe(3);
  });

  it.each([
    [412, 'PreconditionFailed', 'taken'],
    [409, 'ConditionalRequestConflict', 'taken'],
    [409, 'ExistingObjectIsDirectory', 'failed'],
  ])('takes %i %s for %s', async (status, code, wanted) => {
    const store = await storeThat((_, response) => {
      response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
    });
    const put = store.put(key, Buffer.from('x'));
    if (wanted === 'taken') expect(await put).toBe('taken');
    else expect((await failure(put)).message).toBe(`the object store answered ${status} ${code}`);
  });

  it('takes a missing bucket for no missing file', async () => {
    const store = await storeThat((_, response) => {
      response.writeHead(404).end('<Error><Code>NoSuchBucket</Code></Error>');
    });
    expect((await failure(store.get(key))).message).toBe('the object store answered 404 NoSuchBucket');
  });

  it('takes an answer that stops half way for none', async () => {
    const store = await storeThat((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('half');
      setTimeout(() => response.destroy(), 50);
    });
    expect((await failure(store.get(key))).message).toContain('is not reached');
  });

  it('says when nobody is there, with the number of the system', async () => {
    const store = await storeThat(() => {});
    server?.close();
    expect(await failure(store.get(key))).toMatchObject({ errno: 111, message: 'Connection refused' });
  });

  it('does not leave its bucket', async () => {
    const store = await storeThat((_, response) => response.end());
    for (const odd of ['../a', 'private/../../a', '/a', 'a//b', 'a\0b', ''])
      await expect(store.get(odd), odd).rejects.toThrow('is no key');
  });
});
