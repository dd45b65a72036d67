// Documents that stand in no table: what waits and who works, read from Redis, and the health of the site. For System Managers only.
import { may } from '../doctypes.ts';
import { readFilters } from '../listing.ts';
import { notFound, notPermitted, pythonError, Refusal } from '../refusals.ts';
import type { User, Workshop } from '../workshop.ts';
import { healthReport } from './health-report.ts';
import { findJob, listJobs } from './job-list.ts';
import { listWorkers } from './worker-list.ts';

type Arguments = Readonly<Record<string, unknown>>;
/** The body of the answer to a GET. */
type Virtual = (
  workshop: Workshop,
  user: User,
  name: string | undefined,
  args: Arguments,
) => Promise<Record<string, unknown>>;

const managers = ['System Manager'];

const virtuals: Readonly<Record<string, Virtual>> = {
  'System Health Report': async (workshop, user, name) => {
    if (!may(user, managers)) throw new Refusal({ status: 403, excType: 'PermissionError' });
    if (name === undefined) throw notFound('DocType', 'System Health Report');
    return healthReport(workshop, user);
  },
  'RQ Job': async (workshop, user, name, args) => {
    if (!may(user, managers)) throw notPermitted(user.name, 'RQ Job', name === undefined ? 'list' : 'other');
    if (name !== undefined) {
      const job = await findJob(workshop, name);
      if (!job) throw notFound('RQ Job', name);
      return { data: job };
    }
    // Recorded: without an order it breaks down.
    if (typeof args.order_by !== 'string')
      throw pythonError('TypeError', "argument of type 'NoneType' is not iterable");
    return { data: page(await listJobs(workshop, wantedValues(args.filters)), args) };
  },
  'RQ Worker': async (workshop, user, name, args) => {
    if (!may(user, managers)) throw notPermitted(user.name, 'RQ Worker', name === undefined ? 'list' : 'other');
    const workers = await listWorkers(workshop);
    if (name === undefined) return { data: page(workers, args) };
    const worker = workers.find((one) => one.name === name);
    if (!worker) throw notFound('RQ Worker', name);
    return { data: worker };
  },
};

export function findVirtual(doctype: string): Virtual | undefined {
  return Object.hasOwn(virtuals, doctype) ? virtuals[doctype] : undefined;
}

/** Frappe looks at `=` and `in` alone. */
function wantedValues(filters: unknown): ReadonlyMap<string, readonly string[]> {
  return new Map(
    readFilters(filters).map(({ field, value }) => [
      String(field),
      (Array.isArray(value) ? value : [value]).map(String),
    ]),
  );
}

function page<T>(all: readonly T[], args: Arguments): readonly T[] {
  const start = Number(args.limit_start ?? args.start ?? 0) || 0;
  return all.slice(start, start + (Number(args.limit_page_length ?? args.limit ?? 20) || all.length));
}
