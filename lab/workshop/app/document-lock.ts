// A document whose submit waits in a queue is locked: nobody else may change it meanwhile. Frappe keeps a file for that, on the volume that
// all pods share; here it is a row.
import type { Session } from './database/database.ts';
import { validationError } from './refusals.ts';

type Statements = Pick<Session, 'change'>;

/** A job that is lost unlocks nothing. */
const hoursMax = 3;
const says = 'This document is currently locked and queued for execution. Please try again after some time.';

export async function checkNotLocked(session: Pick<Session, 'rows'>, doctype: string, name: string): Promise<void> {
  const [locked] = await session.rows(
    `SELECT 1 FROM __document_lock WHERE doctype = ? AND name = ? AND locked_at > NOW(6) - INTERVAL ${hoursMax} HOUR`,
    [doctype, name],
  );
  if (locked) throw validationError(says, { excType: 'DocumentLockedError', title: 'Document Queued' });
}

export async function lockDocument(session: Statements, doctype: string, name: string): Promise<void> {
  await session.change(
    'INSERT INTO __document_lock (doctype, name, locked_at) VALUES (?, ?, NOW(6)) ON DUPLICATE KEY UPDATE locked_at = VALUES(locked_at)',
    [doctype, name],
  );
}

export async function unlockDocument(session: Statements, doctype: string, name: string): Promise<void> {
  await session.change('DELETE FROM __document_lock WHERE doctype = ? AND name = ?', [doctype, name]);
}
