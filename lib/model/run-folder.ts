// Names of the files in a run folder. The folder alone is enough to judge and report again, on another machine.

/** `runs/<time>-gate/` holds the readiness files, and one folder for each scenario with the rest. */
export const runFiles = {
  claim: 'claim.json',
  journal: 'journal.ndjson',
  /** k6's own JSON points, verbatim, of the metrics that the judge reads. */
  samples: 'samples.ndjson',
  ledger: 'ledger.ndjson',
  prometheus: 'prometheus.ndjson',
  k6Log: 'k6.log',
  verdict: 'verdict.json',
  record: 'run.json',
} as const;

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
