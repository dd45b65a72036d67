// What a gate leaves beside readiness.json, made from it and the evidence: the page, JUnit for CI servers, a summary for a CI job.
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readiness } from '../lib/model/readiness.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import { junitXml } from '../reports/junit.ts';
import { summaryMarkdown } from '../reports/summary-markdown.ts';
import { renderPage } from './render-page.ts';

/** Returns the path of the page. */
export async function writeReports(folder: string, readiness: Readiness): Promise<string> {
  const page = join(folder, gateFiles.page);
  await writeFile(page, await renderPage(folder, readiness));
  await writeFile(join(folder, gateFiles.junit), junitXml(readiness));
  await writeFile(join(folder, gateFiles.summary), summaryMarkdown(readiness));
  return page;
}

/** GitHub shows what is appended to this file on the job's own page. One that can't be written is no reason to fail a gate. */
export async function tellJobSummary(readiness: Readiness, say: (text: string) => void): Promise<void> {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (!file) return;
  await appendFile(file, summaryMarkdown(readiness)).catch((error: Error) => say(`job summary: ${error.message}`));
}
