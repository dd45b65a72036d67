// Prometheus over the whole run, raw, from every replica: the judge merges and reduces, not we.
import type { Claim } from '../model/claim.ts';
import { alertsCountRange, alertsRange, exportersRange, type Instant, type RangeResponse } from '../model/evidence.ts';
import { ingressRanges, ingressRequestsOf } from '../model/ingress-requests.ts';
import type { Reach } from '../model/reach.ts';

/** A query that can't be asked is a line with its reason, so that a gap is on record. */
export async function readRanges(
  claim: Claim,
  reach: Reach,
  { from, to }: { from: Instant; to: Instant },
): Promise<readonly RangeResponse[]> {
  const { scrapeIntervalMs, evaluationIntervalMs = scrapeIntervalMs, replicas } = reach.target.prometheus;
  const lines: RangeResponse[] = [];
  const objectives = claim.objectives.flatMap((one) =>
    one.source === 'prometheus'
      ? [
          { objective: one.name, query: one.query, stepMs: scrapeIntervalMs },
          ...(one.exporters === undefined
            ? []
            : [{ objective: exportersRange(one.name), query: one.exporters, stepMs: scrapeIntervalMs }]),
        ]
      : [],
  );
  // Alerts change when rules are evaluated, and only then.
  const alerts = [alertsRange, ...(claim.alerts ? [alertsCountRange] : [])].map((range) => ({
    ...range,
    stepMs: evaluationIntervalMs,
  }));
  const second = claim.recovery?.second ? ingressQueries(reach) : [];
  const ingress = second.map((range) => ({ ...range, stepMs: scrapeIntervalMs }));
  for (const { objective, query, stepMs } of [...objectives, ...ingress, ...alerts]) {
    const base = { objective, query, from, to, stepMs, ofReplicas: replicas };
    try {
      const answers = await reach.prometheus.range(query, from, to, stepMs);
      for (const answer of answers) lines.push({ ...base, ...answer });
      if (answers.length === 0) lines.push({ ...base, replica: 'none', error: 'no replica of Prometheus was found' });
    } catch (error) {
      lines.push({ ...base, replica: 'none', error: error instanceof Error ? error.message : String(error) });
    }
  }
  return lines;
}

const ingressQueries = ({ target }: Reach) =>
  (['completed', 'failed'] as const).map((what) => ({
    objective: ingressRanges[what],
    query: ingressRequestsOf(target)[what],
  }));
