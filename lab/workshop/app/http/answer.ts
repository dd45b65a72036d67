// How answers look on the wire, as recorded: JSON bodies of Frappe v1 and v2, the cookies that go along, and the two bare HTML pages.

import { sessionSeconds, type Visitor } from '../auth.ts';
import type { Refusal, RefusalFields } from '../refusals.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly cookies: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log line. */
  readonly excType?: string;
}

export type Version = 1 | 2;

export function jsonAnswer(status: number, body: unknown, visitor: Visitor | undefined): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body), cookies: visitor ? cookiesFor(visitor) : [] };
}

/** What gunicorn says when the application itself broke down: nobody knows what became of the request. */
export function bareServerError(): Answer {
  const body =
    '<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n';
  return { status: 500, type: 'text/html', body, cookies: [] };
}

export function htmlAnswer(status: number, title: string, text: string, visitor?: Visitor): Answer {
  const body = `<!doctype html>\n<html lang=en>\n<title>${escapeHtml(title)}</title>\n<h1>${escapeHtml(title.replace(/^\d+ /, ''))}</h1>\n<p>${escapeHtml(text)}</p>\n`;
  return { status, type: 'text/html; charset=utf-8', body, cookies: visitor ? cookiesFor(visitor) : [] };
}

/** A site may keep exceptions and tracebacks to itself; the type and what people are told stay. */
export function refusalAnswer(refusal: Refusal, version: Version, visitor: Visitor, tracebacks = true): Answer {
  const { fields } = refusal;
  const body =
    version === 2
      ? bodyOfVersion2(fields, tracebacks)
      : bodyOfVersion1(fields, visitor.expired && !isBadCredentials(fields), tracebacks && !fields.bare);
  const answer = jsonAnswer(fields.status, body, fields.withoutCookies ? undefined : visitor);
  return { ...answer, excType: fields.excType };
}

function bodyOfVersion1(fields: RefusalFields, sessionExpired: boolean, tracebacks: boolean): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  if (sessionExpired) body.session_expired = 1;
  if (fields.message) body.message = fields.message;
  if (tracebacks) body.exception = exceptionText(fields);
  body.exc_type = fields.excType;
  if (fields.fromErpnext && tracebacks) body._exc_source = 'erpnext (app)';
  if (tracebacks) body.exc = JSON.stringify([traceback(fields)]);
  if (fields.messages)
    body._server_messages = JSON.stringify(fields.messages.map((message) => JSON.stringify(message)));
  if (fields.errorMessage) body._error_message = fields.errorMessage;
  return body;
}

function bodyOfVersion2(fields: RefusalFields, tracebacks: boolean): Record<string, unknown> {
  const [said] = fields.messages ?? [];
  const shown = said && {
    message: said.message,
    title: said.title,
    ...(said.indicator && { indicator: said.indicator }),
  };
  return { errors: [{ type: fields.excType, ...(tracebacks && { exception: traceback(fields) }), ...shown }] };
}

function exceptionText({ module = 'frappe.exceptions', excType, text }: RefusalFields): string {
  // A missing module is raised under another name than its type.
  const name = module === 'builtins' ? 'Error' : module ? `${module}.${excType}` : excType;
  return text === undefined ? name : `${name}: ${text}`;
}

function traceback(fields: RefusalFields): string {
  return `Traceback (most recent call last):\n  [frames left out]\n${exceptionText(fields)}\n`;
}

function isBadCredentials(fields: RefusalFields): boolean {
  return fields.excType === 'AuthenticationError';
}

/** Five cookies on every answer, a guest's even for a token; a session id that is none is taken back with five more. */
export function cookiesFor(visitor: Visitor): string[] {
  const { session } = visitor;
  const expires = new Date(Date.now() + sessionSeconds * 1000).toUTCString();
  const plain = 'Path=/; SameSite=Lax';
  const cookies = [
    `sid=${session?.sid ?? 'Guest'}; Expires=${expires}; Max-Age=${sessionSeconds}; HttpOnly; ${plain}`,
    `system_user=${session ? 'yes' : 'no'}; ${plain}`,
    `full_name=${encodeURIComponent(session?.user.fullName ?? 'Guest')}; ${plain}`,
    `user_id=${encodeURIComponent(session?.user.name ?? 'Guest')}; ${plain}`,
    `user_image=; ${plain}`,
  ];
  if (!visitor.expired) return cookies;
  const past = new Date(Date.now() - 86_400_000).toUTCString();
  const names = ['full_name', 'user_image', 'sid', 'system_user', 'user_id'];
  return [...cookies, ...names.map((name) => `${name}=; Expires=${past}; Path=/`)];
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
