// What was typed wrong is said before anything is touched: exit 64, all mistakes at once, each with its place.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copiedCheckout, scratchFolder, shakedownIn, unreachableTarget } from './command.ts';

let folder: string;
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('a misspelt scenario is named with the nearest one, and nothing is touched', async () => {
  const ran = await shakedownIn(folder, ['run', 'galera-writer-crush', 'contrl']);
  expect(ran.code).toBe(64);
  expect(ran.stdout).toBe('');
  expect(ran.stderr).toContain('galera-writer-crush (did you mean galera-writer-crash?)');
  expect(ran.stderr).toContain('contrl (did you mean control?)');
  expect(await readdir(folder)).toEqual([]);
});

it.each([
  ['an unknown verb', ['gait'], 'gate'],
  ['an unknown option', ['gate', '--jsn'], '--json'],
  ['a suite that there is not', ['gate', '--suite', 'huge'], 'smoke'],
  ['a seed that is no number', ['run', 'control', '--seed', 'x'], 'whole number'],
  ['no scenario at all', ['run'], 'scenario'],
])('%s exits with 64 and says what there is', async (_what, args, says) => {
  const ran = await shakedownIn(folder, args);
  expect(ran.code).toBe(64);
  expect(ran.stderr).toContain(says);
});

it('every mistake of a target file is named with its line', async () => {
  const file = await unreachableTarget(folder);
  const good = await readFile(file, 'utf8');
  await writeFile(
    file,
    good
      .replace('scrapeIntervalMs: 1000', 'scrapeIntervalMs: often')
      .replace('dialect: frappe-15', 'dialect: frappe-9\n  colour: blue')
      .replace('appUser: erp', ''),
  );
  const ran = await shakedownIn(folder, ['run', 'control', '--target', file]);
  expect(ran.code).toBe(64);
  expect(ran.stderr).toMatch(/line \d+: prometheus\.scrapeIntervalMs/);
  expect(ran.stderr).toMatch(/line \d+: site\.dialect/);
  expect(ran.stderr).toMatch(/line \d+: site: unknown key colour/);
  expect(ran.stderr).toMatch(/mariadb\.appUser/);
  expect((await readdir(folder)).sort()).toEqual(['kubeconfig', 'target.yaml']);
});

it.each([
  ['is not YAML', 'name: [unclosed', /target\.yaml/],
  ['is empty', '', /target\.yaml/],
])('a target file that %s is told with its name', async (_what, text, says) => {
  const file = join(folder, 'target.yaml');
  await writeFile(file, text);
  const ran = await shakedownIn(folder, ['run', 'control', '--target', file]);
  expect(ran.code).toBe(64);
  expect(ran.stderr).toMatch(says);
});

it('a target file that is not there is told', async () => {
  const ran = await shakedownIn(folder, ['run', 'control', '--target', 'nowhere.yaml']);
  expect(ran.code).toBe(64);
  expect(ran.stderr).toContain('nowhere.yaml');
});

it('mistakes in k6.config.ts, in the target file and in the scenario are told together', async () => {
  const checkout = await copiedCheckout(folder);
  const config = join(checkout, 'k6.config.ts');
  const text = await readFile(config, 'utf8');
  await writeFile(
    config,
    text
      .replace('technicians: 60', 'technicians: -3')
      .replace('usualDurationMs: 1_000', 'usualDurationMs: 1_000,\n  usualDuration: 5')
      .replace('satisfies LoadConfig', 'as unknown as LoadConfig'),
  );
  const ran = await shakedownIn(folder, ['run', 'contrl', '--target', 'nowhere.yaml'], {}, checkout);
  expect(ran.code).toBe(64);
  expect(ran.stderr).toContain('profiles.gate.technicians');
  expect(ran.stderr).toContain('usualDuration: unknown key');
  expect(ran.stderr).toContain('nowhere.yaml');
  expect(ran.stderr).toContain('did you mean control?');
  expect((await readdir(folder)).sort()).toEqual(['checkout']);
});

it.each(['run', 'plan'])(
  'objectives that can’t fail, or are as good without data, are told by %s, all at once',
  async (verb) => {
    const checkout = await copiedCheckout(folder);
    const file = join(checkout, 'scenarios/workshop.ts');
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text
        .replace(/'min\(mysql_global_status_wsrep_cluster_size\) and [^']+'/, `'up{job="payment-service"} == 0'`)
        .replace(/\) \/ \(sum\(rate\(\$\{requests\}_count\[\$\{window\}\]\)\) > 0\)`/, ')`')
        .replace("const window = '20s'", "const window = '3s'"),
    );
    const target = await unreachableTarget(folder);
    const ran = await shakedownIn(folder, [verb, 'control', 'web-pod-kill', '--target', target], {}, checkout);
    expect(ran.code).toBe(64);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toContain('objective galera-size: character 1, `up{job="payment-service"} == 0`');
    expect(ran.stderr).toContain("can't be told from no data");
    expect(ran.stderr).toMatch(/objective app-error-share: .*without any data it is as good as with none that is bad/);
    expect(ran.stderr).toMatch(/objective app-p95: .*Take 4 s at least.*\(control, web-pod-kill\)/);
    expect((await readdir(folder)).sort()).toEqual(['checkout', 'kubeconfig', 'target.yaml']);
  },
);
