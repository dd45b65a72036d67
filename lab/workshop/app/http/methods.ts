// The remote procedures under /api/method, by name. A table: what each is called, who may call it, and what it does.
import { giveCsrfToken, logIn, logOut, type Visitor } from '../auth.ts';
import { findDoctype } from '../doctypes.ts';
import { uploadFile } from '../files/attachments.ts';
import { makeTimeLog } from '../job-card.ts';
import { submitOrCancelMany } from '../jobs/bulk-update.ts';
import { jobStatus } from '../jobs/health-report.ts';
import { schedulerActivity } from '../jobs/scheduler.ts';
import {
  methodNotPermitted,
  missingFields,
  notInWorkshop,
  notWhitelisted,
  parseJson,
  validationError,
} from '../refusals.ts';
import { countOf, mayCreate, readListOf, readValueOf } from '../resources.ts';
import { scanBarcode } from '../scan.ts';
import {
  checkNotChanged,
  createStockEntry,
  readStockEntry,
  stockEntryDocument,
  updateStockEntry,
} from '../stock-entry.ts';
import { submitByClient } from '../stock-reconciliation.ts';
import { type User, versions, type Workshop } from '../workshop.ts';
import type { Form } from './multipart.ts';
import type { Arguments } from './request.ts';

export interface MethodCall {
  readonly workshop: Workshop;
  readonly visitor: Visitor;
  readonly args: Arguments;
  readonly form?: (() => Promise<Form>) | undefined;
}

/** `message` by default; a login also says who came, and takes its cookies along. */
export type MethodResult = { readonly body: Record<string, unknown>; readonly visitor?: Visitor };

interface Method {
  readonly guests?: true;
  readonly postOnly?: true;
  run(call: MethodCall): Promise<MethodResult>;
}

const message = (value: unknown): MethodResult => ({ body: { message: value } });

const methods: Readonly<Record<string, Method>> = {
  ping: {
    guests: true,
    async run({ workshop }) {
      // Frappe's ping opens a database connection too: it fails with the database.
      await workshop.database.rows('SELECT 1');
      return message('pong');
    },
  },
  login: {
    guests: true,
    postOnly: true,
    async run({ workshop, args }) {
      const visitor = await logIn(workshop, args.usr, args.pwd);
      const body = { message: 'Logged In', home_page: '/app/home', full_name: visitor.user.fullName };
      return { body, visitor };
    },
  },
  logout: {
    guests: true,
    async run({ workshop, visitor }) {
      await logOut(workshop.database, visitor);
      const body = { message: 'No App', home_page: '/login', full_name: 'Guest' };
      return { body, visitor: { ...visitor, session: undefined, expired: true } };
    },
  },
  'frappe.auth.get_logged_user': { run: async ({ visitor }) => message(visitor.user.name) },
  'erpnext.stock.utils.scan_barcode': {
    run: async ({ workshop, args }) => message(await scanBarcode(workshop, args.search_value)),
  },
  'erpnext.stock.utils.get_stock_balance': { run: stockBalance },
  'erpnext.stock.utils.get_latest_stock_qty': { run: stockBalance },
  upload_file: {
    // Guests are told apart inside, as in Frappe, in fewer words.
    guests: true,
    postOnly: true,
    run: async ({ workshop, visitor, form }) => message(await uploadFile(workshop, visitor.user, form)),
  },
  // Version 16 calls its argument `kwargs`.
  'erpnext.manufacturing.doctype.job_card.job_card.make_time_log': {
    postOnly: true,
    async run({ workshop, visitor, args }) {
      mayCreate(visitor.user, 'Job Card');
      await makeTimeLog(workshop, visitor.user, args.args);
      return { body: {} };
    },
  },
  'frappe.client.get_list': {
    run: async ({ workshop, visitor, args }) =>
      message(await readListOf(workshop, visitor.user, String(args.doctype), args, String(args.parent ?? ''))),
  },
  'frappe.client.get_count': {
    run: async ({ workshop, visitor, args }) =>
      message(await countOf(workshop, visitor.user, String(args.doctype), args.filters)),
  },
  'frappe.client.get_value': {
    run: async ({ workshop, visitor, args }) =>
      message(await readValueOf(workshop, visitor.user, String(args.doctype), args.fieldname, args.filters)),
  },
  'frappe.client.insert': {
    postOnly: true,
    async run({ workshop, visitor, args }) {
      const doc = readStockEntryArgument(visitor.user, args.doc);
      return message(stockEntryDocument(await createStockEntry(workshop, visitor.user, doc), true));
    },
  },
  'frappe.client.submit': {
    postOnly: true,
    async run({ workshop, visitor, args }) {
      const doc = readDocumentArgument(visitor.user, args.doc);
      if (doc.doctype === 'Stock Reconciliation') return { body: await submitByClient(workshop, visitor.user, doc) };
      onlyStockEntry(doc);
      if (typeof doc.name !== 'string' || doc.name === '')
        return message(
          stockEntryDocument(await createStockEntry(workshop, visitor.user, { ...doc, docstatus: 1 }), true),
        );
      const stored = await readStockEntry(workshop.database, doc.name, false);
      checkNotChanged(stored.entry, doc.modified, String(stored.entry.modified), true);
      const change = { docstatus: 1, modified: doc.modified };
      return message(stockEntryDocument(await updateStockEntry(workshop, visitor.user, doc.name, change), true));
    },
  },
  'frappe.client.cancel': {
    postOnly: true,
    async run({ workshop, visitor, args }) {
      const { name } = readStockEntryArgument(visitor.user, args);
      const cancelled = await updateStockEntry(workshop, visitor.user, String(name ?? ''), { docstatus: 2 });
      return message(stockEntryDocument(cancelled, true, false));
    },
  },
  'frappe.desk.doctype.bulk_update.bulk_update.submit_cancel_or_update_docs': {
    postOnly: true,
    run: async ({ workshop, visitor, args }) => ({ body: await submitOrCancelMany(workshop, visitor.user, args) }),
  },
  'frappe.utils.scheduler.get_scheduler_status': {
    run: async ({ workshop }) => message({ status: await schedulerActivity(workshop) }),
  },
  'frappe.utils.change_log.get_versions': { run: async () => message(versions) },
  'frappe.desk.doctype.system_health_report.system_health_report.get_job_status': {
    run: async ({ workshop, visitor, args }) => message(await jobStatus(workshop, visitor.user, args.job_id)),
  },
};

