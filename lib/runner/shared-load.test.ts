// Two runs and more on one load, in virtual time: real runner, real ledger reader, real judge, from files alone.
import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeBooks } from '../../tests/fakes/books.ts';
import {
  fakeClock,
  fakeCluster,
  fakeFault,
  fakeLoad,
  fakeReach,
  fakeScenario,
  fakeTarget,
} from '../../tests/fakes/run.ts';
import { matrix } from '../../tests/fixtures/evidence.ts';
import { makeManifest } from '../evidence/manifest.ts';
import { checkChain } from '../evidence/manifest-chain.ts';
import { readRunFolder } from '../evidence/read-run-folder.ts';
import { judge } from '../judge/judge.ts';
import { verdictJson } from '../judge/verdict-json.ts';
import type { JournalLine, PlannedLoad, Write } from '../model/evidence.ts';
import type { Fault } from '../model/fault.ts';
import type { Reach } from '../model/reach.ts';
import type { Scenario } from '../model/scenario.ts';
import { readLedger, readStockBefore } from '../probes/ledger-readback.ts';
import { interruptedBy, playInOrder } from './gate.ts';
import type { Played } from './readiness.ts';
import type { RunDeps } from './run-scenario.ts';

const planned: PlannedLoad = {
  profile: 'fake',
  ratesPerSecond: { 'barcode-lookup': 8, 'parts-issue': 2 },
  stallBudgetMs: 10_000,
  virtualUsersMax: 10,
};
const items = ['ITEM-1', 'ITEM-2', 'ITEM-3'];

interface World {
  readonly clock: ReturnType<typeof fakeClock>;
  readonly events: string[];
  readonly books: ReturnType<typeof fakeBooks>;
  readonly abort: () => void;
  /** Of the run that is on. */
  readonly runId: () => string;
}

interface Setup {
  readonly names?: readonly string[];
  readonly load?: (world: World) => Partial<Parameters<typeof fakeLoad>[1]>;
  readonly planned?: Partial<PlannedLoad>;
  readonly fault?: (world: World) => Partial<Fault>;
  readonly scenario?: (scenario: Scenario, index: number, world: World) => Scenario;
  readonly deps?: (world: World, usual: RunDeps) => Partial<RunDeps>;
  readonly stores?: (write: Write, world: World) => boolean;
}

interface Story {
  readonly played: Played;
  readonly events: readonly string[];
  readonly folder: string;
  readonly journals: readonly (readonly JournalLine[])[];
  readonly books: World['books'];
}

