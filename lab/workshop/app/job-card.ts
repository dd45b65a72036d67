// Job Cards: what a technician is to do, and when they did it. Time logs are opened and closed by `make_time_log` or written with the card;
// a card with a closed log can be submitted. Whatever is answered with 200 is committed before.
import type { Row, Session } from './database/database.ts';
import { type Table, tableOf } from './database/schema.ts';
import { insertRows, replaceChildRows, upsertRows, type Values } from './database/write-rows.ts';
import { findDoctype, toDocument } from './doctypes.ts';
import { toColumn, toDatetime, toNumber } from './fields.ts';
import { newRowName, nextJobCardName } from './naming.ts';
import { announce } from './realtime/announce.ts';
import {
  missingFields,
  notFound,
  nothingHere,
  notInWorkshop,
  parseJson,
  pythonError,
  validationError,
} from './refusals.ts';
import { checkNotChanged, checkTransition, now } from './stock-entry.ts';
import type { Fields } from './stock-entry-plan.ts';
import { company, type User, type Workshop } from './workshop.ts';

const cardTable = tableOf('tabJob Card');
const logTable = tableOf('tabJob Card Time Log');
const plannedTable = tableOf('tabJob Card Scheduled Time');
/** What only the site itself writes. */
const keptColumns = new Set(['name', 'owner', 'creation', 'modified', 'modified_by', 'docstatus', 'idx', 'status']);

export interface JobCard {
  readonly card: Readonly<Values>;
  readonly logs: readonly Readonly<Values>[];
  readonly planned: readonly Readonly<Values>[];
}

export async function createJobCard(workshop: Workshop, user: User, given: Fields): Promise<JobCard> {
  const { database, config } = workshop;
  const missing = ['work_order', 'operation', 'for_quantity'].filter((field) => !given[field]);
  if (missing.length > 0)
    throw missingFields(
      'new-job-card',
      missing.map((name) => ({ name, says: `Value missing for Job Card: ${name}` })),
      'Job Card',
    );
  const created = await database.transaction(async (session) => {
    const at = await now(session);
    const fresh: Values = {
      ...defaultsOf(cardTable),
      name: '',
      owner: user.name,
      creation: at,
      posting_date: at.slice(0, 10),
      company,
    };
    const docstatus = Number(given.docstatus ?? 0);
    checkTransition(0, docstatus);
    const name = await nextJobCardName(session);
    const made = changed({ card: { ...fresh, name }, logs: [], planned: [] }, given, { user, at, docstatus });
    if (docstatus === 1) checkComplete(made, config.siteHost);
    await insertRows(session, cardTable.name, [made.card]);
    await insertRows(session, logTable.name, made.logs);
    await insertRows(session, plannedTable.name, made.planned);
    return made;
  });
  announce(workshop, user, 'Job Card', created.card);
  return created;
}

/** What PUT does: changes a draft, submits it with `docstatus: 1`, and cancels with 2. */
export async function updateJobCard(workshop: Workshop, user: User, name: string, given: Fields): Promise<JobCard> {
  const updated = await workshop.database.transaction(async (session) => {
    const before = await readJobCard(session, name, true);
    const at = await now(session);
    checkNotChanged(before.card, given.modified, at);
    const was = Number(before.card.docstatus);
    const docstatus = given.docstatus === undefined ? was : Number(given.docstatus);
    checkTransition(was, docstatus);
    if (was === 1 && docstatus === 1) throw notInWorkshop('Changing a submitted Job Card');
    const after = changed(before, was === 0 ? given : {}, { user, at, docstatus });
    if (docstatus === 1) checkComplete(after, workshop.config.siteHost);
    await save(session, before, after);
    return after;
  });
  announce(workshop, user, 'Job Card', updated.card);
  return updated;
}

export async function deleteJobCard(workshop: Workshop, name: string): Promise<void> {
  await workshop.database.transaction(async (session) => {
    const [card] = await session.rows('SELECT docstatus FROM `tabJob Card` WHERE name = ? FOR UPDATE', [name]);
    if (!card) throw nothingHere();
    if (card.docstatus !== 0) throw validationError(`Job Card ${name}: Submitted Record cannot be deleted.`);
    for (const { name: table } of [logTable, plannedTable])
      await session.change(`DELETE FROM \`${table}\` WHERE parent = ?`, [name]);
    await session.change('DELETE FROM `tabJob Card` WHERE name = ?', [name]);
  });
}

/**
 * Start, pause, resume and complete, as version 15 takes them: `{job_card_id, status, start_time | complete_time, completed_qty, employees}`.
 * A start opens a log for each employee (or one without); a complete time closes every open one.
 */
