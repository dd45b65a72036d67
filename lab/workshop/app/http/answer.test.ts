import { describe, expect, it } from 'vitest';
import { nobody } from '../auth.ts';
import { conflictOf, connectFailure, databaseRefusal, duplicateKey, spoilsConnection } from '../database/failures.ts';
import { badCsrfToken, notInWorkshop, parseJson, Refusal, validationError } from '../refusals.ts';
import { bareServerError, cookiesFor, refusalAnswer } from './answer.ts';

const body = (refusal: Refusal, visitor = nobody) => JSON.parse(String(refusalAnswer(refusal, 1, visitor).body));

function caught(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
  }
  return expect.fail('no refusal was thrown');
}

describe('a refusal on the wire', () => {
  it('has exception, exc_type, traceback and message box', () => {
    const answered = body(validationError('No'));
    expect(answered).toMatchObject({ exception: 'frappe.exceptions.ValidationError: No', exc_type: 'ValidationError' });
    expect(JSON.parse(JSON.parse(answered._server_messages)[0])).toMatchObject({ message: 'No', raise_exception: 1 });
    expect(JSON.parse(answered.exc)[0]).toContain('Traceback');
  });

  it('has neither exception nor traceback where Frappe leaves them out', () => {
    expect(Object.keys(body(badCsrfToken()))).toEqual(['exc_type', '_server_messages']);
  });

  it('is a list of errors in version 2', () => {
    const answered = JSON.parse(String(refusalAnswer(validationError('No'), 2, nobody).body));
    expect(Object.keys(answered.errors[0])).toEqual(['type', 'exception', 'message', 'title', 'indicator']);
  });

  it('tells an expired session, and takes its cookies back', () => {
    const expired = { ...nobody, expired: true };
    expect(body(validationError('No'), expired).session_expired).toBe(1);
    expect(cookiesFor(expired)).toHaveLength(10);
    expect(cookiesFor(nobody)).toHaveLength(5);
  });

  it('says where JSON goes wrong', () => {
    expect(caught(() => parseJson('{"description": ', true)).fields.text).toBe(
      'Expecting value: line 1 column 17 (char 16)',
    );
    expect(caught(() => parseJson('[oops')).fields.text).toBe('Expecting value: line 1 column 2 (char 1)');
  });

  it('owns up to what the stand-in can not do', () => {
    expect(notInWorkshop('Cancelling').fields).toMatchObject({ status: 501, excType: 'NotInWorkshop' });
  });
});

describe('a database failure', () => {
  const error = (fields: object) => Object.assign(new Error('x'), fields);

  it('is told as PyMySQL tells it', () => {
    const refused = connectFailure(error({ code: 'ECONNREFUSED' }), 'db');
    expect(databaseRefusal(refused)?.message).toBe(
      "OperationalError: (2003, \"Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)\")",
    );
    expect(databaseRefusal(connectFailure(error({ errno: 1040 }), 'db'))?.fields.text).toBe(
      "(1040, 'Too many connections')",
    );
    expect(databaseRefusal(error({ errno: 1213, sqlMessage: 'Deadlock found' }))?.fields).toMatchObject({
      status: 500,
      excType: 'QueryDeadlockError',
    });
    expect(databaseRefusal(new Error('a bug of our own'))).toBeUndefined();
  });

  it('spoils the connection when it was lost, or its server is no writer any more', () => {
    for (const fields of [
      { errno: 1047 },
      { errno: 1290 },
      { code: 'ECONNRESET' },
      { code: 'PROTOCOL_CONNECTION_LOST' },
      { fatal: true },
    ])
      expect(spoilsConnection(error(fields)), JSON.stringify(fields)).toBe(true);
    for (const fields of [{ errno: 1213 }, { errno: 1062 }, { errno: 1205 }])
      expect(spoilsConnection(error(fields)), JSON.stringify(fields)).toBe(false);
  });

  it('may be tried again only when nothing can have been kept', () => {
    expect(conflictOf(error({ errno: 1213 }))).toBe('deadlock');
    expect(conflictOf(error({ errno: 1020 }))).toBe('deadlock');
    expect(conflictOf(error({ errno: 1205 }))).toBe('lock-wait');
    for (const fields of [{ errno: 1047 }, { errno: 2013 }, { code: 'ECONNRESET' }])
      expect(conflictOf(error(fields))).toBeUndefined();
  });

  it('names the key that was taken, with or without its table', () => {
    const taken = (key: string) => error({ errno: 1062, sqlMessage: `Duplicate entry 'a' for key '${key}'` });
    expect(duplicateKey(taken('PRIMARY'))?.key).toBe('PRIMARY');
    expect(duplicateKey(taken('tabStock Entry.custom_client_marker'))?.key).toBe('custom_client_marker');
  });

  it('may end as gunicorn’s bare page, 141 bytes as recorded', () => {
    expect(bareServerError()).toMatchObject({ status: 500, type: 'text/html', cookies: [] });
    expect(Buffer.byteLength(bareServerError().body)).toBe(141);
  });
});
