// The documents that can be made and changed, by their type. Each comes back as it goes out on the wire.
import { createJobCard, deleteJobCard, jobCardDocument, updateJobCard } from './job-card.ts';
import { notInWorkshop } from './refusals.ts';
import { createStockEntry, deleteStockEntry, stockEntryDocument, updateStockEntry } from './stock-entry.ts';
import type { Fields } from './stock-entry-plan.ts';
import { createReconciliation, deleteReconciliation, toWire, updateReconciliation } from './stock-reconciliation.ts';
import type { User, Workshop } from './workshop.ts';

export interface Writer {
  create(workshop: Workshop, user: User, given: Fields): Promise<unknown>;
  /** Submits and cancels too, by `docstatus`. */
  update(workshop: Workshop, user: User, name: string, given: Fields): Promise<unknown>;
  remove(workshop: Workshop, name: string): Promise<void>;
}

const writers: Readonly<Record<string, Writer>> = {
  'Stock Entry': {
    create: async (workshop, user, given) => stockEntryDocument(await createStockEntry(workshop, user, given)),
    update: async (workshop, user, name, given) =>
      stockEntryDocument(await updateStockEntry(workshop, user, name, given)),
    remove: deleteStockEntry,
  },
  'Stock Reconciliation': {
    create: async (workshop, user, given) => toWire(await createReconciliation(workshop, user, given)),
    update: async (workshop, user, name, given) => toWire(await updateReconciliation(workshop, user, name, given)),
    remove: deleteReconciliation,
  },
  'Job Card': {
    create: async (workshop, user, given) => jobCardDocument(await createJobCard(workshop, user, given)),
    update: async (workshop, user, name, given) => jobCardDocument(await updateJobCard(workshop, user, name, given)),
    remove: deleteJobCard,
  },
};

/** Asked after the permission check: what real ERPNext can do and this can't is told as such. */
export function writerOf(doctype: string): Writer {
  const writer = Object.hasOwn(writers, doctype) ? writers[doctype] : undefined;
  if (!writer) throw notInWorkshop(`Making or changing a ${doctype}`);
  return writer;
}
