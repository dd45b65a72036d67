// Attachments with a real object store beside the volume: each is in both when it is acknowledged, all can be had from the store alone, what
// is written over is still there as a version, and without the store the rest of the app goes on.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareBucket } from '../../../lab/object-store.ts';
import { openFileStore } from '../../../lab/workshop/app/files/open-file-store.ts';
import { createS3Store } from '../../../lab/workshop/app/files/s3-store.ts';
import { answering, ask, freePort, openSite, type Reply, type Site, siteMissing, stopped } from './site.ts';

const program = process.env.SHAKEDOWN_VERSITYGW ?? '';
const missing = existsSync(program) ? siteMissing('own') : 'SHAKEDOWN_VERSITYGW does not say where versitygw is';
if (missing) console.warn(`attachments in an object store are not tested: ${missing}`);

const root = { accessKey: 'root', secretKey: 'root-secret-of-a-test' };
const user = { accessKey: 'attachments', secretKey: 'app-secret-of-a-test' };
const bucket = 'attachments';

describe.skipIf(missing !== undefined)('attachments in an object store', () => {
  let site: Site;
  let folder: string;
  let port: number;
  let gateway: ChildProcess;
  let endpoint: string;
  let s3: Record<string, string>;

  async function startGateway(): Promise<void> {
    gateway = spawn(
      program,
      [
        ...['--port', `127.0.0.1:${port}`, '--health', '/health', '--iam-dir', join(folder, 'users'), '--quiet'],
        ...['posix', '--versioning-dir', join(folder, 'versions'), join(folder, 'objects')],
      ],
      {
        env: { ...process.env, ROOT_ACCESS_KEY_ID: root.accessKey, ROOT_SECRET_ACCESS_KEY: root.secretKey },
        stdio: 'ignore',
      },
    );
    await answering(gateway, 'versitygw', port);
  }
  const restart = async (settings: Readonly<Record<string, string>> = s3) => {
    await site.stopWeb();
    await site.startWeb(settings);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shakedown-objects-'));
    for (const name of ['objects', 'versions', 'users']) await mkdir(join(folder, name));
    port = await freePort();
    endpoint = `http://127.0.0.1:${port}`;
    s3 = { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_ACCESS_KEY: user.accessKey, S3_SECRET_KEY: user.secretKey };
    await startGateway();
    await prepareBucket(endpoint, root, bucket, user);
    // Again, as each `lab up` may.
    await prepareBucket(endpoint, root, bucket, user);
    site = await openSite('own');
    await restart();
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    if (gateway) await stopped(gateway);
    await rm(folder, { recursive: true, force: true });
  });

  async function upload(bytes: Buffer, name: string): Promise<Reply> {
    const form = new FormData();
    form.set('is_private', '1');
    form.set('file', new Blob([new Uint8Array(bytes)]), name);
    const encoded = new Response(form);
    const headers = { 'Content-Type': encoded.headers.get('content-type') ?? '' };
    const body = Buffer.from(await encoded.arrayBuffer());
    return ask(site, 'POST', '/api/method/upload_file', { as: 'scanner', headers, body });
  }
  const download = async (url: string): Promise<{ status: number; md5: string }> => {
    const { status, text } = await ask(site, 'GET', encodeURI(url), { as: 'scanner' });
    return { status, md5: md5(Buffer.from(text, 'latin1')) };
  };
  const onVolume = (name: string): string => join(site.environment?.FILES_DIR ?? '', 'private/files', name);
  const as = ({ accessKey, secretKey }: typeof user) => {
    const client = new AwsClient({ accessKeyId: accessKey, secretAccessKey: secretKey, service: 's3', retries: 0 });
    return (method: string, path: string, body?: string) =>
      client.fetch(`${endpoint}/${bucket}${path}`, { method, ...(body === undefined ? {} : { body }) });
  };

  it('are in both places when they are acknowledged, with the hash that their document has', async () => {
    // The name is one that signers like to disagree about.
    const name = "Bremse vorn (2)+ü & 'x'!*~.jpg";
    const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
    const made = await upload(bytes, name);
    expect([made.status, made.json.message.content_hash]).toEqual([200, md5(bytes)]);
    expect(await readFile(onVolume(name))).toEqual(bytes);
    const copy = await as(root)('GET', `/private/files/${encodeURIComponent(name).replace(/[!'()*]/g, hex)}`);
    expect([copy.status, copy.headers.get('etag')]).toEqual([200, `"${made.json.message.content_hash}"`]);
    expect(md5(Buffer.from(await copy.arrayBuffer()))).toBe(md5(bytes));
    expect(await download(made.json.message.file_url)).toEqual({ status: 200, md5: md5(bytes) });
  });

  it('can all be had from the store alone, and are on the volume again when they are sent again', async () => {
    const bytes = Buffer.alloc(25 * 1024 * 1024, 'large');
    const made = await upload(bytes, 'large.bin');
    expect(made.status).toBe(200);
    await rm(onVolume('large.bin'));
    expect(await download(made.json.message.file_url)).toEqual({ status: 200, md5: md5(bytes) });
    const again = await upload(bytes, 'large.bin');
    expect(again.json.message.file_url).toBe(made.json.message.file_url);
    expect(md5(await readFile(onVolume('large.bin')))).toBe(md5(bytes));
    const alone = openFileStore({ filesDir: undefined, s3: settings(endpoint) });
    expect(md5((await alone?.get('private/files/large.bin')) ?? Buffer.alloc(0))).toBe(md5(bytes));
  });

  it('are still there as a version when something is written over them, and the app can take none away', async () => {
    const made = await upload(Buffer.from('as it was'), 'version.txt');
    const path = made.json.message.file_url;
    const first = (await as(root)('HEAD', path)).headers.get('x-amz-version-id');
    expect((await as(user)('PUT', path, 'spoiled')).status).toBe(200);
    expect(await (await as(root)('GET', path)).text()).toBe('spoiled');
    expect(await (await as(root)('GET', `${path}?versionId=${first}`)).text()).toBe('as it was');
    const suspended = '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>';
    for (const [method, what, body] of [
      ['DELETE', path],
      ['DELETE', `${path}?versionId=${first}`],
      ['PUT', '?versioning', suspended],
      ['PUT', '?policy', '{}'],
      ['DELETE', ''],
    ] as const)
      expect([what, (await as(user)(method, what, body)).status]).toEqual([what, 403]);
    expect(await (await as(root)('GET', `${path}?versionId=${first}`)).text()).toBe('as it was');
  });

  it('never take the place of each other, however many come at once', async () => {
    const store = createS3Store(settings(endpoint));
    const key = 'private/files/race.txt';
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => store.put(key, Buffer.from(`${index}`))));
    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(1);
    expect(String(await store.get(key))).toBe(String(answers.indexOf('stored')));
    expect([await store.has(key), await store.has('private/files/nothing.txt')]).toEqual([true, false]);
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, index) => upload(Buffer.from(`r${index}`), 'r.txt')),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(new Set(replies.map(({ json }) => json.message.file_url)).size).toBe(6);
    for (const [index, { json }] of replies.entries()) {
      expect((await download(json.message.file_url)).md5).toBe(md5(`r${index}`));
      expect(await (await as(root)('GET', json.message.file_url)).text()).toBe(`r${index}`);
    }
  });

  it('are not acknowledged while the store is away; the rest goes on, and it goes on from there when the store is back', async () => {
    const known = await upload(Buffer.from('before'), 'before.txt');
    await stopped(gateway);
    const failed = await upload(Buffer.from('meanwhile'), 'meanwhile.txt');
    expect([failed.status, failed.json.exc_type]).toEqual([500, 'OSError']);
    expect(failed.text).toContain('[Errno 111] Connection refused');
    const filters = encodeURIComponent(JSON.stringify([['file_name', '=', 'meanwhile.txt']]));
    const rows = await ask(site, 'GET', `/api/resource/File?filters=${filters}`, { as: 'scanner' });
    expect(rows.json.data).toEqual([]);
    expect(await download(known.json.message.file_url)).toEqual({ status: 200, md5: md5('before') });
    const scan = '/api/method/erpnext.stock.utils.scan_barcode?search_value=BC0000000001';
    expect((await ask(site, 'GET', scan, { as: 'scanner' })).json.message.item_code).toBe('ITEM-0001');
    await startGateway();
    const made = await upload(Buffer.from('meanwhile'), 'meanwhile.txt');
    expect([made.status, made.json.message.file_url]).toEqual([200, '/private/files/meanwhile.txt']);
    expect(await (await as(root)('GET', made.json.message.file_url)).text()).toBe('meanwhile');
  });

  it('are refused with a key that does not fit, which nobody is told', async () => {
    const secret = 'not-the-right-secret';
    await restart({ ...s3, S3_SECRET_KEY: secret });
    const failed = await upload(Buffer.from('unsigned'), 'unsigned.txt');
    expect([failed.status, failed.json.exc_type]).toEqual([500, 'OSError']);
    expect(failed.text).toContain('the object store answered 403 SignatureDoesNotMatch');
    expect(failed.text + site.log()).not.toContain(secret);
    await restart();
  });
});

const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('hex');
const hex = (one: string): string => `%${one.charCodeAt(0).toString(16).toUpperCase()}`;
const settings = (endpoint: string) => ({ endpoint, bucket, ...user, region: 'us-east-1' });
