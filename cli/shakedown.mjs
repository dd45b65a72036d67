#!/usr/bin/env node
// `npx shakedown …`: the command line of a checkout that is set up, on the project's own Node.js.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const node = join(here, '../node_modules/.bin/node');
if (!existsSync(node)) {
  console.error('shakedown: this checkout is not set up. Next: npm run gate (or npm test) in it once');
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
const child = spawn(node, [join(here, 'main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' });
child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 70)));
