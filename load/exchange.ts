// HTTP and WebSockets as the journeys see them. Each virtual user is one technician with a token and connections of their own, kept alive.
import { md5 } from 'k6/crypto';
import exec from 'k6/execution';
import http, { type Response } from 'k6/http';
import { clearTimeout, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { type Exchange, exchangeHeaders } from '../lib/model/exchanges.ts';
import type { LoadTask } from '../lib/model/load-task.ts';
import type { Manner, Send, Socket, Tools } from './turn.ts';

/** `note` is told of each exchange, and of what went wrong below HTTP. */
export function sendAs(task: LoadTask, note: (exchange: Exchange, error: string) => void): Send {
  return (method, path, body, how = {}) => {
    const type = body === undefined ? undefined : (how.contentType ?? 'application/json');
    const at = Date.now();
    const response = http.request(method, task.site.url + path, bytesOf(body, how), {
      headers: {
        Accept: 'application/json',
        ...identity(task, how.as),
        ...(type === undefined ? {} : { 'Content-Type': type }),
      },
      timeout: task.requestTimeoutMs,
      // A redirect of a POST would come back as a GET, with an answer to something else.
      redirects: 0,
      responseType: 'text',
      // Frappe answers a token with guest cookies; a scanner that sent sid=Guest back would be a guest to the session check.
      jar: new http.CookieJar(),
    });
    const durationMs = Math.max(0, Date.now() - at);
    note({ at, method, status: response.status, durationMs, ...wayOf(response) }, response.error);
    const sid = response.cookies?.sid?.[0]?.value;
    return {
      status: response.status,
      body: typeof response.body === 'string' ? response.body : '',
      error: response.error,
      ...(sid ? { sid } : {}),
    };
  };
}

/** Which way it went, as far as k6 and the site tell. */
function wayOf({ status, headers, timings, remote_ip, remote_port }: Response): Omit<Exchange, keyof Sent> {
  const servedBy = headers?.[exchangeHeaders.servedBy];
  const member = headers?.[exchangeHeaders.member];
  const opened = (timings?.connecting ?? 0) > 0 || (timings?.tls_handshaking ?? 0) > 0;
  return {
    ...(servedBy ? { servedBy } : {}),
    ...(member ? { member } : {}),
    // Without an answer nobody can tell that a connection was kept, rather than never made.
    ...(opened ? { connection: 'opened' } : status > 0 ? { connection: 'kept' } : {}),
    ...(remote_ip ? { remote: `${remote_ip.includes(':') ? `[${remote_ip}]` : remote_ip}:${remote_port}` } : {}),
  };
}

type Sent = Pick<Exchange, 'at' | 'method' | 'status' | 'durationMs'>;

function bytesOf(body: unknown, how: Manner): string | ArrayBuffer | null {
  if (body === undefined) return null;
  return how.contentType === undefined ? JSON.stringify(body) : (body as ArrayBuffer);
}

function identity(task: LoadTask, as: Manner['as']): Record<string, string> {
  if (as === 'nobody') return {};
  if (typeof as === 'object') return { Cookie: `sid=${as.sid}` };
  return { Authorization: `token ${tokenOf(task, as === 'colleague' ? 1 : 0)}` };
}

/** A virtual user is always the same technician. */
export const technicianOf = (virtualUser: number, technicians: number): number => (virtualUser - 1) % technicians;

const tokenOf = ({ tokens }: LoadTask, step: number): string | undefined =>
  tokens[(technicianOf(exec.vu.idInTest, tokens.length) + step) % tokens.length];

export const toolsFor = (task: LoadTask): Tools => ({
  md5: (bytes) => md5(bytes, 'hex'),
  open: (path) => openSocket(task, path),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  now: () => Date.now(),
});

/** As in a browser. */
const connecting = 0;

function openSocket(task: LoadTask, path: string): Socket {
  const { url } = task.site;
  const socket = new WebSocket(url.replace(/^http/, 'ws') + path, null, {
    // Frappe lets nobody in whose page comes from elsewhere.
    headers: { Authorization: `token ${tokenOf(task, 0)}`, Origin: url },
    jar: new http.CookieJar(),
  });
  const early: (string | undefined)[] = [];
  let tell = (text: string | undefined): void => {
    early.push(text);
  };
  let over = false;
  const end = () => {
    if (!over) tell(undefined);
    over = true;
  };
  socket.onmessage = (event) => tell(typeof event?.data === 'string' ? event.data : '');
  socket.onerror = end;
  socket.onclose = end;
  return {
    send: (text) => socket.send(text),
    close() {
      // k6 takes it amiss before the connection is there, and would keep the iteration until then.
      if (socket.readyState === connecting) socket.onopen = () => socket.close();
      else socket.close();
    },
    listen(listener) {
      tell = listener;
      for (const text of early.splice(0)) listener(text);
    },
  };
}

/** k6's code for a refused connection. */
const connectionRefused = 1212;

/** So often a driver that is busy is asked again. */
const permitTries = 5;

/**
 * The run that one more iteration is for; undefined when none may start. k6 has no way to let answers under way come in while nothing
 * new is started (an interrupt cuts them off), so the driver is asked. When it is gone nobody records us, and the load ends. Without an
 * answer nothing is sent: under a marker of a run that is over nobody would look for it.
 */
export function permittedRun(task: LoadTask): string | undefined {
  for (let tries = 0; tries < permitTries; tries++) {
    const answer = http.get(task.permitUrl, {
      timeout: 2_000,
      redirects: 0,
      responseType: 'text',
      jar: new http.CookieJar(),
    });
    if (answer.error_code === connectionRefused) exec.test.abort('nobody records this load any more');
    if (answer.status === 410) return undefined;
    if (answer.status === 200 && typeof answer.body === 'string' && answer.body !== '') return answer.body;
  }
  throw new Error('nobody says for which run this iteration is: the suite did not answer');
}
