import { describe, expect, test } from 'vitest';
import {
  claimOf,
  controlClaim,
  evidenceOf,
  journalWith,
  matrix,
  operationsWith,
  outcomesOf,
  start,
  stepsBetween,
  timesOf,
  usualShape,
} from '../../tests/fixtures/evidence.ts';
import type { Claim, LoadObjective, Objective, ProbeObjective, PrometheusObjective } from '../model/claim.ts';
import type { Evidence, JournalLine, RangeResponse } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import { judge } from './judge.ts';

const times = timesOf(usualShape);
const only = (objective: Objective, faults?: readonly string[]): Claim =>
  claimOf({ objectives: [objective], ...(faults ? { faults } : {}) });
const findingOf = (objective: Objective, evidence: Evidence) => {
  const found = judge(only(objective), evidence).findings.filter(({ check }) => check === objective.name);
  expect(found).toHaveLength(objective.phases.length);
  return found[0];
};
const evidence = evidenceOf(
  only({ name: 'x', source: 'probe', series: 'x', unit: '', reduce: 'max', phases: [], max: 1, samplesMin: 1 }),
);

describe('of users, from k6’s samples', () => {
  const ratio: LoadObjective = {
    name: 'good',
    source: 'k6',
    journeys: ['barcode-lookup'],
    measure: 'good-ratio',
    phases: ['after'],
    min: 0.99,
    samplesMin: 100,
  };
  const p95: LoadObjective = { ...ratio, name: 'p95', measure: 'latency-p95-ms', max: 200, min: 0, samplesMin: 10 };
  const inAfter = (change: (index: number) => { good?: boolean; durationMs?: number; status?: number }) => {
    let index = 0;
    return operationsWith(evidence, (operation) => {
      if (operation.journey !== 'barcode-lookup' || operation.sentAt < times.after) return operation;
      index += 1;
      return { ...operation, ...change(index) };
    });
  };

  test('enough good ones pass, too few good ones fail, too few at all can’t tell', () => {
    expect(findingOf(ratio, evidence)).toMatchObject({ outcome: 'passed', measured: 1, phase: 'after' });
    expect(
      findingOf(
        ratio,
        inAfter((index) => ({ good: index % 50 > 0 })),
      ),
    ).toMatchObject({ outcome: 'failed', measured: 0.98 });
    expect(findingOf({ ...ratio, samplesMin: 5_000 }, evidence)).toMatchObject({ outcome: 'inconclusive' });
  });

  test('a drop is a bad event, also when it comes on top of good ones', () => {
    const drops = [{ at: times.after + 1_000, journey: 'barcode-lookup' as const, count: 8 }];
    expect(findingOf(ratio, { ...evidence, drops })).toMatchObject({
      outcome: 'failed',
      says: expect.stringContaining('8 of them dropped'),
    });
    const elsewhere = [{ at: times.after + 1_000, journey: 'parts-issue' as const, count: 8 }];
    expect(findingOf(ratio, { ...evidence, drops: elsewhere })).toMatchObject({ outcome: 'passed' });
  });

  test('an operation counts in the phase in which it was sent, not in which it was answered', () => {
    const late = operationsWith(evidence, (operation) =>
      operation.sentAt >= times.after - 400 && operation.sentAt < times.after
        ? { ...operation, good: false, durationMs: 3_000 }
        : operation,
    );
    expect(findingOf(ratio, late)).toMatchObject({ outcome: 'passed', measured: 1 });
    expect(findingOf({ ...ratio, phases: ['recovery'] }, late)).toMatchObject({ outcome: 'failed' });
  });

  test('a latency within its bound passes, above it fails, and with fewer than 59 samples nobody can tell', () => {
    expect(findingOf(p95, evidence)).toMatchObject({ outcome: 'passed', unit: 'ms' });
    expect(
      findingOf(
        p95,
        inAfter((index) => (index % 10 === 0 ? { durationMs: 900 } : {})),
      ),
    ).toMatchObject({ outcome: 'failed', measured: 900 });
    expect(
      findingOf(
        p95,
        inAfter((index) => (index > 58 ? { status: 0 } : {})),
      ),
    ).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('59'),
    });
  });

  test('a phase that never came can’t be judged', () => {
    const cut = journalWith(evidence, (line) => (line.kind === 'phase' && line.phase === 'after' ? undefined : line));
    expect(findingOf(ratio, cut)).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('never came'),
    });
  });

  test('an objective without a bound can’t be met', () => {
    const { min: _, ...unbound } = ratio;
    expect(findingOf(unbound, evidence)).toMatchObject({ outcome: 'inconclusive' });
  });

  test('what is red before the fault is inconclusive with a fault, and a failure of the platform without', () => {
    const steady: LoadObjective = { ...ratio, phases: ['steady'] };
    const red = (claim: Claim) => operationsWith(evidenceOf(claim), (operation) => ({ ...operation, good: false }));
    const withFault = only(steady);
    const control = controlClaim({ objectives: [steady] });
    expect(outcomesOf(judge(withFault, red(withFault)), 'good')).toEqual(['inconclusive']);
    expect(outcomesOf(judge(control, red(control)), 'good')).toEqual(['failed']);
  });
});

