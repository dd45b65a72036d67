// What a gate leaves beside readiness.json, made from it and the evidence: the page, JUnit for CI servers, a summary for a CI job,
// and GitLab's load performance report. A run that can't be read is shown as that.
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { refusedVersion } from '../lib/judge/run-integrity.ts';
import { runView } from '../lib/judge/run-view.ts';
import type { Readiness } from '../lib/model/readiness.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import type { RunView } from '../lib/model/run-view.ts';
import { severity, type Verdict } from '../lib/model/verdict.ts';
import { withVerdicts } from '../lib/runner/readiness.ts';
import { junitXml } from '../reports/junit.ts';
import { loadPerformance } from '../reports/load-performance.ts';
import { type ReadinessPage, readinessPage } from '../reports/readiness-page.ts';
import { summaryMarkdown } from '../reports/summary-markdown.ts';

interface JudgedGate extends ReadinessPage {
  /** Of each run whose evidence says less than the gate wrote down: what it says. */
  readonly lowered: readonly string[];
}

/** `readiness` is what the reports tell: as recorded, or worse. */
export async function writeReports(
  folder: string,
  recorded: Readiness,
): Promise<{ readonly page: string; readonly readiness: Readiness; readonly lowered: readonly string[] }> {
  const { readiness, views, lowered } = await judgedGate(folder, recorded);
  const page = join(folder, gateFiles.page);
  await writeFile(page, readinessPage({ readiness, views }));
  await writeFile(join(folder, gateFiles.junit), junitXml(readiness));
  await writeFile(join(folder, gateFiles.summary), summaryMarkdown(readiness));
  const load = loadPerformance(readiness, views);
  const loadFile = join(folder, gateFiles.loadPerformance);
  await (load === undefined ? rm(loadFile, { force: true }) : writeFile(loadFile, load));
  return { page, readiness, lowered };
}

export async function renderPage(
  folder: string,
  recorded: Readiness,
): Promise<{ readonly markup: string; readonly lowered: readonly string[] }> {
  const { lowered, ...gate } = await judgedGate(folder, recorded);
  return { markup: readinessPage(gate), lowered };
}

/**
 * No report is better than its evidence: a run that is judged worse now than when the gate wrote it down, because a file was changed or this
 * judge does not know its version, is told as that. Of runs whose folders can't be read the page says so.
 */
async function judgedGate(folder: string, recorded: Readiness): Promise<JudgedGate> {
  const views = new Map<string, RunView>();
  const worse = new Map<string, Verdict>();
  for (const run of recorded.runs) {
    const evidence = await readRunFolder(join(folder, run.folder)).catch(() => undefined);
    if (!evidence) continue;
    const verdict = judge(evidence.claim, evidence);
    if (severity[verdict.outcome] > severity[run.outcome]) worse.set(run.folder, verdict);
    if (!refusedVersion(evidence.claim, evidence)) views.set(run.folder, runView(evidence, verdict));
  }
  return { readiness: withVerdicts(recorded, worse), views, lowered: [...worse.values()].map(loweredInWords) };
}

function loweredInWords({ scenario, outcome, findings }: Verdict): string {
  return `${JSON.stringify(scenario)} is ${outcome} now, which is worse than the gate wrote down: ${findings[0]?.says ?? ''}`;
}

/** GitHub shows what is appended to this file on the job's own page. One that can't be written is no reason to fail a gate. */
export async function tellJobSummary(readiness: Readiness, say: (text: string) => void): Promise<void> {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (!file) return;
  await appendFile(file, summaryMarkdown(readiness)).catch((error: Error) => say(`job summary: ${error.message}`));
}
