// Parts are carried from the stockroom to the dock: one document that moves stock in two warehouses, all of it or nothing.
import { chanceOf, wholeNumber } from '../chance.ts';
import { pickNumbers } from '../item-pool.ts';
import { stockEntry } from '../stock-entry.ts';
import type { PlainPlan } from '../turn.ts';

export const stockTransfer: PlainPlan = (task, iteration) => {
  const { dockWarehouse } = task.site;
  if (dockWarehouse === undefined) throw new Error('stock-transfer: the task names no dockWarehouse');
  const chance = chanceOf(task.seed, 'stock-transfer', iteration);
  return stockEntry(task, {
    type: 'Material Transfer',
    to: dockWarehouse,
    marker: `${task.runId}-transfer-${iteration}`,
    rows: pickNumbers(task, chance, wholeNumber(chance, 1, 2)).map((item) => ({
      item,
      qty: wholeNumber(chance, 1, 3),
    })),
    twoStep: chance() < task.twoStepRatio,
  });
};
