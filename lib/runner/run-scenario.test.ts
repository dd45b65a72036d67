import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  fakeClock,
  fakeCluster,
  fakeFault,
  fakeLedger,
  fakeLoad,
  fakeReach,
  fakeScenario,
  fakeTarget,
  passed,
} from '../../tests/fakes/run.ts';
import { wholeManifest } from '../../tests/fixtures/evidence.ts';
import { Problem } from '../errors.ts';
import { makeManifest } from '../evidence/manifest.ts';
import type { JournalLine } from '../model/evidence.ts';
import type { Fault } from '../model/fault.ts';
import { partLabel, runLabel } from '../model/labels.ts';
import type { LoadDriver } from '../model/load-driver.ts';
import type { Reach } from '../model/reach.ts';
import type { Scenario } from '../model/scenario.ts';
import type { RunRecord } from '../model/verdict.ts';
import { interruptedBy } from './gate.ts';
import type { JournalFile } from './journal.ts';
import { type RunDeps, runScenario } from './run-scenario.ts';
import { listTickets } from './ticket-store.ts';

interface Played {
  readonly record: RunRecord;
  readonly journal: readonly JournalLine[];
  readonly events: readonly string[];
  readonly folder: string;
  readonly cluster: ReturnType<typeof fakeCluster>;
}

interface Setup {
  readonly fenced?: () => string | undefined;
  /** Changes of the fault; told `abort`, which is Ctrl-C. */
  readonly fault?: (world: World) => Partial<Fault>;
  readonly scenario?: (scenario: Scenario, world: World) => Scenario;
  readonly targets?: Parameters<typeof fakeFault>[2];
  readonly load?: (world: World) => LoadDriver;
  readonly deps?: (world: World) => Partial<RunDeps>;
}

interface World {
  readonly events: string[];
  readonly abort: () => void;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly cluster: ReturnType<typeof fakeCluster>;
  readonly openReach: RunDeps['openReach'];
}

async function play(setup: Setup = {}): Promise<Played> {
  const events: string[] = [];
  const clock = fakeClock();
  const cluster = fakeCluster({ touched: (what) => events.push(what) });
  const user = new AbortController();
  const openReach = fakeReach(clock, cluster);
  const world: World = { events, clock, cluster, openReach, abort: () => user.abort(interruptedBy('SIGINT')) };
  const fault = fakeFault(events, setup.fault?.(world), setup.targets);
  const plain = fakeScenario(fault);
  const scenario = setup.scenario?.(plain, world) ?? plain;
  const folder = join(await mkdtemp(join(tmpdir(), 'shakedown-run-')), 'run');
  const { record } = await runScenario(
    scenario,
    {
      target: fakeTarget,
      folder,
      folderName: 'run',
      runId: 'rtest',
      seed: 1,
      signal: user.signal,
      ...(setup.fenced ? { fenced: setup.fenced } : {}),
      commit: 'abc',
      versions: {},
      context: {},
      repeat: 'shakedown run fake-break',
    },
    {
      clock,
      openReach,
      load: setup.load?.(world) ?? fakeLoad(clock, { events }),
      ledger: fakeLedger(events),
      takeSnapshot: async () => ({ 'Deployment erp/web': 'as it was' }),
      makeManifest,
      readRunFolder: async () => ({
        claim: scenario.claim,
        journal: [],
        operations: [],
        drops: [],
        ledger: [],
        ranges: [],
        damaged: [],
        manifest: wholeManifest,
      }),
      judge: (claim) => passed(claim),
      freeBytes: async () => 2 ** 40,
      say: () => undefined,
      ...setup.deps?.(world),
    },
  );
  const journal = (await readFile(join(folder, 'journal.ndjson'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine);
  return { record, journal, events, folder, cluster };
}

const story = (journal: readonly JournalLine[]) =>
  journal.map((line) =>
    line.kind === 'phase'
      ? `phase ${line.phase}`
      : line.kind === 'step'
        ? `${line.step}${line.proof ? ` ${line.proof.is}` : ''}`
        : line.kind === 'load'
          ? `load ${line.event}`
          : line.kind === 'ended'
            ? `ended ${line.ended}`
            : line.kind,
  );

const brokenLeft = (cluster: Played['cluster']) => cluster.list({ apiVersion: 'v1', kind: 'Broken', namespace: 'erp' });
const ticketsLeft = (cluster: Played['cluster']) =>
  cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shakedown' });

test('a run tells its story in order, and leaves nothing', async () => {
  const { record, journal, events, cluster, folder } = await play();
  expect(record).toMatchObject({ ended: 'completed', verdict: { outcome: 'passed' } });
  expect(record.residue.every(({ is }) => is === 'clean')).toBe(true);
  expect(story(journal).filter((what) => what !== 'holding yes')).toEqual([
    'header',
    'guard',
    'load started',
    'phase steady',
    'prepared',
    'phase fault',
    'injected',
    'landed yes',
    'effect yes',
    'undone',
    'phase recovery',
    'phase after',
    'load stopped',
    'residue no',
    'residue no', // of the fault, and of the whole target
    'ended completed',
  ]);
  expect(events).toEqual([
    'stock before',
    'load started',
    'prepare',
    'create ConfigMap shakedown-ticket-rtest-1',
    'inject',
    'create Broken broken-rtest',
    'undo',
    'remove Broken broken-rtest',
    'load stopped',
    // While the ledger comes to rest.
    'residue',
    'remove ConfigMap shakedown-ticket-rtest-1',
    'ledger read',
  ]);
  expect(await brokenLeft(cluster)).toEqual([]);
  expect(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))).toEqual(record);
  expect((await readFile(join(folder, 'prometheus.ndjson'), 'utf8')).split('\n')).toHaveLength(3);
});

