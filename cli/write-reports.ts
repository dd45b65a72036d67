// What a gate leaves beside readiness.json, made from it and the evidence: the page, JUnit for CI servers, a summary for a CI job,
// and GitLab's load performance report. A run that can't be read is shown as that.
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRunTables } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { runView } from '../lib/judge/run-view.ts';
import type { Readiness } from '../lib/model/readiness.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import type { RunView } from '../lib/model/run-view.ts';
import { junitXml } from '../reports/junit.ts';
import { loadPerformance } from '../reports/load-performance.ts';
import { readinessPage } from '../reports/readiness-page.ts';
import { summaryMarkdown } from '../reports/summary-markdown.ts';

/** Returns the path of the page. */
export async function writeReports(folder: string, readiness: Readiness): Promise<string> {
  const views = await readViews(folder, readiness);
  const page = join(folder, gateFiles.page);
  await writeFile(page, readinessPage({ readiness, views }));
  await writeFile(join(folder, gateFiles.junit), junitXml(readiness));
  await writeFile(join(folder, gateFiles.summary), summaryMarkdown(readiness));
  const load = loadPerformance(readiness, views);
  const loadFile = join(folder, gateFiles.loadPerformance);
  await (load === undefined ? rm(loadFile, { force: true }) : writeFile(loadFile, load));
  return page;
}

export async function renderPage(folder: string, readiness: Readiness): Promise<string> {
  return readinessPage({ readiness, views: await readViews(folder, readiness) });
}

/** Of the runs whose folders could be read; the page says so of the others. */
async function readViews(folder: string, { runs }: Readiness): Promise<ReadonlyMap<string, RunView>> {
  const views = new Map<string, RunView>();
  for (const run of runs) {
    const evidence = await readRunTables(join(folder, run.folder)).catch(() => undefined);
    if (evidence) views.set(run.folder, runView(evidence, judge(evidence.claim, evidence)));
  }
  return views;
}

/** GitHub shows what is appended to this file on the job's own page. One that can't be written is no reason to fail a gate. */
export async function tellJobSummary(readiness: Readiness, say: (text: string) => void): Promise<void> {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (!file) return;
  await appendFile(file, summaryMarkdown(readiness)).catch((error: Error) => say(`job summary: ${error.message}`));
}