async function playAll(setup: Setup = {}): Promise<Story> {
  const events: string[] = [];
  const clock = fakeClock();
  const user = new AbortController();
  const books = fakeBooks(fakeTarget.site.markerField, items, fakeTarget.site.warehouse);
  let on = '';
  const world: World = { clock, events, books, abort: () => user.abort(interruptedBy('SIGINT')), runId: () => on };
  const prometheus: Reach['prometheus'] = {
    instant: async () => [],
    range: async (_, from, to, stepMs) => {
      const steps = Array.from({ length: Math.floor((to - from) / stepMs) + 1 }, (__, index) => from + index * stepMs);
      return [{ replica: 'prometheus-0', response: matrix([{ metric: {}, values: steps.map((at) => [at, '1']) }]) }];
    },
  };
  const cluster = fakeCluster();
  const base = fakeLoad(clock, {
    events,
    record: true,
    writeOf: (runId, number) => {
      on = runId;
      if (number % 5 !== 0) return undefined;
      const write: Write = {
        marker: `${runId}-issue-${number}`,
        outcome: 'acknowledged',
        lines: [{ item: items[number % items.length] as string, warehouse: fakeTarget.site.warehouse, qty: -1 }],
      };
      if (setup.stores?.(write, world) ?? true) books.book(write);
      return write;
    },
    ...setup.load?.(world),
  });
  const usual: RunDeps = {
    clock,
    openReach: fakeReach(clock, cluster, prometheus, books.sql),
    load: { ...base, plan: () => ({ ...planned, ...setup.planned }) },
    ledger: {
      stockBefore: readStockBefore,
      readBack: (reach, acknowledged, keep) => readLedger(reach, { acknowledged, keep }),
    },
    takeSnapshot: async () => ({ 'Deployment erp/web': 'as it was' }),
    makeManifest,
    readRunFolder,
    judge,
    freeBytes: async () => 2 ** 40,
    say: () => undefined,
  };
  const folder = await mkdtemp(join(tmpdir(), 'shakedown-runs-'));
  const scenarios = (setup.names ?? ['one', 'two']).map((name, index) => {
    const plain = fakeScenario(fakeFault(events, setup.fault?.(world)), {
      claim: { name },
      play: { steadyMs: 10_000, afterMs: 4_000 },
    });
    return setup.scenario?.(plain, index, world) ?? plain;
  });
  const played = await playInOrder(
    {
      target: fakeTarget,
      scenarios,
      seed: 1,
      signal: user.signal,
      commit: 'abc',
      versions: {},
      context: {},
      folderOf: ({ claim }) => ({ folder: join(folder, claim.name), folderName: claim.name }),
      repeatOf: ({ claim }) => `run ${claim.name}`,
      note: (text) => events.push(text),
    },
    { ...usual, ...setup.deps?.(world, usual) },
  );
  const journals = await Promise.all(
    played.records.map(async ({ folder: name }) =>
      (await readFile(join(folder, name, 'journal.ndjson'), 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as JournalLine),
    ),
  );
  return { played, events, folder, journals, books };
}

const count = (events: readonly string[], what: string | RegExp) =>
  events.filter((event) => (typeof what === 'string' ? event === what : what.test(event))).length;
const outcomes = ({ played }: Story) => played.records.map(({ verdict }) => verdict.outcome);
const red = ({ played }: Story, index: number) =>
  (played.records[index]?.verdict.findings ?? [])
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ check, says }) => `${check}: ${says}`);
const headerOf = (journal: readonly JournalLine[] | undefined) =>
  journal?.find((line) => line.kind === 'header')?.header;
const phaseAt = (journal: readonly JournalLine[] | undefined, phase: string) =>
  journal?.find((line) => line.kind === 'phase' && line.phase === phase);
const loadEvents = (journal: readonly JournalLine[] | undefined) =>
  journal?.flatMap((line) => (line.kind === 'load' ? [line.event] : []));

test('one load for three runs: it starts once and stops once, and each run passes', async () => {
  const story = await playAll({ names: ['one', 'two', 'three'] });
  expect([0, 1, 2].flatMap((index) => red(story, index))).toEqual([]);
  expect(outcomes(story)).toEqual(['passed', 'passed', 'passed']);
  expect(count(story.events, 'load started')).toBe(1);
  expect(count(story.events, 'load stopped')).toBe(1);
  expect(story.journals.map(loadEvents)).toEqual([
    ['started', 'passed-on'],
    ['taken-over', 'passed-on'],
    ['taken-over', 'stopped'],
  ]);
  const ids = story.journals.map((journal) => headerOf(journal)?.runId ?? '');
  expect(ids.map((id) => id.slice(-3))).toEqual(['-01', '-02', '-03']);
  expect(story.journals.map((journal) => headerOf(journal)?.steadyOf)).toEqual([undefined, ids[0], ids[1]]);
});

test('the steady state of the second run begins with the phase after of the first, and is as long as it must be', async () => {
  const { journals } = await playAll();
  const [one, two] = journals;
  const after = phaseAt(one, 'after');
  const steady = phaseAt(two, 'steady');
  expect(Math.abs((steady?.at ?? 0) - (after?.at ?? 1))).toBeLessThan(5);
  expect(steady?.mono).toBeLessThan(0);
  expect((phaseAt(two, 'fault')?.at ?? 0) - (steady?.at ?? 0)).toBeGreaterThanOrEqual(10_000);
  // The clocks still tell the same of it.
  expect((steady?.at ?? 0) - (steady?.mono ?? 0)).toBeCloseTo((two?.[0]?.at ?? 0) - (two?.[0]?.mono ?? 0), 0);
});

