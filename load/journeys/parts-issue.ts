// A technician takes parts for a repair and books them out.
import { chanceOf, wholeNumber } from '../chance.ts';
import { pickNumbers } from '../item-pool.ts';
import { stockEntry } from '../stock-entry.ts';
import type { PlainPlan } from '../turn.ts';

export const partsIssue: PlainPlan = (task, iteration) => {
  const chance = chanceOf(task.seed, 'parts-issue', iteration);
  return stockEntry(task, {
    type: 'Material Issue',
    marker: `${task.runId}-issue-${iteration}`,
    rows: pickNumbers(task, chance, wholeNumber(chance, 1, 2)).map((item) => ({
      item,
      qty: wholeNumber(chance, 1, 2),
    })),
    twoStep: chance() < task.twoStepRatio,
  });
};