test('the fault is held as long as the scenario says, and sampled meanwhile', async () => {
  const { journal } = await play();
  const landed = journal.find((line) => line.kind === 'step' && line.step === 'landed');
  const undone = journal.find((line) => line.kind === 'step' && line.step === 'undone');
  expect((undone?.mono ?? 0) - (landed?.mono ?? 0)).toBeGreaterThanOrEqual(3_000);
  expect(story(journal).filter((what) => what === 'holding yes').length).toBeGreaterThanOrEqual(3);
});

const boom = async (): Promise<never> => {
  throw new Error('boom');
};

test.each<[keyof Fault, string, boolean]>([
  ['prepare', 'crashed', false],
  ['inject', 'crashed', true],
  ['landed', 'aborted', true],
  ['effect', 'completed', true],
  ['holding', 'completed', true],
])(
  'when %s throws the run is %s, nothing is left, and undo ran when something was prepared',
  async (name, ended, undone) => {
    const { record, events, cluster } = await play({ fault: () => ({ [name]: boom }) });
    expect(record.ended).toBe(ended);
    if (ended !== 'completed') expect(record.verdict.outcome).toBe('inconclusive');
    expect(events.includes('undo')).toBe(undone);
    expect(await brokenLeft(cluster)).toEqual([]);
    expect(await ticketsLeft(cluster)).toEqual([]);
    expect(events).toContain('load stopped');
  },
);

test('a prepare that fails half-way leaves no helper: what carries the label of the run is swept', async () => {
  const { record, cluster } = await play({
    fault: () => ({
      async prepare(reach: Reach) {
        await reach.cluster.create({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: {
            name: 'helper',
            namespace: 'shakedown',
            labels: { [runLabel]: reach.runId, [partLabel]: 'helper' },
          },
        });
        throw new Error('half-way');
      },
    }),
  });
  expect(record.reason).toContain('half-way');
  expect(await cluster.pods('shakedown', '')).toEqual([]);
});

const abortIn = (step: 'prepare' | 'inject' | 'landed' | 'effect' | 'holding' | 'undo'): Setup => ({
  fault: ({ abort, events, clock }) => {
    const usual = fakeFault(events);
    return {
      // What was under way when Ctrl-C came goes on for a moment: undo must wait for it.
      [step]: async (first: never, second: never) => {
        abort();
        await clock.sleep(50);
        events.push(`${step} over`);
        return (usual[step] as (a: never, b: never) => Promise<never>)(first, second);
      },
    };
  },
});

