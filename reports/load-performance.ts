// Users' side of the steady state in the shape of k6's summary, which GitLab's load performance report reads (checks, http_req_waiting,
// http_reqs). Of the control run, where nothing was broken; else of the first run that had a steady phase.
import type { Readiness } from '../lib/model/readiness.ts';
import type { RunView, SteadyLoad } from '../lib/model/run-view.ts';

/** Undefined when no run had a steady phase with answers in it: a file of zeros would be read as a very fast site. */
export function loadPerformance(readiness: Readiness, views: ReadonlyMap<string, RunView>): string | undefined {
  const runs = [...readiness.runs].sort((a, b) => Number(b.scenario === 'control') - Number(a.scenario === 'control'));
  for (const { folder } of runs) {
    const steady = views.get(folder)?.steady;
    if (steady) return `${JSON.stringify({ metrics: metricsOf(steady) }, null, 1)}\n`;
  }
  return undefined;
}

function metricsOf({ seconds, answered, good, planned, latencyMs }: SteadyLoad): unknown {
  const { min, mean, p50, p90, p95, max } = latencyMs;
  const latency = { avg: mean, min, med: p50, max, 'p(90)': p90, 'p(95)': p95 };
  return {
    // A good operation is a check that passed: right answer, in time.
    checks: { passes: good, fails: planned - good, value: good / planned },
    http_reqs: { count: answered, rate: answered / seconds },
    http_req_duration: latency,
    // To the end of the answer, not to its first byte: what a technician waits for, and never less than that.
    http_req_waiting: latency,
  };
}
