// The wrong part was booked out, and the technician takes it back: a Material Issue and its cancelling, under one marker. The ledger must
// then find the document cancelled and nothing moved; or, where the cancelling was refused, the issue as it was acknowledged.
import { chanceOf, wholeNumber } from '../chance.ts';
import { classifyWrite } from '../classify.ts';
import { pickNumbers } from '../item-pool.ts';
import { stockEntry, stockEntryPath } from '../stock-entry.ts';
import type { PlainPlan, Result, Send } from '../turn.ts';

export const entryCancel: PlainPlan = (task, iteration) => {
  const chance = chanceOf(task.seed, 'entry-cancel', iteration);
  const { markerField } = task.site;
  const { write, play } = stockEntry(task, {
    type: 'Material Issue',
    marker: `${task.runId}-cancel-${iteration}`,
    rows: pickNumbers(task, chance, 1).map((item) => ({ item, qty: wholeNumber(chance, 1, 2) })),
    twoStep: false,
  });
  return {
    ...(write ? { write: { ...write, cancelled: 'unknown' } } : {}),
    play(send) {
      const booked = play(send);
      const name = booked.write?.document;
      // Nothing was sent that could have cancelled it: what is there, if anything, is the issue.
      return booked.write?.outcome === 'acknowledged' && name !== undefined ? takenBack(send, booked, name) : booked;
    },
  };

  function takenBack(send: Send, booked: Result, name: string): Result {
    const answer = send('PUT', `${stockEntryPath}/${encodeURIComponent(name)}`, { docstatus: 2 });
    const { outcome, excType } = classifyWrite(answer, 2, markerField);
    return {
      right: booked.right && outcome === 'acknowledged',
      status: answer.status,
      ...(excType ? { excType } : {}),
      write: {
        outcome: 'acknowledged',
        document: name,
        ...(outcome === 'refused' ? {} : { cancelled: outcome }),
      },
    };
  }
};
