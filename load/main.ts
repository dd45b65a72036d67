// What k6 runs: one open-model workload for each journey. The plan comes as one JSON file from lib/load/k6-driver.ts.
// No thresholds: k6 passes them when there is no data at all. The judge reads the samples instead.
import exec from 'k6/execution';
import type { Journey } from '../lib/model/claim.ts';
import type { LoadTask } from '../lib/model/load-task.ts';
import { permitted, sendAs } from './exchange.ts';
import { barcodeLookup } from './journeys/barcode-lookup.ts';
import { goodsReceipt } from './journeys/goods-receipt.ts';
import { partsIssue } from './journeys/parts-issue.ts';
import { recordIterationFailed, recordOperation, recordWriteSent } from './ledger.ts';
import type { Plan, Result } from './turn.ts';

const task: LoadTask = JSON.parse(open(__ENV.SHAKEDOWN_LOAD ?? ''));

export const options = task.options;

const plans: Readonly<Record<string, Plan>> = {
  'barcode-lookup': barcodeLookup,
  'goods-receipt': goodsReceipt,
  'parts-issue': partsIssue,
} satisfies Record<Journey, Plan>;

/** One iteration makes exactly one operation, also when our own code throws: k6 counts that as an iteration like any other. */
export default function playJourney(): void {
  if (!permitted(task)) return;
  const journey = exec.scenario.name as Journey;
  const turn = (plans[journey] as Plan)(task, exec.scenario.iterationInTest);
  const sentAt = Date.now();
  if (turn.write) recordWriteSent(journey, sentAt, turn.write);
  const result = played();
  const durationMs = Math.max(0, Date.now() - sentAt);
  const good = result.right && durationMs <= task.goodWithinMs[journey];
  recordOperation(journey, sentAt, durationMs, good, result, turn.write);

  function played(): Result {
    try {
      return turn.play(sendAs(task));
    } catch (error) {
      recordIterationFailed(journey);
      console.error(`${journey}: ${error}`);
      return { right: false, status: 0, write: { outcome: 'unknown' } };
    }
  }
}
