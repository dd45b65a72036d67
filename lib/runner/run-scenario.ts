// Plays one scenario against a target and records what happens: the one place where time passes and things change.
// It returns a record whatever happens to the target, and every way out goes through undo.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Claim, Phase } from '../model/claim.ts';
import type { Evidence, Instant, JournalEntry, LedgerLine, PlannedLoad, RunHeader } from '../model/evidence.ts';
import type { Fault, Residue, Ticket } from '../model/fault.ts';
import type { LoadDriver, PassedOn, RunningLoad } from '../model/load-driver.ts';
import type { ClosedRun, Manifest } from '../model/manifest.ts';
import type { Reach, TargetSnapshot } from '../model/reach.ts';
import { runFiles } from '../model/run-folder.ts';
import { isMarkerOf } from '../model/run-ids.ts';
import type { Guard, Play, Scenario } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';
import { noLedger, type RunRecord, severity, type Verdict } from '../model/verdict.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Clock, type Moment, momentOf, within } from './clock.ts';
import { type Handover, type NextRun, notToBeShared, type SharedReading } from './handover.ts';
import { type Journal, type JournalFile, openJournal } from './journal.ts';
import { abortable, playStep } from './play-step.ts';
import { readRanges } from './read-ranges.ts';
import { type RunBounds, runBounds } from './run-bounds.ts';
import { type Ending, endingOf, RunStopped } from './run-stopped.ts';
import { type Sampling, sampleProbes } from './sample-probes.ts';
import { searchResidue } from './search-residue.ts';
import { listTickets, storeTicket } from './ticket-store.ts';
import { undoStack } from './undo-stack.ts';
import { type LoadWatch, watchLoad } from './watch-load.ts';
import { appendLines, openLines, writeWhole } from './write-evidence.ts';

export interface RunRequest {
  readonly target: Target;
  /** Where the run's files go; it must not exist yet. */
  readonly folder: string;
  /** The same as run.json names it: relative to the gate's folder. */
  readonly folderName: string;
  readonly runId: string;
  readonly seed: number;
  /** Ctrl-C, SIGTERM, a lost Lease: the run ends, undo runs. */
  readonly signal: AbortSignal;
  /** Asked right before each inject: why nothing may be injected any more, such as a Lease that somebody else may hold by now. */
  readonly fenced?: () => string | undefined;
  readonly commit: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly context: RunHeader['context'];
  readonly repeat: string;
  /** What the run before leaves: its load goes on as this run's, and its end is the beginning of this run's steady state. */
  readonly before?: Handover;
  /** The run that follows, when it wants the same load: it gets this run's, if all is well at the end. */
  readonly next?: NextRun;
}

export interface PlayedRun {
  readonly record: RunRecord;
  /** The load goes on: whoever gets it hands it to the next run or stops it. */
  readonly handover?: Handover;
}

type GuardAnswer = Awaited<ReturnType<Guard['check']>>;

export interface OpenedReach {
  readonly reach: Reach;
  close(): Promise<void>;
}

/** Reads the database itself, node by node. */
export interface LedgerReader {
  stockBefore(reach: Reach): Promise<readonly LedgerLine[]>;
  /** An acknowledged marker that is missing at first is looked for again: late is not lost. */
  readBack(
    reach: Reach,
    acknowledged: readonly string[],
    keep: (lines: readonly LedgerLine[]) => Promise<void>,
  ): Promise<void>;
  /** Asked where the claim counts background jobs. */
  jobs?(reach: Reach): Promise<readonly LedgerLine[]>;
}

export interface RunDeps {
  readonly clock: Clock;
  readonly openReach: (options: { runId: string; seed: number; signal: AbortSignal }) => Promise<OpenedReach>;
  readonly load: LoadDriver;
  readonly ledger: LedgerReader;
  /** Looks at what a run must leave as it was. */
  readonly takeSnapshot: (reach: Reach) => Promise<TargetSnapshot>;
  /** Of the evidence as it is now, chained to the run before. */
  readonly makeManifest: (folder: string, run: ClosedRun) => Promise<Manifest>;
  readonly readRunFolder: (folder: string) => Promise<Evidence | RunTables>;
  readonly judge: (claim: Claim, evidence: Evidence | RunTables) => Verdict;
  readonly freeBytes: (folder: string) => Promise<number>;
  readonly say: (progress: Progress) => void;
  readonly bounds?: Partial<RunBounds>;
  readonly openJournalFile?: (file: string) => JournalFile;
}

