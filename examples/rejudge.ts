// Judges the recorded runs again after a change of the judge's rules or words, and writes down what it says now: verdict.json, run.json,
// readiness.json and the page. Evidence is never touched, nor is a manifest made: a run that was changed stops it.
// CONTRIBUTING.md says when.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderPage } from '../cli/write-reports.ts';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { verdictJson } from '../lib/judge/verdict-json.ts';
import { type Readiness, readinessSchema } from '../lib/model/readiness.ts';
import { gateFiles, runFiles } from '../lib/model/run-folder.ts';
import type { RunRecord, Verdict } from '../lib/model/verdict.ts';
import { withVerdicts } from '../lib/runner/readiness.ts';

const gates = (await readdir(import.meta.dirname, { withFileTypes: true })).filter((entry) => entry.isDirectory());
for (const { name } of gates) await rejudge(join(import.meta.dirname, name));

async function rejudge(gate: string): Promise<void> {
  const readinessFile = join(gate, gateFiles.readiness);
  const before = readinessSchema.parse(JSON.parse(await readFile(readinessFile, 'utf8')));
  const verdicts = new Map<string, Verdict>();
  for (const { folder } of before.runs) verdicts.set(folder, await rejudgeRun(join(gate, folder)));
  const readiness: Readiness = withVerdicts(before, verdicts);
  await writeFile(readinessFile, `${JSON.stringify(readiness, null, 1)}\n`);
  await writeFile(join(gate, gateFiles.page), (await renderPage(gate, readiness)).markup);
  console.log(`${gate}: ${readiness.outcome}`);
}

async function rejudgeRun(folder: string): Promise<Verdict> {
  const evidence = await readRunFolder(folder);
  const [changed] = evidence.manifest.problems;
  if (changed) throw new Error(`${folder}: not what was recorded: ${changed.file}: ${changed.what}`);
  const json = verdictJson(judge(evidence.claim, evidence));
  // As it reads: its keys in order, like those of the file.
  const verdict = JSON.parse(json) as Verdict;
  const recordFile = join(folder, runFiles.record);
  const record = JSON.parse(await readFile(recordFile, 'utf8')) as RunRecord;
  await writeFile(join(folder, runFiles.verdict), json);
  await writeFile(recordFile, `${JSON.stringify({ ...record, verdict }, null, 2)}\n`);
  return verdict;
}
