// Prometheus over the whole run, raw, from every replica: the judge merges and reduces, not we.
import type { Claim } from '../model/claim.ts';
import { alertsRange, exportersRange, type Instant, type RangeResponse } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';

/** A query that can't be asked is a line with its reason, so that a gap is on record. */
export async function readRanges(
  claim: Claim,
  reach: Reach,
  { from, to, stepMs }: { from: Instant; to: Instant; stepMs: number },
): Promise<readonly RangeResponse[]> {
  const lines: RangeResponse[] = [];
  const asked = claim.objectives.flatMap((one) =>
    one.source === 'prometheus'
      ? [
          { objective: one.name, query: one.query },
          ...(one.exporters === undefined ? [] : [{ objective: exportersRange(one.name), query: one.exporters }]),
        ]
      : [],
  );
  for (const { objective, query } of [...asked, alertsRange]) {
    const base = { objective, query, from, to, stepMs };
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