describe('of servers, from Prometheus', () => {
  const size: PrometheusObjective = {
    name: 'size',
    source: 'prometheus',
    query: 'min(size)',
    unit: 'nodes',
    reduce: 'min',
    phases: ['after'],
    min: 3,
    coverageMin: 0.75,
  };
  const steps = stepsBetween(start, times.stopped);
  const inAfter = steps.filter((at) => at >= times.after && at < times.stopped);
  const range = (replica: string, response: Json | undefined, more: Partial<RangeResponse> = {}): RangeResponse => ({
    objective: 'size',
    replica,
    query: size.query,
    from: start,
    to: times.stopped,
    stepMs: 5_000,
    ...(response === undefined ? {} : { response }),
    ...more,
  });
  const series = (value: (at: number) => string | undefined, metric: Record<string, string> = {}) => ({
    metric,
    values: steps.flatMap((at) => {
      const text = value(at);
      return text === undefined ? [] : [[at, text] as const];
    }),
  });
  const answer = (...all: ReturnType<typeof series>[]) => matrix(all) as unknown as Json;
  const of = (objective: PrometheusObjective, ...ranges: RangeResponse[]) =>
    findingOf(objective, { ...evidence, ranges });
  const three = answer(series(() => '3'));

  test('within its bound passes, outside fails, without data can’t tell', () => {
    expect(of(size, range('a', three))).toMatchObject({ outcome: 'passed', measured: 3 });
    expect(of(size, range('a', answer(series((at) => (at === inAfter[1] ? '2' : '3')))))).toMatchObject({
      outcome: 'failed',
      measured: 2,
    });
    expect(of(size, range('a', answer()))).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('no value at all'),
    });
    expect(of(size)).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('never asked') });
  });

  test('values of other phases are left out', () => {
    expect(of(size, range('a', answer(series((at) => (at < times.after ? '1' : '3')))))).toMatchObject({
      outcome: 'passed',
    });
  });

  test('NaN and infinities can’t tell, also when other steps are fine', () => {
    for (const bad of ['NaN', '+Inf', '-Inf', ''])
      expect(
        of({ ...size, reduce: 'mean' }, range('a', answer(series((at) => (at === inAfter[1] ? bad : '3'))))),
      ).toMatchObject({
        outcome: 'inconclusive',
      });
  });

  test('a breach that no gap can take back fails also with gaps', () => {
    const gappy = answer(series((at) => (at === inAfter[0] ? '2' : at === inAfter[1] ? 'NaN' : undefined)));
    expect(of(size, range('a', gappy))).toMatchObject({ outcome: 'failed' });
    expect(of({ ...size, reduce: 'mean' }, range('a', gappy))).toMatchObject({ outcome: 'inconclusive' });
  });

  test('too little coverage can’t tell; one replica’s gap is filled by the other', () => {
    const even = answer(series((at) => (steps.indexOf(at) % 2 === 0 ? '3' : undefined)));
    const odd = answer(series((at) => (steps.indexOf(at) % 2 === 1 ? '3' : undefined)));
    expect(of(size, range('a', even))).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('2 of 4 steps'),
    });
    expect(of(size, range('a', even), range('b', odd))).toMatchObject({ outcome: 'passed' });
  });

  test('a phase of years is a clock that was set: nothing can be told, and nobody waits for its steps', () => {
    const later = (line: JournalLine) =>
      line.kind === 'phase' && line.phase === 'after' ? { ...line, at: 1_000_000_000 } : line;
    const years = journalWith({ ...evidence, ranges: [range('a', three)] }, later);
    expect(findingOf({ ...size, phases: ['after'] }, years)).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('more than 1000000 steps'),
    });
  });

  test('replicas are merged, never added up', () => {
    const most: PrometheusObjective = {
      name: 'size',
      source: 'prometheus',
      query: 'min(size)',
      unit: 'nodes',
      reduce: 'max',
      phases: ['after'],
      max: 3,
      coverageMin: 0.75,
    };
    expect(of(most, range('a', three), range('b', three))).toMatchObject({ outcome: 'passed', measured: 3 });
  });

  test('a replica that failed is made up for by the other; when all failed nobody can tell', () => {
    const down = range('a', undefined, { error: 'connection refused' });
    expect(of(size, down, range('b', three))).toMatchObject({ outcome: 'passed' });
    expect(of(size, down, range('b', { status: 'error', errorType: 'timeout' }))).toMatchObject({
      outcome: 'inconclusive',
    });
    expect(of(size, range('a', { ...(three as object), warnings: ['partial'] } as Json))).toMatchObject({
      outcome: 'inconclusive',
    });
  });

  test('each series stands for itself, and the worst one counts', () => {
    const two = answer(
      series(() => '3', { node: 'a' }),
      series(() => '2', { node: 'b' }),
    );
    expect(of({ ...size, reduce: 'mean' }, range('a', two))).toMatchObject({ outcome: 'failed', measured: 2 });
  });

  test('the last value of a phase must be from its end', () => {
    const last: PrometheusObjective = { ...size, reduce: 'last', coverageMin: 0.1 };
    const early = answer(series((at) => (at <= (inAfter[0] ?? 0) ? '3' : undefined)));
    expect(of(last, range('a', three))).toMatchObject({ outcome: 'passed' });
    expect(of(last, range('a', answer(series((at) => (at === inAfter.at(-1) ? '2' : '3')))))).toMatchObject({
      outcome: 'failed',
    });
    expect(of(last, range('a', early))).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('stale'),
    });
  });

  test('an answer to another query is no evidence', () => {
    expect(of(size, range('a', three, { query: 'max(size)' }))).toMatchObject({ outcome: 'inconclusive' });
  });
});

