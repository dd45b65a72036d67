// Attachments in a bucket of an object store that speaks S3. The store is told the hash of what it is given and refuses anything else, and
// "never overwrites" is its own promise (If-None-Match), so two pods can't both believe that a key is theirs. Nothing is tried twice: who
// asked hears of a failure within half a minute.
import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import type { S3Config } from '../config.ts';
import { inTurn } from '../in-turn.ts';
import { type FileStore, StoreFailed } from './store.ts';

/** Each answer is held in memory whole. */
const atOnceMax = 4;
const answerMsMax = 30_000;

export function createS3Store(
  { endpoint, bucket, accessKey, secretKey, region }: S3Config,
  withinMs = answerMsMax,
): FileStore {
  const client = new AwsClient({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    region,
    service: 's3',
    retries: 0,
  });
  const inLine = inTurn(atOnceMax);

  /** The time in the line counts as well. The body is read inside: an answer that stops half way is a failure like any other. */
  async function ask<T>(
    method: 'GET' | 'HEAD' | 'PUT',
    key: string,
    read: (answer: Response) => Promise<T>,
    given: { readonly bytes?: Buffer; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<T> {
    const url = urlOf(endpoint, bucket, key);
    const signal = AbortSignal.timeout(withinMs);
    const hash = createHash('sha256')
      .update(given.bytes ?? '')
      .digest('hex');
    const headers = { ...given.headers, 'X-Amz-Content-Sha256': hash };
    // The hashes and the signature are of these very bytes, so a view on them does, and a copy would cost as much again.
    const body = given.bytes ? (given.bytes as Buffer<ArrayBuffer>) : null;
    try {
      return await inLine(async () => read(await client.fetch(url, { method, headers, body, signal })));
    } catch (error) {
      throw asStoreFailure(error, withinMs);
    }
  }

  return {
    put: (key, bytes) =>
      ask(
        'PUT',
        key,
        async (answer) => {
          const text = await answer.text();
          // The second: somebody else was at this key in the same moment.
          if (answer.status === 412 || codeOf(text) === 'ConditionalRequestConflict') return 'taken';
          if (answer.ok) return 'stored';
          throw refused(answer.status, text);
        },
        { bytes, headers: { 'If-None-Match': '*', 'Content-Type': 'application/octet-stream' } },
      ),
    get: (key) =>
      ask('GET', key, async (answer) => {
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (isMissing(answer.status, String(bytes.subarray(0, 1000)))) return undefined;
        if (!answer.ok) throw refused(answer.status, String(bytes.subarray(0, 1000)));
        return bytes;
      }),
    has: (key) =>
      ask('HEAD', key, async ({ status, ok }) => {
        if (status === 404) return false;
        if (!ok) throw refused(status, '');
        return true;
      }),
  };
}

/** By path, not by host name: a bucket needs no name of its own. Every byte that signers disagree about is encoded. */
function urlOf(endpoint: string, bucket: string, key: string): string {
  const parts = key.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..') || key.includes('\0'))
    throw new Error(`workshop/files: ${JSON.stringify(key)} is no key`);
  const encoded = parts.map((part) =>
    encodeURIComponent(part).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
  );
  return `${endpoint.replace(/\/$/, '')}/${bucket}/${encoded.join('/')}`;
}

/** A bucket that isn't there is no missing file. */
const isMissing = (status: number, text: string): boolean => status === 404 && !codeOf(text).startsWith('NoSuchBucket');

const codeOf = (text: string): string => /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1] ?? '';

const refused = (status: number, text: string): StoreFailed =>
  new StoreFailed(`the object store answered ${status}${codeOf(text) && ` ${codeOf(text)}`}`);

/** What a system call said keeps its number; everything else of fetch is a TypeError with a cause. */
function asStoreFailure(error: unknown, withinMs: number): unknown {
  if (error instanceof StoreFailed || !(error instanceof Error)) return error;
  if (error.name === 'TimeoutError')
    return new StoreFailed(`the object store did not answer within ${withinMs / 1000} s`, undefined, error);
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (cause === undefined) return error;
  if (cause.code === 'ECONNREFUSED') return new StoreFailed('Connection refused', 111, error);
  return new StoreFailed(`the object store is not reached (${cause.code ?? cause.name})`, undefined, error);
}
