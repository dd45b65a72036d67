// A technician does a job: opens a card, starts the clock, stops it, and hands the card in. Four exchanges, and each must be answered
// before the next is worth sending. It moves no stock, so the ledger knows nothing of it.
import { chanceOf, wholeNumber } from '../chance.ts';
import { type Answer, jsonOf } from '../classify.ts';
import { isDone, resultOf } from '../result.ts';
import type { PlainPlan } from '../turn.ts';

const path = '/api/resource/Job%20Card';
const timeLog = '/api/method/erpnext.manufacturing.doctype.job_card.job_card.make_time_log';
/** What the site writes down, not what the load waits. */
const workMs = 15 * 60_000;

export const jobCard: PlainPlan = (task, iteration) => {
  const { jobCards } = task.site;
  if (jobCards === undefined) throw new Error('job-card: the task names no jobCards');
  const quantity = wholeNumber(chanceOf(task.seed, 'job-card', iteration), 1, 5);
  return {
    play(send) {
      const began = Date.now() - workMs;
      const { workOrder, operation } = jobCards;
      const made = send('POST', path, { work_order: workOrder, operation, for_quantity: quantity });
      const card = dataOf(made);
      if (!isDone(made) || typeof card?.name !== 'string') return resultOf(made, false);
      const name = card.name;

      const log = (args: object) => send('POST', timeLog, { args: { job_card_id: name, ...args } });
      const started = log({ status: 'Work In Progress', start_time: siteTime(began) });
      if (!isDone(started)) return resultOf(started, false);
      const completed = log({ status: 'Complete', complete_time: siteTime(began + workMs), completed_qty: quantity });
      if (!isDone(completed)) return resultOf(completed, false);

      const submitted = send('PUT', `${path}/${encodeURIComponent(name)}`, { docstatus: 1 });
      const done = dataOf(submitted);
      // The site's own sum: a time log that was lost on the way would show here.
      return resultOf(submitted, done?.docstatus === 1 && done.total_completed_qty === quantity);
    },
  };
};

const dataOf = (answer: Answer) => jsonOf(answer)?.data as Record<string, unknown> | undefined;

/** `2026-11-23 08:00:00`; which clock does not matter, only that both are told by the same. */
const siteTime = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');
