// Reads and whole transactions. A transaction that lost a deadlock runs again from its start, a bounded number of times;
// one whose COMMIT went unanswered never does, because it may have happened.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { CommitUnknown, conflictOf, spoilsConnection } from './failures.ts';
import { type Member, type Pool, statementMsMax } from './pool.ts';

export type SqlValue =
  | string
  | number
  | null
  | readonly (string | number | null)[]
  | readonly (readonly (string | number | null)[])[];
export type Row = Readonly<Record<string, string | number | null>>;

export interface Session {
  rows<T = Row>(sql: string, values?: readonly SqlValue[]): Promise<T[]>;
  change(sql: string, values?: readonly SqlValue[]): Promise<ResultSetHeader>;
}

export interface HeldTransaction {
  readonly session: Session;
  commit(): Promise<void>;
  drop(): void;
}

export interface Database {
  /** One statement outside a transaction. */
  rows<T = Row>(sql: string, values?: readonly SqlValue[]): Promise<T[]>;
  change(sql: string, values?: readonly SqlValue[]): Promise<ResultSetHeader>;
  /** Committed when it returns. The work may run more than once, so it must leave no trace outside the database. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** An open transaction on a connection of its own; only a built-in defect has use for it. */
  hold(): Promise<HeldTransaction>;
  /** The same, which also tells the server of each write before it is sent there, or held there. */
  telling(wroteOn: (server: string) => void): Database;
}

const deadlockTriesMax = 8;
// A lock wait has already lasted innodb_lock_wait_timeout (20 s in the lab): once more is all a request can bear.
const lockWaitTriesMax = 2;

export function createDatabase(
  pool: Pool,
  onRetry: () => void,
  wroteOn: (server: string) => void = () => {},
): Database {
  return {
    rows: (sql, values) => pool.use(({ connection }) => sessionOn(connection).rows(sql, values)),
    change: (sql, values) =>
      pool.use(({ connection, server }) => {
        wroteOn(server);
        return sessionOn(connection).change(sql, values);
      }),
    async transaction(work) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await pool.use((member) => runOnce(member, work, wroteOn));
        } catch (error) {
          const conflict = conflictOf(error);
          if (!conflict || tries >= (conflict === 'deadlock' ? deadlockTriesMax : lockWaitTriesMax)) throw error;
          onRetry();
          await sleep(Math.random() * 10 * 2 ** tries);
        }
      }
    },
    async hold() {
      const { connection, server } = await pool.connect();
      await connection.query('START TRANSACTION');
      wroteOn(server);
      return {
        session: sessionOn(connection),
        async commit() {
          await connection.query({ sql: 'COMMIT', timeout: statementMsMax });
          await connection.end();
        },
        drop: () => connection.destroy(),
      };
    },
    telling: (told) => createDatabase(pool, onRetry, told),
  };
}

async function runOnce<T>(
  member: Member,
  work: (session: Session) => Promise<T>,
  wroteOn: (server: string) => void,
): Promise<T> {
  const { connection } = member;
  await connection.query({ sql: 'START TRANSACTION', timeout: statementMsMax });
  let result: T;
  try {
    result = await work(sessionOn(connection));
  } catch (error) {
    await rollBack(member, error);
    throw error;
  }
  wroteOn(member.server);
  try {
    await connection.query({ sql: 'COMMIT', timeout: statementMsMax });
  } catch (error) {
    // A failed certification is a plain no. After anything else the answer is not known, and neither is the connection any good.
    if (conflictOf(error) === 'deadlock') {
      await rollBack(member, error);
      throw error;
    }
    member.spoiled = true;
    throw new CommitUnknown('workshop/database: COMMIT was not answered; what it wrote may be there', { cause: error });
  }
  return result;
}

/** A connection that can't even roll back is given up, which rolls back too; the first failure stays the one that is told. */
async function rollBack(member: Member, after: unknown): Promise<void> {
  if (spoilsConnection(after)) return;
  try {
    await member.connection.query({ sql: 'ROLLBACK', timeout: statementMsMax });
  } catch {
    member.spoiled = true;
  }
}

function sessionOn(connection: Connection): Session {
  return {
    async rows<T>(sql: string, values: readonly SqlValue[] = []) {
      const [rows] = await connection.query({ sql, values: values as unknown[], timeout: statementMsMax });
      return rows as T[];
    },
    async change(sql, values = []) {
      const [result] = await connection.query({ sql, values: values as unknown[], timeout: statementMsMax });
      return result as ResultSetHeader;
    },
  };
}
