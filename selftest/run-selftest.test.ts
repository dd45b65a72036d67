import { beforeAll, describe, expect, test } from 'vitest';
import { judge } from '../lib/judge/judge.ts';
import type { Outcome, Verdict } from '../lib/model/verdict.ts';
import { checkPrometheusObjective } from '../lib/promql/check-objective.ts';
import { type Defect, families } from './defect.ts';
import { defects } from './defects.ts';
import { healthy } from './healthy.ts';
import { type Asked, runSelftest, type SelftestResult } from './run-selftest.ts';

const real: Asked = {
  judge,
  checkObjective: (objective) => checkPrometheusObjective(objective, { scrapeIntervalMs: 5_000 }),
};
const all = Object.values(defects).flat();

describe('the fast tier', () => {
  let result: SelftestResult;
  beforeAll(async () => {
    result = await runSelftest(real, healthy, defects);
  });

  test('catches every seeded defect, each by its own check and no other, and lets every healthy run pass', () => {
    expect(result.missed).toEqual([]);
    expect(result.falseAlarms).toEqual([]);
    expect(result.caught).toHaveLength(all.length);
  });

  test('is wide enough to mean something: 40 defects of six families, 20 healthy controls', () => {
    expect(result.caught.length).toBeGreaterThanOrEqual(40);
    expect(result.controls).toBeGreaterThanOrEqual(20);
    for (const family of families)
      expect(result.caught.filter((name) => name.startsWith(`${family}/`)).length).toBeGreaterThanOrEqual(5);
  });
});

describe('the harness', () => {
  // A few are enough to see what it makes of a judge that is wrong.
  const few = healthy.filter(({ name }) => name === 'control' || name === 'galera-writer-crash');
  const some = (list: readonly Defect[]) =>
    list.filter((one) => !('on' in one) || one.on === 'galera-writer-crash').slice(-4);
  const fewDefects = Object.fromEntries(
    families.map((family) => [family, some(defects[family])]),
  ) as unknown as typeof defects;
  const asked = Object.values(fewDefects).flat();
  const saying = (outcome: (verdict: Verdict, check: string, was: Outcome) => Outcome): Asked => ({
    ...real,
    judge(claim, evidence) {
      const verdict = judge(claim, evidence);
      const findings = verdict.findings.map((one) => ({ ...one, outcome: outcome(verdict, one.check, one.outcome) }));
      return { ...verdict, findings, outcome: outcome(verdict, 'the verdict', verdict.outcome) };
    },
  });

  test('says of a judge that passes everything that it missed everything, and raised no alarm', async () => {
    const blind = { ...saying(() => 'passed'), checkObjective: () => [] };
    const { caught, missed, falseAlarms } = await runSelftest(blind, few, fewDefects);
    expect(asked.length).toBeGreaterThan(8);
    expect({ caught, falseAlarms }).toEqual({ caught: [], falseAlarms: [] });
    expect(missed).toHaveLength(asked.length);
  });

  test('says of a judge that fails everything that it cries wolf, and credits it with nothing', async () => {
    const { caught, falseAlarms } = await runSelftest(
      saying(() => 'failed'),
      few,
      fewDefects,
    );
    expect(falseAlarms.map(({ of }) => of)).toEqual(few.map(({ name }) => `control/${name}`));
    // Queries are refused without the judge.
    expect(caught.filter((name) => !name.startsWith('observation/'))).toEqual([]);
  });

  test('says of a judge that finds the defect and something else beside it that this is a false alarm', async () => {
    const nervous = saying((verdict, check, was) =>
      check === 'run.clock' && verdict.outcome !== 'passed' ? 'inconclusive' : was,
    );
    const { caught, falseAlarms } = await runSelftest(nervous, few, { ...fewDefects, observation: [] });
    expect(caught).toEqual([]);
    expect(falseAlarms.length).toBeGreaterThan(5);
    expect(falseAlarms[0]?.why).toContain('run.clock is inconclusive');
  });

  test('says of a judge that finds the defect and lets the run pass all the same that it was missed', async () => {
    const deaf = saying((_, check, was) => (check === 'the verdict' ? 'passed' : was));
    const { caught, missed } = await runSelftest(deaf, few, { ...fewDefects, observation: [] });
    expect(caught).toEqual([]);
    expect(missed[0]?.why).toContain('the verdict is passed all the same');
  });

  test('says of a judge that refuses every query that the healthy ones were refused', async () => {
    const [defect] = defects.observation.filter((one) => 'refuses' in one);
    if (!defect || !('refuses' in defect)) throw new Error('no query is refused');
    const strict = { ...real, checkObjective: () => defect.by.map((rule) => ({ rule, says: 'no' })) };
    const none = Object.fromEntries(families.map((family) => [family, []])) as unknown as typeof defects;
    const { falseAlarms } = await runSelftest(strict, [], { ...none, observation: [defect] });
    expect(falseAlarms).toEqual([{ of: 'observation/equals-zero', why: 'its healthy twin is refused: no' }]);
  });
});

test('names are unique, every twin is there, and no check is both the defect’s own and a consequence', () => {
  for (const family of families) {
    const names = defects[family].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  }
  expect(new Set(healthy.map(({ name }) => name)).size).toBe(healthy.length);
  for (const one of all) {
    if (!('on' in one)) continue;
    expect(healthy.map(({ name }) => name)).toContain(one.on);
    for (const check of Object.keys(one.turns)) expect(one.besides ?? {}).not.toHaveProperty([check]);
  }
});
