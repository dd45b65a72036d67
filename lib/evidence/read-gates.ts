// The gates that lie in a runs folder, as far as they can be compared with one of them. What lies there may be cut off, of another version, of
// somebody else or hostile: each is left out and counted with its reason, and how much is read has a bound.
import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { Problem } from '../errors.ts';
import type { GateFigures, LeftOut, RunFigures } from '../model/history.ts';
import { gateFiles, runFiles } from '../model/run-folder.ts';

/** Folders whose readiness.json is opened, newest first. */
export const foldersMax = 500;
/** Gates of the same target and suite: a month of nights, three times over, for some runs of them will not count. */
const gatesMax = 60;
/** What was usual a quarter ago is not what is usual. */
const daysMax = 90;

/** A readiness.json of ten scenarios has about 150 kB, a claim 5, a journal's header 4. */
const readinessBytesMax = 4 << 20;
const claimBytesMax = 1 << 20;
const headerBytesMax = 256 << 10;

export interface Gate extends GateFigures {
  readonly target: { readonly name: string; readonly environment: string };
  readonly suite: string;
  /** Runs of it that can't be compared with anything. */
  readonly leftOut: readonly LeftOut[];
}

/** Throws when there is no readable readiness.json. */
export async function readGate(folder: string): Promise<Gate> {
  try {
    return await withRuns(folder, await readReadiness(folder));
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw new Problem({
      kind: 'usage',
      what: "can't be read as a gate",
      where: join(folder, gateFiles.readiness),
      seen: error.message,
      next: 'is this the folder of a gate, and whole?',
      cause: error,
    });
  }
}

/** Gates of the same target and suite that began before this one. A folder that is not there has none. */
export async function readEarlierGates(
  runsFolder: string,
  gate: Gate,
  ownFolder: string,
): Promise<{ readonly gates: readonly Gate[]; readonly leftOut: readonly LeftOut[] }> {
  const gates: Gate[] = [];
  const leftOut: LeftOut[] = [];
  const leaveOut = (what: LeftOut['what'], reason: string, count = 1): void => {
    if (count > 0) leftOut.push({ what, reason, count });
  };
  const entries = await readdir(runsFolder, { withFileTypes: true }).catch(() => []);
  const own = resolve(ownFolder);
  const names = entries
    .filter((entry) => entry.isDirectory() && resolve(runsFolder, entry.name) !== own)
    .map(({ name }) => name);
  const dated = names.filter((name) => /^\d{8}-\d{6}-/.test(name));
  leaveOut('folders', 'no gate by their name', names.length - dated.length);
  // Names sort by time. A second is all that they tell, so the time inside has the last word.
  const stamp = new Date(gate.startedAt).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const older = dated.filter((name) => name.slice(0, stamp.length) <= stamp).sort((a, b) => (a < b ? 1 : -1));
  leaveOut('gates', 'later than this one', dated.length - older.length);

  const wanted = gate.runs.map(({ scenario }) => scenario);
  const began = new Set([gate.startedAt]);
  let looked = 0;
  for (const name of older.slice(0, foldersMax)) {
    if (gates.length === gatesMax) break;
    looked += 1;
    const folder = join(runsFolder, name);
    try {
      const readiness = await readReadiness(folder);
      const why = differs(readiness, gate);
      if (why !== undefined) leaveOut('gates', why);
      else if (began.has(startOf(readiness))) leaveOut('gates', 'copies of another');
      else {
        began.add(startOf(readiness));
        const read = await withRuns(folder, readiness, wanted);
        gates.push(read);
        leftOut.push(...read.leftOut);
      }
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      leaveOut('gates', error.message);
    }
  }
  leaveOut('folders', 'not looked at, being older', older.length - looked);
  return { gates, leftOut };
}

/** Its message is one of few, so that it can be counted; nothing of what was read stands in it. */
class Unusable extends Error {}

const recovery = z.object({ ms: z.number().nullable(), censoredMs: z.number().optional() });
const readinessShape = z.object({
  target: z.object({ name: z.string(), environment: z.string() }),
  suite: z.string(),
  startedAt: z.iso.datetime(),
  runs: z.array(
    z.object({
      scenario: z.string(),
      outcome: z.enum(['passed', 'inconclusive', 'failed']),
      ended: z.enum(['completed', 'aborted', 'crashed']),
      recovery,
      folder: z.string(),
      findings: z.array(z.object({ check: z.string(), phase: z.string().optional(), measured: z.number().optional() })),
    }),
  ),
});
type ReadinessShape = z.infer<typeof readinessShape>;

const claimShape = z.object({
  hypothesis: z.string(),
  judgeVersion: z.number(),
  faults: z.array(z.string()),
  recovery: z.object({ recoveryMsMax: z.number(), windowMs: z.number(), badRatioMax: z.number() }).nullable(),
  objectives: z.array(z.looseObject({ source: z.string() })),
});
const objectiveShape = z.object({
  name: z.string(),
  source: z.literal('k6'),
  journeys: z.array(z.string()),
  measure: z.string(),
  phases: z.array(z.string()),
  min: z.number().optional(),
  max: z.number().optional(),
  samplesMin: z.number(),
});

