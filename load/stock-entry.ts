// A Stock Entry under a marker of its own: booked in one request, or saved as a draft and then submitted, as the desk does it.
// Nothing is ever sent twice: after a time-out the marker says later whether it was stored.
import type { LoadTask } from '../lib/model/load-task.ts';
import { classifyWrite, type WriteAnswer } from './classify.ts';
import { numbered } from './item-pool.ts';
import type { PlainTurn, Result, Send } from './turn.ts';

export interface StockEntryPlan {
  readonly type: 'Material Receipt' | 'Material Issue' | 'Material Transfer';
  readonly marker: string;
  /**
   * Ascending by item: two-step submits that list the same items in different orders break the running quantities of a healthy
   * ERPNext too (frappe/erpnext#51562), and that is not what a fault is to be blamed for.
   */
  readonly rows: readonly { readonly item: number; readonly qty: number }[];
  readonly twoStep: boolean;
  /** Where a transfer goes, from the target's warehouse. */
  readonly to?: string;
}

export const stockEntryPath = '/api/resource/Stock%20Entry';

export function stockEntry(task: LoadTask, plan: StockEntryPlan): PlainTurn {
  const { markerField, company, warehouse, barcodes } = task.site;
  const from = plan.type === 'Material Receipt' ? undefined : warehouse;
  const to = plan.type === 'Material Receipt' ? warehouse : plan.to;
  const rows = plan.rows.map(({ item, qty }) => ({ item: numbered(barcodes.itemPattern, item), qty }));
  const lines = rows.flatMap(({ item, qty }) => [
    ...(from === undefined ? [] : [{ item, warehouse: from, qty: -qty }]),
    ...(to === undefined ? [] : [{ item, warehouse: to, qty }]),
  ]);
  const document = {
    stock_entry_type: plan.type,
    company,
    [markerField]: plan.marker,
    items: rows.map(({ item, qty }) => ({
      item_code: item,
      qty,
      ...(from === undefined ? { basic_rate: 10 } : { s_warehouse: from }),
      ...(to === undefined ? {} : { t_warehouse: to }),
    })),
  };
  return {
    write: { marker: plan.marker, lines },
    play: (send) => (plan.twoStep ? inTwoSteps(send) : inOne(send)),
  };

  function inOne(send: Send): Result {
    const answer = send('POST', stockEntryPath, { ...document, docstatus: 1 });
    return resultOf(answer.status, classifyWrite(answer, 1, markerField));
  }

  /**
   * The client gives the name, so that the submit has an address. The outcome is that of the whole, and the whole is a submitted document:
   * - draft refused: refused; nothing is there, the submit is not tried.
   * - draft unknown: unknown; a draft may be there, the submit is not tried.
   * - draft acknowledged: what the submit's answer says, where a refusal leaves the draft behind, without any stock moved.
   */
  function inTwoSteps(send: Send): Result {
    const draft = send('POST', stockEntryPath, { ...document, name: plan.marker, docstatus: 0 });
    const saved = classifyWrite(draft, 0, markerField);
    if (saved.outcome !== 'acknowledged') return resultOf(draft.status, saved);
    const submit = send('PUT', `${stockEntryPath}/${encodeURIComponent(plan.marker)}`, { docstatus: 1 });
    return resultOf(submit.status, classifyWrite(submit, 1, markerField));
  }

  function resultOf(status: number, { outcome, excType, document, marker }: WriteAnswer): Result {
    return {
      // An answer without our marker: the site does not know the field, and the write could never be found again.
      right: outcome === 'acknowledged' && marker === plan.marker,
      status,
      ...(excType ? { excType } : {}),
      write: { outcome, ...(document ? { document } : {}) },
    };
  }
}
