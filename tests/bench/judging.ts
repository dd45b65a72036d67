// How long judging takes that is worth a night: ten million lines of samples, and a million acknowledged writes on three Galera members.
// Beside it DuckDB on one thread, which answers the same percentiles and counts of the same file and nothing else.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runFiles } from '../../lib/model/run-folder.ts';
import type { Verdict } from '../../lib/model/verdict.ts';
import { repo, run } from '../lab/shakedown.ts';
import { type SyntheticRun, writeSyntheticRun } from './synthetic-run.ts';
import type { Usage } from './usage.ts';

interface Row {
  readonly figure: string;
  readonly wanted: string;
  readonly measured: string;
}

const duckdbVersion = '1.4.2';

/** 1.67 million writes stand on two lines each. */
const night: SyntheticRun = { scans: 6_660_000, writes: 1_670_000, perSecond: 1_000 };
const million: SyntheticRun = { scans: 0, writes: 1_000_000, perSecond: 100 };

export async function judgeRows(scratch: string, shape: SyntheticRun = night): Promise<readonly Row[]> {
  const folder = join(scratch, 'night');
  await writeSyntheticRun(folder, shape);
  // The samples alone: what the ledger costs is measured by itself.
  await rm(join(folder, runFiles.ledger));
  const own = await judged(scratch, folder);
  const { size } = await stat(join(folder, runFiles.samples));
  const lines = shape.scans + 2 * shape.writes;
  const sent = own.verdict.ledger.acknowledged;
  if (sent !== shape.writes)
    throw new Error(`${sent} writes were read as acknowledged, ${shape.writes} stand in the file`);
  const peer = await duckdb(scratch, join(folder, runFiles.samples));
  await rm(folder, { recursive: true });
  return [
    { figure: `judge, ${lines / 1e6} million lines (${gigabytes(size)})`, wanted: '< 60 s', measured: told(own, size) },
    { figure: 'its memory, at most', wanted: '< 256 MiB', measured: `${Math.round(own.memoryMiBMax)} MiB` },
    { figure: 'DuckDB, one thread: the percentiles and counts alone', wanted: '', measured: told(peer, size) },
    { figure: 'its memory, at most', wanted: '', measured: `${Math.round(peer.memoryMiBMax)} MiB` },
  ];
}

export async function reconcileRows(scratch: string, shape: SyntheticRun = million): Promise<readonly Row[]> {
  const folder = join(scratch, 'million');
  await writeSyntheticRun(folder, shape);
  const own = await judged(scratch, folder);
  const size = (await stat(join(folder, runFiles.samples))).size + (await stat(join(folder, runFiles.ledger))).size;
  const { acknowledged, lost } = own.verdict.ledger;
  if (acknowledged !== shape.writes || lost !== 0)
    throw new Error(`${lost} of ${acknowledged} writes are told as lost`);
  await rm(folder, { recursive: true });
  return [
    {
      figure: `reconcile, ${shape.writes / 1e6} million writes × 3 members (${gigabytes(size)}, from files)`,
      wanted: '≤ 1.5 × client',
      measured: told(own, size),
    },
    { figure: 'its memory, at most', wanted: 'flat', measured: `${Math.round(own.memoryMiBMax)} MiB` },
  ];
}

type Told = Usage & { readonly seconds: number };

/** By the command line, as anybody judges, but without the process that only looks for the right Node.js. */
async function judged(scratch: string, folder: string): Promise<Told & { readonly verdict: Verdict }> {
  const usage = join(scratch, 'usage');
  await rm(usage, { recursive: true, force: true });
  await mkdir(usage);
  const began = performance.now();
  const { stdout, stderr } = await run(
    join(repo, 'node_modules/.bin/node'),
    ['--import', join(repo, 'tests/bench/usage.ts'), join(repo, 'cli/main.ts'), 'judge', '--json', folder],
    repo,
    { SHAKEDOWN_BENCH_USAGE: usage },
  );
  const seconds = (performance.now() - began) / 1000;
  if (stdout === '') throw new Error(`judge told nothing:\n${stderr.slice(-2_000)}`);
  const all = await Promise.all(
    (await readdir(usage)).map(async (name) => JSON.parse(await readFile(join(usage, name), 'utf8')) as Usage),
  );
  return {
    seconds,
    processorSeconds: all.reduce((sum, one) => sum + one.processorSeconds, 0),
    memoryMiBMax: Math.max(...all.map(({ memoryMiBMax }) => memoryMiBMax)),
    verdict: JSON.parse(stdout) as Verdict,
  };
}

const question = `
import duckdb, json, resource, sys
ask = duckdb.connect(config={'threads': 1, 'memory_limit': '256MB'})
print(ask.execute("""
  SELECT data.tags.journey, data.tags.outcome, count(*), quantile_disc(data.value, [0.5, 0.95, 0.99])
    FROM read_ndjson(?, columns = {metric: 'VARCHAR', data: 'STRUCT(value DOUBLE, tags STRUCT(journey VARCHAR, outcome VARCHAR))'},
                     maximum_object_size = 1048576)
   WHERE metric = 'operation' GROUP BY ALL""", [sys.argv[1]]).fetchall(), file=sys.stderr)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({'processorSeconds': used.ru_utime + used.ru_stime, 'memoryMiBMax': used.ru_maxrss / 1024}))
`;

/** A peer on demand, in a place of its own: nothing of it is a dependency. */
async function duckdb(scratch: string, samples: string): Promise<Told> {
  const venv = join(scratch, 'duckdb');
  const call = promisify(execFile);
  await call('python3', ['-m', 'venv', venv]);
  await call(join(venv, 'bin/pip'), ['install', '--quiet', `duckdb==${duckdbVersion}`]);
  const began = performance.now();
  const { stdout } = await call(join(venv, 'bin/python'), ['-c', question, samples], { maxBuffer: 1 << 20 });
  return { seconds: (performance.now() - began) / 1000, ...(JSON.parse(stdout) as Usage) };
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

const told = ({ seconds, processorSeconds }: Told, bytes: number): string =>
  `${seconds.toFixed(1)} s (${processorSeconds.toFixed(1)} s of processor time, ${Math.round(bytes / 1e6 / processorSeconds)} MB/s)`;