test.each(['prepare', 'inject', 'landed', 'effect', 'holding', 'undo'] as const)(
  'Ctrl-C in %s: undo runs after it, evidence is kept, the run is aborted and never passes',
  async (step) => {
    const { record, events, cluster, journal } = await play(abortIn(step));
    expect(record).toMatchObject({
      ended: 'aborted',
      reason: 'interrupted by SIGINT',
      verdict: { outcome: 'inconclusive' },
    });
    expect(record.residue.every(({ is }) => is === 'clean')).toBe(true);
    expect(events).toContain('undo');
    if (step === 'prepare' || step === 'inject') {
      expect(events.indexOf('undo')).toBeGreaterThan(events.indexOf(`${step} over`));
    }
    expect(await brokenLeft(cluster)).toEqual([]);
    expect(await ticketsLeft(cluster)).toEqual([]);
    expect(story(journal).at(-1)).toBe('ended aborted');
    expect(events).not.toContain('ledger read');
  },
);

test.each<[string, number]>([
  ['steady', 2_000],
  ['recovery', 9_500],
])('Ctrl-C in %s ends the run as aborted', async (phase, afterMs) => {
  const { record, journal, cluster } = await play({
    load: ({ clock, abort, events }) => {
      // Counted from the load's start: before it only files are read, which takes no virtual time.
      let began = Number.POSITIVE_INFINITY;
      const load = fakeLoad(clock, { events, good: (now) => now < began + 6_000 });
      return {
        ...load,
        start: (request) => {
          began = clock.now();
          void clock.sleep(afterMs).then(abort);
          return load.start(request);
        },
      };
    },
  });
  expect(record.ended).toBe('aborted');
  expect(
    story(journal)
      .filter((what) => what.startsWith('phase'))
      .at(-1),
  ).toBe(`phase ${phase}`);
  expect(await brokenLeft(cluster)).toEqual([]);
});

test('Ctrl-C before anything began touches nothing', async () => {
  const { record, events } = await play({
    deps: ({ abort, openReach }) => ({
      openReach: async (options) => {
        abort();
        return openReach(options);
      },
    }),
  });
  expect(record.ended).toBe('aborted');
  expect(events).toEqual([]);
});

test('an inject that does not stop when it should makes the target dirty, and its ticket stays', async () => {
  const { record, cluster } = await play({
    fault: ({ abort }) => ({
      inject: () => {
        abort();
        return new Promise<never>(() => undefined);
      },
    }),
  });
  expect(record.residue.some(({ is }) => is === 'cannot-tell')).toBe(true);
  expect(await ticketsLeft(cluster)).toHaveLength(1);
});

test.each<[string, Setup['targets'], RegExp]>([
  ['no target', [], /found no target/],
  [
    'too many targets',
    [
      { namespace: 'erp', name: 'a' },
      { namespace: 'erp', name: 'b' },
    ],
    /2 targets .* allows 1/,
  ],
  [
    'a foreign namespace',
    [{ namespace: 'kube-system', name: 'a' }],
    /outside the claim's blast radius \(kube-system\/a; allowed: erp\)/,
  ],
])(
  '%s is outside the blast radius: nothing is injected, undo takes back what prepare armed',
  async (_what, targets, says) => {
    const { record, events } = await play({ targets });
    expect(record.ended).toBe('aborted');
    expect(record.reason).toMatch(says);
    expect(events).not.toContain('inject');
    expect(events).toContain('undo');
  },
);

test('without a ticket in the target nothing is injected', async () => {
  const { record, events } = await play({
    deps: ({ clock, cluster }) => ({
      openReach: fakeReach(clock, { ...cluster, create: boom }),
    }),
  });
  expect(record.verdict.outcome).toBe('inconclusive');
  expect(events).not.toContain('inject');
});

test('a ticket of an earlier run is in the way: nothing is touched', async () => {
  const { record, events } = await play({
    deps: ({ cluster }) => {
      void cluster.create({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: 'shakedown-ticket-rold-1',
          namespace: 'shakedown',
          labels: { 'app.kubernetes.io/managed-by': 'shakedown', [partLabel]: 'ticket' },
        },
      });
      return {};
    },
  });
  expect(record.reason).toContain('shakedown undo --all');
  expect(events).not.toContain('load started');
});

test.each<['no' | 'cannot-tell' | 'throws' | 'unknown']>([['no'], ['cannot-tell'], ['throws'], ['unknown']])(
  'a guard that says %s keeps the load from starting',
  async (answer) => {
    const { record, events, journal } = await play({
      scenario: (scenario) => ({
        ...scenario,
        claim: { ...scenario.claim, needs: ['three-nodes'] },
        guards:
          answer === 'unknown'
            ? []
            : [
                {
                  name: 'three-nodes',
                  check: async () => {
                    if (answer === 'throws') throw new Error('no answer');
                    return { is: answer, seen: 'two nodes' };
                  },
                },
              ],
      }),
    });
    expect(record.ended).toBe('aborted');
    expect(record.reason).toContain('three-nodes');
    expect(events).not.toContain('load started');
    expect(journal.some((line) => line.kind === 'guard' && line.name === 'three-nodes' && line.is !== 'yes')).toBe(
      true,
    );
  },
);

