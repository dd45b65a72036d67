// What fails without any fault too is the platform's own defect. It blocks as much, but no fault is to be blamed for it, so it is told apart.
import type { Readiness } from '../model/readiness.ts';

type Runs = Readiness['runs'];

/** Marks the findings of runs with a fault that a control of the same gate shows as well. Of a gate without control nothing is known. */
export function tellOwnDefects(runs: Runs): Runs {
  const own = new Set(
    runs.flatMap(({ control, findings }) =>
      control ? findings.flatMap(({ check, outcome }) => (outcome === 'failed' ? [check] : [])) : [],
    ),
  );
  return runs.map((run) =>
    run.control
      ? run
      : {
          ...run,
          findings: run.findings.map((finding) =>
            finding.outcome === 'failed' && own.has(finding.check) ? { ...finding, alsoInControl: true } : finding,
          ),
        },
  );
}
