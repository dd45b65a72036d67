import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { faults } from '../chaos/registry.ts';
import config from '../k6.config.ts';
import { alertContractSchema } from '../lib/model/alert-contract.ts';
import { alertmanagerSeries } from '../lib/model/alertmanager.ts';
import { usualSuiteMs } from '../lib/runner/run-scenario.ts';
import { scenarioNamed, scenarios, scenariosOf } from './catalog.ts';

const profileOf = (name: string) => {
  const profile = (config.profiles as Record<string, (typeof config.profiles)['gate']>)[name];
  if (!profile) throw new Error(`no profile ${name} in k6.config.ts`);
  return profile;
};

test('every claim is plain JSON', () => {
  for (const { claim } of scenarios) expect(JSON.parse(JSON.stringify(claim))).toEqual(claim);
});

test('names are unique, of scenarios and of objectives within one', () => {
  const unique = (names: readonly string[]) => expect([...new Set(names)]).toEqual(names);
  unique(scenarios.map(({ claim }) => claim.name));
  for (const { claim } of scenarios) unique(claim.objectives.map(({ name }) => name));
  expect(scenarioNamed('control')?.claim.name).toBe('control');
  expect(scenarioNamed('nothing')).toBeUndefined();
});

test('the smoke suite begins with the control and ends with what takes a machine away; larger ones hold it', () => {
  expect(scenariosOf('smoke').map(({ claim }) => claim.name)).toEqual([
    'control',
    'web-pod-kill',
    'web-tier-rollout',
    'worker-kill',
    'galera-writer-crash',
    'galera-writer-partition',
    'sentinel-failover-cache',
    'sentinel-failover-queue',
    'certificate-expiry',
    'node-power-loss',
  ]);
  expect(scenariosOf('full')).toEqual(scenarios);
});

test.each(scenarios.map((scenario) => [scenario.claim.name, scenario] as const))(
  '%s: guards, faults and probes that it names exist',
  (_name, { claim, play, guards }) => {
    expect(guards.map(({ name }) => name)).toEqual(expect.arrayContaining([...claim.needs]));
    const played = play.timeline.flatMap((step) => ('fault' in step ? [step.fault] : []));
    expect(claim.faults).toEqual(played.map((fault) => fault.name));
    for (const fault of played) expect(faults.map((one) => one.fault)).toContain(fault);
    const sampled = play.probes.map(({ series }) => series);
    for (const objective of claim.objectives) {
      if (objective.source === 'probe') expect(sampled).toContain(objective.series);
    }
  },
);

test.each(scenarios.filter(({ claim }) => claim.recovery).map((scenario) => [scenario.claim.name, scenario] as const))(
  '%s: how its fault is noticed is claimed, of something that is looked at, within the time that there is',
  (_name, { claim, play }) => {
    const { detectedBy = [], failedOverBy = [], recoveryMsMax = 0, second, budgetShareMax } = claim.recovery ?? {};
    expect(detectedBy.length).toBeGreaterThan(0);
    for (const by of [...detectedBy, ...failedOverBy]) {
      if (by.of !== undefined) expect(claim.faults).toContain(by.of);
      if ('series' in by) {
        const probe = play.probes.find(({ series }) => series === by.series);
        expect(probe, by.series).toBeDefined();
        // Too close to call is what lies between two looks.
        expect(by.msMax).toBeGreaterThanOrEqual(5 * (probe?.everyMs ?? 0));
      }
      const holdMs = play.timeline.reduce((sum, step) => sum + ('fault' in step ? step.holdMs : step.waitMs), 0);
      expect(by.msMax, 'is looked for as long as that').toBeLessThanOrEqual(
        holdMs + play.recoveryWaitMs + play.afterMs,
      );
    }
    // Whoever works at the new place is well: a role moves within the time that users are given.
    for (const by of failedOverBy) expect(by.msMax).toBeLessThanOrEqual(recoveryMsMax);
    expect(second).toBeDefined();
    expect(budgetShareMax).toBeGreaterThan(0);
  },
);

test.each(scenarios.map((scenario) => [scenario.claim.name, scenario] as const))(
  '%s: the numbers of its hypothesis are those of its claim and of the load',
  (_name, { claim, play }) => {
    const { technicians, perTechnicianHour: hourly } = profileOf(play.load);
    const perSecond = (number: number) => (technicians * number) / 3600;
    const scans = perSecond(hourly['barcode-lookup']);
    const writes = perSecond(hourly['goods-receipt']) + perSecond(hourly['parts-issue']);
    expect(claim.hypothesis).toContain(`${scans} scans/s and ${writes} writes/s`);
    expect(claim.hypothesis).toMatch(/(loses?|lose) no acknowledged write/);
    if (claim.recovery) expect(claim.hypothesis).toContain(`within ${claim.recovery.recoveryMsMax / 1000} s`);
    else {
      expect(claim.hypothesis).toContain(`for ${(play.steadyMs + play.afterMs) / 1000} s`);
      const p95 = claim.objectives.find(({ name }) => name === 'scans-p95');
      expect(claim.hypothesis).toContain(`95 % of the scans are answered within ${p95?.max} ms`);
    }
    if (claim.jobs)
      expect(claim.hypothesis).toContain(
        claim.jobs.lostMax === 0 ? 'no job' : `at most ${claim.jobs.lostMax} of their background jobs`,
      );
    if (claim.hypothesis.includes('three Galera nodes')) expect(claim.ledger.nodes).toBe(3);
  },
);

