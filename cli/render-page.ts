// The readiness page of a gate folder, from the evidence in it. A run that can't be read is shown as that.
import { join } from 'node:path';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { runView } from '../lib/judge/run-view.ts';
import type { Readiness } from '../lib/model/readiness.ts';
import type { RunView } from '../lib/model/run-view.ts';
import { readinessPage } from '../reports/readiness-page.ts';

export async function renderPage(folder: string, readiness: Readiness): Promise<string> {
  const views = new Map<string, RunView>();
  for (const run of readiness.runs) {
    try {
      const evidence = await readRunFolder(join(folder, run.folder));
      views.set(run.folder, runView(evidence, judge(evidence.claim, evidence)));
    } catch {
      // The page says that this run's folder could not be read.
    }
  }
  return readinessPage({ readiness, views });
}