test('a target that settles within the time it has gets its load, and the last answer is on record', async () => {
  let asked = 0;
  const { record, journal } = await play({
    scenario: (scenario) => ({
      ...scenario,
      claim: { ...scenario.claim, needs: ['three-nodes'] },
      guards: [
        {
          name: 'three-nodes',
          check: async () => {
            asked += 1;
            return asked < 4 ? { is: 'no', seen: 'one is ending' } : { is: 'yes', seen: 'all there' };
          },
        },
      ],
    }),
  });
  expect(record.ended).toBe('completed');
  expect(asked).toBe(4);
  expect(journal.filter((line) => line.kind === 'guard' && line.name === 'three-nodes')).toMatchObject([
    { is: 'yes', seen: 'all there' },
  ]);
});

test('a state that is not steady gets no fault', async () => {
  const { record, events } = await play({
    load: ({ clock, events }) => fakeLoad(clock, { events, good: () => false }),
  });
  expect(record).toMatchObject({ ended: 'aborted', verdict: { outcome: 'inconclusive' } });
  expect(record.reason).toMatch(/not steady before the fault: lookups-good: 0 of \d+ good/);
  expect(events).not.toContain('prepare');
  expect(events).toContain('ledger read');
});

test('a load that dies ends the run, and undo runs', async () => {
  const { record, events, cluster } = await play({
    load: ({ clock, events }) => fakeLoad(clock, { events, diesAfterMs: 6_500 }),
  });
  expect(record).toMatchObject({ ended: 'aborted', verdict: { outcome: 'inconclusive' } });
  expect(record.reason).toContain('the script threw');
  expect(events).toContain('undo');
  expect(await brokenLeft(cluster)).toEqual([]);
});

test('a load that can not be started ends the run before any fault', async () => {
  const { record, events } = await play({
    load: ({ clock }) => ({ ...fakeLoad(clock), start: () => Promise.reject(new Error('k6: not found')) }),
  });
  expect(record.ended).toBe('crashed');
  expect(record.reason).toContain('k6: not found');
  expect(events).not.toContain('prepare');
});

test('recovery is waited for until the users are well, and no longer than the scenario says', async () => {
  // Right after steady, which begins with the first operation, 100 ms after the load.
  const bad = Date.UTC(2026, 10, 23, 12, 0, 5, 150);
  const phaseMs = (journal: readonly JournalLine[]) => {
    const at = (name: string) => journal.find((line) => line.kind === 'phase' && line.phase === name)?.mono ?? 0;
    return at('after') - at('recovery');
  };
  const heals = await play({
    load: ({ clock, events }) => fakeLoad(clock, { events, good: (now) => now < bad || now > bad + 12_000 }),
  });
  expect(heals.record.ended).toBe('completed');
  expect(phaseMs(heals.journal)).toBeGreaterThan(5_000);
  expect(phaseMs(heals.journal)).toBeLessThan(15_000);
  const never = await play({
    load: ({ clock, events }) => fakeLoad(clock, { events, good: (now) => now < bad + 200 }),
  });
  expect(phaseMs(never.journal)).toBeGreaterThanOrEqual(20_000);
  expect(never.journal.some((line) => line.kind === 'note' && line.text.includes('not seen to be well'))).toBe(true);
});