const headerShape = z.object({
  kind: z.literal('header'),
  header: z.object({
    load: z.object({
      profile: z.string(),
      ratesPerSecond: z.record(z.string(), z.number()),
      shapes: z.record(z.string(), z.array(z.object({ atMs: z.number(), perSecond: z.number() }))).optional(),
      leftOut: z.array(z.object({ journey: z.string() })).optional(),
    }),
  }),
});

const startOf = ({ startedAt }: ReadinessShape): number => Date.parse(startedAt);

function differs(readiness: ReadinessShape, gate: Gate): string | undefined {
  const { target, suite } = readiness;
  if (target.name !== gate.target.name || target.environment !== gate.target.environment) return 'of another target';
  if (suite !== gate.suite) return 'of another suite';
  if (startOf(readiness) > gate.startedAt) return 'later than this one';
  return gate.startedAt - startOf(readiness) > daysMax * 86_400_000 ? `older than ${daysMax} days` : undefined;
}

async function readReadiness(folder: string): Promise<ReadinessShape> {
  const json = await readJson(join(folder, gateFiles.readiness), readinessBytesMax, gateFiles.readiness);
  if ((json as { schema?: unknown } | null)?.schema !== 'shakedown.readiness/1')
    throw new Unusable(`${gateFiles.readiness} of another version`);
  return checked(readinessShape, json, gateFiles.readiness);
}

/** Of each scenario that is wanted, its run: a file may list more of them than there is time to look for. */
async function withRuns(
  folder: string,
  { target, suite, startedAt, runs }: ReadinessShape,
  wanted: readonly string[] = runs.map(({ scenario }) => scenario),
): Promise<Gate> {
  const read: RunFigures[] = [];
  const leftOut: LeftOut[] = [];
  for (const name of new Set(wanted)) {
    const run = runs.find(({ scenario }) => scenario === name);
    if (!run) continue;
    try {
      read.push(await figuresOf(folder, run));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      leftOut.push({ what: 'runs', reason: error.message, count: 1 });
    }
  }
  return { target, suite, startedAt: Date.parse(startedAt), runs: read, leftOut };
}

async function figuresOf(folder: string, run: ReadinessShape['runs'][number]): Promise<RunFigures> {
  // The name came out of a file that anybody may have written.
  if (run.folder !== basename(run.folder) || ['', '.', '..'].includes(run.folder))
    throw new Unusable('their folder lies elsewhere');
  const place = join(folder, run.folder);
  const claim = checked(
    claimShape,
    await readJson(join(place, runFiles.claim), claimBytesMax, runFiles.claim),
    runFiles.claim,
  );
  const objectives = claim.objectives
    .filter(({ source }) => source === 'k6')
    .map((objective) => checked(objectiveShape, objective, runFiles.claim));
  const line = await readStart(join(place, runFiles.journal), headerBytesMax, runFiles.journal);
  const end = line.indexOf('\n');
  if (end === -1) throw new Unusable(`${runFiles.journal} cut off`);
  const { load } = checked(headerShape, parsed(line.slice(0, end), runFiles.journal), runFiles.journal).header;
  return {
    scenario: run.scenario,
    outcome: run.outcome,
    ended: run.ended,
    recovery: {
      ms: run.recovery.ms,
      ...(run.recovery.censoredMs === undefined ? {} : { censoredMs: run.recovery.censoredMs }),
    },
    measured: run.findings.flatMap(({ check, phase, measured }) =>
      measured === undefined ? [] : [{ check, ...(phase === undefined ? {} : { phase }), value: measured }],
    ),
    claim: {
      hypothesis: claim.hypothesis,
      judgeVersion: claim.judgeVersion,
      faults: claim.faults,
      recovery: claim.recovery,
      objectives: objectives as unknown as RunFigures['claim']['objectives'],
    },
    load: {
      profile: load.profile,
      ratesPerSecond: load.ratesPerSecond,
      ...(load.shapes === undefined ? {} : { shapes: load.shapes }),
      leftOut: (load.leftOut ?? []).map(({ journey }) => journey).sort(),
    },
  };
}

async function readJson(file: string, bytesMax: number, name: string): Promise<unknown> {
  const text = await readStart(file, bytesMax, name);
  if (Buffer.byteLength(text) >= bytesMax) throw new Unusable(`${name} of more than ${bytesMax >> 20} MiB`);
  return parsed(text, name);
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unusable(`${name} cut off, or no JSON`);
  }
}

function checked<T>(shape: z.ZodType<T>, value: unknown, name: string): T {
  const { data, success } = shape.safeParse(value);
  if (!success) throw new Unusable(`${name} not understood`);
  return data;
}

/** What is no file, such as a pipe that nobody writes to, is not waited for. */
async function readStart(file: string, bytesMax: number, name: string): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await handle.stat()).isFile()) throw new Error('no file');
    const buffer = Buffer.alloc(Math.min(bytesMax, (await handle.stat()).size));
    let read = 0;
    while (read < buffer.length) {
      const { bytesRead } = await handle.read(buffer, read, buffer.length - read, read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return buffer.toString('utf8', 0, read);
  } catch {
    throw new Unusable(`${name} missing, or not readable`);
  } finally {
    await handle?.close();
  }
}
