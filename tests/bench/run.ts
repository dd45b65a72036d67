// `npm run bench`: the figures that the project promises, measured here and printed as one table beside their bounds.
// It takes the lab down and up again, so it doesn't run beside anything else. `-- --cold` builds everything from empty caches too;
// `-- judge`, `-- reconcile` (on files) and `-- readback` (from a MariaDB of this machine) measure only that, and need no lab.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { labStatus } from '../../lab/lab.ts';
import { nodes } from '../../lab/places.ts';
import { readRunFolder } from '../../lib/evidence/read-run-folder.ts';
import type { Evidence, Instant } from '../../lib/model/evidence.ts';
import type { Readiness } from '../../lib/model/readiness.ts';
import { repo, run } from '../lab/shakedown.ts';
import { chaosToolkitTimes, faultTimes } from './faults.ts';
import { judgeRows, reconcileRows } from './judging.ts';
import { busyCoresBelow, memoryMiBBelow } from './processes.ts';
import { readbackRows } from './readback.ts';
import { childSeconds, gateCosts } from './suite-costs.ts';

interface Row {
  readonly figure: string;
  readonly wanted: string;
  readonly measured: string;
}

const withoutLab = { judge: judgeRows, reconcile: reconcileRows, readback: readbackRows } as const;
const asked = process.argv.slice(2).filter((each): each is keyof typeof withoutLab => Object.hasOwn(withoutLab, each));
const strange = process.argv.slice(2).filter((each) => each !== '--cold' && !Object.hasOwn(withoutLab, each));
if (strange.length > 0) {
  console.error(`npm run bench: no option ${strange.join(', ')}; there are --cold, judge, reconcile and readback`);
  process.exit(64);
}
const cold = process.argv.includes('--cold');
const warmRuns = 3;
const faultRounds = 20;
const peerRounds = 5;
const settleMs = 60_000;
const idleMs = 60_000;

const scratch = await mkdtemp(join(tmpdir(), 'shakedown-bench-'));
const rows: Row[] = [];
const say = (text: string) => console.error(`bench: ${text}`);

