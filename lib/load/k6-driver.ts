// Runs k6 as a process of its own and keeps what it says: samples.ndjson verbatim, k6.log beside it. One k6 may serve several runs, one
// after the other: each has a recording of its own, which begins where the run before was steady again. Tokens stand in one file that only we may read, and passwords with them, for as long as k6 starts; never on a command line, in an environment or in a log.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sampleMetrics } from '../evidence/samples.ts';
import type { LoadConfig } from '../model/load-config.ts';
import type { LoadDriver, LoadEnd, LoadRequest, PassedOn, RunningLoad } from '../model/load-driver.ts';
import { runFiles } from '../model/run-folder.ts';
import type { Target } from '../model/target.ts';
import { problemOf } from './exit-codes.ts';
import { openFifo } from './fifo.ts';
import { argumentsOf, connectAddressOf, environmentOf } from './k6-command.ts';
import { openPermits } from './permits.ts';
import { planLoad } from './plan.ts';
import { pointStream } from './points.ts';
import { watchProcessorTime } from './processor-time.ts';
import { openRecording, type Recording } from './recording.ts';
import { openSamples } from './samples-file.ts';
import { loadTask } from './task.ts';
import type { Technician } from './technicians.ts';

export interface K6DriverOptions {
  /** Path of the k6 program, version 2. */
  readonly k6: string;
  readonly config: LoadConfig;
  readonly site: Target['site'];
  readonly technicians: readonly Technician[];
  /** What k6 runs; load/main.ts when left out. */
  readonly script?: string;
}

const mainScript = fileURLToPath(new URL('../../load/main.ts', import.meta.url));
/** From SIGINT to the end of k6; it takes some ten milliseconds when all is well. */
const endWithinMs = 10_000;
/**
 * k6 gives the handshake of a WebSocket a minute, and neither a time-out nor an interrupt shortens it: where a Kubernetes node was lost, one may
 * hang. Who waits for answers anyway waits for that too, rather than to conclude nothing from a k6 that had to be killed.
 */
const handshakeMsMax = 65_000;
const patientFromMs = 30_000;
/** k6 writes its points five times a second; those that end an iteration come with its operation, or with the next lot. */
const pointsLagMs = 1_000;

export function k6Driver(options: K6DriverOptions): LoadDriver {
  return {
    plan: (profile) => planLoad(options.config, profile, options),
    start: (request) => startK6(options, request),
  };
}

/** `v2.2.0`. Throws when there is no k6 at that path, or one that we do not know. */
export async function k6Version(k6: string): Promise<string> {
  const { stdout } = await promisify(execFile)(k6, ['version'], { timeout: 20_000, env: {} }).catch((cause) => {
    throw new Error(`load: k6 at ${k6} can't be started: ${reasonOf(cause)}. Next: shakedown lab doctor`, { cause });
  });
  const version = /^k6(?:\.exe)? (v(\d+)\.\S+)/.exec(stdout);
  if (version?.[2] === '2') return version[1] as string;
  throw new Error(
    `load: k6 at ${k6} is ${JSON.stringify(stdout.slice(0, 60))} (wanted version 2: its flags changed between 1 and 2)`,
  );
}

async function startK6(options: K6DriverOptions, request: LoadRequest): Promise<RunningLoad> {
  await k6Version(options.k6);
  const undo = new DisposableStack();
  try {
    return await spawnK6(options, request, undo);
  } catch (error) {
    undo.dispose();
    throw error;
  }
}

