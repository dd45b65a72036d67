import { expect, test } from 'vitest';
import { evidenceOf, journalWith, outcomesOf } from '../../tests/fixtures/evidence.ts';
import type { Evidence, GeneratorAccount } from '../model/evidence.ts';
import { judge } from './judge.ts';

const evidence = evidenceOf();
const explained = evidence.operations.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0) / 1000;
const iterations = evidence.operations.length;
/** Two processors of which a quarter was used, and two milliseconds for each permit. */
const account: GeneratorAccount = {
  processors: 2,
  busiest: { windowMs: 5_000, processorSeconds: 2.5 },
  iterations,
  iterationSeconds: explained + iterations * 0.002,
};

function withAccount(change: Partial<GeneratorAccount>): Evidence {
  return journalWith(evidence, (line) =>
    line.kind === 'load' && line.event === 'stopped' ? { ...line, generator: { ...account, ...change } } : line,
  );
}
const outcome = (change: Partial<GeneratorAccount>, check: string) =>
  outcomesOf(judge(evidence.claim, withAccount(change)), check);

test('a generator that had what it wanted, and whose users were busy with the target, is believed', () => {
  expect(outcome({}, 'load.processor')).toEqual(['passed']);
  expect(outcome({}, 'load.busy')).toEqual(['passed']);
});

test('nearly all processors used is a shortage, and nothing used can not be', () => {
  expect(outcome({ busiest: { windowMs: 5_000, processorSeconds: 8.1 } }, 'load.processor')).toEqual(['inconclusive']);
  expect(outcome({ busiest: { windowMs: 5_000, processorSeconds: 0 } }, 'load.processor')).toEqual(['inconclusive']);
  expect(outcome({ processors: 8, busiest: { windowMs: 5_000, processorSeconds: 8.1 } }, 'load.processor')).toEqual([
    'passed',
  ]);
});

test('users that k6 counts as busy while no operation explains it are the generator’s own', () => {
  expect(outcome({ iterationSeconds: explained + iterations * 0.15 }, 'load.busy')).toEqual(['inconclusive']);
});

test('operations that took longer than their iterations contradict Little’s law', () => {
  expect(outcome({ iterationSeconds: explained * 0.8 }, 'load.busy')).toEqual(['inconclusive']);
  expect(outcome({ iterations: 0, iterationSeconds: 0 }, 'load.busy')).toEqual(['inconclusive']);
});

test('a run from before there was such an account is judged without it', () => {
  const verdict = judge(evidence.claim, evidence);
  for (const check of ['load.processor', 'load.busy']) expect(outcomesOf(verdict, check)).toEqual([]);
});
