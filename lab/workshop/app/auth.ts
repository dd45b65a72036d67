// Who is asking: API key and secret, a session cookie, or a guest. Each request asks the database anew, as Frappe does,
// so nobody is let in from memory while the database is away.

import { newSessionId, passwordFits, sealSessionId, secretFits } from './credentials.ts';
import type { Database, Row } from './database/database.ts';
import { accountLocked, badCredentials, badCsrfToken, loginFailed } from './refusals.ts';
import { guest, type User, type Workshop } from './workshop.ts';

/** Frappe's default: older sessions of the same user are logged out. */
const sessionsMax = 2;
/** And its default for wrong passwords: after so many nobody gets in under that name for a while, whatever they know. */
const failuresMax = 10;
const lockedSeconds = 60;
export const sessionSeconds = 612_000;

export interface Visitor {
  readonly user: User;
  /** The session whose cookies go along with the answer. */
  readonly session: { readonly sid: string; readonly user: User; readonly csrfToken: string | undefined } | undefined;
  /** A session id was sent that is none: the cookies are taken back. */
  readonly expired: boolean;
}

export interface Proof {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly sid: string | undefined;
  readonly csrfToken: string | undefined;
}

export const nobody: Visitor = { user: guest, session: undefined, expired: false };

/** A visitor, and the refusal to answer with when what they showed is no good. */
export async function identify(database: Database, proof: Proof): Promise<{ visitor: Visitor; refusal?: Error }> {
  const visitor = await fromCookie(database, proof.sid);
  const unsafe = proof.method !== 'GET' && proof.method !== 'HEAD' && proof.method !== 'OPTIONS';
  const expected = visitor.session?.csrfToken;
  if (unsafe && expected && proof.csrfToken !== expected) return { visitor, refusal: badCsrfToken() };
  if (proof.authorization === undefined) return { visitor };
  const user = await fromAuthorization(database, proof.authorization);
  if (user) return { visitor: { ...visitor, user } };
  return { visitor: { ...visitor, expired: true }, refusal: badCredentials() };
}

async function fromCookie(database: Database, sid: string | undefined): Promise<Visitor> {
  if (!sid || sid === 'Guest') return nobody;
  const [row] = await database.rows(
    `${userColumns}, s.sessiondata FROM tabSessions s JOIN tabUser u ON u.name = s.user AND u.enabled = 1
     WHERE s.sid = ? AND s.lastupdate > NOW(6) - INTERVAL ${sessionSeconds} SECOND`,
    [sealSessionId(sid)],
  );
  if (!row) return { user: guest, session: undefined, expired: true };
  const user = toUser(row);
  const data = JSON.parse(String(row.sessiondata ?? '{}')) as { csrf_token?: string };
  return { user, session: { sid, user, csrfToken: data.csrf_token }, expired: false };
}

async function fromAuthorization(database: Database, header: string): Promise<User | undefined> {
  const pair = keyAndSecret(header);
  if (!pair) return undefined;
  const [row] = await database.rows(
    `${userColumns}, a.password AS sealed FROM tabUser u
     JOIN __Auth a ON a.doctype = 'User' AND a.name = u.name AND a.fieldname = 'api_secret'
     WHERE u.api_key = ? AND u.enabled = 1`,
    [pair.key],
  );
  return row && secretFits(pair.secret, String(row.sealed)) ? toUser(row) : undefined;
}

/** `token key:secret` or `Basic base64(key:secret)`; anything else proves nothing. */
export function keyAndSecret(header: string): { key: string; secret: string } | undefined {
  const [scheme = '', text = ''] = header.trim().split(/\s+/, 2);
  let pair: string;
  if (scheme.toLowerCase() === 'token') pair = text;
  else if (scheme.toLowerCase() === 'basic') pair = Buffer.from(text, 'base64').toString();
  else return undefined;
  const colon = pair.indexOf(':');
  return colon > 0 ? { key: pair.slice(0, colon), secret: pair.slice(colon + 1) } : undefined;
}

export async function logIn({ database, cache }: Workshop, name: unknown, password: unknown): Promise<Visitor> {
  if (typeof name !== 'string' || typeof password !== 'string' || !name || !password)
    throw loginFailed('Incomplete login details');
  const [row] = await database.rows(
    `${userColumns}, a.password AS sealed FROM tabUser u
     JOIN __Auth a ON a.doctype = 'User' AND a.name = u.name AND a.fieldname = 'password'
     WHERE u.name = ? AND u.enabled = 1`,
    [name],
  );
  if (!row) throw loginFailed('Invalid login credentials');
  const failures = `login_failed_count:${row.name}`;
  if ((await cache.count(failures, 0, lockedSeconds)) > failuresMax) throw accountLocked(lockedSeconds);
  if (!(await passwordFits(password, String(row.sealed)))) {
    await cache.count(failures, 1, lockedSeconds);
    throw loginFailed('Invalid login credentials');
  }
  await cache.forget(failures);
  const user = toUser(row);
  const sid = newSessionId();
  await database.transaction(async (session) => {
    const older = await session.rows<{ sid: string }>(
      `SELECT sid FROM tabSessions WHERE user = ? ORDER BY lastupdate DESC LIMIT 100 OFFSET ${sessionsMax - 1}`,
      [user.name],
    );
    if (older.length > 0)
      await session.change('DELETE FROM tabSessions WHERE sid IN (?)', [older.map((old) => old.sid)]);
    await session.change(
      "INSERT INTO tabSessions (sid, user, sessiondata, lastupdate, status) VALUES (?, ?, '{}', NOW(6), 'Active')",
      [sealSessionId(sid), user.name],
    );
  });
  return { user, session: { sid, user, csrfToken: undefined }, expired: false };
}

export async function logOut(database: Database, visitor: Visitor): Promise<void> {
  if (visitor.session)
    await database.change('DELETE FROM tabSessions WHERE sid = ?', [sealSessionId(visitor.session.sid)]);
}

/** From the first look at the desk on, a session has a token that unsafe requests must show. */
export async function giveCsrfToken(database: Database, visitor: Visitor): Promise<string | undefined> {
  if (!visitor.session || visitor.session.csrfToken) return visitor.session?.csrfToken;
  const token = newSessionId();
  await database.change('UPDATE tabSessions SET sessiondata = ? WHERE sid = ?', [
    JSON.stringify({ csrf_token: token }),
    sealSessionId(visitor.session.sid),
  ]);
  return token;
}

const userColumns = `SELECT u.name, u.full_name,
  (SELECT GROUP_CONCAT(r.role SEPARATOR '\\n') FROM \`tabHas Role\` r WHERE r.parent = u.name) AS roles`;

function toUser(row: Row): User {
  const roles = typeof row.roles === 'string' ? row.roles.split('\n') : [];
  return { name: String(row.name), fullName: String(row.full_name), roles };
}