test('recovery is over when what the scenario names holds again too, and what never does is on record', async () => {
  const phaseMs = (journal: readonly JournalLine[]) => {
    const at = (name: string) => journal.find((line) => line.kind === 'phase' && line.phase === name)?.mono ?? 0;
    return at('after') - at('recovery');
  };
  const settlesAfter = (ms: number) => {
    let began: number | undefined;
    return play({
      scenario: (scenario, { clock }) => {
        const check = async () => {
          began ??= clock.mono();
          const is = clock.mono() - began >= ms ? ('yes' as const) : ('no' as const);
          return { is, seen: 'two of three are back' };
        };
        const settledWhen = [
          { name: 'throws-first', check: () => (began === undefined ? check().then(boom) : check()) },
          { name: 'all-back', check },
        ];
        return { ...scenario, play: { ...scenario.play, settledWhen } };
      },
    });
  };
  const heals = await settlesAfter(8_000);
  expect(heals.record.ended).toBe('completed');
  expect(phaseMs(heals.journal)).toBeGreaterThanOrEqual(8_000);
  expect(phaseMs(heals.journal)).toBeLessThan(14_000);
  expect(heals.journal.filter(({ kind }) => kind === 'note')).toEqual([]);
  const never = await settlesAfter(600_000);
  expect(phaseMs(never.journal)).toBeGreaterThanOrEqual(20_000);
  expect(phaseMs(never.journal)).toBeLessThan(21_000);
  expect(never.record.ended).toBe('completed');
  expect(never.journal.filter(({ kind }) => kind === 'note')).toMatchObject([
    { text: 'throws-first did not hold again (two of three are back) within 20 s after undo' },
  ]);
});

test('a fault whose effect comes in its own time is held until then, and its hold longer', async () => {
  const effectAfter = (ms: number) => {
    let injectedAt = 0;
    return play({
      fault: ({ clock }) => ({
        inject: async () => {
          injectedAt = clock.mono();
        },
        landed: async (_, reach) => ({ is: 'yes', at: reach.now(), evidence: {} }),
        holding: async (_, reach) => ({ is: 'yes', at: reach.now(), evidence: {} }),
        effect: async (_, reach) => ({
          is: clock.mono() - injectedAt >= ms ? 'yes' : 'no',
          at: reach.now(),
          evidence: {},
        }),
      }),
      scenario: (scenario) => ({
        ...scenario,
        play: {
          ...scenario.play,
          timeline: scenario.play.timeline.map((step) =>
            'fault' in step ? { ...step, holdMs: 7_000, effectWithinMs: 90_000 } : step,
          ),
        },
      }),
    });
  };
  const steps = (journal: readonly JournalLine[], name: string) =>
    journal.filter((line) => line.kind === 'step' && line.step === name);
  const heldMs = (journal: readonly JournalLine[]) =>
    (steps(journal, 'undone')[0]?.mono ?? 0) - (steps(journal, 'injected')[0]?.mono ?? 0);
  const late = await effectAfter(75_000);
  expect(late.record.ended).toBe('completed');
  expect(steps(late.journal, 'effect')).toMatchObject([{ proof: { is: 'yes' } }]);
  expect(heldMs(late.journal)).toBeGreaterThanOrEqual(82_000);
  expect(heldMs(late.journal)).toBeLessThan(84_000);
  expect(steps(late.journal, 'holding').length).toBeGreaterThan(70);
  const never = await effectAfter(600_000);
  expect(steps(never.journal, 'effect')).toMatchObject([{ proof: { is: 'no' } }]);
  expect(heldMs(never.journal)).toBeGreaterThanOrEqual(90_000);
  expect(heldMs(never.journal)).toBeLessThan(92_000);
});

test('a probe that throws, or answers nonsense, leaves a gap on record', async () => {
  const { record, journal } = await play({
    scenario: (scenario) => ({
      ...scenario,
      play: {
        ...scenario.play,
        probes: [
          { series: 'broken', everyMs: 1_000, read: boom },
          { series: 'nan', everyMs: 1_000, read: async (reach) => ({ at: reach.now(), value: Number.NaN }) },
          { series: 'fine', everyMs: 1_000, read: async (reach) => ({ at: reach.now(), value: 3 }) },
          { series: 'hangs', everyMs: 1_000, read: () => new Promise<never>(() => undefined) },
        ],
      },
    }),
  });
  expect(record.ended).toBe('completed');
  const readings = (series: string) => journal.filter((line) => line.kind === 'reading' && line.series === series);
  expect(readings('broken').length).toBeGreaterThan(5);
  expect(readings('broken').every((line) => line.kind === 'reading' && line.missing === 'boom')).toBe(true);
  expect(readings('nan').every((line) => line.kind === 'reading' && line.missing !== undefined)).toBe(true);
  expect(readings('fine').every((line) => line.kind === 'reading' && line.value === 3)).toBe(true);
  expect(readings('hangs').length).toBeGreaterThan(0);
});

