// With zx itself beside it, which shows that bash would have read the file.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shakedown-shell-'));
  await writeFile(join(home, '.bashrc'), 'touch ~/was-read\n');
});
afterEach(() => rm(home, { recursive: true, force: true }));

it.each([
  ['zx', true],
  [join(import.meta.dirname, 'shell.ts'), false],
])('%s: ~/.bashrc read by its commands: %s', async (module, read) => {
  const script = `const { $ } = await import(${JSON.stringify(module)}); await $({ quiet: true })\`true; echo\``;
  const { PATH } = process.env;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    env: { PATH, HOME: home },
  });
  expect(existsSync(join(home, 'was-read'))).toBe(read);
});
