// `npm test`: brings up what the tests need, runs the three tiers one after the other, and ends with one line that a machine can read.
// Where the lab can't run its tier is skipped aloud and counted.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { ensureLab, k6Program } from '../cli/lab.ts';
import { doctor } from '../lab/doctor.ts';
import { getJson } from '../lab/kubectl.ts';
import { network, paths, siteHost } from '../lab/places.ts';
import { installPackages, unpackedPackages } from '../lab/steps/packages.ts';
import { programsDir } from '../lab/steps/programs.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Half an hour each, and only when asked for: `faults` kills the suite in the middle of every fault, `selftest` seeds every defect of the lab. */
const tiers = ['unit', 'integration', 'lab', 'faults', 'selftest'] as const;
const longTiers: readonly string[] = ['faults', 'selftest'];
const asked = process.argv.slice(2);
const chosen = tiers.filter((tier) => (asked.length === 0 ? !longTiers.includes(tier) : asked.includes(tier)));
const onLab = chosen.filter((tier) => tier !== 'unit');
const strange = asked.filter((each) => !tiers.includes(each as (typeof tiers)[number]));
if (strange.length > 0) {
  console.error(`npm test: no tier ${strange.join(', ')}; there are ${tiers.join(', ')}`);
  process.exit(64);
}

/** What tests/report and tests/integration/workshop start, by its program. */
const hostPackages: Readonly<Record<string, string>> = {
  chromium: '/usr/bin/chromium',
  'mariadb-server': '/usr/sbin/mariadbd',
  'redis-server': '/usr/bin/redis-server',
};
const repo = join(import.meta.dirname, '..');
const scratch = await mkdtemp(join(tmpdir(), 'shakedown-tests-'));
const total = { passed: 0, failed: 0, skipped: 0 };
/** Told once more at the end: a log is often read from there, or cut off before it. */
const failures: string[] = [];
const add = (counts: Counts): void => {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
};

try {
  const environment: Record<string, string> = {};
  if (chosen.includes('unit')) add(await runTier('unit', environment));
  if (onLab.length > 0) {
    const missing = await doctor();
    if (missing.length > 0) {
      for (const { what, next } of missing) console.error(`lab tier skipped: ${what}. Next: ${next}`);
      total.skipped += 1;
    } else {
      const lacking = Object.keys(hostPackages).filter((name) => !existsSync(hostPackages[name] ?? ''));
      if (lacking.length > 0) {
        console.error(`npm test: installing ${lacking.join(', ')} for the tests of the page and of the workshop …`);
        await installPackages(lacking);
      }
      await ensureLab('full', (text) => console.error(text));
      Object.assign(environment, await labEnvironment());
    }
    if (chosen.includes('integration')) {
      Object.assign(environment, await monitoringPrograms());
      add(await runTier('integration', environment));
    }
    for (const tier of ['lab', 'faults', 'selftest'] as const)
      if (chosen.includes(tier) && missing.length === 0) add(await runTier(tier, environment));
  }
} catch (error) {
  console.error(error);
  total.failed += 1;
  failures.push(error instanceof Error ? error.message : String(error));
} finally {
  await rm(scratch, { recursive: true, force: true });
}
for (const failure of failures) console.error(`failed: ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

/** The programs that check rules and configurations, of the packages that the lab's images have. Without them those tests fail, aloud. */
async function monitoringPrograms(): Promise<Record<string, string>> {
  try {
    const names = ['prometheus', 'prometheus-alertmanager', 'prometheus-blackbox-exporter'];
    return { PROMTOOL: join(await unpackedPackages(names), 'promtool') };
  } catch (error) {
    console.error(`npm test: promtool can't be had: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}

/** What the tests of the real thing need to find it. */
async function labEnvironment(): Promise<Record<string, string>> {
  const secret = await getJson<{ data: Record<string, string> }>('secret', 'erp', 'workshop-users');
  const passwordOf = async (name: string): Promise<string> => {
    const found = await getJson<{ data: Record<string, string> }>('secret', 'erp', name);
    return Buffer.from(found?.data.password ?? '', 'base64').toString();
  };
  const users = join(scratch, 'users.json');
  await writeFile(users, Buffer.from(secret?.data['users.json'] ?? '', 'base64'), { mode: 0o600 });
  return {
    SHAKEDOWN_LAB: paths.target,
    SHAKEDOWN_K6: k6Program(),
    SHAKEDOWN_VERSITYGW: join(programsDir('versitygw'), 'versitygw'),
    WORKSHOP_URL: `https://${siteHost}`,
    WORKSHOP_CONNECT_ADDRESS: network.front,
    WORKSHOP_CA_FILE: paths.siteCa,
    WORKSHOP_USERS_FILE: users,
    // What the app itself is told; where its pods are stands in tests/lab/addresses.ts: pods can be reached from this machine, services can't.
    SITE_HOST: siteHost,
    DB_NAME: 'erp',
    DB_USER: 'erp',
    DB_PASSWORD: await passwordOf('database-app'),
    DB_TLS_CA_FILE: paths.siteCa,
    REDIS_CACHE_PASSWORD: await passwordOf('redis-cache'),
    REDIS_QUEUE_PASSWORD: await passwordOf('redis-queue'),
  };
}

async function runTier(tier: string, environment: Readonly<Record<string, string>>): Promise<Counts> {
  console.error(`\n== tests: ${tier} ==`);
  const report = join(scratch, `${tier}.json`);
  const code = await new Promise<number>((resolve) => {
    const args = [
      join(repo, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      tier,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    const env = {
      ...process.env,
      ...environment,
      PATH: `${join(repo, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
    };
    spawn(process.execPath, args, { cwd: repo, env, stdio: ['ignore', 'inherit', 'inherit'] }).on('exit', (status) =>
      resolve(status ?? 1),
    );
  });
  const { numPassedTests, numPendingTests, testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
  const failed = testResults.flatMap(({ name, status, assertionResults }) => {
    const file = `${tier} ${relative(repo, name)}`;
    const named = assertionResults
      .filter((one) => one.status === 'failed')
      .map(({ fullName }) => `${file} > ${fullName}`);
    // A file that has failed without a test that did: it could not be loaded, or what it prepares did not work.
    return status === 'failed' && named.length === 0 ? [`${file} (before any test)`] : named;
  });
  if (failed.length === 0 && code !== 0) failed.push(`${tier} (vitest ended with ${code})`);
  failures.push(...failed);
  return { passed: numPassedTests, failed: failed.length, skipped: numPendingTests };
}