/** The route's name for metrics: known methods by name, the rest as one. */
export function methodRoute(name: string): string {
  return Object.hasOwn(methods, name) ? `/api/method/${name}` : '/api/method/:unknown';
}

export async function callMethod(name: string, httpMethod: string, call: MethodCall): Promise<MethodResult> {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (!method) throw unknownMethod(name);
  if (!method.guests && call.visitor.user.name === 'Guest') throw notWhitelisted(name);
  if (method.postOnly && httpMethod === 'GET') throw methodNotPermitted();
  return method.run(call);
}

/** The desk's page exists for one thing only: from then on the session has a CSRF token. */
export async function visitDesk(workshop: Workshop, visitor: Visitor): Promise<string> {
  return (await giveCsrfToken(workshop.database, visitor)) ?? 'None';
}

async function stockBalance({ workshop, visitor, args }: MethodCall): Promise<MethodResult> {
  const filters = { item_code: args.item_code, warehouse: args.warehouse };
  const bin = await readValueOf(workshop, visitor.user, 'Bin', 'actual_qty', filters);
  return message(Number(bin.actual_qty ?? 0));
}

function readStockEntryArgument(user: User, doc: unknown): Arguments {
  const given = readDocumentArgument(user, doc);
  onlyStockEntry(given);
  return given;
}

function onlyStockEntry({ doctype }: Arguments): void {
  if (doctype !== 'Stock Entry') throw notInWorkshop(`Making a ${String(doctype)}`);
}

function readDocumentArgument(user: User, doc: unknown): Arguments {
  const given = (typeof doc === 'string' ? parseJson(doc) : doc) as Arguments | null | undefined;
  if (typeof given !== 'object' || given === null) throw missingFields('', [{ name: 'doc', says: 'Value missing' }]);
  mayCreate(user, String(given.doctype ?? ''));
  return given;
}

/** ERPNext tells apart a function that is there and not for calling, one that isn't, and an app that isn't. */
function unknownMethod(name: string): Error {
  if (name === 'erpnext.stock.utils.get_bin') return notWhitelisted(name);
  const [app = ''] = name.split('.');
  const module = name.split('.').slice(0, -1).join('.');
  if (app === 'frappe' || app === 'erpnext') {
    const attribute = name.split('.').at(-1);
    return validationError(
      `Failed to get method for command ${name} with module '${module}' has no attribute '${attribute}'`,
    );
  }
  const why = `App ${app} is not installed`;
  const text = `Failed to get method for command ${name} with ${why}`;
  const boxes = [why, text].map((message) => ({
    message,
    title: 'Message',
    indicator: 'red' as const,
    raise_exception: 1 as const,
  }));
  return validationError(text, { messages: boxes });
}

export function isKnownDoctype(name: string): boolean {
  return findDoctype(name) !== undefined;
}
