// Asks a site everything that was recorded of a real ERPNext, in the recorded order, and says where its answers differ in status, exc_type
// or shape. Works on the stand-in and on a real site alike; it makes Stock Entries and leaves them there.
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import expectations from './expectations.json' with { type: 'json' };
import { type Shape, shapeDifferences, shapeOf } from './shape.ts';

export interface ContractUser {
  readonly user: string;
  readonly password: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly roles: readonly string[];
}

export interface ContractTarget {
  /** With the site's own name, for instance https://erp.shakedown.test; plain http counts as straight to the app, with no ingress between. */
  readonly url: string;
  /** Where that name is to be found, when no name server knows it. */
  readonly connectAddress: string | undefined;
  readonly caFile: string | undefined;
  /** One whose name begins with scanner (stock roles), one with clerk (none), and one with just the role Stock User. */
  readonly users: readonly ContractUser[];
}

export interface ContractCase {
  readonly case: string;
  readonly method: string;
  readonly path: string;
  readonly role: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly excType?: string;
  readonly shape?: string;
  readonly setup?: boolean;
  readonly direct?: boolean;
  /** Asked only of a site that is set up so, or to which this was done. */
  readonly setting?: Setting;
}

export type Setting =
  | 'rate-limit'
  | 'locked-account'
  | 'no-traceback'
  | 'database-down'
  | 'database-back'
  | 'database-full'
  | 'database-read-only'
  | 'database-locked'
  | 'cache-down'
  | 'cache-back'
  | 'cache-flushed'
  | 'cache-thawed'
  | 'cache-full'
  | 'queue-down'
  | 'web-back'
  | 'maintenance'
  | 'maintenance-reads'
  | 'idle-worker'
  | 'no-worker';

export interface CaseResult {
  readonly name: string;
  readonly setup: boolean;
  readonly skipped: boolean;
  readonly differences: readonly string[];
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export const contractCases = expectations.cases as readonly ContractCase[];
const namedShapes: Readonly<Record<string, string>> = expectations.shapes;

export function casesOf(setting?: Setting): readonly ContractCase[] {
  return contractCases.filter((one) => one.setting === setting);
}

/** The target from the environment, or why there is none. */
export function contractTargetFrom(env: NodeJS.ProcessEnv): ContractTarget | { readonly missing: string } {
  const { WORKSHOP_URL: url, WORKSHOP_USERS_FILE: usersFile } = env;
  if (!url) return { missing: 'WORKSHOP_URL is not set' };
  if (!usersFile) return { missing: 'WORKSHOP_USERS_FILE is not set' };
  const users = JSON.parse(readFileSync(usersFile, 'utf8')) as ContractUser[];
  return { url, users, connectAddress: env.WORKSHOP_CONNECT_ADDRESS, caFile: env.WORKSHOP_CA_FILE };
}

/** All cases of a site as it is made, or only those of one setting. */
export async function replay(target: ContractTarget, setting?: Setting): Promise<CaseResult[]> {
  const run: Run = { target, captured: new Map(), sessions: new Map(), unique: `contract-${Date.now()}` };
  const results: CaseResult[] = [];
  for (const one of casesOf(setting)) results.push(await replayOne(run, one));
  return results;
}

/** Exported so that a test can see it fail. */
export function judgeCase(expected: ContractCase, status: number, body: unknown): string[] {
  const differences: string[] = [];
  if (status !== expected.status) differences.push(`status ${status}, expected ${expected.status}`);
  const excType = excTypeOf(body);
  if (excType !== expected.excType)
    differences.push(`exc_type ${excType ?? '(none)'}, expected ${expected.excType ?? '(none)'}`);
  if (expected.shape !== undefined) differences.push(...shapeDifferences(shapeNamed(expected.shape), shapeOf(body)));
  return differences;
}

interface Run {
  readonly target: ContractTarget;
  /** The documents that came back, by case: later cases speak of them. */
  readonly captured: Map<string, Record<string, unknown>>;
  readonly sessions: Map<string, string>;
  readonly unique: string;
}

async function replayOne(run: Run, one: ContractCase): Promise<CaseResult> {
  const name = one.case;
  const result = { name, setup: one.setup === true, skipped: false, differences: [] as string[] };
  if (one.direct && run.target.url.startsWith('https:')) return { ...result, skipped: true };
  try {
    const reply = await ask(run, one);
    const document = (reply.body as { data?: unknown; message?: unknown } | null)?.data;
    if (typeof document === 'object' && document !== null)
      run.captured.set(
        name
          .split('-')
          .slice(0, one.setup ? undefined : 1)
          .join('-'),
        document as Record<string, unknown>,
      );
    return { ...result, differences: judgeCase(one, reply.status, reply.body) };
  } catch (error) {
    return { ...result, differences: [`no answer: ${String(error)}`] };
  }
}

async function ask(run: Run, one: ContractCase): Promise<Reply> {
  const headers: Record<string, string> = { Accept: 'application/json', ...(await headersFor(run, one.role)) };
  for (const [name, value] of Object.entries(one.headers ?? {})) headers[name] = String(fill(run, value));
  let text: string | undefined;
  if (one.body !== undefined) {
    const body = fill(run, one.body);
    const form = headers['Content-Type']?.includes('urlencoded');
    headers['Content-Type'] ??= 'application/json';
    if (form) text = new URLSearchParams(body as Record<string, string>).toString();
    else text = typeof body === 'string' ? body : JSON.stringify(body);
  }
  return send(run.target, one.method, String(fill(run, one.path)), headers, text);
}

async function headersFor(run: Run, role: string): Promise<Record<string, string>> {
  if (role === 'guest') return {};
  if (role === 'session' || role === 'desk-session') return { Cookie: await sessionCookie(run, role) };
  const { apiKey, apiSecret } = userFor(run.target, role.replace('-basic', ''));
  const pair = `${apiKey}:${apiSecret}`;
  return { Authorization: role.endsWith('-basic') ? `Basic ${Buffer.from(pair).toString('base64')}` : `token ${pair}` };
}

/** Logs in once for each kind of session; the desk's then visits the desk, from when on it has a CSRF token. */
async function sessionCookie(run: Run, role: string): Promise<string> {
  const known = run.sessions.get(role);
  if (known) return known;
  const { user, password } = userFor(run.target, 'scanner');
  const json = { Accept: 'application/json', 'Content-Type': 'application/json' };
  const reply = await send(run.target, 'POST', '/api/method/login', json, JSON.stringify({ usr: user, pwd: password }));
  const sid = reply.headers['set-cookie']?.find((cookie) => cookie.startsWith('sid='))?.split(';')[0];
  if (!sid) throw new Error(`login of ${user} gave no session: status ${reply.status}`);
  run.sessions.set(role, sid);
  if (role === 'desk-session') await send(run.target, 'GET', '/app', { Accept: 'text/html', Cookie: sid });
  return sid;
}

function userFor(target: ContractTarget, role: string): ContractUser {
  const found = target.users.find(({ user, roles }) =>
    role === 'stockuser' ? roles.length === 1 && roles[0] === 'Stock User' : user.startsWith(role),
  );
  if (!found) throw new Error(`tests/contract: no user for the role ${role} among ${target.users.length} users`);
  return found;
}

/** So many items, each found to be one more than the stockroom has at first. */
function countedRows(count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => ({
    item_code: `ITEM-${String(60 + index).padStart(4, '0')}`,
    warehouse: 'Stores - WP',
    qty: 100_001,
    valuation_rate: 10,
  }));
}

