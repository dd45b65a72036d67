// A technician scans a part and wants to see what it is. Popular parts come up more often; some codes do not exist.
import { chanceOf, wholeNumber } from '../chance.ts';
import { excTypeOf, jsonOf } from '../classify.ts';
import { numbered, pickNumber } from '../item-pool.ts';
import type { Plan } from '../turn.ts';

export const barcodeLookup: Plan = (task, iteration) => {
  const chance = chanceOf(task.seed, 'barcode-lookup', iteration);
  const { pattern, itemPattern } = task.site.barcodes;
  const miss = chance() < task.barcodes.missRatio;
  const number = pickNumber(task, chance);
  const code = miss ? `NO-SUCH-CODE-${wholeNumber(chance, 1, 9999)}` : numbered(pattern, number);
  return {
    play(send) {
      const answer = send(
        'GET',
        `/api/method/erpnext.stock.utils.scan_barcode?search_value=${encodeURIComponent(code)}`,
      );
      const message = jsonOf(answer)?.message as Record<string, unknown> | null | undefined;
      // A miss is answered 200 with an empty object.
      const found = miss
        ? typeof message === 'object' && message !== null && Object.keys(message).length === 0
        : message?.item_code === numbered(itemPattern, number);
      const excType = excTypeOf(answer);
      return {
        right: answer.status === 200 && answer.error === '' && found,
        status: answer.status,
        ...(excType ? { excType } : {}),
      };
    },
  };
};
