// `shakedown explain MARKER`: one write from the request to the rows, and what the system was at that instant. From run folders alone.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { Problem } from '../lib/errors.ts';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { eachMarker, headerOf, traceMarker } from '../lib/evidence/trace-marker.ts';
import { explain } from '../lib/judge/explain.ts';
import { judge } from '../lib/judge/judge.ts';
import type { MarkerTrace } from '../lib/model/explanation.ts';
import { runFiles } from '../lib/model/run-folder.ts';
import { isMarkerOf } from '../lib/model/run-ids.ts';
import { type Finding, type Outcome, severity } from '../lib/model/verdict.ts';
import { exitCodeOfOutcome } from '../lib/runner/readiness.ts';
import { anomaliesOf, anomaliesText } from '../reports/anomalies.ts';
import { explanationText } from '../reports/explanation.ts';
import { nearestTo } from './nearest.ts';

interface Options {
  readonly run?: readonly string[];
  readonly lost?: true;
  readonly json?: true;
}

export function explainCommand(): Command {
  return new Command('explain')
    .description('what became of one write, and what the system was when it was sent; from run folders alone')
    .argument('[marker]', 'as a verdict names it: rabc-02-issue-91')
    .option('--run <folder...>', 'run folders, folders of gates, or a folder of those (default: runs)')
    .option('--lost', 'instead: which writes the verdict calls lost, duplicated and so on, each with its command')
    .option('--json', 'one line, one object')
    .addHelpText(
      'after',
      `
Which run wrote a marker stands at its beginning, so the right folder is found among many.

Exit codes: 0 it is as it should be, 1 the judge holds it against the target (lost, duplicated, refused but
found, …), 2 nobody can tell, 64 no such marker, or not a marker; with --lost of the worst that is listed.
Example: npx shakedown explain --lost --run examples/lost-writes
         npx shakedown explain rmwtnvxmp-issue-91 --run examples/lost-writes`,
    )
    .action(async (marker: string | undefined, options: Options) => {
      const named = options.run ?? ['runs'];
      if ((marker === undefined) === (options.lost === undefined))
        throw new Problem({
          kind: 'usage',
          what: 'wants a marker, or --lost',
          where: 'explain',
          seen: marker === undefined ? 'neither' : 'both',
          next: 'npx shakedown explain MARKER --run FOLDER, the marker first; or npx shakedown explain --lost',
        });
      const outcome =
        marker === undefined ? await listAnomalies(named, options) : await explainMarker(marker, named, options);
      process.exitCode = exitCodeOfOutcome(outcome);
    });
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const colour = (): boolean => process.stdout.isTTY === true;

async function explainMarker(marker: string, named: readonly string[], { json }: Options): Promise<Outcome> {
  checkMarker(marker);
  const { folder, trace } = await traceIn(marker, await foldersIn(named), named);
  const explanation = explain(trace, folder);
  print(json ? JSON.stringify(explanation) : explanationText(explanation, { colour: colour() }));
  return explanation.outcome;
}

/** ERPNext's own limit for the field that a marker stands in. */
const markerLengthMax = 140;

function checkMarker(marker: string): void {
  if (marker !== '' && marker.length <= markerLengthMax && !/\p{Cc}/u.test(marker)) return;
  throw new Problem({
    kind: 'usage',
    what: 'no marker can look like that',
    where: 'explain',
    seen: JSON.stringify(marker.slice(0, 60)),
    next: 'copy one from a verdict: <run>-<journey>-<number>',
  });
}

/** The folder of the run that wrote the marker; where that can't be told, those whose journal has lost its header. */
async function traceIn(
  marker: string,
  folders: readonly string[],
  named: readonly string[],
): Promise<{ readonly folder: string; readonly trace: MarkerTrace }> {
  const headers = await Promise.all(folders.map(async (folder) => ({ folder, header: await headerOf(folder) })));
  const own = headers.filter(({ header }) => header && isMarkerOf(header.runId, marker));
  const unknown = headers.filter(({ header }) => !header);
  // Its own run may be gone: the next one has those of its writes that it shares a steady state with.
  const shared = headers.filter(({ header }) => header?.steadyOf !== undefined && isMarkerOf(header.steadyOf, marker));
  const candidates = own.length > 0 ? own : [...unknown, ...shared];
  const traces = await Promise.all(
    candidates.map(async ({ folder }) => ({ folder, trace: await traceMarker(folder, marker) })),
  );
  const having = traces.filter(({ trace }) => isThere(trace));
  const [one, ...more] = having;
  if (one && more.length === 0) return one;
  if (one)
    throw new Problem({
      kind: 'usage',
      what: 'several run folders have it',
      where: `marker ${marker}`,
      seen: having.map(({ folder }) => folder).join(', '),
      next: 'name one of them with --run',
    });
  const cut = traces.find(({ trace }) => trace.damaged.some(({ file }) => file === runFiles.samples));
  if (cut)
    throw new Problem({
      kind: 'target-unusable',
      what: 'nobody can tell whether it was sent',
      where: `marker ${marker}`,
      seen: `${cut.folder} has nothing of it, but is not whole: ${cut.trace.damaged.map(({ file, what }) => `${file} ${what}`).join(', ')}`,
      next: 'look for a whole copy of the run folder',
    });
  const ids = [...new Set(headers.flatMap(({ header }) => header?.runId ?? []))];
  const near = await nearestTo(
    marker,
    own.length > 0 ? own.map(({ folder }) => folder) : folders.slice(0, 3),
    eachMarker,
  );
  throw new Problem({
    kind: 'usage',
    what: own.length > 0 ? 'its run has no such write on record' : 'none of these runs wrote it',
    where: `marker ${marker}`,
    seen:
      own.length > 0
        ? own.map(({ folder }) => folder).join(', ')
        : `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''} in ${named.join(', ')}`,
    next: near.length > 0 ? `did you mean ${near.join(', ')}?` : 'name its run folder with --run',
  });
}

const isThere = ({ writes, ledger }: MarkerTrace): boolean =>
  writes.length > 0 || ledger.some(({ kind }) => kind === 'document' || kind === 'job-rows');

async function listAnomalies(named: readonly string[], { json }: Options): Promise<Outcome> {
  const isDefault = named.length === 1 && named[0] === 'runs';
  const folders = await foldersIn(isDefault ? ['runs/latest'] : named);
  let worst: Outcome = 'passed';
  const listed: { readonly folder: string; readonly scenario: string; readonly anomalies: readonly Finding[] }[] = [];
  for (const folder of folders) {
    const evidence = await readRunFolder(folder);
    const { scenario, findings } = judge(evidence.claim, evidence);
    const anomalies = anomaliesOf(findings);
    listed.push({ folder, scenario, anomalies });
    for (const { outcome } of [...anomalies, ...findings.filter(({ check }) => check === 'ledger.nodes')])
      if (severity[outcome] > severity[worst]) worst = outcome;
  }
  print(
    json
      ? JSON.stringify({ schema: 'shakedown.anomalies/1', runs: listed })
      : anomaliesText(listed, { colour: colour() }),
  );
  return worst;
}

/** Run folders among what was named, at most two folders below it. Links are not followed: `runs/latest` would be there twice. */
async function foldersIn(named: readonly string[]): Promise<readonly string[]> {
  const isRun = (path: string) => existsSync(join(path, runFiles.claim));
  const below = async (path: string): Promise<readonly string[]> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(path, name))
      .sort();
  };
  const found = new Set<string>();
  for (const path of named) {
    const before = found.size;
    if (isRun(path)) found.add(path);
    else
      for (const one of await below(path)) {
        if (isRun(one)) found.add(one);
        else for (const inner of await below(one)) if (isRun(inner)) found.add(inner);
      }
    if (found.size === before && !isRun(path))
      throw new Problem({
        kind: 'usage',
        what: 'no run folder',
        where: path,
        seen: existsSync(path) ? `no ${runFiles.claim} in it, or below it` : 'no such folder',
        next: 'name a run folder, the folder of a gate, or a folder of gates with --run',
      });
  }
  return [...found];
}