describe('of the suite’s own probes', () => {
  const single: ProbeObjective = {
    name: 'single',
    source: 'probe',
    series: 'app-writer-nodes',
    unit: 'nodes',
    reduce: 'max',
    phases: ['after'],
    min: 1,
    max: 1,
    samplesMin: 5,
  };
  const readings = (change: (index: number) => { value?: number; missing?: string } | undefined) => {
    let index = 0;
    return journalWith(evidence, (line) => {
      if (line.kind !== 'reading' || line.at < times.after) return line;
      index += 1;
      const changed = change(index);
      return changed && { at: line.at, mono: line.mono, kind: 'reading', series: line.series, ...changed };
    });
  };

  test('within its bound passes, outside fails, too few can’t tell', () => {
    expect(findingOf(single, evidence)).toMatchObject({ outcome: 'passed', measured: 1 });
    expect(
      findingOf(
        single,
        readings((index) => ({ value: index === 3 ? 2 : 1 })),
      ),
    ).toMatchObject({ outcome: 'failed', measured: 2 });
    expect(
      findingOf(
        single,
        readings((index) => (index <= 4 ? { value: 1 } : undefined)),
      ),
    ).toMatchObject({ outcome: 'inconclusive' });
  });

  test('a bound on both sides is judged on both sides', () => {
    expect(
      findingOf(
        single,
        readings(() => ({ value: 0 })),
      ),
    ).toMatchObject({ outcome: 'failed', measured: 0 });
  });

  test('mostly missing readings, and a probe that fell silent, can’t tell', () => {
    expect(
      findingOf(
        single,
        readings((index) => (index % 3 === 0 ? { value: 1 } : { missing: 'timed out' })),
      ),
    ).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('timed out'),
    });
    expect(
      findingOf(
        single,
        readings((index) => (index <= 8 ? { value: 1 } : undefined)),
      ),
    ).toMatchObject({
      outcome: 'inconclusive',
      says: expect.stringContaining('no reading for'),
    });
  });

  test('a breach that was seen is a failure, whatever was missing else', () => {
    expect(
      findingOf(
        single,
        readings((index) => (index === 1 ? { value: 2 } : { missing: 'gone' })),
      ),
    ).toMatchObject({ outcome: 'failed' });
  });
});
