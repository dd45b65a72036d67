import { expect, test } from 'vitest';
import type { Finding, Outcome, Verdict } from '../../lib/model/verdict.ts';
import { labDefects } from './defects.ts';
import type { Hands, LabDefect } from './lab-defect.ts';
import { type LabTier, nameOf, type Played, runLabSelftest } from './run-lab-selftest.ts';

const verdict = (checks: Readonly<Record<string, Outcome>>): Verdict => {
  const findings: Finding[] = Object.entries(checks).map(([check, outcome]) => ({ check, outcome, says: check }));
  const outcomes = Object.values(checks);
  const outcome = outcomes.includes('failed')
    ? 'failed'
    : outcomes.includes('inconclusive')
      ? 'inconclusive'
      : 'passed';
  return { outcome, findings } as unknown as Verdict;
};
const healthy = { 'ledger.lost': 'passed', 'stock.bin': 'passed' } as const;

/** A lab in which what is seeded shows as `shows`, and a diary of what was done to it. */
function lab(shows: Readonly<Record<string, Outcome>>, over: Partial<LabTier & { aborts: number }> = {}) {
  const diary: string[] = [];
  let seeded = false;
  let aborts = over.aborts ?? 0;
  const defect: LabDefect = {
    family: 'app',
    name: 'loses',
    seeds: 'It loses.',
    on: 'control',
    turns: { 'ledger.lost': 'failed' },
    async seed() {
      diary.push('seed');
      seeded = true;
    },
    async undo() {
      diary.push('undo');
      seeded = false;
    },
  };
  const tier: LabTier = {
    async play(scenario, during): Promise<Played> {
      await during?.seed(new AbortController().signal);
      diary.push(`play ${scenario}${seeded ? ' with it' : ''}`);
      const aborted = seeded && aborts-- > 0;
      return { verdict: verdict(seeded ? { ...healthy, ...shows } : healthy), aborted };
    },
    hands: () => ({}) as Hands,
    say: () => {},
    signal: new AbortController().signal,
    ...over,
  };
  return { diary, defect, tier };
}

test('a defect that turns its own check and no other is caught, and taken away', async () => {
  const { diary, defect, tier } = lab({ 'ledger.lost': 'failed' });
  expect(await runLabSelftest(tier, [defect])).toEqual({
    caught: ['app/loses'],
    missed: [],
    falseAlarms: [],
    controls: 1,
    left: [],
  });
  expect(diary).toEqual(['play control', 'seed', 'play control with it', 'undo']);
});

test('one that turns nothing is missed, one that turns more is a false alarm, unless that may be', async () => {
  const blind = lab({});
  expect((await runLabSelftest(blind.tier, [blind.defect])).missed).toHaveLength(1);
  const both = { 'ledger.lost': 'failed', 'stock.bin': 'failed' } as const;
  const more = lab(both);
  expect((await runLabSelftest(more.tier, [more.defect])).falseAlarms).toHaveLength(1);
  const may = lab(both);
  const allowed = { ...may.defect, may: { 'stock.bin': 'the next one carries it on' } };
  expect((await runLabSelftest(may.tier, [allowed])).caught).toEqual(['app/loses']);
});

test('a twin that does not pass shows nothing, and is told', async () => {
  const { defect, tier } = lab({ 'ledger.lost': 'failed' });
  const sick = { ...tier, play: async () => ({ verdict: verdict({ 'ledger.lost': 'failed' }), aborted: false }) };
  const { missed, falseAlarms } = await runLabSelftest(sick, [defect]);
  expect(missed.map(({ defect }) => defect)).toEqual(['app/loses']);
  expect(falseAlarms.map(({ of }) => of)).toEqual(['control/control']);
});

test('what was seeded is taken away when seeding breaks off, and when the play does', async () => {
  const { diary, defect, tier } = lab({});
  const half = {
    ...defect,
    async seed() {
      diary.push('half');
      throw new Error('the API server is away');
    },
  };
  expect((await runLabSelftest(tier, [half])).missed[0]?.why).toContain('the API server is away');
  expect(diary).toEqual(['play control', 'half', 'undo']);
  let plays = 0;
  const breaks = { ...tier, play: () => (plays++ === 0 ? tier.play('control') : Promise.reject(new Error('no k6'))) };
  expect((await runLabSelftest(breaks, [defect])).missed[0]?.why).toContain('no k6');
  expect(diary.at(-1)).toBe('undo');
});

test('what can’t be taken away is told, and nothing more is seeded', async () => {
  const { diary, defect, tier } = lab({ 'ledger.lost': 'failed' });
  const stays = { ...defect, undo: () => Promise.reject(new Error('forbidden')) };
  const result = await runLabSelftest(tier, [stays, { ...defect, name: 'next' }]);
  expect(result.left).toEqual([{ defect: 'app/loses', why: 'forbidden' }]);
  expect(diary.filter((line) => line === 'seed')).toHaveLength(1);
});

test('a run that was ended before it began is played once more, and one that is seeded on the way is not', async () => {
  const { diary, defect, tier } = lab({ 'ledger.lost': 'failed' }, { aborts: 1 });
  expect((await runLabSelftest(tier, [defect])).caught).toEqual(['app/loses']);
  expect(diary.filter((line) => line === 'play control with it')).toHaveLength(2);
  const later = lab({ 'ledger.lost': 'failed' }, { aborts: 1 });
  await runLabSelftest(later.tier, [{ ...later.defect, when: 'steady' }]);
  expect(later.diary.filter((line) => line === 'play control with it')).toHaveLength(1);
});

test('whoever interrupts it waits for no further play', async () => {
  const interrupt = new AbortController();
  const { diary, defect, tier } = lab({ 'ledger.lost': 'failed' }, { signal: interrupt.signal });
  const impatient = { ...tier, say: (text: string) => void (text.includes('caught') && interrupt.abort()) };
  await runLabSelftest(impatient, [defect, { ...defect, name: 'next' }]);
  expect(diary.filter((line) => line === 'seed')).toHaveLength(1);
});

test('each defect of the lab has a name of its own', () => {
  expect(new Set(labDefects.map(nameOf)).size).toBe(labDefects.length);
});
