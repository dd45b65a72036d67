// What an answer to a write means. Unknown is the default: refused needs an answer that can only have been given before a commit.
// Pure, so that Node can test it against recorded answers.
import type { WriteOutcome } from '../lib/model/evidence.ts';

export interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  readonly body: string;
  /** k6's words for what went wrong below HTTP: time-out, reset, a body that was cut off. Empty when nothing did. */
  readonly error: string;
  /** The session that the answer gave, when it gave one. */
  readonly sid?: string;
}

export interface WriteAnswer {
  readonly outcome: WriteOutcome;
  readonly excType?: string;
  /** The document's name, and the marker that it came back with. */
  readonly document?: string;
  readonly marker?: string;
}

/**
 * Frappe builds a JSON error in handle_exception, which runs before its commit; the rollback follows (frappe/app.py). Listed is what was
 * recorded for a write, or for the steps before it, on a real site; the case ids are those of the recording.
 * Left out on purpose, hence unknown:
 * - UniqueValidationError, DuplicateEntryError: the marker or the name is there already. We never send a write twice, so something
 *   between us and the site did, and its first copy may well have been stored (p01, p03, f01).
 * - UpdateAfterSubmitError, DocstatusTransitionError, TimestampMismatchError: somebody else's write to our document came first (e07, e60, e67).
 * - DocumentLockedError: queued for a background job, which may still do it (h09b).
 * - ConnectionError, ResponseError: Redis can also fail after the commit, when jobs and events go out (l19, l35, m04).
 * - TypeError, ImportError and the like: a bug on the way, at a place that we can't know.
 */
const rolledBack: ReadonlySet<string> = new Set([
  // Before the request reaches any document.
  'AuthenticationError', // a13..a18
  'CSRFTokenError', // b02
  'SessionStopped', // i02, maintenance mode
  'InReadOnlyMode', // i07, i08
  'TooManyRequestsError', // i14
  // Permission and validation: thrown while the document is checked.
  'PermissionError', // e54, e57
  'ValidationError', // e37, e42, p06, i30
  'MandatoryError', // e38, e47
  'LinkValidationError', // e44
  'InvalidQtyError', // e41, e43
  'UOMMustBeIntegerError', // e49
  'FiscalYearError', // e46
  'DoesNotExistError', // e51: nothing to submit
  // Stock: thrown while the ledger is written, inside the transaction.
  'NegativeStockError', // e26, p08
  'BatchNegativeStockError', // f10
  'SerialNoWarehouseError', // f08
  // The database gave the transaction up.
  'QueryDeadlockError', // o01 (1213), p11 (1020)
  'QueryTimeoutError', // k13 (1205): only the statement is undone by the server, the rest by Frappe's rollback
]);

/**
 * Codes of OperationalError that say that nothing can have been stored: 2003 never connected (j11), 1040 was turned away (k08),
 * 1290 the server is read-only (k11). 2006 and 2013 (connection lost) and 1047 (Galera not ready) may also hit the commit itself.
 */
const rolledBackCodes: ReadonlySet<string> = new Set(['2003', '1040', '1290']);

/** `docstatus` is what the document must have come back with for the write to count as acknowledged. */
export function classifyWrite(answer: Answer, docstatus: 0 | 1 | 2, markerField: string): WriteAnswer {
  const body = jsonOf(answer);
  const excType = excTypeOf(answer);
  if (answer.error !== '' && answer.status < 400) return { outcome: 'unknown' };
  if (answer.status >= 200 && answer.status < 300) {
    const data = body?.data as Record<string, unknown> | undefined;
    if (typeof data?.name !== 'string' || data.docstatus !== docstatus) return { outcome: 'unknown' };
    const marker = data[markerField];
    return { outcome: 'acknowledged', document: data.name, ...(typeof marker === 'string' ? { marker } : {}) };
  }
  if (excType === undefined) return { outcome: 'unknown' };
  const refused =
    excType === 'OperationalError' ? rolledBackCodes.has(operationalCode(body?.exception)) : rolledBack.has(excType);
  return { outcome: refused ? 'refused' : 'unknown', excType };
}

export function excTypeOf(answer: Answer): string | undefined {
  const excType = answer.status >= 400 ? jsonOf(answer)?.exc_type : undefined;
  return typeof excType === 'string' && excType !== '' ? excType : undefined;
}

/** Undefined when the body is no JSON object, as from a proxy or from gunicorn itself. */
export function jsonOf(answer: Answer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(answer.body);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const operationalCode = (exception: unknown): string =>
  (typeof exception === 'string' && /OperationalError: \((\d+),/.exec(exception)?.[1]) || '';