test('each run accounts for its own writes and for no other, and together for all', async () => {
  const story = await playAll();
  const sent = story.played.records.map(({ verdict }) => verdict.ledger.sent);
  expect(sent[0]).toBeGreaterThan(20);
  expect(sent[1]).toBeGreaterThan(10);
  expect((sent[0] ?? 0) + (sent[1] ?? 0)).toBe(story.books.markers.length);
  const samples = await readFile(join(story.folder, 'two', 'samples.ndjson'), 'utf8');
  const first = headerOf(story.journals[0])?.runId;
  expect(samples).toContain(`"marker":"${first}-issue-`);
});

test('a run’s verdict comes from its folder alone, to the same bytes', async () => {
  const { folder, played } = await playAll();
  for (const { folder: name } of played.records) {
    const alone = join(await mkdtemp(join(tmpdir(), 'shakedown-alone-')), 'run');
    await cp(join(folder, name), alone, { recursive: true });
    const evidence = await readRunFolder(alone);
    expect(evidence.manifest).toMatchObject({ files: 5, problems: [] });
    expect(verdictJson(judge(evidence.claim, evidence))).toBe(
      await readFile(join(folder, name, 'verdict.json'), 'utf8'),
    );
  }
});

test('the evidence of each run is closed with a manifest, chained to the run before', async () => {
  const { folder, journals } = await playAll();
  const manifestOf = async (name: string) => JSON.parse(await readFile(join(folder, name, 'manifest.json'), 'utf8'));
  expect(await manifestOf('one')).toMatchObject({ scenario: 'one', seed: 1, previous: null });
  const first = headerOf(journals[0])?.runId;
  expect(await manifestOf('two')).toMatchObject({ previous: { runId: first, folder: 'one' } });
  expect(await checkChain(join(folder, 'two'))).toMatchObject({ is: 'whole' });
});

test('a write that the first run loses at its very end is its own loss, not the second one’s', async () => {
  let since = 0;
  const lost: string[] = [];
  const story = await playAll({
    // Acknowledged and never stored. Two a second come, and users never felt the fault: the phase after begins at once when it is undone.
    stores: ({ marker }, { events }) => {
      if (count(events, 'undo') !== 1) return true;
      since += 1;
      if (since !== 5 && since !== 6) return true;
      lost.push(marker);
      return false;
    },
  });
  expect(lost.length).toBe(2);
  expect(story.played.records.map(({ verdict }) => verdict.ledger.lost)).toEqual([2, 0]);
  expect(outcomes(story)).toEqual(['failed', 'passed']);
  // The second run has them in its samples, and its steady state is the first one's all the same.
  const samples = await readFile(join(story.folder, 'two', 'samples.ndjson'), 'utf8');
  for (const marker of lost) expect(samples).toContain(`"marker":"${marker}"`);
  expect(headerOf(story.journals[1])?.steadyOf).toMatch(/-01$/);
});

test('a write of the second run that is lost is its loss, from the moment of the change on', async () => {
  let first: string | undefined;
  const story = await playAll({
    stores: ({ marker }) => {
      if (!marker.includes('-02-')) return true;
      first ??= marker;
      return marker !== first;
    },
  });
  expect(story.played.records.map(({ verdict }) => verdict.ledger.lost)).toEqual([0, 1]);
  expect(red(story, 1).some((line) => line.startsWith('stock.documents'))).toBe(true);
});

test('what the first run had written and the second run’s fault takes along shows in the books', async () => {
  const story = await playAll({
    fault: ({ books, runId, events }) => {
      const usual = fakeFault(events);
      return {
        async inject(ticket, reach) {
          if (runId().endsWith('-02')) books.lose(books.markers[3] as string);
          await usual.inject(ticket, reach);
        },
      };
    },
  });
  expect(outcomes(story)).toEqual(['passed', 'failed']);
  expect(red(story, 1)).toEqual([expect.stringMatching(/^stock\.documents: /)]);
});

