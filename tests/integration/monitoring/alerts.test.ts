// Every alert is seen to fire, at an exact time, and to keep quiet where it must; and the tests that say so are seen to fail when
// the rules are spoilt. An alert whose series vanished must not be silence.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { serviceObjectives } from '../../../scenarios/workshop.ts';
import { ask } from './programs.ts';
import {
  alerts,
  allRules,
  isKnown,
  isOwn,
  monitoringFolder,
  plain,
  prometheusConfiguration,
  promisedNames,
  type Rule,
  ruleFile,
  ruleFileNames,
  rulesOf,
  seenNames,
  seriesNames,
  testFileNames,
} from './rules.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shakedown-rules-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('promtool', () => {
  it('has a file of tests for each file of rules', () => {
    expect(testFileNames).toEqual(ruleFileNames);
    expect(alerts.length).toBeGreaterThan(80);
  });

  it.each(ruleFileNames)('accepts the rules of %s', async (name) => {
    const { code, said } = await ask('promtool', ['check', 'rules', join(monitoringFolder, 'rules', `${name}.yaml`)]);
    expect(said).toMatch(`SUCCESS: ${rulesOf(name).length} rules found`);
    expect(code).toBe(0);
  });

  it.each(testFileNames)('finds the tests of %s passed', async (name) => {
    const file = join(monitoringFolder, 'tests', `${name}.yaml`);
    const { code, said } = await ask('promtool', ['test', 'rules', file], join(monitoringFolder, 'tests'));
    expect(said).toContain('SUCCESS');
    expect(code, said).toBe(0);
  });
});

describe('the tests of the alerts', () => {
  it.each(ruleFileNames.filter((name) => rulesOf(name).some((rule) => rule.alert)))(
    'of %s fail when a rule never fires, always fires or does not wait',
    async (name) => {
      const never = await failures(name, (rule) => ({ ...rule, expr: 'vector(1) > 2' }));
      const always = await failures(name, (rule) => ({ ...rule, expr: 'vector(1)' }));
      const hasty = await failures(name, ({ for: _, ...rule }) => rule);
      for (const rule of rulesOf(name)) {
        const { alert } = rule;
        if (alert === undefined) continue;
        const fires = never.filter((failure) => failure.alert === alert && !failure.expectedNothing);
        expect(fires, `${alert} has no test in which it fires`).not.toEqual([]);
        const inOthers = always.filter(
          (failure) =>
            failure.alert === alert && failure.expectedNothing && !fires.some((each) => each.test === failure.test),
        );
        expect(inOthers, `${alert} has no other test in which it keeps quiet`).not.toEqual([]);
        if (rule.for === undefined) continue;
        const early = hasty.filter((failure) => failure.alert === alert && failure.expectedNothing);
        expect(early, `${alert} has no test just before it fires`).not.toEqual([]);
      }
    },
  );

  it('fail when an objective is recorded wrongly', async () => {
    const spoilt = (rule: Rule): Rule => (rule.record ? { ...rule, expr: 'vector(7)' } : rule);
    const { code, said } = await promtoolWith('objectives', spoilt);
    expect(code).not.toBe(0);
    for (const { record } of rulesOf('objectives')) expect(said).toContain(`expr: "${record}"`);
  });
});

describe('an alert', () => {
  it('has a name of its own', () => {
    expect(new Set(alerts.map((rule) => rule.alert)).size).toBe(alerts.length);
  });

  it.each(alerts.map((rule) => [rule.alert, rule] as const))(
    '%s says how bad it is, what is, and what to do',
    (_, rule) => {
      const { severity, part, level, node } = rule.labels ?? {};
      expect(['critical', 'warning', ...(rule.alert === 'AlertingWorks' ? ['none'] : [])]).toContain(severity);
      expect(ruleFileNames).toContain(part);
      expect(Object.keys(rule.annotations ?? {}).sort()).toEqual(['action', 'summary']);
      expect((rule.annotations?.action ?? '').length).toBeGreaterThan(20);
      expect(rule.for ?? '5s').toMatch(/^([5-9]|[1-5][0-9]|60)s$/);
      // Without the one the other is of no use to whoever silences the pods of a lost Kubernetes node.
      expect(level === 'pod').toBe(node?.includes('cluster:pod_node:info') ?? false);
    },
  );

  it('asks only for series that exist', () => {
    const unknown = allRules.flatMap((rule) =>
      seriesNames(rule.expr)
        .filter((name) => !isKnown(name))
        .map((name) => `${rule.alert ?? rule.record}: ${name}`),
    );
    expect(unknown).toEqual([]);
    expect(
      seriesNames('sum by (le) (rate(a_bucket{x="b_c"}[5m])) > 2e6 and on (pod) max(d:e:f offset 5m) or time() - g'),
    ).toEqual(['a_bucket', 'd:e:f', 'g']);
    expect(isKnown('mysql_global_status_wsrep_cluster_sizes')).toBe(false);
  });
});

