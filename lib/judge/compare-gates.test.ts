import { expect, test } from 'vitest';
import { type Night, nights } from '../../tests/fixtures/gates.ts';
import type { Comparison, History, RunFigures } from '../model/history.ts';
import { compareGates } from './compare-gates.ts';

/** Oldest first; the last one is the gate that asks. */
function compared(all: readonly Night[]): History {
  const gates = nights(all);
  const gate = gates.at(-1);
  if (!gate) throw new Error('no gate');
  return compareGates(gate, gates.slice(0, -1));
}

const of = ({ comparisons }: History, measure: string): Comparison => {
  const found = comparisons.find((one) => one.measure === measure);
  if (!found) throw new Error(`no ${measure}`);
  return found;
};

const p95 = (...values: readonly number[]): readonly Night[] => values.map((scansP95) => ({ scansP95 }));
/** As much apart as quiet nights are. */
const usual = [40, 43, 38, 41, 44, 39, 42, 40, 45, 41];

test('three nights that are slower than all before them, by as much as matters, are worse', () => {
  const history = compared(p95(...usual, 70, 68, 72));
  const found = of(history, 'scans-p95');
  expect(found).toMatchObject({ answer: 'worse', phase: 'after', unit: 'ms', margin: 20, delta: 1, standsOut: true });
  expect(found.newest).toEqual([70, 68, 72]);
  expect(found.earlier).toEqual(usual);
  expect(found.shift?.estimate).toBe(29);
  expect(found.chance?.worse).toBeCloseTo(1 / 286, 6);
  expect(found.says).toBe(
    'scans-p95 in after: 70 ms in the newest 3 gates, 41 ms in the 10 before (medians); 29 ms worse, at least 24 ms.',
  );
  expect(history.answer).toBe('worse');
});

test('its twin: three nights as usual are no worse, and it says by how much they could be', () => {
  const history = compared(p95(...usual, 41, 39, 43));
  expect(of(history, 'scans-p95')).toMatchObject({ answer: 'no worse', standsOut: false });
  expect(of(history, 'scans-p95').says).toContain('at most 4 ms worse, where 20 ms would matter');
  expect(history.answer).toBe('no worse');
});

test('its twin that cannot tell: nights that differ among each other by more than what matters', () => {
  const history = compared(p95(40, 90, 60, 120, 35, 80, 55, 100, 45, 75, 85, 50, 95));
  expect(of(history, 'scans-p95').answer).toBe('cannot tell');
  expect(of(history, 'scans-p95').says).toContain('the gates differ too much among each other');
  expect(history.answer).toBe('cannot tell');
});

test('three nights that are faster than all before them are better', () => {
  const history = compared(p95(90, 91, 89, 92, 88, 90, 93, 52, 50, 51));
  expect(of(history, 'scans-p95').answer).toBe('better');
  expect(of(history, 'scans-p95').says).toContain('39 ms better, at least 36 ms');
  expect(history.answer).toBe('no worse');
});

test('a shift that is sure and does not matter is no worse', () => {
  const found = of(compared(p95(...usual, 47, 48, 46)), 'scans-p95');
  expect(found.chance?.worse).toBeLessThan(0.01);
  expect(found.answer).toBe('no worse');
});

test('nine gates are not enough, however bad the newest are; the tenth is', () => {
  const few = compared(p95(40, 41, 42, 43, 44, 45, 900, 901, 902));
  expect(of(few, 'scans-p95')).toMatchObject({ answer: 'insufficient history', standsOut: true });
  expect(of(few, 'scans-p95').says).toBe(
    'scans-p95 in after: 902 ms this time, 40 ms to 45 ms in 6 gates before. 1 more gate like this one is needed to tell.',
  );
  expect(few.answer).toBe('insufficient history');
  expect(of(compared(p95(39, 40, 41, 42, 43, 44, 45, 900, 901, 902)), 'scans-p95').answer).toBe('worse');
});

