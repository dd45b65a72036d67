// The web server: one request in, one answer, one log line, one observation. On SIGTERM it takes no more, finishes what is in flight, and ends.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { identify, nobody, type Visitor } from '../auth.ts';
import { CommitUnknown, ConnectionLost, databaseRefusal, isLost } from '../database/failures.ts';
import { log } from '../log.ts';
import { type MaintenanceWatch, readOnly, sessionStopped } from '../maintenance.ts';
import { Refusal } from '../refusals.ts';
import type { Workshop } from '../workshop.ts';
import { type Answer, bareServerError, cookiesFor, htmlAnswer, refusalAnswer } from './answer.ts';
import { allowance, tooManyRequests } from './rate-limit.ts';
import { ClientGone, type ReadRequest, readRequest, TooLarge } from './request.ts';
import { findRoute, type Route } from './routes.ts';

/** In Kubernetes the pod's name. */
const servedBy = hostname();

// gunicorn's limit in the official chart; the ingress waits as long.
const requestMsMax = 120_000;

export function createWebServer(workshop: Workshop, maintenance: MaintenanceWatch): Server {
  const server = createServer((incoming, response) => {
    handle(workshop, maintenance, incoming, response, server).catch((error: unknown) => {
      log('error', 'answer could not be sent', { reason: String(error) });
      response.destroy();
    });
  });
  server.requestTimeout = requestMsMax;
  // The proxy in front reuses connections for an hour; closing one from this side would race with its next request.
  server.keepAliveTimeout = 3_660_000;
  return server;
}

/** Resolves when every request in flight is answered. */
export function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

async function handle(
  site: Workshop,
  maintenance: MaintenanceWatch,
  incoming: IncomingMessage,
  response: ServerResponse,
  server: Server,
): Promise<void> {
  const started = performance.now();
  const request = readRequest(incoming);
  const route = findRoute(request.method, request.segments);
  const mode = maintenance.mode();
  const login = route.name === '/api/method/login';
  const members = new Set<string>();
  const database = site.database.telling((server) => members.add(server));
  const workshop = {
    ...site,
    database: mode === 'reads' ? readOnly(database, { method: request.method, login }) : database,
  };
  const quota = await allowance(workshop);
  const { answer, user } = quota.exceeded
    ? { answer: refusedByQuota(workshop, request, route), user: 'Guest' }
    : mode === 'on' && request.segments[0] !== 'files'
      ? { answer: refusedByMaintenance(workshop, request, route), user: 'Guest' }
      : await answerTo(workshop, request, route, incoming);
  if (!answer) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    'X-Request-Id': request.id,
    'X-Served-By': servedBy,
    ...(members.size > 0 && { 'X-Database-Member': [...members].join(',') }),
    ...answer.headers,
    ...quota.headers,
    ...(answer.cookies.length > 0 && { 'Set-Cookie': answer.cookies as string[] }),
    ...(server.listening ? {} : { Connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
  const seconds = (performance.now() - started) / 1000;
  await quota.spent(seconds);
  // Only methods that exist become a label.
  const method = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH)$/.test(request.method) ? request.method : 'OTHER';
  workshop.metrics.request(route.name, method, answer.status, seconds);
  log(answer.status >= 500 ? 'error' : 'info', 'request', {
    requestId: request.id,
    method,
    route: route.name,
    path: request.path,
    status: answer.status,
    ms: Math.round(seconds * 1000),
    user,
    excType: answer.excType,
  });
}

function refusedByQuota({ config }: Workshop, request: ReadRequest, route: Route): Answer {
  if (request.segments[0] === 'api')
    return refusalAnswer(tooManyRequests(), route.version, nobody, config.errorTraceback);
  return { status: 429, type: 'text/plain; charset=utf-8', body: 'Too Many Requests', cookies: cookiesFor(nobody) };
}

/** Pages break down over it, as recorded. */
function refusedByMaintenance({ config }: Workshop, request: ReadRequest, route: Route): Answer {
  if (request.segments[0] !== 'api') return bareServerError();
  return refusalAnswer(sessionStopped(), route.version, nobody, config.errorTraceback);
}

async function answerTo(
  workshop: Workshop,
  request: ReadRequest,
  route: Route,
  incoming: IncomingMessage,
): Promise<{ answer: Answer | undefined; user: string }> {
  let visitor: Visitor = nobody;
  try {
    if (request.site !== workshop.config.siteHost && !workshop.config.siteDomains.includes(request.site))
      return { answer: htmlAnswer(404, '404 Not Found', `${request.site} does not exist`), user: 'Guest' };
    const safe = request.method === 'GET' || request.method === 'HEAD';
    // A form with files is read by who wants it, when it is known who asks.
    const document = safe || request.isForm ? {} : await request.body();
    const known = await identify(workshop.database, {
      method: request.method,
      authorization: incoming.headers.authorization,
      sid: request.cookies.get('sid'),
      csrfToken: one(incoming.headers['x-frappe-csrf-token']),
    });
    visitor = known.visitor;
    if (known.refusal) throw known.refusal;
    const args = { ...request.query, ...document };
    return {
      answer: await route.run({ workshop, visitor, args, document, form: request.isForm ? request.form : undefined }),
      user: visitor.user.name,
    };
  } catch (error) {
    const gone = error instanceof ClientGone;
    if (gone) log('info', 'the client went away', { requestId: request.id, route: route.name });
    return {
      answer: gone ? undefined : answerToFailure(workshop, error, request, route, visitor),
      user: visitor.user.name,
    };
  }
}

function answerToFailure(
  { config }: Workshop,
  error: unknown,
  request: ReadRequest,
  route: Route,
  visitor: Visitor,
): Answer {
  if (error instanceof TooLarge)
    return htmlAnswer(413, '413 Request Entity Too Large', 'The data value transmitted exceeds the capacity limit.');
  const noAnswer = error instanceof CommitUnknown || error instanceof ConnectionLost || isLost(error);
  if (noAnswer) log('warning', 'database', { requestId: request.id, reason: (error as Error).message });
  if (error instanceof CommitUnknown || (noAnswer && route.bareWithoutDatabase)) return bareServerError();
  const refusal = error instanceof Refusal ? error : databaseRefusal(error);
  if (!refusal) {
    log('error', 'own bug', {
      requestId: request.id,
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return bareServerError();
  }
  if (request.wantsHtml && request.segments[0] === 'api')
    return htmlAnswer(
      refusal.fields.status,
      refusal.fields.status === 403 ? 'Not Permitted' : 'Error',
      refusal.message,
      visitor,
    );
  return refusalAnswer(refusal, route.version, visitor, config.errorTraceback);
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
