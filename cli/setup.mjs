// Runs before anything is installed, so it needs nothing but a Node.js: installs the packages when they are missing or out of date,
// then hands over to the Node.js of the project's own (package `node`), whatever the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repo = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(repo, 'node_modules');
const stamp = join(modules, '.shakedown-installed');
const wanted = createHash('sha256')
  .update(readFileSync(join(repo, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) install();

const [first, ...rest] = process.argv.slice(2);
const script =
  first === '--run' ? [join(repo, rest[0] ?? ''), ...rest.slice(1)] : [join(repo, 'cli/main.ts'), first, ...rest];
// Signals of the terminal reach the child by themselves; this process only waits for its end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
const child = spawn(join(modules, '.bin/node'), script.filter(Boolean), { stdio: 'inherit', cwd: repo });
child.on('error', (error) => fail(`${error.message}. Next: rm -rf node_modules and try again`));
child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 70)));

function install() {
  console.error('setup: installing npm packages (about a minute the first time) …');
  const started = Date.now();
  const ran = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: repo, encoding: 'utf8' });
  if (ran.error || ran.status !== 0) {
    const why = (ran.stderr || ran.error?.message || '').trim().split('\n').slice(0, 6).join('\n  ');
    fail(`npm ci failed:\n  ${why}\nNext: check that npm reaches its registry (npm ping), then try again`);
  }
  // So that `npx shakedown` finds the command of this checkout without a copy.
  mkdirSync(join(modules, '.bin'), { recursive: true });
  rmSync(join(modules, '.bin/shakedown'), { force: true });
  symlinkSync('../../cli/shakedown.mjs', join(modules, '.bin/shakedown'));
  writeFileSync(stamp, wanted);
  console.error(`setup: packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Exit 2: this machine can't be used as it is. */
function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(2);
}
