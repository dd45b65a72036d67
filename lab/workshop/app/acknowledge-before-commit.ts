// Built-in defect: the answer goes out while the transaction is still open, and the commit follows later. When the database dies in
// between, acknowledged writes are lost and nobody is told. The transaction holds only its own new rows meanwhile, and takes the bins'
// locks at the very end, so that the load on hot items goes on as if nothing were wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, HeldTransaction, Session } from './database/database.ts';
import { log } from './log.ts';

const heldMs = 1_500;
const heldMax = 48;

const held = new Set<Promise<void>>();

/** Runs `write` in a transaction and returns; `finish` and COMMIT come later, and their failure is swallowed: that is the defect. */
export async function acknowledgeBeforeCommit<T>(
  database: Database,
  write: (session: Session) => Promise<T>,
  finish: (session: Session, written: T) => Promise<void>,
  committed: (written: T) => Promise<void>,
): Promise<T> {
  // Each holds a connection of its own; the server has only so many.
  while (held.size >= heldMax) await Promise.race(held);
  const transaction = await database.hold();
  let written: T;
  try {
    written = await write(transaction.session);
  } catch (error) {
    transaction.drop();
    throw error;
  }
  const later = commitLater(
    transaction,
    (session) => finish(session, written),
    () => committed(written),
  ).finally(() => held.delete(later));
  held.add(later);
  return written;
}

/** An orderly shutdown still commits what is held: only a crash loses. */
export async function allCommitted(): Promise<void> {
  await Promise.all(held);
}

async function commitLater(
  transaction: HeldTransaction,
  finish: (session: Session) => Promise<void>,
  committed: () => Promise<void>,
): Promise<void> {
  try {
    await sleep(heldMs);
    await finish(transaction.session);
    await transaction.commit();
    await committed();
  } catch (error) {
    transaction.drop();
    log('warning', 'defect ack-before-commit: an acknowledged write is lost', {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