/** {unique}, {site}, {counted:rows}, {user:role}, {password:role}, {case} for a whole document and {case.field} for a field of it. */
function fill(run: Run, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => fill(run, entry));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(run, inner)]));
  if (typeof value !== 'string') return value;
  const whole = /^\{([\w-]+)\}$/.exec(value)?.[1];
  if (whole && run.captured.has(whole)) return run.captured.get(whole);
  const rows = /^\{counted:(\d+)\}$/.exec(value)?.[1];
  if (rows) return countedRows(Number(rows));
  return value.replace(
    /\{(user|password):(\w+)\}|\{(unique|site)\}|\{([\w-]+)\.(\w+)\}/g,
    (text, part, role, plain, one, field) => {
      if (part) return userFor(run.target, role)[part as 'user' | 'password'];
      if (plain) return plain === 'unique' ? run.unique : new URL(run.target.url).hostname;
      const found = run.captured.get(one)?.[field];
      if (found === undefined) throw new Error(`${text} is not known: the case ${one} did not answer with a document`);
      return String(found);
    },
  );
}

function send(
  target: ContractTarget,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Reply> {
  const url = new URL(target.url);
  const secure = url.protocol === 'https:';
  const options = {
    method,
    path,
    host: target.connectAddress ?? url.hostname,
    port: url.port || (secure ? 443 : 80),
    servername: url.hostname,
    headers: {
      Host: url.host,
      ...headers,
      ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
    },
    ...(target.caFile ? { ca: readFileSync(target.caFile) } : {}),
    timeout: 30_000,
  };
  return new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json = incoming.headers['content-type']?.includes('application/json');
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: json ? JSON.parse(text) : text });
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')));
    sent.end(body);
  });
}

function shapeNamed(shape: string): Shape {
  const text = shape.startsWith('@') ? namedShapes[shape.slice(1)] : shape;
  if (text === undefined) throw new Error(`tests/contract/expectations.json: there is no shape ${shape}`);
  return text.split('; ');
}

function excTypeOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { exc_type, errors } = body as { exc_type?: string; errors?: { type?: string }[] };
  return exc_type ?? errors?.[0]?.type;
}
