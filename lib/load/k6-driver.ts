// Runs k6 as a process of its own and keeps what it says: samples.ndjson verbatim, k6.log beside it. Tokens stand in one file
// that only we may read, and passwords with them, for as long as k6 starts; never on a command line, in an environment or in a log.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseSample } from '../evidence/samples.ts';
import type { LoadConfig } from '../model/load-config.ts';
import type { LoadDriver, LoadEnd, LoadEvent, LoadRequest, RunningLoad } from '../model/load-driver.ts';
import { runFiles } from '../model/run-folder.ts';
import type { Target } from '../model/target.ts';
import { problemOf } from './exit-codes.ts';
import { openFifo } from './fifo.ts';
import { argumentsOf, connectAddressOf, environmentOf } from './k6-command.ts';
import { openPermits } from './permits.ts';
import { planLoad } from './plan.ts';
import { pointStream } from './points.ts';
import { busiestWindowMs, watchProcessorTime } from './processor-time.ts';
import { openSamples, writeAll } from './samples-file.ts';
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
  const permits = await openPermits();
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
  undo.defer(() => closeSync(samples));
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

  const events: LoadEvent[] = [];
  const listeners = new Set<(event: LoadEvent) => void>();
  const troubles = new Set<string>();
  const stream = pointStream();
  let iterations = 0;
  let iterationsFailed = 0;
  let iterationMs = 0;
  let operations = 0;
  let asked = false;
  let killedAfterMs: number | undefined;

  points.socket.on('data', (chunk: Buffer) => {
    const taken = stream.push(chunk);
    iterations += taken.iterations;
    iterationsFailed += taken.iterationsFailed;
    iterationMs += taken.iterationMs;
    if (taken.samples.length === 0) return;
    keep(`${taken.samples.join('\n')}\n`);
    for (const line of taken.samples) tell(line);
  });
  points.socket.on('error', (error) => troubles.add(`k6's points could not be read to the end: ${error.message}`));

  const ended = endOf();
  return { listen, stop, ended };

  /** Written at once and in place: a slow disk holds up the reading, which holds up k6's own buffer, and nothing is lost. */
  function keep(text: string): void {
    try {
      writeAll(samples, text);
    } catch (error) {
      troubles.add(`${runFiles.samples} could not be written: ${reasonOf(error)}`);
      killGroup();
    }
  }

  function tell(line: string): void {
    const sample = parseSample(line);
    if (sample?.kind === 'unreadable') troubles.add(`a line of ${runFiles.samples} can't be read: ${sample.what}`);
    if (sample?.kind !== 'operation' && sample?.kind !== 'drop') return;
    if (sample.kind === 'operation') operations += 1;
    events.push(sample);
    for (const listener of listeners) listener(sample);
  }

  function listen(listener: (event: LoadEvent) => void): () => void {
    for (const event of events) listener(event);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async function endOf(): Promise<LoadEnd> {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    processorTime.stop();
    process.removeListener('exit', leaveNothing);
    await points.drain();
    keep(stream.rest());
    try {
      fsyncSync(samples);
    } catch (error) {
      troubles.add(`${runFiles.samples} could not be written: ${reasonOf(error)}`);
    }
    undo.dispose();
    const exit = { exitCode, ...(signal ? { signal } : {}) };
    return {
      ...exit,
      problem: problemOf({
        ...exit,
        asked,
        ...(killedAfterMs === undefined ? {} : { killedAfterMs }),
        // Those that ended at the permit sent nothing, so nothing is on record of them.
        iterations: iterations - permits.refused,
        operations,
        iterationsFailed,
        troubles: [...troubles],
      }),
      processorSeconds: processorTime.seconds,
      generator: {
        processors: availableParallelism(),
        busiest: { windowMs: busiestWindowMs, processorSeconds: processorTime.busiestSeconds },
        iterations,
        iterationSeconds: iterationMs / 1000,
      },
    };
  }

  async function stop(graceMs: number): Promise<LoadEnd> {
    if (asked) return ended;
    asked = true;
    permits.withdraw();
    const gone = ended.then(() => true);
    const deadline = performance.now() + graceMs;
    while (permits.granted > operations && performance.now() < deadline) {
      if (await Promise.race([gone, later(50, false)])) return ended;
    }
    child.kill('SIGINT');
    if (!(await Promise.race([gone, later(endWithinMs, false, { ref: false })]))) {
      killedAfterMs = endWithinMs;
      killGroup();
    }
    return ended;
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).trim();
