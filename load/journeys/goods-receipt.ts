// Parts arrive and are booked in. More comes in than goes out, so that a long run does not end in an empty stockroom.
import { chanceOf, wholeNumber } from '../chance.ts';
import { pickNumbers } from '../item-pool.ts';
import { stockEntry } from '../stock-entry.ts';
import type { PlainPlan } from '../turn.ts';

export const goodsReceipt: PlainPlan = (task, iteration) => {
  const chance = chanceOf(task.seed, 'goods-receipt', iteration);
  return stockEntry(task, {
    type: 'Material Receipt',
    marker: `${task.runId}-receipt-${iteration}`,
    rows: pickNumbers(task, chance, wholeNumber(chance, 1, 3)).map((item) => ({
      item,
      qty: wholeNumber(chance, 5, 20),
    })),
    twoStep: chance() < task.twoStepRatio,
  });
};