/** A disk that is full from the line that holds the text on. */
function fullDisk(fullAt: string, kept: string[]): (file: string) => JournalFile {
  return () => ({
    append(text) {
      if (text.includes(fullAt)) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      kept.push(text);
    },
    flush: () => undefined,
    close: () => undefined,
  });
}

test.each(['"header"', '"prepared"', '"injected"', '"undone"', '"recovery"', '"reading"', '"ended"'])(
  'a journal that can not take %s ends the run as aborted, with undo, and never as a pass',
  async (fullAt) => {
    const kept: string[] = [];
    const events: string[] = [];
    const clock = fakeClock();
    const cluster = fakeCluster();
    const scenario = fakeScenario(fakeFault(events), {
      play: { probes: [{ series: 'fine', everyMs: 6_000, read: async (reach) => ({ at: reach.now(), value: 1 }) }] },
    });
    const folder = join(await mkdtemp(join(tmpdir(), 'shakedown-run-')), 'run');
    const { record } = await runScenario(
      scenario,
      {
        target: fakeTarget,
        folder,
        folderName: 'run',
        runId: 'rfull',
        seed: 1,
        signal: new AbortController().signal,
        commit: '',
        versions: {},
        context: {},
        repeat: '',
      },
      {
        clock,
        openReach: fakeReach(clock, cluster),
        load: fakeLoad(clock, { events }),
        ledger: fakeLedger(events),
        takeSnapshot: async () => ({ 'Deployment erp/web': 'as it was' }),
        makeManifest,
        readRunFolder: async () => ({
          claim: scenario.claim,
          journal: [],
          operations: [],
          drops: [],
          ledger: [],
          ranges: [],
          damaged: [],
          manifest: wholeManifest,
        }),
        judge: (claim) => passed(claim),
        freeBytes: async () => 2 ** 40,
        say: () => undefined,
        openJournalFile: fullDisk(fullAt, kept),
      },
    );
    expect(record).toMatchObject({ ended: 'aborted', verdict: { outcome: 'inconclusive' } });
    expect(record.reason).toContain('ENOSPC');
    if (events.includes('prepare')) expect(events).toContain('undo');
    expect(await brokenLeft(cluster)).toEqual([]);
  },
);

test('too little disk keeps the run from starting', async () => {
  const { record, events } = await play({ deps: () => ({ freeBytes: async () => 1_000 }) });
  expect(record.reason).toContain('free the disk');
  expect(events).toEqual([]);
});

test('Prometheus out of reach is evidence with its reason, not silence', async () => {
  const { record, folder } = await play({
    deps: ({ clock, cluster }) => ({
      openReach: fakeReach(clock, cluster, {
        instant: boom,
        range: async () => {
          throw new Error('connection refused');
        },
      }),
    }),
  });
  expect(record.ended).toBe('completed');
  const [first = ''] = (await readFile(join(folder, 'prometheus.ndjson'), 'utf8')).split('\n');
  expect(JSON.parse(first)).toMatchObject({
    objective: 'up',
    replica: 'none',
    error: 'connection refused',
  });
});

test('what was acknowledged, and nothing else, is what the ledger is searched for', async () => {
  const { events } = await play({
    load: ({ clock, events }) =>
      fakeLoad(clock, {
        events,
        writes: [
          { marker: 'r1-issue-0', outcome: 'acknowledged', lines: [] },
          { marker: 'r1-issue-1', outcome: 'refused', lines: [] },
          { marker: 'r1-issue-2', outcome: 'unknown', lines: [] },
          { marker: 'r1-issue-3', outcome: 'acknowledged', lines: [] },
        ],
      }),
  });
  expect(events).toContain('looked for r1-issue-0, r1-issue-3');
});

test('a ledger that can not be read back is a note, and the judge finds no proof', async () => {
  const { journal } = await play({ deps: ({ events }) => ({ ledger: { ...fakeLedger(events), readBack: boom } }) });
  expect(journal.some((line) => line.kind === 'note' && line.text.includes('boom'))).toBe(true);
});

const notes = (journal: readonly JournalLine[]) => journal.flatMap((line) => (line.kind === 'note' ? [line.text] : []));