export async function makeTimeLog(workshop: Workshop, user: User, argument: unknown): Promise<void> {
  if (argument === undefined)
    throw pythonError('TypeError', "make_time_log() missing 1 required positional argument: 'args'");
  const args = asObject(typeof argument === 'string' ? parseJson(argument) : argument);
  const name = String(args.job_card_id ?? '');
  const logged = await workshop.database.transaction(async (session) => {
    const before = await readJobCard(session, name, true);
    const at = await now(session);
    checkTransition(Number(before.card.docstatus), 0);
    const logs = loggedTimes(before.logs, args);
    const card = { ...before.card, ...timer(before.card, args) };
    const after = changed({ ...before, card }, { time_logs: logs }, { user, at, docstatus: 0 });
    await save(session, before, after);
    return after;
  });
  announce(workshop, user, 'Job Card', logged.card);
}

export async function readJobCard(session: Pick<Session, 'rows'>, name: string, lock = false): Promise<JobCard> {
  const [card] = await session.rows(`SELECT * FROM \`tabJob Card\` WHERE name = ?${lock ? ' FOR UPDATE' : ''}`, [name]);
  if (!card) throw notFound('Job Card', name);
  const rowsOf = (table: Table) =>
    session.rows(`SELECT * FROM \`${table.name}\` WHERE parent = ? ORDER BY idx`, [name]);
  return { card, logs: await rowsOf(logTable), planned: await rowsOf(plannedTable) };
}

/** The tables that nothing fills here are shown empty, as on a card without them. */
export function jobCardDocument({ card, logs, planned }: JobCard): Record<string, unknown> {
  const [type, logType, plannedType] = [cardTable, logTable, plannedTable].map(({ name }) =>
    findDoctype(name.slice(3)),
  );
  if (!type || !logType || !plannedType) throw new Error('workshop/job-card: doctype Job Card is not registered');
  return {
    ...toDocument(type, card as Row),
    scrap_items: [],
    sub_operations: [],
    employee: [],
    items: [],
    time_logs: logs.map((row) => toDocument(logType, row as Row)),
    scheduled_time_logs: planned.map((row) => toDocument(plannedType, row as Row)),
  };
}

interface Stamp {
  readonly user: User;
  readonly at: string;
  readonly docstatus: number;
}

/** The card with what was sent, and with all that follows from it: times, sums and status. */
function changed(before: JobCard, given: Fields, stamp: Stamp): JobCard {
  const card: Values = { ...before.card, docstatus: stamp.docstatus, modified: stamp.at, modified_by: stamp.user.name };
  for (const column of cardTable.columns)
    if (!keptColumns.has(column.name) && Object.hasOwn(given, column.name))
      card[column.name] = toColumn(column, given[column.name]);
  const logs = childRows(logTable, 'time_logs', before.logs, given.time_logs, card);
  const planned = childRows(plannedTable, 'scheduled_time_logs', before.planned, given.scheduled_time_logs, card);
  const completed = sum(logs, 'completed_qty');
  Object.assign(card, span(planned, ['expected_start_date', 'expected_end_date', 'time_required']));
  Object.assign(card, span(logs, ['actual_start_date', 'actual_end_date', 'total_time_in_mins']));
  card.total_completed_qty = completed;
  const short = Number(card.for_quantity) - completed;
  card.process_loss_qty = completed > 0 && short > 0 ? short : 0;
  card.status = statusOf(card, logs.length);
  return { card, logs, planned };
}

function childRows(
  table: Table,
  field: string,
  before: readonly Readonly<Values>[],
  given: unknown,
  card: Values,
): Values[] {
  const known = new Map(before.map((row) => [row.name, row]));
  const sent = Array.isArray(given) ? given.filter((row) => typeof row === 'object' && row !== null) : before;
  return sent.map((row: Readonly<Record<string, unknown>>, index) => {
    const old = typeof row.name === 'string' ? known.get(row.name) : undefined;
    const values: Values = { ...defaultsOf(table), name: newRowName(), owner: card.owner ?? null, ...old };
    values.creation ??= card.modified ?? null;
    for (const column of table.columns)
      if (!keptColumns.has(column.name) && Object.hasOwn(row, column.name))
        values[column.name] = toColumn(column, row[column.name]);
    const { from_time: from, to_time: to } = values;
    if (from && to && String(to) < String(from))
      throw validationError(`Row ${index + 1}: From time must be less than to time`, { fromErpnext: true });
    if (from && to) values.time_in_mins = minutesBetween(String(from), String(to));
    return {
      ...values,
      modified: card.modified ?? null,
      modified_by: card.modified_by ?? null,
      docstatus: card.docstatus ?? 0,
      idx: index + 1,
      parent: card.name ?? null,
      parentfield: field,
      parenttype: 'Job Card',
    };
  });
}

