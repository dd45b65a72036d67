// From method and path to what is done: `/api/method/…`, `/api/resource/…` and its `/api/v2/document/…` twin.
import type { Visitor } from '../auth.ts';
import { findDoctype } from '../doctypes.ts';
import { type Writer, writerOf } from '../documents.ts';
import { downloadFile } from '../files/attachments.ts';
import { findVirtual } from '../jobs/virtual-doctypes.ts';
import { notFound, nothingHere, notInWorkshop, notPermitted } from '../refusals.ts';
import { mayCreate, readDocument, readListOf } from '../resources.ts';
import { submitNotWhitelisted } from '../stock-reconciliation.ts';
import { technicianPage } from '../technician-page.ts';
import type { Workshop } from '../workshop.ts';
import { type Answer, htmlAnswer, jsonAnswer, type Version } from './answer.ts';
import { fileAnswer } from './file-answer.ts';
import { callMethod, isKnownDoctype, methodRoute, visitDesk } from './methods.ts';
import type { Form } from './multipart.ts';
import type { Arguments } from './request.ts';

export interface Call {
  readonly workshop: Workshop;
  readonly visitor: Visitor;
  readonly args: Arguments;
  /** The body alone: the document of a create or an update. */
  readonly document: Arguments;
  /** Reads the body, when it is a form with files in it. */
  readonly form: (() => Promise<Form>) | undefined;
}

export interface Route {
  /** A template, never a value: it becomes a label of a metric. */
  readonly name: string;
  readonly version: Version;
  /** Frappe fails these with a bare 500 when the database is out of reach, whatever else it says in JSON. */
  readonly bareWithoutDatabase: boolean;
  run(call: Call): Promise<Answer>;
}

export function findRoute(method: string, segments: readonly string[]): Route {
  const [first, ...rest] = segments;
  if (first === 'files' || (first === 'private' && rest[0] === 'files')) return download(segments);
  if (first !== 'api') return page(segments);
  const version: Version = rest[0] === 'v2' ? 2 : 1;
  const [kind, ...names] = rest[0] === 'v1' || rest[0] === 'v2' ? rest.slice(1) : rest;
  if (kind === 'method' && names.length > 0) return methodCall(version, method, names.join('/'));
  if (kind === (version === 2 ? 'document' : 'resource') && names[0]) return resource(version, method, names);
  return { name: '/api/:unknown', version, bareWithoutDatabase: false, run: async () => Promise.reject(nothingHere()) };
}

function methodCall(version: Version, method: string, name: string): Route {
  const unsafe = method !== 'GET' && method !== 'HEAD';
  return {
    name: methodRoute(name),
    version,
    bareWithoutDatabase: unsafe || name === 'ping' || name === 'login',
    async run({ workshop, visitor, args, form }) {
      const result = await callMethod(name, method, { workshop, visitor, args, form });
      const body = version === 2 ? { data: result.body.message } : result.body;
      return jsonAnswer(200, body, result.visitor ?? visitor);
    },
  };
}

function resource(version: Version, method: string, [doctype = '', ...rest]: readonly string[]): Route {
  const root = version === 2 ? '/api/v2/document' : '/api/resource';
  const virtual = method === 'GET' ? findVirtual(doctype) : undefined;
  const label = virtual || isKnownDoctype(doctype) ? doctype : ':unknown';
  const name = rest[0];
  const asMethod = version === 2 && rest[1] === 'method' ? rest[2] : undefined;
  const route = (suffix: string, run: (call: Call) => Promise<Answer>): Route => ({
    name: `${root}/${label}${suffix}`,
    version,
    bareWithoutDatabase: method !== 'GET' && method !== 'HEAD',
    run,
  });
  const data = (call: Call, value: unknown, status = 200) => jsonAnswer(status, { data: value }, call.visitor);

  if (virtual)
    return route(name === undefined ? '' : '/:name', async (call) =>
      jsonAnswer(200, await virtual(call.workshop, call.visitor.user, name, call.args), call.visitor),
    );
  if (name === undefined) {
    if (method === 'GET')
      return route('', async (call) =>
        data(call, await readListOf(call.workshop, call.visitor.user, doctype, call.args)),
      );
    if (method === 'POST')
      return route('', async (call) => {
        mayCreate(call.visitor.user, doctype);
        return data(call, await writerOf(doctype).create(call.workshop, call.visitor.user, call.document));
      });
    return route('', async ({ visitor }) =>
      htmlAnswer(405, '405 Method Not Allowed', 'The method is not allowed for the requested URL.', visitor),
    );
  }
  if (method === 'GET' && asMethod === undefined)
    return route('/:name', async (call) =>
      data(call, await readDocument(call.workshop, call.visitor.user, doctype, name)),
    );
  if (method === 'PUT')
    return route('/:name', async (call) =>
      data(call, await writable(call, doctype, name).update(call.workshop, call.visitor.user, name, call.document)),
    );
  if (method === 'DELETE')
    return route('/:name', async (call) => {
      await writable(call, doctype, name).remove(call.workshop, name);
      return data(call, 'ok', 202);
    });
  return route('/:name/submit', async (call) => {
    const writer = writable(call, doctype, name);
    const run = asMethod ?? call.args.run_method;
    if (doctype === 'Stock Reconciliation') throw submitNotWhitelisted();
    const docstatus = run === 'submit' ? 1 : run === 'cancel' ? 2 : undefined;
    if (docstatus === undefined) throw notInWorkshop(`The method ${String(run)} of a ${doctype}`);
    return data(call, await writer.update(call.workshop, call.visitor.user, name, { docstatus }));
  });
}

function writable({ visitor }: Call, doctype: string, name: string): Writer {
  const type = findDoctype(doctype);
  if (!type) throw notFound(doctype, name);
  if (!type.createBy.some((role) => visitor.user.roles.includes(role)))
    throw notPermitted(visitor.user.name, doctype, 'other');
  return writerOf(doctype);
}

function download([first, ...rest]: readonly string[]): Route {
  const isPrivate = first === 'private';
  const names = isPrivate ? rest.slice(1) : rest;
  return {
    name: isPrivate ? '/private/files/:name' : '/files/:name',
    version: 1,
    bareWithoutDatabase: false,
    run: async ({ workshop, visitor }) =>
      fileAnswer(await downloadFile(workshop, visitor.user, names.join('/'), isPrivate), visitor),
  };
}

function page(segments: readonly string[]): Route {
  const [first = '', second] = segments;
  if (first === 'app' && second === 'technician' && segments.length === 2)
    return { name: '/app/technician', version: 1, bareWithoutDatabase: true, run: async () => technicianPage() };
  const name = first === 'app' || first === 'login' || first === '' ? `/${first}` : '/:page';
  return {
    name,
    version: 1,
    bareWithoutDatabase: true,
    async run({ workshop, visitor }) {
      if (first === 'app')
        return {
          ...htmlAnswer(200, 'Desk', 'The workshop stand-in has no desk.', visitor),
          body: `<!doctype html>\n<title>Desk</title>\n<script>frappe = {csrf_token: "${await visitDesk(workshop, visitor)}"};</script>\n`,
        };
      if (first === 'login' || first === '') return htmlAnswer(200, 'Login', 'Use POST /api/method/login.', visitor);
      return htmlAnswer(404, '404 Not Found', 'Page not found', visitor);
    },
  };
}
