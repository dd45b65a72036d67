// What the lab promises of its secrets: not readable in etcd's files, and who touched them is on record without what was in them.
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyObject, configMap, kubectl, secret } from '../../lab/kubectl.ts';
import { paths, stateDir } from '../../lab/places.ts';

const hidden = randomBytes(18).toString('hex');
const open = randomBytes(18).toString('hex');
const name = 'hardening-test';

beforeAll(async () => {
  await applyObject(secret('shakedown', name, { value: hidden }));
  await applyObject(configMap('shakedown', name, { value: open }));
});
afterAll(async () => {
  for (const kind of ['secret', 'configmap'])
    await kubectl(['delete', kind, name, '--namespace', 'shakedown', '--ignore-not-found']);
});

async function inEtcd(text: string): Promise<boolean> {
  const folder = join(stateDir, 'etcd');
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && (await readFile(join(entry.parentPath, entry.name))).includes(text)) return true;
  }
  return false;
}

it("a Secret's value is not in etcd's files, where a ConfigMap's is", async () => {
  await expect.poll(() => inEtcd(open), { timeout: 15_000 }).toBe(true);
  expect(await inEtcd(hidden)).toBe(false);
});

it('who made a Secret is in the audit log, and not what is in it', async () => {
  const log = () => readFile(paths.auditLog, 'utf8');
  await expect.poll(log, { timeout: 15_000 }).toContain(`/api/v1/namespaces/shakedown/secrets/${name}`);
  const line = (await log()).split('\n').find((one) => one.includes(`/secrets/${name}`));
  expect(JSON.parse(line ?? '{}')).toMatchObject({
    user: { username: 'lab-admin' },
    objectRef: { resource: 'secrets', name },
  });
  for (const value of [hidden, Buffer.from(hidden).toString('base64')]) expect(await log()).not.toContain(value);
});
