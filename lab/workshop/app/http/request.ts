// Reads a request into what the handlers want: path, arguments from query and body alike, the document of a body, cookies, an id.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { fileBytesMax } from '../files/attachments.ts';
import { parseJson } from '../refusals.ts';
import { type Form, parseForm } from './multipart.ts';

const bodyBytesMax = 2_000_000;
/** A file, and the form around it. */
const formBytesMax = fileBytesMax + 1_000_000;

export type Arguments = Readonly<Record<string, unknown>>;

export interface ReadRequest {
  readonly id: string;
  readonly method: string;
  /** Decoded, without the query. */
  readonly segments: readonly string[];
  readonly path: string;
  readonly query: Arguments;
  readonly cookies: ReadonlyMap<string, string>;
  readonly site: string;
  readonly wantsHtml: boolean;
  /** Reads the body; throws TooLarge or the refusal for what is no JSON. */
  body(): Promise<Arguments>;
  /** True for a form with files in it, whose body is read with `form` only. */
  readonly isForm: boolean;
  form(): Promise<Form>;
}

export class TooLarge extends Error {}

/** The client went away before its body was there: nobody is left to answer. */
export class ClientGone extends Error {}

export function readRequest(incoming: IncomingMessage): ReadRequest {
  const { headers, method = 'GET' } = incoming;
  const url = URL.parse(incoming.url ?? '/', 'http://workshop') ?? new URL('http://workshop/');
  const accept = headers.accept ?? '';
  return {
    id: requestId(headers['x-request-id']),
    method,
    path: url.pathname,
    segments: url.pathname.split('/').filter(Boolean).map(decode),
    query: Object.fromEntries(url.searchParams),
    cookies: readCookies(headers.cookie ?? ''),
    site: (one(headers['x-frappe-site-name']) ?? headers.host ?? '').replace(/:\d+$/, ''),
    wantsHtml: accept.includes('text/html') && !accept.includes('application/json'),
    async body() {
      return parseBody((await readBytes(incoming, bodyBytesMax)).toString(), headers['content-type'] ?? '');
    },
    isForm: /^multipart\/form-data\b/i.test(headers['content-type'] ?? ''),
    form: async () => parseForm(await readBytes(incoming, formBytesMax), headers['content-type'] ?? ''),
  };
}

/** The caller's id when it is a plain one, so that a line in our log meets the proxy's and the load's. */
function requestId(given: string | string[] | undefined): string {
  const id = one(given);
  return id && /^[\w.:-]{1,80}$/.test(id) ? id : randomUUID();
}

function parseBody(text: string, type: string): Arguments {
  if (text.trim() === '') return {};
  if (type.includes('application/x-www-form-urlencoded')) {
    const form = Object.fromEntries(new URLSearchParams(text));
    return typeof form.data === 'string' ? (parseJson(form.data) as Arguments) : form;
  }
  const parsed = parseJson(text, true);
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Arguments) : {};
}

/** What is too much is still taken from the wire, to no use, so that the answer reaches a client that reads only when it has sent all. */
function readBytes(incoming: IncomingMessage, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= most) chunks.push(chunk);
      else refuse();
    };
    const refuse = () => {
      chunks.length = 0;
      incoming.off('data', take).resume();
      reject(new TooLarge());
    };
    const gone = (error?: Error) => reject(new ClientGone('the client went away', { cause: error }));
    incoming.once('error', gone).once('close', () => gone());
    incoming.once('end', () => resolve(Buffer.concat(chunks)));
    if (Number(incoming.headers['content-length'] ?? 0) > most) refuse();
    else incoming.on('data', take);
  });
}

function readCookies(header: string): Map<string, string> {
  return new Map(
    header.split(';').flatMap((pair): [string, string][] => {
      const at = pair.indexOf('=');
      return at > 0 ? [[pair.slice(0, at).trim(), decode(pair.slice(at + 1).trim())]] : [];
    }),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
