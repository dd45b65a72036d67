import { expect, test } from 'vitest';
import type { Readiness } from '../model/readiness.ts';
import { noLedger } from '../model/verdict.ts';
import { tellOwnDefects } from './own-defects.ts';

type Run = Readiness['runs'][number];

const run = (scenario: string, findings: Record<string, Run['outcome']>, control?: true): Run => ({
  scenario,
  hypothesis: '',
  outcome: 'failed',
  ended: 'completed',
  recovery: { ms: null, resolutionMs: 0 },
  ledger: { ...noLedger },
  findings: Object.entries(findings).map(([check, outcome]) => ({ check, outcome, says: `${check} says` })),
  residue: [],
  folder: scenario,
  ...(control ? { control } : {}),
});

const marked = (runs: readonly Run[]) =>
  tellOwnDefects([...runs]).map(({ findings }) =>
    findings.filter(({ alsoInControl }) => alsoInControl).map(({ check }) => check),
  );

test('what control fails too is marked in the others, and only there', () => {
  const control = run('control', { 'writes-p95': 'failed', 'ledger.lost': 'passed' }, true);
  const crash = run('crash', { 'writes-p95': 'failed', 'ledger.lost': 'failed' });
  expect(marked([crash, control])).toEqual([['writes-p95'], []]);
});

test('what control passed, or could not tell, excuses nobody', () => {
  const control = run('control', { 'writes-p95': 'inconclusive', 'ledger.lost': 'passed' }, true);
  expect(marked([control, run('crash', { 'writes-p95': 'failed', 'ledger.lost': 'failed' })])).toEqual([[], []]);
});

test('what passed with the fault is no defect of it, and without a control nothing is marked', () => {
  const control = run('control', { 'writes-p95': 'failed' }, true);
  expect(marked([control, run('crash', { 'writes-p95': 'passed' })])).toEqual([[], []]);
  expect(marked([run('crash', { 'writes-p95': 'failed' }), run('kill', { 'writes-p95': 'failed' })])).toEqual([[], []]);
});
