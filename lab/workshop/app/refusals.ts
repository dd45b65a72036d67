// The ways Frappe says no. A refusal knows its status, its exc_type and which keys its JSON body has, as recorded; how it is written
// to the wire is http/answer.ts. Whoever throws one has changed nothing, or rolls back.

export interface ServerMessage {
  readonly message: string;
  readonly title: string;
  readonly indicator?: 'red';
  readonly raise_exception?: 1;
}

export interface RefusalFields {
  readonly status: number;
  readonly excType: string;
  /** The text of the exception; plain text of the error when absent. */
  readonly text?: string;
  /** Where the exception class lives; empty for Python's own. */
  readonly module?: string;
  readonly messages?: readonly ServerMessage[];
  /** True for the refusals that Frappe answers without exception and traceback. */
  readonly bare?: boolean;
  /** `_error_message`, which some permission errors carry. */
  readonly errorMessage?: string;
  /** `_exc_source`, when code of ERPNext itself refuses. */
  readonly fromErpnext?: boolean;
  /** `message` beside the error; only the login has it. */
  readonly message?: string;
  /** Recorded without any cookie. */
  readonly withoutCookies?: boolean;
}

export class Refusal extends Error {
  readonly fields: RefusalFields;
  constructor(fields: RefusalFields) {
    super(fields.text ? `${fields.excType}: ${fields.text}` : fields.excType);
    this.fields = fields;
  }
}

/** The common case: status 417, a message box, an exception. */
export function validationError(
  text: string,
  more: Partial<RefusalFields> & { readonly title?: string } = {},
): Refusal {
  const { title = 'Message', ...fields } = more;
  return new Refusal({ status: 417, excType: 'ValidationError', text, messages: [thrown(text, title)], ...fields });
}

export function thrown(message: string, title = 'Message'): ServerMessage {
  return { message, title, indicator: 'red', raise_exception: 1 };
}

export function missingFields(
  label: string,
  fields: readonly { name: string; says: string }[],
  doctype = 'Stock Entry',
): Refusal {
  const text = `[${doctype}, ${label}]: ${fields.map(({ name }) => name).join(', ')}`;
  const messages = fields.map(({ says }) => ({ message: `Error: ${says}`, title: 'Message' }));
  return new Refusal({ status: 417, excType: 'MandatoryError', text, messages });
}

/** Frappe measures what goes into a column before the database does. */
export function tooLong(column: string): Refusal {
  const text = `'<strong>${column}</strong>' will get truncated, as max characters allowed is 140`;
  return validationError(text, { excType: 'CharacterLengthExceededError', title: 'Value too big' });
}

/** A number that its column can't hold. */
export function outOfRange(column: string): Refusal {
  const text = `(1264, "Out of range value for column '${column}' at row 1")`;
  return new Refusal({ status: 500, excType: 'DataError', module: 'pymysql.err', text });
}

export function notFound(doctype: string, name: string): Refusal {
  return new Refusal({
    status: 404,
    excType: 'DoesNotExistError',
    bare: true,
    messages: [thrown(`${doctype} ${name} not found`)],
  });
}

/** A path or a document to delete that isn't there: no message at all. */
export const nothingHere = (): Refusal => new Refusal({ status: 404, excType: 'DoesNotExistError', bare: true });

export function notWhitelisted(method: string): Refusal {
  const summary = 'You are not permitted to access this resource. Login to access';
  const text = `<details><summary>${summary}</summary>Function <strong>${method}</strong> is not whitelisted.</details>`;
  return new Refusal({ status: 403, excType: 'PermissionError', text, messages: [thrown(text, 'Method Not Allowed')] });
}

export function methodNotPermitted(): Refusal {
  const text = 'Not permitted';
  return new Refusal({ status: 403, excType: 'PermissionError', text, messages: [thrown(text)] });
}

const noRole = (user: string, doctype: string): string =>
  `User <strong>${user}</strong> does not have doctype access via role permission for document <strong>${doctype}</strong>`;

/** Recorded in three shapes: for a list, for a document that is there, and for anything else. */
export function notPermitted(user: string, doctype: string, asked: 'list' | 'document' | 'other'): Refusal {
  const says = noRole(user, doctype);
  const message =
    asked === 'document' ? `${says}<br>User <strong>${user}</strong> does not have access to this document` : says;
  return new Refusal({
    status: 403,
    excType: 'PermissionError',
    messages: [{ message, title: 'Message' }],
    bare: asked === 'other',
    ...(asked === 'document' ? {} : { errorMessage: `No permission for ${doctype}` }),
  });
}

export const badCredentials = (): Refusal => new Refusal({ status: 401, excType: 'AuthenticationError' });

export function loginFailed(message: string): Refusal {
  return new Refusal({ status: 401, excType: 'AuthenticationError', message, withoutCookies: true });
}

export function accountLocked(seconds: number): Refusal {
  const text = `Your account has been locked and will resume after ${seconds} seconds`;
  return validationError(text, { status: 500, excType: 'SecurityException' });
}

export const badCsrfToken = (): Refusal =>
  new Refusal({ status: 400, excType: 'CSRFTokenError', bare: true, messages: [thrown('Invalid Request')] });

export function pythonError(excType: 'TypeError' | 'ImportError', text: string): Refusal {
  return new Refusal({ status: 500, excType, module: excType === 'ImportError' ? 'builtins' : '', text });
}

export function badJson(text: string, position: number, inBody: boolean): Refusal {
  const line = text.slice(0, position).split('\n').length;
  const column = position - text.lastIndexOf('\n', position - 1);
  return new Refusal({
    status: 500,
    excType: 'JSONDecodeError',
    module: 'json.decoder',
    text: `Expecting value: line ${line} column ${column} (char ${position})`,
    withoutCookies: inBody,
  });
}

/** Parses JSON; what can't be parsed is refused the way Python's decoder does. */
export function parseJson(text: string, inBody = false): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badJson(text, whereItFailed(text, String(error)), inBody);
  }
}

/** V8 names a position, or in short texts only the character; at an early end it names neither. */
function whereItFailed(text: string, said: string): number {
  const position = /position (\d+)/.exec(said)?.[1];
  if (position !== undefined) return Number(position);
  const token = /Unexpected token '(.)'/.exec(said)?.[1];
  return token === undefined ? text.length : text.indexOf(token);
}

/** Real ERPNext can do it and this stand-in can't: never dressed up as a business answer. */
export function notInWorkshop(what: string): Refusal {
  return new Refusal({
    status: 501,
    excType: 'NotInWorkshop',
    module: 'workshop',
    text: `${what} is not part of the workshop stand-in`,
  });
}