test.each(scenarios.map((scenario) => [scenario.claim.name, scenario] as const))(
  '%s: each phase is long enough for the samples that its objectives want, and the run for its writes',
  (_name, { claim, play }) => {
    const { technicians, perTechnicianHour: hourly } = profileOf(play.load);
    const holdMs = play.timeline.reduce((sum, step) => sum + ('fault' in step ? step.holdMs : step.waitMs), 0);
    const lengthMs = { steady: play.steadyMs, fault: holdMs, after: play.afterMs, recovery: 0 };
    for (const objective of claim.objectives) {
      for (const phase of objective.phases) {
        if (objective.source === 'k6') {
          const perHour = objective.journeys.reduce((sum, journey) => sum + hourly[journey], 0);
          const planned = (technicians * perHour * lengthMs[phase]) / 3_600_000;
          expect(planned * 0.8, `${objective.name} in ${phase}`).toBeGreaterThanOrEqual(objective.samplesMin);
          // Below that a 95th percentile is the maximum or nearly so.
          if (objective.measure === 'latency-p95-ms') expect(objective.samplesMin).toBeGreaterThanOrEqual(59);
        }
        if (objective.source === 'probe') {
          const probe = play.probes.find(({ series }) => series === objective.series);
          expect(lengthMs[phase] / (probe?.everyMs ?? 0) / 1.5).toBeGreaterThanOrEqual(objective.samplesMin);
        }
      }
    }
    const writes = (technicians * (hourly['goods-receipt'] + hourly['parts-issue'])) / 3_600_000;
    // The first part of a steady state may be the end of the run before, whose writes are its own.
    const sharedMs = Math.min(play.steadyMs, Math.max(...scenarios.map((one) => one.play.afterMs)));
    const ownMs = play.steadyMs - sharedMs + holdMs + play.afterMs;
    expect(writes * ownMs * 0.85).toBeGreaterThanOrEqual(claim.load.acknowledgedMin);
  },
);

interface Rule {
  readonly alert?: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const monitoring = join(import.meta.dirname, '../lab/monitoring/rules');
const rules = globSync('*.yaml', { cwd: monitoring }).flatMap((file) =>
  (parse(readFileSync(join(monitoring, file), 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    (group) => group.rules,
  ),
);
/** A scrape, an evaluation, and one of either that is late. */
const watchingMs = 15_000;

test.each(scenarios.map((scenario) => [scenario.claim.name, scenario] as const))(
  '%s: its alerts are claimed in the contract’s shape, of rules that there are, and Alertmanager is looked at',
  (_name, { claim, play, lab }) => {
    const { heartbeat, mustFire, mustNotFire } = alertContractSchema.parse(claim.alerts);
    expect(rules.map(({ alert }) => alert)).toContain(heartbeat);
    expect(play.probes.map(({ series }) => series)).toContain(alertmanagerSeries);
    // A lab without Alertmanager could not say whether anybody would have been called.
    if (mustFire.length > 0) expect(lab).toBeUndefined();
    for (const { name, from, withinMs, resolvesWithinMs } of mustFire) {
      const rule = rules.find(({ alert }) => alert === name);
      expect(rule, name).toBeDefined();
      const waitsMs = 1000 * Number.parseInt(rule?.for ?? '0s', 10);
      // From its effect on nothing has to be scraped any more: the rule goes by the clock.
      expect(withinMs, `${name} fires in time`).toBeGreaterThanOrEqual(
        waitsMs + (from === 'effect' ? watchingMs - 5_000 : watchingMs),
      );
      const holdMs = play.timeline.reduce((sum, step) => sum + ('fault' in step ? step.holdMs : step.waitMs), 0);
      const longestMs = holdMs + play.recoveryWaitMs + play.afterMs;
      expect(longestMs, `${name} is waited for`).toBeGreaterThanOrEqual(withinMs);
      if (resolvesWithinMs !== undefined)
        expect(play.recoveryWaitMs + play.afterMs, `${name} is seen to be over`).toBeGreaterThanOrEqual(
          resolvesWithinMs,
        );
    }
    for (const { name, labels = {} } of mustNotFire)
      expect(
        rules.filter(
          (rule) =>
            rule.alert !== undefined &&
            (name === undefined || rule.alert === name) &&
            Object.entries(labels).every(([label, value]) => rule.labels?.[label] === value),
        ).length,
      ).toBeGreaterThan(0);
  },
);

test('the smoke suite takes less than fifteen minutes', () => {
  const wholeMs = usualSuiteMs(scenariosOf('smoke').map(({ play }) => play));
  expect(wholeMs).toBeLessThan(15 * 60_000);
});
