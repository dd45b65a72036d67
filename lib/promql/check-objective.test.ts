import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { scenarios } from '../../scenarios/catalog.ts';
import type { PrometheusObjective } from '../model/claim.ts';
import { checkPrometheusObjective } from './check-objective.ts';

const repo = join(import.meta.dirname, '../..');
const good: PrometheusObjective = {
  name: 'size',
  source: 'prometheus',
  query: 'min(galera_size{job="galera"})',
  unit: 'nodes',
  reduce: 'min',
  phases: ['steady', 'after'],
  min: 3,
  coverageMin: 0.5,
};
const rulesOf = (over: Partial<PrometheusObjective>) =>
  checkPrometheusObjective({ ...good, ...over }, { scrapeIntervalMs: 5_000 }).map(({ rule }) => rule);

test('every objective of every scenario is accepted, at the scrapes of the lab', () => {
  const asked = scenarios.flatMap(({ claim }) =>
    claim.objectives.flatMap((one) => (one.source === 'prometheus' ? [{ claim: claim.name, ...one }] : [])),
  );
  expect(asked.length).toBeGreaterThan(20);
  for (const objective of asked)
    expect(checkPrometheusObjective(objective, { scrapeIntervalMs: 5_000 }), objective.name).toEqual([]);
});

test('what the lab records of its objectives is accepted', () => {
  const file = parse(readFileSync(join(repo, 'lab/monitoring/rules/objectives.yaml'), 'utf8')) as {
    groups: { rules: { record: string; expr: string }[] }[];
  };
  const rules = file.groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(5);
  for (const { record, expr } of rules)
    expect(checkPrometheusObjective({ ...good, query: expr }, { scrapeIntervalMs: 5_000 }), record).toEqual([]);
});

describe('an objective', () => {
  test('as it should be is accepted', () => {
    expect(rulesOf({})).toEqual([]);
  });

  test('without a bound, or with one that nothing keeps, is refused', () => {
    const { min: _, ...unbound } = good;
    expect(checkPrometheusObjective(unbound).map(({ rule }) => rule)).toEqual(['bound']);
    expect(rulesOf({ min: Number.NaN })).toEqual(['bound']);
    expect(rulesOf({ min: 3, max: 2 })).toEqual(['bound']);
    expect(rulesOf({ min: 3, max: 3 })).toEqual([]);
  });

  test('for which less than half of a phase is enough is refused', () => {
    for (const coverageMin of [0, 0.49, 1.01, Number.NaN]) expect(rulesOf({ coverageMin })).toEqual(['coverage']);
    for (const coverageMin of [0.5, 1]) expect(rulesOf({ coverageMin })).toEqual([]);
  });

  test('of several series says how they become one', () => {
    const query = 'galera_size{job="galera"}';
    expect(rulesOf({ query })).toEqual(['merge']);
    for (const series of ['one', 'each', 'worst', 'sum'] as const) expect(rulesOf({ query, series })).toEqual([]);
  });

  test('that counts while something is broken says which processes count', () => {
    const query = 'sum(increase(errors_total[20s]))';
    const bound = { query, reduce: 'max', max: 0, min: undefined as never } as const;
    expect(rulesOf({ ...bound, phases: ['steady', 'after'] })).toEqual([]);
    expect(rulesOf({ ...bound, phases: ['fault'] })).toEqual(['exporters']);
    expect(rulesOf({ ...bound, phases: ['recovery', 'after'] })).toEqual(['exporters']);
    const exporters = 'process_start_time_seconds{job="web"}';
    expect(rulesOf({ ...bound, phases: ['fault'], exporters })).toEqual([]);
  });

  test.each([
    ['min(process_start_time_seconds{job="web"})', 'wants one series for each process'],
    ['up{job="web"}', 'wants one series for each process'],
    ['process_start_time_seconds', 'every scrape target'],
    ['process_start_time_seconds{', 'missing at its end'],
  ])('whose exporters are %s is refused', (exporters, why) => {
    expect(checkPrometheusObjective({ ...good, exporters })).toEqual([
      { rule: 'exporters', says: expect.stringContaining(why) },
    ]);
  });

  test('is told its place in the query, counted as people count, and what to write instead', () => {
    const [mistake] = checkPrometheusObjective({ ...good, query: 'min(galera_size) + absent(up{job="galera"})' });
    expect(mistake?.says).toMatch(/^character 20, `absent\(up\{job="galera"\}\)`: .*Count what must be there/);
  });
});

/** Rows of the table in docs/writing-a-scenario.md that show what is refused and what is written instead. */
const shown = readFileSync(join(repo, 'docs/writing-a-scenario.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, bad, , instead] = /^\| `([^`]+)`\s*\| (.+?)\s*\| `([^`]+)`\s*\|$/.exec(line) ?? [];
    return bad && instead ? [[bad.replaceAll('\\|', '|'), instead.replaceAll('\\|', '|')] as const] : [];
  });

test('the page for authors shows enough', () => {
  expect(shown.length).toBeGreaterThan(8);
});

test.each(shown)('the page for authors is right that %s is refused, and %s is not', (bad, instead) => {
  const objective = { ...good, min: undefined as never, max: 0, reduce: 'max' } as const;
  expect(checkPrometheusObjective({ ...objective, query: bad }, { scrapeIntervalMs: 5_000 })).not.toEqual([]);
  expect(checkPrometheusObjective({ ...objective, query: instead }, { scrapeIntervalMs: 5_000 })).toEqual([]);
});
