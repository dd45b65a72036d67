// Evidence goes to other machines, into tickets and mails: no credential may be in it. What is recorded and what is written here is
// searched for whatever looks like one; technicians' tokens are searched for by their value where k6 runs, in tests/integration/load.
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { smallRun } from './fixtures/evidence.ts';
import { lostWrites } from './fixtures/lost-writes.ts';
import { writeRunFolder } from './fixtures/write-run-folder.ts';

const repo = join(import.meta.dirname, '..');
const written = mkdtempSync(join(tmpdir(), 'shakedown-secrets-'));
afterAll(() => rmSync(written, { recursive: true }));

/** By what they look like, and by the names under which they stand. A Secret's name is none. */
const credentials: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\beyJ[\w-]{10,}\.[\w-]{10,}\./, // a JWT
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s/"'@:]+:[^\s/"'@]+@/i, // user:password@host
  /\b(?:bearer|basic|token) +[\w.~+/:=-]{12,}/i,
  /"(?:password|passwd|pwd|secret|apiKey|api_key|apiSecret|api_secret|authorization|cookie|sid|token)"\s*:\s*"[^"]+"/i,
  /\b(?:password|passwd|pwd|api_?key|api_?secret)\s*=\s*[^\s"',;)]+/i,
];

const found = (text: string): readonly string[] => credentials.flatMap((one) => one.exec(text)?.[0] ?? []);

it.each([
  'token 4f1c09be7d2aaa1:9d8c7b6a5f4e3d2',
  '{"password":"hunter2"}',
  'mysql://erp:hunter2@galera-0:3306/erp',
  'redis-cli: AUTH failed, password=hunter2',
  'Authorization: Basic ZXJwOmh1bnRlcjI=',
  '{"note":"-----BEGIN EC PRIVATE KEY-----"}',
  'eyJhbGciOiJSUzI1NiIs.eyJpc3MiOiJrdWJlcm5ldGVz.c2ln',
])('%s would be found', (text) => {
  expect(found(text)).toHaveLength(1);
});

it('no recorded run carries a credential, nor does what is made of it', () => {
  const files = globSync('examples/**/*.{json,ndjson,log,html}', { cwd: repo });
  expect(files).toContain('examples/lost-writes/galera-writer-crash/manifest.json');
  const bad = files.flatMap((file) => found(readFileSync(join(repo, file), 'utf8')).map((what) => `${file}: ${what}`));
  expect(bad).toEqual([]);
});

it('no run that is written here does', async () => {
  await writeRunFolder(join(written, 'a'), smallRun());
  await writeRunFolder(join(written, 'b'), lostWrites());
  const files = globSync('*/*', { cwd: written });
  expect(files).toHaveLength(12);
  const bad = files.flatMap((file) =>
    found(readFileSync(join(written, file), 'utf8')).map((what) => `${file}: ${what}`),
  );
  expect(bad).toEqual([]);
});