export interface Progress {
  readonly scenario: string;
  readonly text: string;
  readonly elapsedMs: number;
  /** Of the whole run, when nothing has to be waited for longer than usual. */
  readonly expectedMs: number;
}

export async function runScenario(scenario: Scenario, run: RunRequest, deps: RunDeps): Promise<PlayedRun> {
  const { claim, play } = scenario;
  const { clock } = deps;
  const bounds: RunBounds = { ...runBounds, ...deps.bounds };
  const startedAt = clock.now();
  const began = clock.mono();
  const sharedMs = run.before ? Math.min(play.steadyMs, began - run.before.steady.mono) : 0;
  const expectedMs = usualDurationMs(play) - sharedMs;
  const file = (name: string) => join(run.folder, name);
  const say = (text: string) => deps.say({ scenario: claim.name, text, elapsedMs: clock.mono() - began, expectedMs });

  /** Ends the play; the user's signal, a dead load and a full disk all come through it. */
  const stop = new AbortController();
  const interrupt = () => stop.abort(asStopped(run.signal.reason));
  run.signal.addEventListener('abort', interrupt, { once: true });
  if (run.signal.aborted) interrupt();

  const openReach = (signal: AbortSignal) => deps.openReach({ runId: run.runId, seed: run.seed, signal });
  const withReach = async <T>(signal: AbortSignal, work: (reach: Reach) => Promise<T>): Promise<T> => {
    const opened = await openReach(signal);
    try {
      return await work(opened.reach);
    } finally {
      await opened.close().catch(() => undefined); // a connection that does not close takes nothing away from the answer
    }
  };

  let journal: Journal | undefined;
  const note = (text: string) => attempt(() => journal?.write({ kind: 'note', text }));
  const prepared: { fault: Fault; ticket: Ticket; number: number; stored: boolean }[] = [];
  const unsettled: string[] = [];
  const stack = undoStack({
    clock,
    withReach,
    deadlineMs: bounds.undoMs,
    tell: ({ entry, error }) => {
      const fault = entry.fault.name;
      if (error) say(`${fault}: undo not complete: ${error.message}`);
      journal?.write(
        error
          ? { kind: 'step', fault, step: 'undo-failed', error: error.message }
          : { kind: 'step', fault, step: 'undone' },
      );
    },
  });

  let running: RunningLoad | undefined;
  /** Since this moment what is seen is also kept for the next run. */
  let sharing: Moment | undefined;
  const sharedReadings: SharedReading[] = [];
  let nextSampling: Sampling | undefined;
  let passedOn: PassedOn | undefined;
  let passedOnTold = false;
  let loadLost = false;
  let watch: LoadWatch | undefined;
  let sampling: Sampling | undefined;
  let opened: OpenedReach | undefined;
  let stopping = false;
  let preparing = false;
  let starting: Promise<unknown> = Promise.resolve();
  let planned: PlannedLoad | undefined;
  let before: TargetSnapshot | undefined;
  let header: RunHeader = makeHeader({});

  let ending: Ending = { ended: 'completed' };
  const endBy = (error: unknown) => {
    const next = endingOf(error);
    // The first reason is the one that counts: what fails while cleaning up never hides it.
    if (ending.ended === 'completed') ending = next;
    else if (next.reason !== ending.reason) note(`and then: ${next.reason}`);
  };

  try {
    await mkdir(run.folder, { recursive: true });
    await writeWhole(file(runFiles.claim), `${JSON.stringify(claim, null, 2)}\n`);
    journal = openJournal(file(runFiles.journal), clock, deps.openJournalFile);
    planned = deps.load.plan(play.load);
    // Before anything can fail: from here on it is stopped like any other.
    if (run.before) running = run.before.load.takeOver(run.folder);
    if (running) watchEndOf(running);
    await playAll(journal);
  } catch (error) {
    endBy(error);
  }

  // From here on nothing hangs on the run's own signal. The target comes first.
  if (stack.size > 0) {
    say('undoing');
    const outcomes = await stack.undoAll();
    for (const { error } of outcomes) if (error) endBy(error);
  }
  await stopLoad();
  if (run.signal.aborted) endBy(asStopped(run.signal.reason));
  // What is left in the target is looked for while the ledger comes to rest: neither touches the other.
  const [residue] = await Promise.all([residueOfAll(), collectIfAny()]);
  watch?.close();
  await sampling?.stop();
  await nextSampling?.stop();
  stop.abort(new RunStopped('aborted', 'the run is over'));
  await opened?.close().catch(() => undefined);
  run.signal.removeEventListener('abort', interrupt);

  if (journal) {
    const last = journal;
    try {
      last.write({ kind: 'ended', ...ending });
    } catch (error) {
      endBy(error);
    }
    attempt(() => last.close());
    // Before the verdict: it is judged as anybody will judge it.
    await closeEvidence().catch(endBy);
  }
  const record = await conclude();
  const handover = handoverOf(record);
  if (passedOn && !handover) await stopForGood(passedOn);
  return { record, ...(handover ? { handover } : {}) };

  async function playAll(journal: Journal): Promise<void> {
    const signal = stop.signal;
    const bounded = <T>(what: string, ms: number, work: Promise<T>) =>
      abortable(within(clock, `${claim.name}: ${what}`, ms, work), signal);
    const phase = (name: Phase) => journal.write({ kind: 'phase', phase: name });

    say('reaching the target');
    let unreachable: unknown;
    try {
      // Kept in the very continuation: a reach that opens after an abort is closed too.
      const reached = openReach(signal).then((one) => {
        opened = one;
        return one;
      });
      const { reach } = await bounded('reaching the target', bounds.openReachMs, reached);
      header = makeHeader(await bounded('asking versions', bounds.guardMs, askVersions(reach)));
    } catch (error) {
      unreachable = error;
    }
    journal.write({ kind: 'header', header });
    if (!opened) throw unreachable;
    signal.throwIfAborted();
    const { reach } = opened;

    if (run.before) {
      journal.write({ kind: 'load', event: 'taken-over', detail: `from run ${run.before.runId}` });
      journal.write({ kind: 'phase', phase: 'steady', of: run.before.runId }, run.before.steady);
      for (const { entry, seen } of run.before.readings) journal.write(entry, seen);
      startSampling(reach, journal);
    }

    const free = await deps.freeBytes(run.folder);
    if (free < bounds.freeBytesMin) {
      throw new RunStopped(
        'aborted',
        `${Math.floor(free / 2 ** 20)} MiB free for the run's files, wanted ${bounds.freeBytesMin / 2 ** 20} MiB. Next: free the disk`,
      );
    }
    await checkGuards(reach, bounded);
    // Nothing is changed without a fault, so nothing is compared.
    if (claim.faults.length > 0)
      before = await bounded('looking at the target as it is', bounds.guardMs, deps.takeSnapshot(reach));

    say('reading the stock before');
    await keepLedger(await bounded('stock before', bounds.ledgerMs, deps.ledger.stockBefore(reach)));

    for (const { journey, why } of header.load.leftOut ?? []) note(`${journey} is left out of the load: ${why}`);
    if (!sampling) startSampling(reach, journal);
    const load = running ?? (await startLoad(journal, bounded));
    watch = watchLoad(load, header.load);
    await bounded('waiting for the first operation', bounds.firstOperationMs, watch.first);

    if (!run.before) phase('steady');
    const steady = run.before?.steady ?? momentOf(clock);
    await pause(`steady state`, steady.mono + play.steadyMs - clock.mono());
    const notSteady = watch.notSteady(claim, steady.at, clock.now());
    if (notSteady) throw new RunStopped('aborted', `not steady before the fault: ${notSteady}. Nothing was injected`);

    let faultAt: Instant | undefined;
    for (const step of play.timeline) {
      if ('waitMs' in step) {
        await pause('waiting', step.waitMs);
        continue;
      }
      preparing = true;
      await playStep(step, {
        claim,
        reach,
        journal,
        clock,
        bounds,
        stack,
        stop,
        say,
        prepared: (fault, ticket) => {
          stack.push({ fault, ticket });
          prepared.push({ fault, ticket, number: prepared.length + 1, stored: false });
        },
        storeTicket: async (fault, ticket) => {
          const entry = prepared.find((one) => one.ticket === ticket);
          if (!entry) throw new Error(`${fault.name}: a ticket that was never prepared`);
          entry.stored = true; // before the answer: it may be there although the answer is lost
          await storeTicket(reach.cluster, run.target.suite.namespace, {
            schema: 'shakedown.ticket/1',
            runId: run.runId,
            scenario: claim.name,
            fault: fault.name,
            version: fault.version,
            number: entry.number,
            ticket,
          });
        },
        beforeInject: () => {
          const fenced = run.fenced?.();
          if (fenced !== undefined) throw new RunStopped('aborted', `${fenced}. Nothing was injected`);
          if (faultAt === undefined) phase('fault');
          faultAt ??= clock.now();
        },
        unsettled: (what) => unsettled.push(what),
      });
    }

    if (faultAt !== undefined) {
      phase('recovery');
      await waitForRecovery(faultAt, watch);
    }
    phase('after');
    const after = momentOf(clock);
    if (run.next) share(run.next, after, load, reach);
    await pause('after', play.afterMs);
    if (run.next) await passOn(run.next, after, load, watch, journal);
  }

  function startSampling(reach: Reach, journal: Journal): void {
    const keep: Pick<Journal, 'write'> = {
      write(entry, seen) {
        journal.write(entry, seen);
        keepShared(entry, seen);
      },
    };
    sampling = sampleProbes(play.probes, reach, keep, clock, (error) => stop.abort(error));
  }

  function keepShared(entry: JournalEntry, seen?: Instant | Moment): void {
    if (!sharing) return;
    const now = momentOf(clock);
    const at = typeof seen === 'number' ? seen : now.at;
    if (at >= sharing.at) sharedReadings.push({ entry, seen: { at, mono: now.mono } });
  }

  async function startLoad(
    journal: Journal,
    bounded: <T>(what: string, ms: number, work: Promise<T>) => Promise<T>,
  ): Promise<RunningLoad> {
    say(`starting the load ${play.load}`);
    // Kept in the very continuation too: an abort meanwhile must still find the process to end.
    const started = deps.load.start({
      profile: play.load,
      runId: run.runId,
      seed: run.seed,
      folder: run.folder,
      durationMsMax: longestDurationMs(play, bounds) + (run.next?.wantedMsMax ?? 0),
    });
    starting = started.then(
      (load) => {
        running = load;
      },
      () => undefined,
    );
    const load = await bounded('starting the load', bounds.firstOperationMs, started);
    journal.write({ kind: 'load', event: 'started' });
    watchEndOf(load);
    return load;
  }

  function watchEndOf(load: RunningLoad): void {
    load.ended.then(
      ({ problem, exitCode }) => {
        loadLost = true;
        if (stopping || passedOn) return;
        stop.abort(
          new RunStopped('aborted', `the load ended before it was asked to: ${problem || `exit code ${exitCode}`}`),
        );
      },
      (error: unknown) => stop.abort(error),
    );
  }

  /** From here on it is the next run's steady state too, should all stay well. */
  function share(next: NextRun, after: Moment, load: RunningLoad, reach: Reach): void {
    sharing = after;
    load.mark();
    const own = new Set(play.probes.map(({ series }) => series));
    const more = next.probes.filter(({ series }) => !own.has(series));
    nextSampling = sampleProbes(more, reach, { write: keepShared }, clock, (error) => stop.abort(error));
  }

  async function passOn(
    next: NextRun,
    after: Moment,
    load: RunningLoad,
    watch: LoadWatch,
    journal: Journal,
  ): Promise<void> {
    const notWell = watch.notWell(claim, after.at, clock.now());
    if (notWell) return note(`the load is not shared with the next run: ${notWell}`);
    say('passing the load on, waiting for answers under way');
    const passing = load.passOn(next.runId, bounds.loadGraceMs).then((passed) => {
      passedOn = passed;
      return passed;
    });
    const what = 'passing the load on';
    const passed = await abortable(within(clock, what, bounds.loadGraceMs + 30_000, passing), stop.signal);
    const { at, problem, processorSeconds, generator } = passed;
    journal.write(
      {
        kind: 'load',
        event: 'passed-on',
        processorSeconds,
        ...(generator ? { generator } : {}),
        ...(problem ? { detail: problem } : {}),
      },
      { at, mono: clock.mono() - (clock.now() - at) },
    );
    passedOnTold = true;
  }

  /** Undefined when nothing is to be shared; then the load must end. */
  function handoverOf(record: RunRecord): Handover | undefined {
    if (!passedOn || !sharing || !run.next || passedOn.problem !== '' || loadLost || run.signal.aborted)
      return undefined;
    if (journal?.failure || notToBeShared(record) !== undefined) return undefined;
    const { runId } = run;
    return { runId, nextRunId: run.next.runId, steady: sharing, readings: sharedReadings, load: passedOn };
  }

  async function stopForGood(load: PassedOn): Promise<void> {
    say('stopping the load, which the next run does not get');
    // Nobody will look for what is under way.
    await within(clock, 'stopping the load', 40_000, load.stop(2_000)).catch((error: unknown) => say(messageOf(error)));
  }

  /** All guards are asked, so that the one who reads sees all that is in the way; and again for a while, because a target may be settling. */
  async function checkGuards(
    reach: Reach,
    bounded: <T>(what: string, ms: number, work: Promise<T>) => Promise<T>,
  ): Promise<void> {
    say('checking guards');
    const left = await bounded(
      'tickets of earlier runs',
      bounds.guardMs,
      listTickets(reach.cluster, run.target.suite.namespace),
    );
    const answers: (GuardAnswer & { readonly name: string })[] = [
      {
        name: 'no-ticket-left',
        is: left.length === 0 ? 'yes' : 'no',
        seen:
          left.length === 0
            ? 'no ticket of an earlier run'
            : `${left.map((ticket) => ticket.name).join(', ')} in ${run.target.suite.namespace}: an earlier run was not undone. Next: shakedown undo --all`,
      },
    ];
    for (const name of claim.needs) answers.push({ name, ...(await askGuard(name)) });
    const until = clock.mono() + bounds.guardsSettleMs;
    const unsettled = () => answers.slice(1).filter(({ is }) => is !== 'yes');
    // A ticket that is left does not go by itself.
    while (left.length === 0 && unsettled().length > 0 && clock.mono() < until) {
      say(`waiting for the target to settle: ${unsettled()[0]?.name}, ${unsettled()[0]?.seen}`);
      await clock.sleep(bounds.guardsEveryMs, stop.signal);
      for (const [index, { name }] of answers.entries()) {
        if (index > 0) answers[index] = { name, ...(await askGuard(name)) };
      }
    }
    for (const answer of answers) journal?.write({ kind: 'guard', ...answer });
    const refused = answers
      .filter(({ is }) => is !== 'yes')
      .map(({ name, is, seen }) => `${name}: ${is === 'no' ? '' : 'cannot tell: '}${seen}`);
    if (refused.length > 0) throw new RunStopped('aborted', `guards do not hold: ${refused.join('; ')}`);

    async function askGuard(name: string): Promise<GuardAnswer> {
      const guard = scenario.guards.find((one) => one.name === name);
      if (!guard) return { is: 'cannot-tell', seen: 'the scenario has no such guard' };
      try {
        return await bounded(name, bounds.guardMs, guard.check(reach));
      } catch (error) {
        stop.signal.throwIfAborted();
        return { is: 'cannot-tell', seen: messageOf(error) };
      }
    }
  }

  async function pause(what: string, ms: number): Promise<void> {
    const until = clock.mono() + ms;
    for (let left = ms; left > 0; left = until - clock.mono()) {
      say(`${what}, ${Math.ceil(left / 1000)} s left`);
      await clock.sleep(Math.min(1_000, left), stop.signal);
    }
  }

  async function waitForRecovery(since: Instant, load: LoadWatch): Promise<void> {
    if (!claim.recovery) return;
    const until = clock.mono() + play.recoveryWaitMs;
    let missing = 'the users were not seen to be well again';
    for (let left = play.recoveryWaitMs; left > 0; left = until - clock.mono()) {
      if (load.recovered(claim.recovery, since, clock.now())) {
        const unsettled = await notSettled(left);
        if (unsettled === undefined) return;
        missing = unsettled;
      }
      say(`waiting for recovery, at most ${Math.ceil(left / 1000)} s more`);
      await clock.sleep(Math.min(bounds.recoveryEveryMs, left), stop.signal);
    }
    note(`${missing} within ${play.recoveryWaitMs / 1000} s after undo`);
  }

  /** The first of what must hold again that does not, in words. */
  async function notSettled(withinMs: number): Promise<string | undefined> {
    for (const guard of play.settledWhen ?? []) {
      if (!opened) return 'the target could not be asked';
      const check = within(clock, guard.name, Math.min(bounds.guardMs, withinMs), guard.check(opened.reach));
      const { is, seen } = await abortable(check, stop.signal).catch((error: unknown) => {
        stop.signal.throwIfAborted();
        return { is: 'cannot-tell' as const, seen: messageOf(error) };
      });
      if (is !== 'yes') return `${guard.name} did not hold again (${seen})`;
    }
    return undefined;
  }

  async function stopLoad(): Promise<void> {
    await within(clock, 'starting the load', bounds.firstOperationMs, starting).catch(endBy);
    if (!running && run.before) await stopForGood(run.before.load);
    if (!running) return;
    if (passedOn && passedOnTold) {
      // On record as passed on: there is nothing more to tell of it, but it must not go on when nobody will take it over.
      if (ending.ended !== 'completed' || run.signal.aborted || passedOn.problem !== '') await stopForGood(passedOn);
      return;
    }
    stopping = true;
    say('stopping the load, waiting for answers under way');
    try {
      // After Ctrl-C nobody waits for answers: what is under way stays unknown.
      const graceMs = run.signal.aborted ? 2_000 : bounds.loadGraceMs;
      const end = await within(clock, 'stopping the load', graceMs + bounds.loadEndMs, running.stop(graceMs));
      const { exitCode, processorSeconds, generator, problem } = end;
      journal?.write({
        kind: 'load',
        event: 'stopped',
        exitCode,
        processorSeconds,
        ...(generator ? { generator } : {}),
        ...(problem ? { detail: problem } : {}),
      });
    } catch (error) {
      endBy(error);
    }
  }

  async function collectIfAny(): Promise<void> {
    if (!running || run.signal.aborted || journal?.failure) return;
    try {
      await collect();
    } catch (error) {
      endBy(run.signal.aborted ? asStopped(run.signal.reason) : error);
    }
  }

  /** What is read after the load: the ledger on every Galera node, and Prometheus over the whole run. */
  async function collect(): Promise<void> {
    const collected = <T>(work: (reach: Reach) => Promise<T>) => abortable(withReach(run.signal, work), run.signal);
    const to = clock.now();
    // So that the last moments are scraped too. It passes while the ledger is read.
    const { scrapeIntervalMs, evaluationIntervalMs = scrapeIntervalMs } = run.target.prometheus;
    const scrapedAt = clock.mono() + Math.max(scrapeIntervalMs, evaluationIntervalMs);
    await clock.sleep(bounds.quiesceMs, run.signal);
    if (!passedOn) await sampling?.stop();
    say('reading the ledger on every Galera node');
    const ledger = openLines(file(runFiles.ledger));
    try {
      await collected((reach) =>
        within(
          clock,
          'reading the ledger',
          bounds.ledgerMs,
          deps.ledger.readBack(reach, acknowledgedMarkers(), ledger.append),
        ),
      );
    } catch (error) {
      run.signal.throwIfAborted();
      note(`the ledger could not be read: ${messageOf(error)}`);
    } finally {
      await ledger.close();
    }
    if (claim.jobs) await readJobs(collected);
    say('reading Prometheus');
    await clock.sleep(Math.max(0, scrapedAt - clock.mono()), run.signal);
    await collected(async (reach) => {
      const ranges = await readRanges(claim, reach, {
        from: Math.min(startedAt, run.before?.steady.at ?? startedAt),
        to,
      });
      await appendLines(file(runFiles.prometheus), ranges);
    });
  }

  async function readJobs(collected: <T>(work: (reach: Reach) => Promise<T>) => Promise<T>): Promise<void> {
    say('waiting for background jobs, and counting them');
    const { jobs } = deps.ledger;
    if (!jobs) return note('background jobs were not counted: nobody here reads them');
    try {
      await keepLedger(
        await collected((reach) => within(clock, 'counting background jobs', bounds.ledgerMs, jobs(reach))),
      );
    } catch (error) {
      run.signal.throwIfAborted();
      note(`background jobs could not be counted: ${messageOf(error)}`);
    }
  }

  function acknowledgedMarkers(): readonly string[] {
    const markers: string[] = [];
    running?.listen((event) => {
      const write = event.kind === 'operation' ? event.operation.write : undefined;
      // What the run before wrote, that run looks for.
      if (write?.outcome === 'acknowledged' && !(run.before && isMarkerOf(run.before.runId, write.marker)))
        markers.push(write.marker);
    })();
    return markers;
  }

  async function keepLedger(lines: readonly LedgerLine[]): Promise<void> {
    await appendLines(file(runFiles.ledger), lines);
  }

  async function residueOfAll(): Promise<readonly Residue[]> {
    // Undone beside work that was still under way: its ticket must stay, and the target counts as dirty.
    const untidy: readonly Residue[] = unsettled.map((what) => ({
      is: 'cannot-tell',
      left: [`${what} was still under way when it was undone: nobody knows what it did after that`],
    }));
    if (prepared.length === 0 && untidy.length === 0 && !preparing) return [];
    say('looking for residue');
    const found = await searchResidue(
      prepared.map((entry) => ({ ...entry, stored: entry.stored && untidy.length === 0 })),
      {
        runId: run.runId,
        namespace: run.target.suite.namespace,
        clock,
        withReach,
        withinMs: bounds.residueMs,
        ...(before ? { snapshot: { before, take: deps.takeSnapshot } } : {}),
        note,
        tell: (fault, residue) =>
          attempt(() =>
            journal?.write({
              kind: 'step',
              fault,
              step: 'residue',
              proof: {
                is: residue.is === 'clean' ? 'no' : residue.is === 'dirty' ? 'yes' : 'cannot-tell',
                at: clock.now(),
                evidence: { residue: residue.is, left: residue.left },
              },
            }),
          ),
      },
    );
    return [...untidy, ...found];
  }

  async function closeEvidence(): Promise<void> {
    const { commit, seed, runId } = run;
    const { versions } = header;
    const { name: scenario, judgeVersion } = claim;
    const closedAt = clock.now();
    const closed = { scenario, runId, seed, commit, versions, judgeVersion, closedAt };
    const manifest = await deps.makeManifest(run.folder, closed);
    await writeWhole(file(runFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
  }

  async function conclude(): Promise<RunRecord> {
    say('judging');
    const verdict = await judged();
    const { ended, reason } = ending;
    const record: RunRecord = {
      header,
      ended,
      ...(reason === undefined ? {} : { reason }),
      endedAt: clock.now(),
      verdict,
      residue,
      folder: run.folderName,
    };
    await writeWhole(file(runFiles.verdict), `${canonicalJson(verdict)}\n`)
      .then(() => writeWhole(file(runFiles.record), `${JSON.stringify(record, null, 2)}\n`))
      .catch((error: unknown) => say(`the verdict could not be written to ${run.folder}: ${messageOf(error)}`));
    return record;
  }

  async function judged(): Promise<Verdict> {
    try {
      const evidence = await deps.readRunFolder(run.folder);
      const verdict = deps.judge(evidence.claim, evidence);
      // The journal tells the judge how the run ended; when that very line could not be written, this still holds.
      return ending.ended === 'completed'
        ? verdict
        : atMostInconclusive(verdict, 'run.ended', `${ending.ended}: ${ending.reason}`);
    } catch (error) {
      endBy(error);
      return atMostInconclusive(noVerdict(), 'run.judged', `the evidence could not be judged: ${messageOf(error)}`);
    }
  }

  function noVerdict(): Verdict {
    return {
      judgeVersion: 1,
      scenario: claim.name,
      runId: run.runId,
      outcome: 'inconclusive',
      findings: [],
      recovery: { ms: null, resolutionMs: 0 },
      ledger: noLedger,
    };
  }

  function makeHeader(versions: Readonly<Record<string, string>>): RunHeader {
    return {
      schema: 'shakedown.run/1',
      scenario: claim.name,
      runId: run.runId,
      startedAt,
      seed: run.seed,
      target: { name: run.target.name, environment: run.target.environment.class },
      commit: run.commit,
      versions: { ...run.versions, ...versions },
      context: run.context,
      load: planned ?? noLoad(play.load),
      repeat: run.repeat,
      ...(run.before ? { steadyOf: run.before.runId } : {}),
    };
  }
}

/** A verdict may be lowered by what the runner knows, never raised. */
function atMostInconclusive(verdict: Verdict, check: string, says: string): Verdict {
  if (severity[verdict.outcome] >= severity.inconclusive && verdict.findings.some((one) => one.outcome !== 'passed')) {
    return verdict;
  }
  return {
    ...verdict,
    outcome: 'inconclusive',
    findings: [...verdict.findings, { check, outcome: 'inconclusive', says }],
  };
}

/** Versions are context: one that can't be had is no reason not to run. */
async function askVersions(reach: Reach): Promise<Record<string, string>> {
  const ask = (work: Promise<string>) => work.catch(() => 'unknown');
  return {
    kubernetes: await ask(reach.cluster.version()),
    mariadb: await ask(
      reach.sql.nodes().then(async ([node]) => {
        if (node === undefined) return 'unknown';
        const [row] = await reach.sql.query(node, 'SELECT VERSION() AS version');
        return String(row?.version ?? 'unknown');
      }),
    ),
  };
}

/** Reaching the target, guards and stock; in the load of the run before that, and what comes after it, passes unnoticed. */
const usualStartMs = 15_000;
/** Answers under way, the ledger, Prometheus, residue, the verdict. */
const usualEndMs = 10_000;
/** To prepare a fault, to see it land, to undo it. */
const usualFaultMs = 4_000;
/** Of the time that recovery may be waited for, where a play does not say what is usual. */
const usualRecoveryShare = 1 / 6;

/** Roughly: for the progress line and the plan only. With the play before it, when both want the same load. */
export function usualDurationMs(play: Play, before?: Play): number {
  const shares = before?.load === play.load;
  // What is missing of the steady state when the run before has ended; guards have to be asked all the same.
  const steadyMs = shares ? Math.max(play.steadyMs - before.afterMs - usualEndMs, 5_000) : usualStartMs + play.steadyMs;
  const steps = play.timeline.map((step) =>
    'waitMs' in step ? step.waitMs : ((step.effectWithinMs ?? 0) * 2) / 3 + step.holdMs + usualFaultMs,
  );
  const faults = play.timeline.some((step) => 'fault' in step);
  return (
    steadyMs +
    steps.reduce((sum, ms) => sum + ms, 0) +
    (faults ? (play.usualRecoveryMs ?? play.recoveryWaitMs * usualRecoveryShare) : 0) +
    play.afterMs +
    usualEndMs
  );
}

/** Of plays one after the other. */
export const usualSuiteMs = (plays: readonly Play[]): number =>
  plays.reduce((sum, play, index) => sum + usualDurationMs(play, plays[index - 1]), 0);

/** The same for a run that takes the load over, with all that lies between it and the one before. */
export function longestSharedMs(play: Play, given?: Partial<RunBounds>): number {
  const bounds: RunBounds = { ...runBounds, ...given };
  const after = bounds.loadGraceMs + bounds.quiesceMs + bounds.ledgerMs + 2 * bounds.residueMs;
  const before = bounds.openReachMs + 2 * bounds.guardMs + bounds.guardsSettleMs + bounds.ledgerMs;
  return after + before + longestDurationMs(play, bounds);
}

function longestDurationMs(play: Play, bounds: RunBounds): number {
  const perFault =
    bounds.prepareMs +
    bounds.ticketMs +
    bounds.injectMs +
    bounds.landedWithinMs +
    bounds.effectWithinMs +
    2 * bounds.undoMs;
  const steps = play.timeline.map((step) =>
    'waitMs' in step ? step.waitMs : (step.effectWithinMs ?? 0) + step.holdMs + perFault,
  );
  return (
    bounds.firstOperationMs +
    play.steadyMs +
    steps.reduce((sum, ms) => sum + ms, 0) +
    play.recoveryWaitMs +
    play.afterMs
  );
}

function asStopped(reason: unknown): RunStopped {
  return reason instanceof RunStopped ? reason : new RunStopped('aborted', messageOf(reason));
}

const noLoad = (profile: string): PlannedLoad => ({
  profile,
  ratesPerSecond: {},
  stallBudgetMs: 0,
  virtualUsersMax: 0,
});

/** For telling things while cleaning up: the journal remembers its own failure. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // See above.
  }
}
