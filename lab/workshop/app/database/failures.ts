// What a database error means for the request: who may try again, which connection is no good any more, and what Frappe answers.
import { outOfRange, Refusal, tooLong } from '../refusals.ts';

export interface DatabaseError extends Error {
  readonly errno?: number;
  readonly code?: string;
  readonly fatal?: boolean;
  readonly sqlMessage?: string;
}

/** The connection went, or was never had: nobody knows what the server did with the last statement. Answered as gunicorn's bare 500 where it may have written. */
export class ConnectionLost extends Error {
  readonly errno: number;
  constructor(errno: number, text: string, cause?: unknown) {
    super(text, { cause });
    this.errno = errno;
  }
}

/** COMMIT was sent and its answer never came: it may be there. Never tried again. */
export class CommitUnknown extends Error {}

// 1040 too many connections, 1047 WSREP not ready, 1053 shutting down, 1290 read only, 1836 read-only mode, 1927 killed, 2006 and 2013 gone, 3024/1969 time limit.
const uselessAfter = new Set([1040, 1047, 1053, 1290, 1836, 1927, 2006, 2013]);
const lostErrnos = new Set([1053, 1927, 2006, 2013]);
const lostCodes = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_ENQUEUE_AFTER_QUIT',
  'PROTOCOL_PACKETS_OUT_OF_ORDER',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** True when this connection must not be used again. */
export function spoilsConnection(error: unknown): boolean {
  const { errno, fatal } = error as DatabaseError;
  return isLost(error) || fatal === true || (errno !== undefined && uselessAfter.has(errno));
}

export function isLost(error: unknown): boolean {
  const { errno, code } = error as DatabaseError;
  if (error instanceof ConnectionLost) return true;
  return (errno !== undefined && lostErrnos.has(errno)) || (code !== undefined && lostCodes.has(code));
}

export type Conflict = 'deadlock' | 'lock-wait';

/** A transaction that the server has certainly not kept and that may run again from its start. */
export function conflictOf(error: unknown): Conflict | undefined {
  const { errno } = error as DatabaseError;
  if (errno === 1213 || errno === 1020) return 'deadlock';
  return errno === 1205 ? 'lock-wait' : undefined;
}

export function duplicateKey(error: unknown): { readonly key: string; readonly text: string } | undefined {
  const { errno, sqlMessage = '' } = error as DatabaseError;
  if (errno !== 1062) return undefined;
  return { key: /for key '(?:[^'.]+\.)?([^']+)'$/.exec(sqlMessage)?.[1] ?? '', text: sqlMessage };
}

/** A failed connect, told as PyMySQL would. */
export function connectFailure(error: unknown, host: string): Error {
  const { errno, code } = error as DatabaseError;
  if (errno === 1040) return new ConnectionLost(1040, 'Too many connections', error);
  if (code === 'ECONNREFUSED')
    return new ConnectionLost(
      2003,
      `Can't connect to MySQL server on '${host}' ([Errno 111] Connection refused)`,
      error,
    );
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new ConnectionLost(
      2003,
      `Can't connect to MySQL server on '${host}' ([Errno -2] Name or service not known)`,
      error,
    );
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH')
    return new ConnectionLost(2003, `Can't connect to MySQL server on '${host}' (timed out)`, error);
  if (/^(HANDSHAKE|ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code ?? ''))
    return new ConnectionLost(2003, `Can't connect to MySQL server on '${host}' ([SSL] ${code})`, error);
  if (isLost(error)) return new ConnectionLost(2013, 'Lost connection to MySQL server during query', error);
  return error as Error;
}

/** The refusal Frappe answers with, or undefined for an error that did not come from the database. */
export function databaseRefusal(error: unknown): Refusal | undefined {
  if (error instanceof ConnectionLost) return operationalError(error.errno, error.message);
  if (isLost(error)) return operationalError(2013, 'Lost connection to MySQL server during query');
  const { errno, sqlMessage } = error as DatabaseError;
  if (errno === undefined || sqlMessage === undefined) return undefined;
  if (errno === 1213 || errno === 1020) return queryRefusal('QueryDeadlockError', errno, sqlMessage);
  if (errno === 1205) return queryRefusal('QueryTimeoutError', errno, sqlMessage);
  if (errno === 1264) return outOfRange(columnIn(sqlMessage));
  if (errno === 1406) return tooLong(columnIn(sqlMessage));
  return operationalError(errno, sqlMessage);
}

function operationalError(errno: number, text: string): Refusal {
  return new Refusal({
    status: 500,
    excType: 'OperationalError',
    module: 'pymysql.err',
    text: pythonPair(errno, text),
  });
}

function queryRefusal(excType: string, errno: number, text: string): Refusal {
  const fromErpnext = errno === 1205;
  return new Refusal({ status: 500, excType, text: pythonPair(errno, text), fromErpnext });
}

const columnIn = (text: string): string => /for column '([^']*)'/.exec(text)?.[1] ?? '';

function pythonPair(errno: number, text: string): string {
  return `(${errno}, ${text.includes("'") ? `"${text}"` : `'${text}'`})`;
}
