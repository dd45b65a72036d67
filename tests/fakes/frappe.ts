// A site that answers as a recorded Frappe does, in memory, and misbehaves on request: what the load must tell apart is done here on purpose.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Mood =
  | 'well'
  /** Takes requests and answers none of them until it is well again; then it does all of them, as a thawed database would. */
  | 'frozen'
  /** A proxy's answer: nothing reaches the site. */
  | 'bad-gateway'
  /** gunicorn's answer when Frappe's own error handling fails; nothing is stored. */
  | 'html-500'
  /** Deadlocks: rolled back and said so. */
  | 'refuses'
  /** Answers as if it had stored the document. */
  | 'forgets'
  /** Stores the document and says that it did not. */
  | 'denies'
  /** Stores the document and closes the connection without an answer. */
  | 'hangs-up';

export interface FakeDocument {
  readonly name: string;
  readonly marker: string;
  readonly docstatus: 0 | 1;
  readonly lines: readonly { readonly item: string; readonly warehouse: string; readonly qty: number }[];
}

export interface FakeFrappe {
  readonly url: string;
  /** Stored documents by name. */
  readonly documents: ReadonlyMap<string, FakeDocument>;
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
  }[];
  become(mood: Mood): void;
  close(): Promise<void>;
}

export interface FakeFrappeOptions {
  /** PEM. Without it plain HTTP is spoken. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** `apiKey:apiSecret`; anybody is let in when left out. */
  readonly tokens?: readonly string[];
  readonly barcodes?: number;
}

type Body = Readonly<Record<string, unknown>>;

const markerField = 'custom_client_marker';
/** Every answer to a token carries these: a client with a cookie jar is a guest from then on. */
const guestCookies = [
  'sid=Guest; Max-Age=612000; HttpOnly; Path=/; SameSite=Lax',
  'system_user=no; Path=/; SameSite=Lax',
  'full_name=Guest; Path=/; SameSite=Lax',
  'user_id=Guest; Path=/; SameSite=Lax',
  'user_image=; Path=/; SameSite=Lax',
];

export async function startFakeFrappe(options: FakeFrappeOptions = {}): Promise<FakeFrappe> {
  const documents = new Map<string, FakeDocument>();
  const requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  let mood: Mood = 'well';
  let frozen: (() => void)[] = [];
  let series = 0;

  const listener: RequestListener = async (request, response) => {
    const path = request.url ?? '/';
    const method = request.method ?? 'GET';
    requests.push({ method, path, headers: request.headers });
    let text = '';
    for await (const chunk of request) text += chunk;
    if (mood === 'frozen') await new Promise<void>((thaw) => frozen.push(thaw));
    if (mood === 'bad-gateway') return html(response, 502, 'Bad Gateway');
    if (mood === 'html-500') return html(response, 500, 'Internal Server Error');
    const token = request.headers.authorization?.replace(/^token /, '') ?? '';
    if (options.tokens && !options.tokens.includes(token)) return refuse(response, 401, 'AuthenticationError');
    if (request.headers.cookie?.includes('sid=Guest')) return refuse(response, 403, 'PermissionError');
    answer(method, new URL(path, 'http://site'), text === '' ? {} : (JSON.parse(text) as Body), response);
  };

  function answer(
    method: string,
    { pathname, searchParams }: URL,
    body: Body,
    response: ServerResponse,
  ): ServerResponse {
    if (pathname === '/api/method/erpnext.stock.utils.scan_barcode') {
      return json(response, 200, { message: scanned(searchParams.get('search_value') ?? '') });
    }
    const [, doctype, name] = /^\/api\/resource\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (doctype !== 'Stock%20Entry') return refuse(response, 404, 'DoesNotExistError');
    if (method === 'POST' && name === undefined) return insert(body, response);
    if (method === 'PUT' && name !== undefined) return submit(decodeURIComponent(name), response);
    return refuse(response, 404, 'DoesNotExistError');
  }

  function scanned(code: string): Body {
    const number = Number(/^BC(\d{10})$/.exec(code)?.[1]);
    if (!(number < (options.barcodes ?? 300))) return {};
    return {
      barcode: code,
      item_code: `ITEM-${String(number).padStart(4, '0')}`,
      uom: null,
      has_batch_no: 0,
      has_serial_no: 0,
    };
  }

  function insert(body: Body, response: ServerResponse): ServerResponse {
    const marker = String(body[markerField] ?? '');
    if (typeof body.name === 'string' && documents.has(body.name)) return refuse(response, 409, 'DuplicateEntryError');
    if ([...documents.values()].some((document) => document.marker === marker)) {
      return refuse(response, 417, 'UniqueValidationError');
    }
    const items = body.items as readonly Readonly<Record<string, unknown>>[];
    series += 1;
    return save(response, {
      name: typeof body.name === 'string' ? body.name : `MAT-STE-2026-${String(series).padStart(5, '0')}`,
      marker,
      docstatus: body.docstatus === 1 ? 1 : 0,
      lines: items.map(({ item_code, qty, t_warehouse, s_warehouse }) => ({
        item: String(item_code),
        warehouse: String(t_warehouse ?? s_warehouse),
        qty: t_warehouse === undefined ? -Number(qty) : Number(qty),
      })),
    });
  }

  function submit(name: string, response: ServerResponse): ServerResponse {
    const draft = documents.get(name);
    if (!draft) return refuse(response, 404, 'DoesNotExistError');
    return save(response, { ...draft, docstatus: 1 });
  }

  function save(response: ServerResponse, document: FakeDocument): ServerResponse {
    if (mood === 'refuses') return refuse(response, 500, 'QueryDeadlockError');
    if (mood !== 'forgets') documents.set(document.name, document);
    if (mood === 'denies') return refuse(response, 500, 'QueryDeadlockError');
    if (mood === 'hangs-up') return response.destroy();
    const { name, docstatus, marker } = document;
    return json(response, 200, { data: { doctype: 'Stock Entry', name, docstatus, [markerField]: marker } });
  }

  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    documents,
    requests,
    become(next) {
      mood = next;
      if (mood === 'frozen') return;
      for (const thaw of frozen) thaw();
      frozen = [];
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function json(response: ServerResponse, status: number, body: Body): ServerResponse {
  return response
    .writeHead(status, { 'content-type': 'application/json', 'set-cookie': guestCookies })
    .end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, excType: string): ServerResponse {
  return json(response, status, { exception: `frappe.exceptions.${excType}`, exc_type: excType });
}

function html(response: ServerResponse, status: number, title: string): ServerResponse {
  return response
    .writeHead(status, { 'content-type': 'text/html' })
    .end(
      `<html>\n  <head>\n    <title>${title}</title>\n  </head>\n  <body>\n    <h1><p>${title}</p></h1>\n  </body>\n</html>\n`,
    );
}
