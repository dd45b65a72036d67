// Names of the files in a run folder. The folder alone is enough to judge and report again, on another machine.

/** `runs/<time>-gate/` holds the readiness files, and one folder for each scenario with the rest. */
export const runFiles = {
  claim: 'claim.json',
  journal: 'journal.ndjson',
  /** k6's own JSON points, verbatim, of the metrics that the judge reads. */
  samples: 'samples.ndjson',
  ledger: 'ledger.ndjson',
  prometheus: 'prometheus.ndjson',
  manifest: 'manifest.json',
  k6Log: 'k6.log',
  verdict: 'verdict.json',
  record: 'run.json',
} as const;

/**
 * Not evidence, so not in the manifest: what is made of it, and the log of a k6 that may go on into the next run. Any other file is.
 */
export const notEvidence: readonly string[] = [runFiles.manifest, runFiles.k6Log, runFiles.verdict, runFiles.record];

export const gateFiles = {
  readiness: 'readiness.json',
  page: 'readiness.html',
  /** For CI servers: one suite for each scenario, one case for each finding. */
  junit: 'junit.xml',
  /** For the summary page of a CI job. */
  summary: 'summary.md',
  /** For GitLab's load performance widget, in the shape of k6's summary. */
  loadPerformance: 'load-performance.json',
} as const;
