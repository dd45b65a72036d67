// A look at one barcode, and whether the answer is the right one for it.
import type { LoadTask } from '../lib/model/load-task.ts';
import { type Chance, wholeNumber } from './chance.ts';
import { jsonOf } from './classify.ts';
import { numbered, pickNumber } from './item-pool.ts';
import { resultOf } from './result.ts';
import type { Manner, Result, Send } from './turn.ts';

/** What is scanned is drawn here, so it is known before anything is sent. */
export function scan(task: LoadTask, chance: Chance): (send: Send, how?: Manner) => Result {
  const { pattern, itemPattern } = task.site.barcodes;
  const miss = chance() < task.barcodes.missRatio;
  const number = pickNumber(task, chance);
  const code = miss ? `NO-SUCH-CODE-${wholeNumber(chance, 1, 9999)}` : numbered(pattern, number);
  return (send, how) => {
    const path = `/api/method/erpnext.stock.utils.scan_barcode?search_value=${encodeURIComponent(code)}`;
    const answer = send('GET', path, undefined, how);
    const message = jsonOf(answer)?.message as Record<string, unknown> | null | undefined;
    // A miss is answered 200 with an empty object.
    const found = miss
      ? typeof message === 'object' && message !== null && Object.keys(message).length === 0
      : message?.item_code === numbered(itemPattern, number);
    return resultOf(answer, found);
  };
}