/** Hours with six decimals, times sixty: five minutes are 4.99998, as recorded. */
function minutesBetween(from: string, to: string): number {
  const at = (text: string) => Date.parse(`${text.replace(' ', 'T')}Z`);
  const hours = Math.round(((at(to) - at(from)) / 3_600_000) * 1e6) / 1e6;
  return Math.round(hours * 60 * 1e6) / 1e6;
}

function span(rows: readonly Values[], [start, end, minutes]: readonly [string, string, string]): Values {
  if (rows.length === 0) return { [minutes]: 0 };
  const times = rows
    .flatMap((row) => [row.from_time, row.to_time])
    .filter((time) => time !== null && time !== undefined);
  const sorted = times.map(String).sort();
  const open = rows.at(-1)?.to_time === null;
  return {
    [start]: sorted[0] ?? null,
    [end]: open ? null : (sorted.at(-1) ?? null),
    [minutes]: sum(rows, 'time_in_mins'),
  };
}

function statusOf(card: Values, logs: number): string {
  if (card.docstatus === 2) return 'Cancelled';
  // Without materials of its own a submitted card is done.
  if (card.docstatus === 1) return 'Completed';
  if (card.status === 'On Hold') return 'On Hold';
  if (logs > 0) return 'Work In Progress';
  return Number(card.for_quantity) <= Number(card.transferred_qty) ? 'Material Transferred' : 'Open';
}

function checkComplete({ card, logs }: JobCard, siteHost: string): void {
  const link = `<a href="https://${siteHost}/app/job-card/${card.name}">${card.name}</a>`;
  const fromErpnext = true;
  if (logs.length === 0)
    throw validationError(`Time logs are required for <strong>Job Card</strong> ${link}`, { fromErpnext });
  const done = Number(card.total_completed_qty) + Number(card.process_loss_qty);
  if (done !== Number(card.for_quantity))
    throw validationError(
      `The <strong>Total Completed Qty</strong> (<strong>${done}</strong>) must be equal to <strong>Qty to Manufacture</strong> (<strong>${card.for_quantity}</strong>)`,
      { fromErpnext },
    );
}

function loggedTimes(logs: readonly Readonly<Values>[], args: Fields): unknown[] {
  if (logs.length > 0 && args.complete_time) {
    const closed = {
      to_time: toDatetime(args.complete_time),
      operation: args.sub_operation ?? null,
      completed_qty: toNumber(args.completed_qty ?? 0),
    };
    return logs.map((row) => (row.to_time === null ? { ...row, ...closed } : row));
  }
  if (!args.start_time) return [...logs];
  const opened = { from_time: toDatetime(args.start_time), operation: args.sub_operation ?? null, completed_qty: 0 };
  const given = typeof args.employees === 'string' ? parseJson(args.employees) : args.employees;
  const employees = Array.isArray(given) && given.length > 0 ? given : [{}];
  return [...logs, ...employees.map((one) => ({ ...opened, employee: asObject(one).employee ?? null }))];
}

function timer(card: Readonly<Values>, args: Fields): Values {
  const status = args.status === 'Resume Job' ? 'Work In Progress' : args.status;
  const started = args.status === 'Work In Progress' ? toDatetime(args.start_time) : null;
  const running = args.status === 'Work In Progress' || args.status === 'Complete';
  return {
    started_time: started,
    status:
      status === 'On Hold' ? 'On Hold' : typeof status === 'string' && status !== '' ? 'Open' : (card.status ?? 'Open'),
    ...(running ? { current_time: 0 } : {}),
  };
}

async function save(session: Session, before: JobCard, after: JobCard): Promise<void> {
  await upsertRows(session, cardTable.name, [after.card]);
  await replaceChildRows(session, logTable.name, before.logs, [...after.logs]);
  await replaceChildRows(session, plannedTable.name, before.planned, [...after.planned]);
}

function asObject(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw pythonError('TypeError', 'cannot convert the argument to a dictionary');
}

const sum = (rows: readonly Values[], field: string): number =>
  Math.round(rows.reduce((total, row) => total + Number(row[field] ?? 0), 0) * 1e6) / 1e6;

const defaultsOf = ({ columns }: Table): Values =>
  Object.fromEntries(columns.map(({ name, default: value }) => [name, value]));