test('background jobs are counted where the claim wants it, and one that can not be counted is a note', async () => {
  const counting: Setup['scenario'] = (scenario) => ({
    ...scenario,
    claim: { ...scenario.claim, jobs: { lostMax: 0, failedMax: 0, duplicatedMax: 0 } },
  });
  const read = { kind: 'jobs-read', of: 'queue', from: 'queue-0', documentsOf: 1, at: 2 } as const;
  const jobs = async () => [read];
  const deps: Setup['deps'] = ({ events }) => ({ ledger: { ...fakeLedger(events), jobs } });
  const kept = async ({ folder }: Played) => await readFile(join(folder, 'ledger.ndjson'), 'utf8');
  expect(await kept(await play({ scenario: counting, deps }))).toContain(JSON.stringify(read));
  expect(await kept(await play({ deps }))).not.toContain('jobs-read');
  const failing = await play({
    scenario: counting,
    deps: ({ events }) => ({ ledger: { ...fakeLedger(events), jobs: boom } }),
  });
  expect(notes(failing.journal)).toContainEqual(expect.stringContaining('background jobs could not be counted'));
  expect(notes((await play({ scenario: counting })).journal)).toContainEqual(expect.stringContaining('not counted'));
});

test('an undo that fails once is tried again on the way out', async () => {
  let tries = 0;
  const { record, journal, cluster } = await play({
    fault: ({ events }) => ({
      async undo(ticket, reach) {
        tries += 1;
        if (tries === 1) throw new Error('API is away');
        return fakeFault(events).undo(ticket, reach);
      },
    }),
  });
  expect(story(journal)).toContain('undo-failed');
  expect(story(journal)).toContain('undone');
  expect(record).toMatchObject({ ended: 'aborted' });
  expect(record.residue.every(({ is }) => is === 'clean')).toBe(true);
  expect(await brokenLeft(cluster)).toEqual([]);
});

const away = new Problem({ kind: 'target-unusable', where: 'GET /version', what: 'no answer', seen: 'x', next: 'y' });

test('a look for residue that nobody answers is asked again; when nobody answers in time, nobody can tell', async () => {
  let looks = 0;
  const { record } = await play({
    fault: ({ events }) => ({
      async residue(ticket, reach) {
        looks += 1;
        if (looks < 4) throw away;
        return fakeFault(events).residue(ticket, reach);
      },
    }),
  });
  expect(record.residue.every(({ is }) => is === 'clean')).toBe(true);

  const silent = await play({ fault: () => ({ residue: () => Promise.reject(away) }) });
  expect(silent.record.residue).toContainEqual({ is: 'cannot-tell', left: [expect.stringContaining('no answer')] });
  expect(await ticketsLeft(silent.cluster)).toHaveLength(1);
});

test('an undo that nobody answers is asked again within its own time, and is no failure then', async () => {
  let tries = 0;
  const { record, journal, cluster } = await play({
    fault: ({ events }) => ({
      async undo(ticket, reach) {
        tries += 1;
        if (tries < 4) throw away;
        return fakeFault(events).undo(ticket, reach);
      },
    }),
  });
  expect(story(journal)).not.toContain('undo-failed');
  expect(record).toMatchObject({ ended: 'completed' });
  expect(await brokenLeft(cluster)).toEqual([]);

  const refused = new Problem({ ...away, kind: 'target-unusable', code: 403 });
  let asked = 0;
  const denied = await play({
    fault: () => ({
      async undo() {
        asked += 1;
        throw refused;
      },
    }),
  });
  expect(story(denied.journal)).toContain('undo-failed');
  // In its turn, and once more on the way out.
  expect(asked).toBe(2);
});

test('an undo that never works leaves the target dirty with its ticket in place, and does not hide the first error', async () => {
  const { record, cluster } = await play({ fault: () => ({ undo: boom, landed: boom }) });
  expect(record.reason).toContain('not seen to have landed');
  expect(record.residue.some(({ is }) => is === 'dirty')).toBe(true);
  expect(await ticketsLeft(cluster)).toHaveLength(1);
});

test('a residue that can not be looked at counts as not clean', async () => {
  const { record, cluster } = await play({ fault: () => ({ residue: boom }) });
  expect(record.residue).toContainEqual({ is: 'cannot-tell', left: ['fake/break: residue: boom'] });
  expect(await ticketsLeft(cluster)).toHaveLength(1);
});

test('a judge that throws makes the run inconclusive, and the evidence stays', async () => {
  const { record } = await play({
    deps: () => ({
      judge: () => {
        throw new Error('a bug');
      },
    }),
  });
  expect(record).toMatchObject({ ended: 'crashed', verdict: { outcome: 'inconclusive' } });
});

