import { expect, test } from 'vitest';
import { claimOf, controlClaim } from '../../tests/fixtures/evidence.ts';
import type { RunHeader } from '../model/evidence.ts';
import type { Scenario } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';
import { type Finding, noLedger, type RunRecord } from '../model/verdict.ts';
import { assembleReadiness } from './readiness.ts';

const finding = (check: string, outcome: Finding['outcome']): Finding => ({
  check,
  outcome,
  says: `${check} was seen.`,
});

const recordOf = (scenario: string, findings: readonly Finding[]): RunRecord => ({
  header: { scenario } as RunHeader,
  ended: 'completed',
  endedAt: 0,
  residue: [],
  folder: scenario,
  verdict: {
    judgeVersion: 1,
    scenario,
    runId: scenario,
    outcome: 'failed',
    findings,
    recovery: { ms: null, resolutionMs: 0 },
    ledger: noLedger,
  },
});

const readinessOf = (records: readonly RunRecord[]) =>
  assembleReadiness(
    { records, skipped: [] },
    {
      target: { name: 'lab', environment: { class: 'disposable' } } as Target,
      suite: 'nightly',
      scenarios: [{ claim: controlClaim() }, { claim: claimOf() }] as Scenario[],
      untested: [],
      startedAt: 0,
      endedAt: 1,
      commit: 'abc',
      interrupted: false,
    },
  );

const crash = recordOf('galera-writer-crash', [
  finding('ledger.lost', 'failed'),
  finding('scans-p95', 'failed'),
  finding('stock.bin', 'passed'),
]);

test('what failed without any fault is told apart, and beside each finding of another run that shows it too', () => {
  const { platform, runs, outcome } = readinessOf([
    recordOf('control', [
      finding('scans-p95', 'failed'),
      finding('stock.bin', 'failed'),
      finding('load.exit', 'passed'),
    ]),
    crash,
  ]);
  expect(platform).toEqual([
    { check: 'scans-p95', outcome: 'failed', says: 'scans-p95 was seen.', alsoIn: ['galera-writer-crash'] },
    { check: 'stock.bin', outcome: 'failed', says: 'stock.bin was seen.', alsoIn: [] },
  ]);
  const own = runs[1]?.findings.map(({ check, platformsOwn }) => [check, platformsOwn]);
  expect(own).toEqual([
    ['ledger.lost', undefined],
    ['scans-p95', true],
    ['stock.bin', undefined],
  ]);
  expect(runs[1]?.findings[1]?.says).toMatch(/^scans-p95 was seen\. Without any fault the control shows/);
  // Nothing is taken back for it.
  expect(outcome).toBe('failed');
  expect(runs[1]?.findings[1]?.outcome).toBe('failed');
});

test('a control that passed, could not tell or was not run tells nothing of the platform', () => {
  for (const records of [
    [recordOf('control', [finding('scans-p95', 'passed')]), crash],
    [recordOf('control', [finding('scans-p95', 'inconclusive')]), crash],
    [crash],
  ]) {
    const { platform, runs } = readinessOf(records);
    expect(platform).toBeUndefined();
    expect(runs.at(-1)?.findings).toEqual(crash.verdict.findings);
  }
});