test('the first gate of all says what is missing, and is not called anything better', () => {
  const first = compared([{}]);
  expect(first.answer).toBe('insufficient history');
  expect(first.comparisons.map(({ answer }) => answer)).toEqual(Array(3).fill('insufficient history'));
  expect(of(first, 'recovery').says).toBe('recovery: 4 s this time. 9 more gates like this one are needed to tell.');
});

test('one night that is far out is not no worse, whatever the two before it were, and it says what to do', () => {
  for (const before of [p95(...usual, 41, 40), p95(...usual, ...usual, 41, 40)]) {
    const found = of(compared([...before, { scansP95: 150 }]), 'scans-p95');
    expect(found).toMatchObject({ answer: 'cannot tell', standsOut: true });
    expect(found.says).toContain('150 ms this time');
    expect(found.says).toContain('Play it twice more');
  }
});

test('of good operations the bad share is compared, so that more is worse', () => {
  const good = (...values: readonly number[]) => values.map((scansGood) => ({ scansGood }));
  const same = of(compared(good(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)), 'scans-good');
  expect(same).toMatchObject({ answer: 'no worse', unit: 'bad share', margin: 0.02, newest: [0, 0, 0] });
  const worse = of(compared(good(1, 1, 1, 1, 1, 1, 1, 0.95, 0.96, 0.95)), 'scans-good');
  expect(worse.answer).toBe('worse');
  expect(worse.says).toContain('5 % bad in the newest 3 gates, 0 % bad in the 7 before');
});

test('a recovery that never came counts with the time that was waited for it', () => {
  const never: Night = {
    run: (run) => ({ ...run, outcome: 'failed', recovery: { ms: null, censoredMs: 60_000 } }),
  };
  const found = of(compared([...Array(7).fill({}), never, never, never]), 'recovery');
  expect(found).toMatchObject({ answer: 'worse', newest: [60_000, 60_000, 60_000] });
});

test('a figure that was not measured is a gap, not a zero', () => {
  const gap: Night = {
    run: (run) => ({ ...run, measured: run.measured.filter(({ check }) => check !== 'scans-p95') }),
  };
  const past = compared([...p95(...usual), gap, ...p95(41, 40)]);
  expect(of(past, 'scans-p95')).toMatchObject({ answer: 'no worse', newest: [41, 41, 40] });
  const now = of(compared([...p95(...usual, 41, 40), gap]), 'scans-p95');
  expect(now).toMatchObject({ answer: 'cannot tell', says: 'scans-p95 in after: not measured this time.' });
});

test.each([
  ['inconclusive', (run: RunFigures): RunFigures => ({ ...run, outcome: 'inconclusive' }), 'inconclusive'],
  ['aborted', (run: RunFigures): RunFigures => ({ ...run, ended: 'aborted' }), 'run aborted'],
  [
    'of another claim',
    (run: RunFigures): RunFigures => ({ ...run, claim: { ...run.claim, hypothesis: 'Something else.' } }),
    'of another claim',
  ],
  [
    'with other faults',
    (run: RunFigures): RunFigures => ({ ...run, claim: { ...run.claim, faults: ['redis/freeze'] } }),
    'of another claim',
  ],
  [
    'judged by other rules',
    (run: RunFigures): RunFigures => ({ ...run, claim: { ...run.claim, judgeVersion: 2 } }),
    'judged by other rules',
  ],
  [
    'under half the load',
    (run: RunFigures): RunFigures => ({ ...run, load: { ...run.load, ratesPerSecond: { 'barcode-lookup': 10 } } }),
    'under another load',
  ],
])('runs that were %s are left out and counted, however good or bad they were', (_what, run, reason) => {
  const other: Night = { scansP95: 1, run };
  const history = compared([...p95(...usual.slice(0, 6)), other, other, other, ...p95(41, 40, 42)]);
  expect(of(history, 'scans-p95')).toMatchObject({ answer: 'insufficient history', earlier: usual.slice(0, 6) });
  expect(history.leftOut).toEqual([{ what: 'runs', reason, count: 3 }]);
});

