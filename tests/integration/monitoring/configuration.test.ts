// What Prometheus, Alertmanager and the prober are given is what they take, and what silences what names alerts that exist.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ask, type MonitoringProgram } from './programs.ts';
import { alerts, configured, prometheusConfiguration } from './rules.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shakedown-monitoring-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configurations: readonly [MonitoringProgram, string, string, (file: string) => readonly string[]][] = [
  ['promtool', 'monitoring', 'prometheus.yml', (file) => ['check', 'config', file]],
  ['amtool', 'alerting', 'alertmanager.yml', (file) => ['check-config', file]],
  ['prometheus-blackbox-exporter', 'alerting', 'blackbox.yml', (file) => ['--config.check', `--config.file=${file}`]],
];

it.each(configurations)('%s takes %s/%s', async (name, manifest, file, args) => {
  const path = join(folder, file);
  await writeFile(path, configured(manifest, file));
  const { code, said } = await ask(name, args(path));
  expect(code, said).toBe(0);
});

it.each(configurations)('%s refuses a misspelt %s/%s', async (name, manifest, file, args) => {
  const path = join(folder, `misspelt-${file}`);
  await writeFile(path, `${configured(manifest, file)}\nno_such_setting: 1\n`);
  expect((await ask(name, args(path))).code).not.toBe(0);
});

it('evaluates as often as it scrapes, the rules that are mounted, and tells Alertmanager', () => {
  const configuration = parse(configured('monitoring', 'prometheus.yml')) as {
    global: { scrape_interval: string; evaluation_interval: string };
    alerting: { alertmanagers: readonly unknown[] };
  };
  expect(configuration.global.evaluation_interval).toBe(configuration.global.scrape_interval);
  expect(configuration.alerting.alertmanagers).toHaveLength(1);
  expect(prometheusConfiguration().rule_files).toEqual(['/etc/prometheus-rules/*.yaml']);
});

it('silences only alerts that exist, by alerts that exist', () => {
  const { inhibit_rules: rules } = parse(configured('alerting', 'alertmanager.yml')) as {
    inhibit_rules: readonly {
      source_matchers: readonly string[];
      target_matchers: readonly string[];
      equal?: readonly string[];
    }[];
  };
  const known = new Set(alerts.map((rule) => rule.alert));
  const named = rules.flatMap((rule) =>
    [...rule.source_matchers, ...rule.target_matchers]
      .filter((matcher) => matcher.startsWith('alertname'))
      .flatMap((matcher) => (/"(.*)"/.exec(matcher)?.[1] ?? '').split('|')),
  );
  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  const nodeDown = rules.find((rule) => rule.source_matchers[0]?.includes('NodeDown'));
  expect(nodeDown).toEqual({
    source_matchers: ['alertname=~"NodeDown|NodeNotReady"'],
    target_matchers: ['level="pod"', 'node!=""'],
    equal: ['node'],
  });
});