test('a bad end is not shared: the load is stopped, and the next run takes a steady state of its own', async () => {
  const story = await playAll({
    // The phase after begins at once, since the fault was not felt; what is bad then is no steady state.
    load: ({ events }) => {
      let undone: number | undefined;
      return {
        good: (now) => {
          if (count(events, 'undo') === 1) undone ??= now;
          return undone === undefined || now < undone + 2_000 || now > undone + 3_500;
        },
      };
    },
  });
  expect(headerOf(story.journals[1])?.steadyOf).toBeUndefined();
  expect(story.journals.map(loadEvents)).toEqual([
    ['started', 'stopped'],
    ['started', 'stopped'],
  ]);
  expect(count(story.events, 'load started')).toBe(2);
  expect(story.journals[0]?.some((line) => line.kind === 'note' && line.text.includes('not shared'))).toBe(true);
});

test('a probe that is red at the end keeps the load from being shared, though it was passed on; no marker comes twice', async () => {
  const down = (index: number) => ({
    series: 'nodes',
    everyMs: 500,
    read: async (reach: Reach) => ({ at: reach.now(), value: index === 0 ? 2 : 3 }),
  });
  const story = await playAll({
    scenario: (scenario, index) => ({
      ...scenario,
      claim: {
        ...scenario.claim,
        objectives: [
          ...scenario.claim.objectives,
          {
            name: 'nodes-seen',
            source: 'probe',
            series: 'nodes',
            unit: 'nodes',
            reduce: 'min',
            phases: ['after'],
            min: 3,
            samplesMin: 3,
          },
        ],
      },
      play: { ...scenario.play, probes: [down(index)] },
    }),
  });
  expect(outcomes(story)).toEqual(['failed', 'passed']);
  expect(story.journals.map(loadEvents)).toEqual([
    ['started', 'passed-on'],
    ['started', 'stopped'],
  ]);
  expect(headerOf(story.journals[1])?.runId).toMatch(/-03$/);
  expect(new Set(story.books.markers).size).toBe(story.books.markers.length);
  expect(red(story, 1)).toEqual([]);
});

test('what only the second run looks at is looked at from the beginning of its steady state', async () => {
  const probe = { series: 'masters', everyMs: 500, read: async (reach: Reach) => ({ at: reach.now(), value: 1 }) };
  const story = await playAll({
    scenario: (scenario, index) =>
      index === 0 ? scenario : { ...scenario, play: { ...scenario.play, probes: [probe] } },
  });
  expect(headerOf(story.journals[1])?.steadyOf).toBeDefined();
  const [one, two] = story.journals;
  expect(one?.some((line) => line.kind === 'reading')).toBe(false);
  const readings = two?.filter((line) => line.kind === 'reading').map(({ at }) => at) ?? [];
  expect((readings[0] ?? 0) - (phaseAt(two, 'steady')?.at ?? 0)).toBeLessThan(600);
});

test.each<[string, Setup, RegExp]>([
  [
    'was aborted',
    { fault: () => ({ landed: async (_, reach) => ({ is: 'no', at: reach.now(), evidence: {} }) }) },
    /not seen to have landed/,
  ],
  ['had trouble passing it on', { load: () => ({ passingProblem: '3 iterations were not answered' }) }, /^$/],
])('a first run that %s leaves nothing: the load ends with it', async (_, setup, reason) => {
  const story = await playAll({ ...setup });
  expect(story.played.records[0]?.reason ?? '').toMatch(reason);
  expect(story.played.records[0]?.verdict.outcome).not.toBe('passed');
  expect(story.journals[1]?.some((line) => line.kind === 'load' && line.event === 'taken-over')).toBe(false);
  expect(count(story.events, 'load started')).toBe(count(story.events, 'load stopped'));
});

test('a dirty target ends the gate and the load', async () => {
  const story = await playAll({ fault: () => ({ residue: async () => ({ is: 'dirty', left: ['a rule'] }) }) });
  expect(story.played.records.length).toBe(1);
  expect(story.played.skipped.map(({ scenario }) => scenario)).toEqual(['two']);
  expect(count(story.events, 'load stopped')).toBe(1);
});

