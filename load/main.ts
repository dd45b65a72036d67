// What k6 runs: one open-model workload for each journey. The plan comes as one JSON file from lib/load/k6-driver.ts.
// No thresholds: k6 passes them when there is no data at all. The judge reads the samples instead.
import exec from 'k6/execution';
import type { Journey } from '../lib/model/claim.ts';
import type { Exchange } from '../lib/model/exchanges.ts';
import type { LoadTask } from '../lib/model/load-task.ts';
import { permittedRun, sendAs, technicianOf, toolsFor } from './exchange.ts';
import { barcodeLookup } from './journeys/barcode-lookup.ts';
import { entryCancel } from './journeys/entry-cancel.ts';
import { goodsReceipt } from './journeys/goods-receipt.ts';
import { jobCard } from './journeys/job-card.ts';
import { partsIssue } from './journeys/parts-issue.ts';
import { photoUpload } from './journeys/photo-upload.ts';
import { realtimeNotice } from './journeys/realtime-notice.ts';
import { sessionLogin } from './journeys/session-login.ts';
import { stockTransfer } from './journeys/stock-transfer.ts';
import { belongsTo, recordIterationFailed, recordOperation, recordWriteSent, type Writer } from './ledger.ts';
import type { Plan, Result } from './turn.ts';

const task: LoadTask = JSON.parse(open(__ENV.SHAKEDOWN_LOAD ?? ''));

export const options = task.options;

const plans: Readonly<Record<Journey, Plan>> = {
  'barcode-lookup': barcodeLookup,
  'goods-receipt': goodsReceipt,
  'parts-issue': partsIssue,
  'stock-transfer': stockTransfer,
  'entry-cancel': entryCancel,
  'job-card': jobCard,
  'photo-upload': photoUpload,
  'session-login': sessionLogin,
  'realtime-notice': realtimeNotice,
};

/** One iteration makes exactly one operation, also when our own code throws: k6 counts that as an iteration like any other. */
export default function playJourney(): void | Promise<void> {
  const runId = permittedRun(task);
  if (runId === undefined) return;
  belongsTo(runId);
  const journey = exec.scenario.name as Journey;
  const own = technicianOf(exec.vu.idInTest, task.tokens.length);
  const turn = plans[journey]({ ...task, runId }, exec.scenario.iterationInTest, own);
  const user = task.technicians?.[own];
  const writer: Writer = { virtualUser: exec.vu.idInTest, ...(user === undefined ? {} : { user }) };
  const exchanges: Exchange[] = [];
  let error = '';
  const sentAt = Date.now();
  if (turn.write) recordWriteSent(journey, sentAt, turn.write, writer);
  let played: Result | Promise<Result>;
  try {
    played = turn.play(sendAs(task, note), toolsFor(task));
  } catch (thrown) {
    return failed(thrown);
  }
  return played instanceof Promise ? played.then(ended, failed) : ended(played);

  function note(exchange: Exchange, itsError: string): void {
    exchanges.push(exchange);
    error = itsError;
  }

  function ended(result: Result): void {
    const durationMs = Math.max(0, Date.now() - sentAt);
    const good = result.right && durationMs <= (task.goodWithinMs[journey] ?? 0);
    recordOperation(journey, sentAt, durationMs, good, own, result, turn.write, writer, exchanges, error);
  }

  function failed(thrown: unknown): void {
    recordIterationFailed(journey);
    console.error(`${journey}: ${thrown}`);
    const cancelled = turn.write?.cancelled;
    ended({ right: false, status: 0, write: { outcome: 'unknown', ...(cancelled ? { cancelled } : {}) } });
  }
}