describe('series that vanish', () => {
  const expected = new Set(
    rulesOf('monitoring').flatMap((rule) =>
      rule.record === 'monitoring:targets_expected:count' ? rule.labels?.job : [],
    ),
  );

  it('are missed job by job: what is scraped is what is expected', () => {
    const jobs = prometheusConfiguration().scrape_configs.map((job) => job.job_name);
    expect([...expected].sort()).toEqual([...jobs].sort());
  });

  it('are missed name by name: each comes from an expected job, or its absence is an alert', () => {
    const absences = allRules.map((rule) => rule.expr).filter((expr) => expr.includes('absent('));
    const unmissed = alerts.flatMap((rule) =>
      seriesNames(rule.expr)
        .filter((name) => !isOwn(name))
        .filter((name) => ![...seenNames].some(([job, names]) => expected.has(job) && names.has(name)))
        .filter((name) => !absences.some((expr) => expr.includes(`absent(${name}`))),
    );
    expect(unmissed).toEqual([]);
    expect(promisedNames.size).toBe(4);
  });

  it('are alerts of every part when nothing was ever there', async () => {
    const parts = [...new Set(alerts.map((rule) => rule.labels?.part))].sort();
    const file = join(folder, 'nothing.yaml');
    const firing = 'group by (part) (ALERTS{alertstate="firing",severity="critical"})';
    const test = {
      interval: '5s',
      input_series: [{ series: 'something_else', values: '1x30' }],
      promql_expr_test: [
        {
          expr: firing,
          eval_time: '1m',
          exp_samples: parts.map((part) => ({ labels: `{part="${part}"}`, value: 1 })),
        },
      ],
    };
    const ruleFiles = ruleFileNames.map((name) => join(monitoringFolder, 'rules', `${name}.yaml`));
    await writeFile(file, stringify({ rule_files: ruleFiles, evaluation_interval: '5s', tests: [test] }));
    const { code, said } = await ask('promtool', ['test', 'rules', file]);
    expect(code, said).toBe(0);
  });
});

describe('the objectives of the scenarios', () => {
  const asked = serviceObjectives.filter((objective) => objective.source === 'prometheus');
  const recordOf = (query: string): string | undefined =>
    rulesOf('objectives').find((rule) => plain(rule.expr) === plain(query))?.record;

  it.each(asked.map((objective) => [objective.name, objective] as const))(
    '%s is recorded letter by letter',
    (_, objective) => {
      expect(recordOf(objective.query)).toBeDefined();
    },
  );

  it.each(asked.map((objective) => [objective.name, objective] as const))(
    '%s has an alert at its bound',
    (_, objective) => {
      const bound = objective.max === undefined ? `< ${objective.min}` : `> ${objective.max}`;
      // The size is asked of whoever still answers: its record has no value when one of three is silent.
      const left =
        objective.name === 'galera-size' ? 'min(mysql_global_status_wsrep_cluster_size)' : recordOf(objective.query);
      expect(alerts.map((rule) => plain(rule.expr))).toContain(`${left} ${bound}`);
    },
  );

  it('that users measure have the same bounds for what servers see', () => {
    const boundMs = (name: string) => serviceObjectives.find((objective) => objective.name === name)?.max ?? 0;
    const exprs = alerts.map((rule) => rule.expr);
    expect(exprs).toContain(`workshop:scan_p95_seconds:rate20s > ${boundMs('scans-p95') / 1000}`);
    expect(exprs).toContain(`workshop:write_p95_seconds:rate20s > ${boundMs('writes-p95') / 1000}`);
  });
});

interface Failure {
  readonly test: string;
  readonly alert: string;
  readonly expectedNothing: boolean;
}

/** Runs the tests of a file of rules against rules that are spoilt. */
async function promtoolWith(name: string, spoil: (rule: Rule) => Rule): ReturnType<typeof ask> {
  const scratch = await mkdtemp(join(folder, `${name}-`));
  for (const part of ['rules', 'tests'])
    await cp(join(monitoringFolder, part), join(scratch, part), { recursive: true });
  const groups = ruleFile(name).groups.map((group) => ({ ...group, rules: group.rules.map(spoil) }));
  await writeFile(join(scratch, 'rules', `${name}.yaml`), stringify({ groups }, { lineWidth: 0 }));
  return ask('promtool', ['test', 'rules', join(scratch, 'tests', `${name}.yaml`)], join(scratch, 'tests'));
}

/** The alerts' tests that fail then. */
async function failures(name: string, spoil: (rule: Rule) => Rule): Promise<readonly Failure[]> {
  const { said } = await promtoolWith(name, (rule) => (rule.alert ? spoil(rule) : rule));
  return said.split(/^ {4}name: /m).flatMap((test) =>
    test
      .split(/^ {4}alertname: /m)
      .slice(1)
      .map((failure) => ({
        test: test.slice(0, test.indexOf('\n')),
        alert: failure.slice(0, failure.indexOf(',')),
        expectedNothing: /^\s+exp:\[\]/m.test(failure),
      })),
  );
}