test('a load that dies while it is nobody’s is not handed over', async () => {
  const story = await playAll({ load: () => ({ diesAfterMs: 24_800 }) });
  expect(loadEvents(story.journals[0])).toEqual(['started', 'passed-on']);
  expect(story.played.records[0]?.verdict.outcome).toBe('passed');
  expect(loadEvents(story.journals[1])?.[0]).toBe('started');
});

test.each([
  ['the first run’s last reading', (world: World) => world.runId().endsWith('-02')],
  ['the second run’s guards', (world: World) => count(world.events, 'guard asked') > 1],
] as const)('Ctrl-C in %s: the load ends too', async (_, when) => {
  const story = await playAll({
    scenario: (scenario, __, world) => ({
      ...scenario,
      claim: { ...scenario.claim, needs: ['asked'] },
      guards: [
        {
          name: 'asked',
          check: async () => {
            world.events.push('guard asked');
            if (when(world)) world.abort();
            return { is: 'yes', seen: 'all' };
          },
        },
      ],
    }),
    deps: (world, usual) => ({
      ledger: {
        ...usual.ledger,
        readBack: (reach, acknowledged, keep) => {
          if (when(world)) world.abort();
          return usual.ledger.readBack(reach, acknowledged, keep);
        },
      },
    }),
  });
  expect(count(story.events, 'load stopped')).toBe(1);
  expect(story.played.records.at(-1)).toMatchObject({ ended: 'aborted', reason: 'interrupted by SIGINT' });
});

test('a second run that can not begin stops the load that it took over', async () => {
  let asked = 0;
  const story = await playAll({
    names: ['one', 'two', 'three'],
    deps: () => ({ freeBytes: async () => (++asked === 2 ? 1 : 2 ** 40) }),
  });
  expect(story.played.records.map(({ ended }) => ended)).toEqual(['completed', 'aborted', 'completed']);
  expect(story.journals.map(loadEvents)).toEqual([
    ['started', 'passed-on'],
    ['taken-over', 'stopped'],
    ['started', 'stopped'],
  ]);
});

test('a load that can not be taken over is stopped', async () => {
  const story = await playAll({
    deps: (_, { load }) => ({
      load: {
        ...load,
        start: async (request) => {
          const running = await load.start(request);
          return {
            ...running,
            passOn: async (runId, graceMs) => ({
              ...(await running.passOn(runId, graceMs)),
              takeOver: () => {
                throw new Error('ENOSPC');
              },
            }),
          };
        },
      },
    }),
  });
  expect(story.played.records[1]).toMatchObject({ ended: 'crashed', reason: 'ENOSPC' });
  expect(count(story.events, 'load stopped')).toBe(1);
});

test.each<[string, Setup]>([
  [
    'another profile',
    { scenario: (scenario, index) => ({ ...scenario, play: { ...scenario.play, load: `fake-${index}` } }) },
  ],
  ['a rate that changes over time', { planned: { shapes: { 'barcode-lookup': [{ atMs: 0, perSecond: 8 }] } } }],
])('%s is not shared', async (_, setup) => {
  const story = await playAll(setup);
  expect(story.journals.map(loadEvents)).toEqual([
    ['started', 'stopped'],
    ['started', 'stopped'],
  ]);
  expect(headerOf(story.journals[1])?.runId).toMatch(/-02$/);
});

test('the load is started for as long as all that share it may want it', async () => {
  const asked: number[] = [];
  const listening = (names: readonly string[]): Setup => ({
    names,
    deps: (_, { load }) => ({
      load: {
        ...load,
        start: (request) => {
          asked.push(request.durationMsMax);
          return load.start(request);
        },
      },
    }),
  });
  await playAll(listening(['one']));
  await playAll(listening(['one', 'two', 'three']));
  expect(asked.length).toBe(2);
  expect(asked[1]).toBeGreaterThan(3 * (asked[0] ?? 0));
});