test('a failed run counts on both sides', () => {
  const failed = (scansP95: number): Night => ({ scansP95, run: (run) => ({ ...run, outcome: 'failed' }) });
  expect(of(compared([...p95(...usual), failed(70), failed(71), failed(72)]), 'scans-p95').answer).toBe('worse');
  expect(of(compared([...usual.map(failed), ...p95(41, 39, 40)]), 'scans-p95').answer).toBe('no worse');
});

test('a run that is inconclusive itself says nothing, however fast it was', () => {
  const history = compared([
    ...p95(...usual, 40, 41),
    { scansP95: 1, run: (run) => ({ ...run, outcome: 'inconclusive' }) },
  ]);
  expect(history.comparisons.map(({ answer }) => answer)).toEqual(Array(3).fill('cannot tell'));
  expect(of(history, 'scans-p95').says).toContain('this run is inconclusive');
  expect(of(history, 'scans-p95').newest).toEqual([45, 41, 40, 41].slice(-3));
});

test('an objective that measured something else is another figure; one whose bound moved is not', () => {
  const changed = (over: object): Night => ({
    run: (run) => ({
      ...run,
      claim: {
        ...run.claim,
        objectives: run.claim.objectives.map((one) => (one.name === 'scans-p95' ? { ...one, ...over } : one)),
      },
    }),
  });
  const tail = p95(41, 40, 42);
  const other = compared([...Array(7).fill(changed({ measure: 'latency-p99-ms' })), ...tail]);
  expect(of(other, 'scans-p95').answer).toBe('insufficient history');
  expect(of(other, 'recovery').answer).toBe('no worse');
  expect(other.leftOut).toEqual([{ what: 'figures', reason: 'measured otherwise', count: 7 }]);
  expect(of(compared([...Array(7).fill(changed({ max: 500 })), ...tail]), 'scans-p95').answer).toBe('no worse');
});

test('the steady state is compared where no fault is, for elsewhere it is the end of the run before', () => {
  const control: Night = {
    run: (run) => ({ ...run, claim: { ...run.claim, faults: [], recovery: null } }),
  };
  expect(compared([{}]).comparisons.map(({ measure, phase }) => [measure, phase])).toEqual([
    ['recovery', undefined],
    ['scans-good', 'after'],
    ['scans-p95', 'after'],
  ]);
  expect(compared([control]).comparisons.map(({ measure, phase }) => [measure, phase])).toEqual([
    ['scans-good', 'steady'],
    ['scans-good', 'after'],
    ['scans-p95', 'steady'],
    ['scans-p95', 'after'],
  ]);
});

test('more than twenty gates before are not looked at, and their order in the folder is nothing', () => {
  const values = Array.from({ length: 40 }, (_, index) => 40 + (index % 5));
  const gates = nights(p95(...values));
  const gate = gates.at(-1);
  if (!gate) throw new Error('no gate');
  const history = compareGates(gate, gates.slice(0, -1));
  expect(of(history, 'scans-p95').earlier).toEqual(values.slice(17, 37));
  expect(compareGates(gate, gates.slice(0, -1).reverse())).toEqual(history);
});

test('what could not even be read is counted with the rest', () => {
  const [gate] = nights([{}]);
  if (!gate) throw new Error('no gate');
  const unread = { what: 'gates' as const, reason: 'of another target', count: 2 };
  expect(compareGates(gate, [], [unread, unread]).leftOut).toEqual([{ ...unread, count: 4 }]);
});

test('a gate of which nothing was run has no history', () => {
  expect(compareGates({ startedAt: 0, runs: [] }, []).answer).toBe('insufficient history');
});

test('where nothing changed, fewer than one figure in a hundred is called worse', () => {
  let state = 11;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  // Far noisier than what matters, so that the margin holds nothing back.
  const rounds = 3_000;
  let worse = 0;
  for (let round = 0; round < rounds; round++)
    if (of(compared(p95(...Array.from({ length: 13 }, () => 1_000 * random()))), 'scans-p95').answer === 'worse')
      worse += 1;
  expect(worse / rounds).toBeLessThan(0.01 + 4 * Math.sqrt((0.01 * 0.99) / rounds));
  // The test must be able to fail: it does call some so.
  expect(worse).toBeGreaterThan(0);
});