test('a target that can not be reached gives a record too', async () => {
  const { record, journal } = await play({ deps: () => ({ openReach: boom }) });
  expect(record).toMatchObject({ ended: 'crashed', reason: 'boom', verdict: { outcome: 'inconclusive' } });
  expect(story(journal)).toEqual(['header', 'ended crashed']);
});

test('a control run has no fault and no recovery', async () => {
  const { record, journal } = await play({
    scenario: (scenario) => ({
      ...scenario,
      claim: { ...scenario.claim, faults: [], recovery: null },
      play: { ...scenario.play, timeline: [{ waitMs: 2_000 }] },
    }),
  });
  expect(record.ended).toBe('completed');
  expect(story(journal).filter((what) => what.startsWith('phase'))).toEqual(['phase steady', 'phase after']);
});

test('a journey that the target has no place for is noted in the journal and stands in the header, before anything is sent', async () => {
  const { journal } = await play({
    load: ({ clock, events }) => {
      const load = fakeLoad(clock, { events });
      const leftOut = [{ journey: 'realtime-notice' as const, why: 'the target has no realtime' }];
      return { ...load, plan: (profile) => ({ ...load.plan(profile), leftOut }) };
    },
  });
  const noted = journal.findIndex((line) => line.kind === 'note' && line.text.includes('realtime-notice is left out'));
  const started = journal.findIndex((line) => line.kind === 'load' && line.event === 'started');
  expect(noted).toBeGreaterThan(-1);
  expect(noted).toBeLessThan(started);
  const header = journal.find((line) => line.kind === 'header');
  expect(header?.header.load.leftOut?.length).toBe(1);
});

test('what differs from before the run is residue, though every fault says that it is clean', async () => {
  const looks = ['two replicas', ...Array.from({ length: 40 }, () => 'three replicas')];
  const { record, journal } = await play({
    deps: () => ({ takeSnapshot: async () => ({ 'Deployment erp/web': looks.shift() ?? '' }) }),
  });
  expect(record.residue).toContainEqual({
    is: 'dirty',
    left: ['Deployment erp/web: was two replicas, is three replicas'],
  });
  expect(journal).toContainEqual(
    expect.objectContaining({
      kind: 'step',
      fault: 'target',
      step: 'residue',
      proof: expect.objectContaining({ is: 'yes' }),
    }),
  );
});

test('a target that comes back to what it was while we look is clean', async () => {
  const looks = ['two replicas', 'one replica', 'one replica'];
  const { record } = await play({
    deps: () => ({ takeSnapshot: async () => ({ 'Deployment erp/web': looks.shift() ?? 'two replicas' }) }),
  });
  expect(record.residue.every(({ is }) => is === 'clean')).toBe(true);
});

test('what nobody could look at before is residue that nobody can tell', async () => {
  const looks = [{ 'settings of galera-1': null }];
  const { record } = await play({
    deps: () => ({ takeSnapshot: async () => looks.shift() ?? { 'read_only of galera-1': 'OFF' } }),
  });
  expect(record.residue).toContainEqual(expect.objectContaining({ is: 'dirty' }));
});

test('a run that may have lost its Lease injects nothing, and takes back what it prepared', async () => {
  const { record, events } = await play({ fenced: () => 'the Lease was renewed 12 s ago' });
  expect(record).toMatchObject({ ended: 'aborted', reason: 'the Lease was renewed 12 s ago. Nothing was injected' });
  expect(events).toContain('prepare');
  expect(events).toContain('undo');
  expect(events).not.toContain('inject');
});

test('while the target differs from before, the ticket stays, so that no run takes it for its baseline', async () => {
  const looks = ['two replicas'];
  const { cluster } = await play({
    deps: () => ({ takeSnapshot: async () => ({ 'Deployment erp/web': looks.shift() ?? 'three replicas' }) }),
  });
  expect(await listTickets(cluster, fakeTarget.suite.namespace)).toHaveLength(1);
});

test('evidence that could not be closed passes nothing, and it is said why', async () => {
  const { record } = await play({
    deps: () => ({
      makeManifest: async () => {
        throw new Error('ENOSPC: no space left');
      },
    }),
  });
  expect(record).toMatchObject({ ended: 'crashed', verdict: { outcome: 'inconclusive' } });
  expect(record.reason).toContain('ENOSPC');
});