if (asked.length > 0) {
  try {
    for (const name of asked) rows.push(...(await withoutLab[name](scratch)));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  console.log(`\n${cpus().length} processors (${cpus()[0]?.model.trim()})\n\n${table(rows)}`);
  process.exit(0);
}

try {
  if (cold) {
    say('cold lab: everything is fetched and built from empty caches (about 25 minutes) …');
    await shakedown({}, 'lab', 'down');
    const caches = ['SHAKEDOWN_CACHE', 'GOCACHE', 'GOMODCACHE', 'npm_config_cache'];
    const seconds = await timed(() =>
      shakedown(Object.fromEntries(caches.map((name) => [name, join(scratch, name)])), 'lab', 'up'),
    );
    rows.push({ figure: 'lab up, cold', wanted: '< 40 min', measured: minutes(seconds) });
  }

  say(`warm lab: down and up, ${warmRuns} times each …`);
  await shakedown({}, 'lab', 'up');
  // All of it last: that is what is measured after.
  for (const [scope, wanted] of [
    ['core', '< 180 s'],
    ['full', '< 300 s'],
  ] as const) {
    const warm: number[] = [];
    for (let round = 1; round <= warmRuns; round++) {
      await shakedown({}, 'lab', 'down');
      warm.push(await timed(() => shakedown({}, 'lab', 'up', '--only', scope)));
      say(`  ${scope}: ${warm.at(-1)?.toFixed(1)} s`);
    }
    const figure = `lab up --only ${scope}, warm (median of ${warmRuns})`;
    rows.push({ figure, wanted, measured: `${median(warm).toFixed(1)} s` });
  }

  say(`idle lab: ${(settleMs + idleMs) / 1000} s of nothing …`);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const { supervisor } = await labStatus();
  if (!supervisor) throw new Error('the lab is not there any more');
  const cores = await busyCoresBelow(supervisor.pid, idleMs);
  rows.push({
    figure: 'idle memory (PSS)',
    wanted: '< 6 GiB',
    measured: `${((await memoryMiBBelow(supervisor.pid)) / 1024).toFixed(2)} GiB`,
  });
  rows.push({ figure: 'idle processor', wanted: '< 0.7 cores', measured: `${cores.toFixed(2)} cores` });

  say(`faults, ${faultRounds} times each …`);
  for (const { fault, landedMs, undoMs } of await faultTimes(faultRounds)) {
    rows.push({ figure: `${fault}: inject to proven landed, p95`, wanted: '< 300 ms', measured: p95OfMs(landedMs) });
    rows.push({ figure: `${fault}: undo, p95`, wanted: '< 1 s', measured: p95OfMs(undoMs) });
  }
  say(`Chaos Toolkit deleting the same kind of pod, ${peerRounds} times …`);
  const peer = await chaosToolkitTimes(peerRounds, scratch);
  const medianMs = (times: readonly number[]) => `${Math.round(median(times))} ms`;
  rows.push({
    figure: 'Chaos Toolkit: the call alone, no proof (median)',
    wanted: '',
    measured: medianMs(peer.callMs),
  });
  rows.push({ figure: 'Chaos Toolkit: the whole experiment (median)', wanted: '', measured: medianMs(peer.wholeMs) });

  say('gate on the running lab …');
  let told = '';
  const seconds = await timed(async () => {
    // The shell tells what its children used, k6 among them.
    const { code, stdout, stderr } = await run(
      'bash',
      ['-c', '"$0" gate --json --runs "$1"; code=$?; times; exit $code', join(repo, 'cli/shakedown.mjs'), scratch],
      repo,
    );
    if (code !== 0) throw new Error(`the gate ended with ${code}:\n${stderr.slice(-2_000)}`);
    told = stdout;
  });
  const [answer = '', ...times] = told.split('\n');
  const gate = JSON.parse(answer) as Readiness & { readonly gate: string };
  rows.push({ figure: `gate, ${gate.runs.length} scenarios`, wanted: '< 15 min', measured: minutes(seconds) });
  const { phasesSeconds, k6Seconds } = await gateCosts(
    join(scratch, gate.gate),
    gate.runs.map(({ folder }) => folder),
  );
  rows.push({
    figure: 'its wall time / steady, hold and recovery',
    wanted: '≤ 1.25',
    measured: (seconds / phasesSeconds).toFixed(2),
  });
  const suiteSeconds = childSeconds(times.join('\n')) - k6Seconds;
  rows.push({
    figure: 'processor time of the suite / of k6',
    wanted: '< 0.25',
    measured: `${(suiteSeconds / k6Seconds).toFixed(2)} (${suiteSeconds.toFixed(0)} s / ${k6Seconds.toFixed(0)} s)`,
  });
  const evidence = await readRunFolder(join(scratch, gate.gate, 'control'));
  rows.push(...loadRows(evidence));
  say('judging ten million lines, and a million writes on three members …');
  rows.push(...(await judgeRows(scratch)), ...(await reconcileRows(scratch)), ...(await readbackRows(scratch)));
  for (const { scenario, recovery, ledger } of gate.runs.filter(({ scenario }) => scenario !== 'control')) {
    rows.push({
      figure: `${scenario}: recovery`,
      wanted: 'measured',
      measured: recovery.ms === null ? 'not seen' : `${recovery.ms} ms ± ${recovery.resolutionMs} ms`,
    });
    rows.push({
      figure: `${scenario}: acknowledged, lost`,
      wanted: '> 120, 0',
      measured: `${ledger.acknowledged}, ${ledger.lost}`,
    });
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

console.log(
  `\n${nodes.length} Kubernetes nodes on one machine with ${cpus().length} processors (${cpus()[0]?.model.trim()})\n`,
);
console.log(table(rows));

/** Steady state of the run without a fault, from k6's own samples. */
function loadRows({ operations, drops, journal }: Evidence): readonly Row[] {
  const begins = (name: string) => journal.find((line) => line.kind === 'phase' && line.phase === name)?.at;
  const [from, to] = [begins('steady'), begins('after')];
  if (from === undefined || to === undefined) throw new Error('control never came to its steady state');
  const inSteady = (at: Instant) => at >= from && at < to;
  const steady = operations.filter(({ sentAt }) => inSteady(sentAt));
  const scans = steady.filter(({ journey }) => journey === 'barcode-lookup');
  const writes = steady.filter(({ journey }) => journey === 'goods-receipt' || journey === 'parts-issue');
  const rate = (some: readonly unknown[]) => `${(some.length / ((to - from) / 1000)).toFixed(1)}/s`;
  const p95 = (some: Evidence['operations']) => {
    const sorted = some
      .flatMap(({ durationMs }) => (durationMs === undefined ? [] : [durationMs]))
      .sort((a, b) => a - b);
    return `${sorted[Math.ceil(0.95 * sorted.length) - 1]} ms`;
  };
  const dropped = drops.filter(({ at }) => inSteady(at)).reduce((sum, { count }) => sum + count, 0);
  return [
    { figure: 'steady scans', wanted: '20/s', measured: rate(scans) },
    { figure: 'steady writes', wanted: '5/s', measured: rate(writes) },
    { figure: 'steady scans p95', wanted: '< 250 ms', measured: p95(scans) },
    { figure: 'steady writes p95', wanted: '< 250 ms', measured: p95(writes) },
    { figure: 'steady dropped iterations', wanted: '0', measured: String(dropped) },
  ];
}

async function shakedown(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(join(repo, 'cli/shakedown.mjs'), args, repo, environment);
  if (code !== 0) throw new Error(`shakedown ${args.join(' ')} ended with ${code}:\n${stderr.slice(-2_000)}`);
  return stdout;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** Nearest rank. */
function p95OfMs(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `${Math.round(sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN)} ms (median ${Math.round(median(values))} ms)`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function table(all: readonly Row[]): string {
  const widest = (key: keyof Row) => Math.max(key.length, ...all.map((row) => row[key].length));
  const line = (row: Row) =>
    `${row.figure.padEnd(widest('figure'))}  ${row.wanted.padStart(widest('wanted'))}  ${row.measured.padStart(widest('measured'))}`;
  return [line({ figure: 'figure', wanted: 'wanted', measured: 'measured' }), ...all.map(line)].join('\n');
}