async function spawnK6(options: K6DriverOptions, request: LoadRequest, undo: DisposableStack): Promise<RunningLoad> {
  const { site } = options;
  const permits = await openPermits(request.runId);
  undo.defer(() => permits.close());

  const folder = await mkdtemp(join(tmpdir(), 'shakedown-load-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  undo.defer(removeFolder);
  const taskFile = join(folder, 'task.json');
  const connectTo = await connectAddressOf(site);
  const task = loadTask({
    config: options.config,
    site,
    technicians: options.technicians,
    request,
    permitUrl: permits.url,
    ...(connectTo ? { connectTo } : {}),
  });
  writeFileSync(taskFile, JSON.stringify(task), { mode: 0o600, flag: 'wx' });
  void permits.first.then(() => rmSync(taskFile, { force: true }));

  const samples = openSamples(join(request.folder, runFiles.samples));
  let first: Recording | undefined;
  undo.defer(() => (first ? first.close() : closeSync(samples)));
  const log = openSync(join(request.folder, runFiles.k6Log), 'a');
  undo.defer(() => closeSync(log));
  const points = await openFifo(join(folder, 'points'));
  undo.defer(() => points.discard());

  const child = spawn(options.k6, argumentsOf(points.path, options.script ?? mainScript), {
    // A group of its own: Ctrl-C at the terminal is the runner's to answer, and it wants the load to go on through undo.
    detached: true,
    cwd: folder,
    stdio: ['ignore', log, log],
    env: environmentOf({ folder, taskFile, caFile: site.caFile }),
  });
  await once(child, 'spawn').catch((cause) => {
    throw new Error(`load: k6 at ${options.k6} can't be started: ${reasonOf(cause)}`, { cause });
  });
  const pid = child.pid as number;
  const processorTime = watchProcessorTime(pid);
  first = openRecording(processorTime);
  first.writeTo(samples);
  const killGroup = () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  const leaveNothing = () => {
    killGroup();
    removeFolder();
  };
  process.once('exit', leaveNothing);

  const troubles = new Set<string>();
  const stream = pointStream();
  let iterations = 0;
  let iterationsFailed = 0;
  let operations = 0;
  let asked = false;
  let gone = false;
  let killedAfterMs: number | undefined;
  /** Of the run that is on, of the one that may follow; the last one stays when k6 has ended. */
  let recording: Recording = first;
  let runId = request.runId;
  let marked: Recording | undefined;
  const open = new Set([recording]);

  points.socket.on('data', (chunk: Buffer) => {
    const taken = stream.push(chunk);
    if (taken.length === 0) return;
    for (const point of taken) {
      if (point.kind === 'iteration') iterations += 1;
      if (point.kind === 'iteration-failed') iterationsFailed += 1;
      if (point.kind === 'sample' && isOperation(point.line)) operations += 1;
    }
    for (const one of open) keeping(() => one.take(taken));
  });
  points.socket.on('error', (error) => troubles.add(`k6's points could not be read to the end: ${error.message}`));

  const ended = endOf();
  return loadOf(recording);

  /** Written at once and in place: a slow disk holds up the reading, which holds up k6's own buffer, and nothing is lost. */
  function keeping(work: () => void): void {
    try {
      work();
    } catch (error) {
      troubles.add(`${runFiles.samples} could not be written: ${reasonOf(error)}`);
      killGroup();
    }
  }

  function loadOf(own: Recording): RunningLoad {
    return {
      listen: own.listen,
      stop,
      ended,
      mark() {
        if (marked) open.delete(marked);
        marked = openRecording(processorTime.begin());
        open.add(marked);
      },
      passOn: (nextRunId, graceMs) => passOn(own, nextRunId, graceMs),
    };
  }

  async function passOn(own: Recording, nextRunId: string, graceMs: number): Promise<PassedOn> {
    const next = marked;
    if (own !== recording || !next)
      throw new Error('load: passed on without a mark, or by a run that does not have it');
    const ownRunId = runId;
    const at = Date.now();
    permits.passTo(nextRunId);
    runId = nextRunId;
    marked = undefined;
    own.endAt(at, nextRunId);
    const granted = permits.grantedFor(ownRunId);
    const missing = () => granted - own.endedOf(ownRunId).operations;
    await until(() => missing() <= 0, graceMs);
    await until(() => missing() > 0 || own.endedOf(ownRunId).iterations >= granted, pointsLagMs);
    const account = own.account(availableParallelism());
    open.delete(own);
    keeping(own.close);
    recording = next;
    const left = missing();
    const problems = [
      ...(gone ? ['k6 ended before the next run had it'] : []),
      ...(left > 0 ? [`${left} iterations were not answered within ${graceMs} ms`] : []),
    ];
    let taken = false;
    return {
      ...account,
      at,
      problem: [problemSoFar({ exitCode: 0 }), ...problems].filter((one) => one !== '').join('; '),
      takeOver(folder) {
        if (taken) throw new Error('load: taken over twice');
        taken = true;
        next.writeTo(openSamples(join(folder, runFiles.samples)));
        if (gone) next.close();
        return loadOf(next);
      },
      stop,
      ended,
    };
  }

  /** Looks until it holds, k6 is gone or the time is over. */
  async function until(holds: () => boolean, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!holds() && !gone && performance.now() < deadline) await later(20);
  }

  async function endOf(): Promise<LoadEnd> {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    processorTime.stop();
    process.removeListener('exit', leaveNothing);
    await points.drain();
    const rest = stream.rest();
    for (const one of open)
      keeping(() => {
        one.takeRest(rest);
        one.close();
      });
    gone = true;
    undo.dispose();
    const exit = { exitCode, ...(signal ? { signal } : {}) };
    return { ...exit, problem: problemSoFar(exit), ...recording.account(availableParallelism()) };
  }

  /** Over the whole life of k6: what is wrong with it is wrong with every run that it served since. */
  function problemSoFar(exit: { exitCode: number | null; signal?: NodeJS.Signals }): string {
    return problemOf({
      ...exit,
      asked,
      ...(killedAfterMs === undefined ? {} : { killedAfterMs }),
      // Those that ended at the permit sent nothing, so nothing is on record of them.
      iterations: iterations - permits.refused,
      operations,
      iterationsFailed,
      troubles: [...troubles, ...recording.troubles],
    });
  }

  async function stop(graceMs: number): Promise<LoadEnd> {
    if (asked) return ended;
    asked = true;
    permits.withdraw();
    const over = ended.then(() => true);
    const deadline = performance.now() + graceMs;
    while (permits.granted > operations && performance.now() < deadline) {
      if (await Promise.race([over, later(50, false)])) return ended;
    }
    child.kill('SIGINT');
    const endMs = graceMs >= patientFromMs ? handshakeMsMax : endWithinMs;
    if (!(await Promise.race([over, later(endMs, false, { ref: false })]))) {
      killedAfterMs = endMs;
      killGroup();
    }
    return ended;
  }
}

const operationStart = `{"metric":"${sampleMetrics.operation}",`;
const isOperation = (line: string): boolean => line.startsWith(operationStart);

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).trim();
