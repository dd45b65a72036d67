// A site that answers as a recorded Frappe does, in memory, and misbehaves on request: what the load must tell apart is done here on purpose.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type FakeRealtime, fakeRealtime } from './socket-io.ts';

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
  | 'hangs-up'
  /** Answers the cancelling of a document and leaves it as it is. */
  | 'forgets-to-cancel';

export interface FakeDocument {
  readonly name: string;
  readonly marker: string;
  readonly docstatus: 0 | 1 | 2;
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
  /** Job Cards by name, with their status. */
  readonly jobCards: ReadonlyMap<string, string>;
  /** Uploaded files by their URL: how many bytes. */
  readonly files: ReadonlyMap<string, number>;
  /** Sessions that were begun, and those of them that were ended. */
  readonly sessions: { readonly begun: number; readonly ended: number };
  readonly realtime: FakeRealtime;
  become(mood: Mood): void;
  close(): Promise<void>;
}

export interface FakeFrappeOptions {
  /** PEM. Without it plain HTTP is spoken. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** `apiKey:apiSecret`; anybody is let in when left out. */
  readonly tokens?: readonly string[];
  /** Passwords by user. */
  readonly passwords?: Readonly<Record<string, string>>;
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
  const jobCards = new Map<string, string>();
  const files = new Map<string, number>();
  const sids = new Set<string>();
  let begun = 0;
  let mood: Mood = 'well';
  let frozen: (() => void)[] = [];
  let series = 0;

  const listener: RequestListener = async (request, response) => {
    const path = request.url ?? '/';
    const method = request.method ?? 'GET';
    requests.push({ method, path, headers: request.headers });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (mood === 'frozen') await new Promise<void>((thaw) => frozen.push(thaw));
    if (mood === 'bad-gateway') return html(response, 502, 'Bad Gateway');
    if (mood === 'html-500') return html(response, 500, 'Internal Server Error');
    const token = request.headers.authorization?.replace(/^token /, '') ?? '';
    const sid = /(?:^|; )sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    const { pathname } = new URL(path, 'http://site');
    const isForm = request.headers['content-type']?.startsWith('multipart/form-data') === true;
    const body = isForm || bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as Body);
    if (pathname === '/api/method/login') return logIn(body, response);
    if (sid === 'Guest') return refuse(response, 403, 'PermissionError');
    if (sid === undefined && options.tokens && !options.tokens.includes(token))
      return refuse(response, 401, 'AuthenticationError');
    if (sid !== undefined && !sids.has(sid)) return refuse(response, 403, 'PermissionError');
    if (pathname === '/api/method/logout') {
      sids.delete(sid ?? '');
      return json(response, 200, { message: 'No App' });
    }
    if (pathname === '/api/method/upload_file') return keepFile(request.headers['content-type'] ?? '', bytes, response);
    answer(method, new URL(path, 'http://site'), body, response);
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
    if (pathname.endsWith('.job_card.make_time_log')) return logTime(body, response);
    const [, doctype, name] = /^\/api\/resource\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (doctype === 'Job%20Card') return changeJobCard(method, name, body, response);
    if (doctype !== 'Stock%20Entry') return refuse(response, 404, 'DoesNotExistError');
    response.setHeader('X-Served-By', 'web-1');
    response.setHeader('X-Database-Member', 'galera-1');
    if (method === 'POST' && name === undefined) return insert(body, response);
    if (method === 'PUT' && name !== undefined) return submit(decodeURIComponent(name), body, response);
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

  function logIn(body: Body, response: ServerResponse): ServerResponse {
    if (options.passwords?.[String(body.usr)] !== body.pwd) return refuse(response, 401, 'AuthenticationError');
    begun += 1;
    const sid = `session-${begun}`;
    sids.add(sid);
    response.setHeader('set-cookie', [`sid=${sid}; HttpOnly; Path=/`]);
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"Logged In"}');
  }

  function keepFile(type: string, bytes: Buffer, response: ServerResponse): ServerResponse {
    const boundary = /boundary=(.+)$/.exec(type)?.[1] ?? '';
    const text = bytes.toString('latin1');
    const name = /name="file"; filename="([^"]+)"/.exec(text)?.[1] ?? '';
    const from = text.indexOf('\r\n\r\n', text.indexOf('name="file"')) + 4;
    const file = bytes.subarray(from, text.indexOf(`\r\n--${boundary}--`, from));
    const url = `${text.includes('name="is_private"\r\n\r\n1') ? '/private' : ''}/files/${name}`;
    files.set(url, file.length);
    return json(response, 200, {
      message: { file_url: url, content_hash: createHash('md5').update(file).digest('hex') },
    });
  }

  function changeJobCard(
    method: string,
    name: string | undefined,
    body: Body,
    response: ServerResponse,
  ): ServerResponse {
    if (mood === 'refuses') return refuse(response, 500, 'QueryDeadlockError');
    const card = name ?? `PO-JOB${String(jobCards.size + 1).padStart(5, '0')}`;
    if (method === 'POST') jobCards.set(card, `Open ${body.for_quantity}`);
    const [status, quantity] = jobCards.get(card)?.split(' ') ?? [];
    const submits = method === 'PUT' && body.docstatus === 1 && status === 'Complete';
    if (submits) jobCards.set(card, `Submitted ${quantity}`);
    return json(response, 200, {
      data: { name: card, docstatus: submits ? 1 : 0, total_completed_qty: submits ? Number(quantity) : 0 },
    });
  }

  function logTime({ args }: Body, response: ServerResponse): ServerResponse {
    const { job_card_id: card, status, completed_qty: quantity = '' } = args as Readonly<Record<string, string>>;
    if (!card || !jobCards.has(card)) return refuse(response, 404, 'DoesNotExistError');
    jobCards.set(card, `${status} ${quantity}`);
    return json(response, 200, {});
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
      lines: items.flatMap(({ item_code, qty, t_warehouse, s_warehouse }) => [
        ...(s_warehouse === undefined
          ? []
          : [{ item: String(item_code), warehouse: String(s_warehouse), qty: -Number(qty) }]),
        ...(t_warehouse === undefined
          ? []
          : [{ item: String(item_code), warehouse: String(t_warehouse), qty: Number(qty) }]),
      ]),
    });
  }

  function submit(name: string, { docstatus }: Body, response: ServerResponse): ServerResponse {
    const before = documents.get(name);
    if (!before) return refuse(response, 404, 'DoesNotExistError');
    if (docstatus === 2 && mood === 'forgets-to-cancel') return answered(response, { ...before, docstatus: 2 });
    return save(response, docstatus === 2 ? { ...before, docstatus, lines: [] } : { ...before, docstatus: 1 });
  }

  function save(response: ServerResponse, document: FakeDocument): ServerResponse {
    if (mood === 'refuses') return refuse(response, 500, 'QueryDeadlockError');
    if (mood !== 'forgets') documents.set(document.name, document);
    if (mood === 'denies') return refuse(response, 500, 'QueryDeadlockError');
    if (mood === 'hangs-up') return response.destroy();
    realtime.tell('Stock Entry', document.name);
    return answered(response, document);
  }

  function answered(response: ServerResponse, document: FakeDocument): ServerResponse {
    const { name, docstatus, marker } = document;
    return json(response, 200, { data: { doctype: 'Stock Entry', name, docstatus, [markerField]: marker } });
  }

  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  const realtime = fakeRealtime(server, '127.0.0.1');
  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    documents,
    requests,
    jobCards,
    files,
    realtime,
    get sessions() {
      return { begun, ended: begun - sids.size };
    },
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
