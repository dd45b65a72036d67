// SQL on each Galera node by itself. Never through the database proxy: it would hide the very node that differs.
import type { Duplex } from 'node:stream';
import type { Connection as CallbackConnection } from 'mysql2';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { messageOf, Problem } from '../errors.ts';
import type { SnapshotQuery, Sql, SqlRow } from '../model/reach.ts';

export interface SqlOptions {
  /** Names of the Galera nodes. */
  readonly nodes: () => Promise<readonly string[]>;
  readonly openStream: (node: string, withinMs: number) => Promise<Duplex>;
  readonly credentials: () => Promise<Credentials>;
  /** Of a user that may change settings; undefined where the target names none. */
  readonly faultCredentials?: () => Promise<Credentials | undefined>;
  readonly database: string;
  readonly connectMs?: number;
  readonly queryMs?: number;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** One connection a node, opened when it is first asked; one that broke is opened anew. Only for reading: a query may be sent twice. */
export function sqlOnNodes(options: SqlOptions): Sql & { close(): Promise<void> } {
  // A set read over a long run's ledger takes seconds on a busy machine, hence the half minute.
  const { connectMs = 8_000, queryMs = 30_000 } = options;
  const open = new Map<string, Promise<Connection>>();
  let closed = false;

  /** `database` is empty for a user that may use none: MariaDB refuses the whole login otherwise. */
  async function connect(
    node: string,
    who = options.credentials,
    database: string = options.database,
  ): Promise<Connection> {
    const { username, password } = await who();
    const stream = await options.openStream(node, connectMs);
    try {
      const connection = await mysql.createConnection({
        user: username,
        password,
        ...(database === '' ? {} : { database }),
        stream: () => stream,
        connectTimeout: connectMs,
        dateStrings: true,
        supportBigNumbers: true,
        multipleStatements: false,
      });
      connection.on('error', () => open.delete(node)); // the query under way is told by its own rejection
      return connection;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  function connectionTo(node: string): { fresh: boolean; connection: Promise<Connection> } {
    const known = open.get(node);
    if (known) return { fresh: false, connection: known };
    const connection = connect(node);
    open.set(node, connection);
    connection.catch(() => forget(node, connection));
    return { fresh: true, connection };
  }

  function forget(node: string, connection: Promise<Connection>): void {
    if (open.get(node) === connection) open.delete(node);
    connection.then(
      (one) => one.destroy(),
      () => undefined, // never was open
    );
  }

  /** No time-out for the whole, which takes as long as there are rows; but between two of them, and before the first. */
  async function streamed(
    connection: Connection,
    sql: string,
    values: readonly (string | number)[],
    each: NonNullable<SnapshotQuery['each']>,
  ): Promise<void> {
    // The promise wrapper has no streams.
    const rows = (connection as unknown as { connection: CallbackConnection }).connection
      .query(sql, [...values])
      .stream({ highWaterMark: 1_000 });
    const silent = setTimeout(() => rows.destroy(new Error(`no row within ${queryMs} ms`)), queryMs);
    try {
      for await (const row of rows) {
        silent.refresh();
        const done = each(plainRow(row as RowDataPacket));
        if (done) await done;
      }
    } finally {
      clearTimeout(silent);
    }
  }

  return {
    nodes: options.nodes,
    async query(node, sql, values = []) {
      for (let attempt = 1; ; attempt++) {
        if (closed) throw new Error(`SQL on ${node}: closed`);
        const { fresh, connection } = connectionTo(node);
        try {
          const [rows] = await (await connection).query<RowDataPacket[]>({ sql, timeout: queryMs }, [...values]);
          return rows.map(plainRow);
        } catch (error) {
          const { errno, sqlState } = error as { errno?: number; sqlState?: string };
          // An answer of the server (08… is about the connection): the connection is as good as before.
          if (typeof errno === 'number' && sqlState && !sqlState.startsWith('08')) throw sqlProblem(node, error);
          forget(node, connection);
          // A kept connection to a node that was restarted since says nothing about the node as it is now.
          if (fresh || attempt > 1) throw sqlProblem(node, error);
        }
      }
    },
    /** A connection of its own: the others' queries must not come between. */
    async snapshot(node, queries) {
      const connection = await connect(node).catch((error: unknown) => {
        throw sqlProblem(node, error);
      });
      try {
        await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
        const answers: (readonly SqlRow[])[] = [];
        for (const { sql, values = [], each } of queries) {
          if (each) {
            await streamed(connection, sql, values, each);
            answers.push([]);
            continue;
          }
          const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: queryMs }, [...values]);
          answers.push(rows.map(plainRow));
        }
        return answers;
      } catch (error) {
        throw sqlProblem(node, error);
      } finally {
        connection.destroy();
      }
    },
    async change(node, sql) {
      const credentials = await options.faultCredentials?.();
      if (!credentials)
        throw new Problem({
          kind: 'target-unusable',
          where: `SQL on ${node}`,
          what: 'no user that may change settings',
          seen: 'the target file has no mariadb.faultCredentials',
          next: 'name a Secret there whose user has READ_ONLY ADMIN',
        });
      const connection = await connect(node, async () => credentials, '').catch((error: unknown) => {
        throw sqlProblem(node, error);
      });
      try {
        const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: connectMs });
        return Array.isArray(rows) ? rows.map(plainRow) : [];
      } catch (error) {
        throw sqlProblem(node, error);
      } finally {
        connection.destroy();
      }
    },
    async close() {
      closed = true;
      for (const [node, connection] of [...open]) forget(node, connection);
    },
  };
}

const sqlProblem = (node: string, error: unknown) =>
  error instanceof Problem
    ? error
    : new Problem({
        kind: 'target-unusable',
        where: `SQL on ${node}`,
        what: 'no result',
        seen: `${(error as { code?: string }).code ?? ''} ${messageOf(error)}`.trim(),
        next: `look at the log of ${node}, and at the rights of the target's mariadb.credentials`,
        cause: error,
      });

function plainRow(row: RowDataPacket): SqlRow {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      value === null || typeof value === 'number' || typeof value === 'string' ? value : plainValue(value),
    ]),
  );
}

const plainValue = (value: unknown) => (Buffer.isBuffer(value) ? value.toString('utf8') : String(value));
