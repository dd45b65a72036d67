import { expect, test } from 'vitest';
import { ready } from '../../tests/fixtures/readiness.ts';
import { selftestOf } from '../../tests/fixtures/selftest.ts';
import type { Selftest } from '../model/selftest.ts';
import { exitCodes } from '../model/verdict.ts';
import { exitCodeOf, outcomeOf, withVerdicts } from './readiness.ts';

const played = {
  records: [{ verdict: { outcome: 'passed' }, residue: [] }],
  skipped: [],
} as unknown as Parameters<typeof outcomeOf>[0];
const failed = {
  ...played,
  records: [{ verdict: { outcome: 'failed' }, residue: [] }],
} as unknown as Parameters<typeof outcomeOf>[0];
const answer = (selftest: Selftest, of = played) => [outcomeOf(of, selftest), exitCodeOf(of, false, selftest)];

test('all passed and a judge that missed nothing: ready', () => {
  expect(answer(selftestOf())).toEqual(['passed', exitCodes.ready]);
});

test('a judge that missed a defect, cried wolf or caught nothing makes no gate ready', () => {
  for (const over of [
    { missed: ['app/applies-twice'] },
    { falseAlarms: ['control/web-pod-kill'] },
    { caught: 0 },
  ] satisfies Partial<Selftest>[])
    expect(answer(selftestOf(over))).toEqual(['inconclusive', exitCodes.inconclusive]);
});

test('what failed has failed, whatever the judge missed elsewhere', () => {
  expect(answer(selftestOf({ missed: ['app/applies-twice'] }), failed)).toEqual(['failed', exitCodes.notReady]);
});

test('a gate is no readier when its runs are judged again; an older one without a self-test stays as it was', () => {
  const again = (selftest?: Selftest) =>
    withVerdicts({ ...ready().readiness, ...(selftest ? { selftest } : {}) }, new Map()).outcome;
  expect(again()).toBe('passed');
  expect(again(selftestOf())).toBe('passed');
  expect(again(selftestOf({ missed: ['app/applies-twice'] }))).toBe('inconclusive');
});
