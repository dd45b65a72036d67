// Against the facts of a recording of a real site (ERPNext 15.71): case id, status, exc_type, exception → what it means for a write.
import { expect, test } from 'vitest';
import { type Answer, classifyWrite } from './classify.ts';

const field = 'custom_client_marker';
const html500 = '<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n</html>\n';
const answered = (status: number, body: unknown, error = ''): Answer => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  error,
});

test.each([
  ['a13-token-bad-key', 401, 'AuthenticationError', 'refused'],
  ['b02-csrf-missing-after-desk-visit', 400, 'CSRFTokenError', 'refused'],
  ['e26-negative-insert-submit', 417, 'NegativeStockError', 'refused'],
  ['e38-no-items', 417, 'MandatoryError', 'refused'],
  ['e41-qty-zero', 417, 'InvalidQtyError', 'refused'],
  ['e44-unknown-warehouse', 417, 'LinkValidationError', 'refused'],
  ['e46-future-posting-date', 417, 'FiscalYearError', 'refused'],
  ['e49-fraction-of-whole-uom', 417, 'UOMMustBeIntegerError', 'refused'],
  ['e51-put-missing', 404, 'DoesNotExistError', 'refused'],
  ['e57-guest-create', 403, 'PermissionError', 'refused'],
  ['f08-se-serial-issue-again', 417, 'SerialNoWarehouseError', 'refused'],
  ['f10-se-batch-issue-too-many', 417, 'BatchNegativeStockError', 'refused'],
  ['i02-maintenance-post', 503, 'SessionStopped', 'refused'],
  ['i07-maintenance-reads-allowed-post', 503, 'InReadOnlyMode', 'refused'],
  ['i14-rate-limit-429-post', 429, 'TooManyRequestsError', 'refused'],
  ['i30-encryption-key-lost-token-auth', 417, 'ValidationError', 'refused'],
  ['k13-lock-wait-timeout-post', 500, 'QueryTimeoutError', 'refused'],
  ['o01-deadlock-put-submit', 500, 'QueryDeadlockError', 'refused'],
  ['e07-se-edit-submitted', 417, 'UpdateAfterSubmitError', 'unknown'],
  ['e29-marker-duplicate', 417, 'UniqueValidationError', 'unknown'],
  ['e60-timestamp-mismatch-put', 417, 'TimestampMismatchError', 'unknown'],
  ['e67-draft-to-cancel', 417, 'DocstatusTransitionError', 'unknown'],
  ['f01-se-client-name-repeat-409', 409, 'DuplicateEntryError', 'unknown'],
  ['h09b-big-reco-while-locked-put', 417, 'DocumentLockedError', 'unknown'],
  ['l19-cache-down-with-rate-limit', 500, 'ConnectionError', 'unknown'],
  ['l35-cache-oom-post', 500, 'ResponseError', 'unknown'],
  ['never recorded', 500, 'SomethingNewError', 'unknown'],
])('%s: %i %s is %s', (_, status, excType, outcome) => {
  const answer = answered(status, { exception: `frappe.exceptions.${excType}: …`, exc_type: excType, exc: '["…"]' });
  expect(classifyWrite(answer, 1, field)).toEqual({ outcome, excType });
});

test.each([
  ['j11-db-down-warm-get-scan', "(2003, \"Can't connect to MySQL server on '127.0.0.1' ([Errno 111])\")", 'refused'],
  ['k08-too-many-connections-get', "(1040, 'Too many connections')", 'refused'],
  ['k11-db-read-only-post', "(1290, 'The MariaDB server is running with the --read-only option')", 'refused'],
  ['connection lost, perhaps in the commit', "(2013, 'Lost connection to MySQL server during query')", 'unknown'],
  ['Galera node not primary', "(1047, 'WSREP has not yet prepared node for application use')", 'unknown'],
])('%s: OperationalError %s is %s', (_, message, outcome) => {
  const exception = `pymysql.err.OperationalError: ${message}`;
  const answer = answered(500, { exception, exc_type: 'OperationalError' });
  expect(classifyWrite(answer, 1, field)).toEqual({ outcome, excType: 'OperationalError' });
});

test('an OperationalError without its text (tracebacks switched off, i21) is unknown', () => {
  expect(classifyWrite(answered(500, { exc_type: 'OperationalError' }), 1, field).outcome).toBe('unknown');
});

test('e10: a submitted document under its marker is acknowledged', () => {
  const data = { name: 'MAT-STE-2026-00002', docstatus: 1, [field]: 'r1-receipt-0' };
  expect(classifyWrite(answered(200, { data }), 1, field)).toEqual({
    outcome: 'acknowledged',
    document: 'MAT-STE-2026-00002',
    marker: 'r1-receipt-0',
  });
});

test.each([
  ['e01-se-receipt-draft, where a submitted one was asked for', 200, { data: { name: 'X', docstatus: 0 } }],
  ['200 without a document', 200, { message: 'queued' }],
  ['200 with a page, as from a captive proxy', 200, '<html>Welcome</html>'],
  ['204', 204, ''],
  ['a redirect', 302, ''],
  ['j03-db-down-post-se', 500, html500],
  ['k05-db-killed-in-flight-post', 500, html500],
  ['d30-wrong-http-method', 405, '<html><h1>Method Not Allowed</h1></html>'],
  ['502 of a proxy', 502, '<html>Bad Gateway</html>'],
  ['503 of a proxy', 503, 'no healthy upstream'],
  ['504 of a proxy', 504, 'upstream request timeout'],
  ['a JSON error that is not Frappe’s', 503, { error: 'unavailable' }],
  ['a JSON error with an odd exc_type', 500, { exc_type: 1213 }],
])('%s is unknown', (_, status, body) => {
  expect(classifyWrite(answered(status, body), 1, field)).toEqual({ outcome: 'unknown' });
});

test.each(['request timeout', 'EOF', 'read: connection reset by peer'])(
  'no answer (%s: k02, n01) is unknown',
  (error) => {
    expect(classifyWrite(answered(0, '', error), 1, field)).toEqual({ outcome: 'unknown' });
  },
);

test('an answer that was cut off is unknown, though its status was fine', () => {
  const data = { name: 'MAT-STE-2026-00002', docstatus: 1 };
  expect(classifyWrite(answered(200, { data }, 'unexpected EOF'), 1, field)).toEqual({ outcome: 'unknown' });
});
