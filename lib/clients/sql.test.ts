// Against mysql2's own server side over real sockets: handshake, results, errors and broken connections are those of the wire.
import { type AddressInfo, createConnection, type Server } from 'node:net';
import mysql from 'mysql2';
import { afterEach, expect, test } from 'vitest';
import { sqlOnNodes } from './sql.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface ServerSide {
  sequenceId: number;
  serverHandshake(options: object): void;
  writeColumns(columns: object[]): void;
  writeTextResult(rows: object[], columns: object[]): void;
  writeError(error: { message: string; code: number }): void;
  on(event: string, listener: (sql: string) => void): void;
  close(): void;
}

/** The types of mysql2 know nothing of its server side's inside. */
interface MysqlServer {
  readonly _server: Server;
  on(event: 'connection', listener: (connection: ServerSide) => void): void;
}

type Answer = (sql: string, connection: ServerSide, number: number) => void;

interface Login {
  readonly user: string;
  readonly database: string;
}

async function open(answer: Answer, options: { queryMs?: number; connectMs?: number; greet?: boolean } = {}) {
  let connections = 0;
  const logins: Login[] = [];
  const mysqlServer = (mysql.createServer as unknown as () => MysqlServer)();
  const sides: ServerSide[] = [];
  mysqlServer.on('connection', (connection) => {
    const number = ++connections;
    sides.push(connection);
    connection.on('error', () => undefined);
    // Every command numbers its packets from 0 again; the server side of mysql2 leaves that to its user.
    connection.on('query', (sql) => {
      connection.sequenceId = 1;
      answer(sql, connection, number);
      connection.sequenceId = 0;
    });
    if (options.greet === false) return;
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '10.11-fake',
      connectionId: number,
      statusFlags: 2,
      characterSet: 45,
      capabilityFlags: 0xffffff ^ 0x800,
      authCallback: ({ user, database }: Login, done: (error: null, rejected: undefined) => void) => {
        logins.push({ user, database });
        done(null, undefined);
        connection.sequenceId = 0;
      },
    });
  });
  const server = mysqlServer._server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sql = sqlOnNodes({
    nodes: async () => ['galera-0'],
    openStream: async () => createConnection(port, '127.0.0.1'),
    credentials: async () => ({ username: 'reader', password: 'x' }),
    faultCredentials: async () => ({ username: 'changer', password: 'y' }),
    database: 'erp',
    ...(options.queryMs === undefined ? {} : { queryMs: options.queryMs }),
    ...(options.connectMs === undefined ? {} : { connectMs: options.connectMs }),
  });
  closing.push(async () => {
    await sql.close();
    for (const side of sides) side.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { sql, logins, connections: () => connections };
}

const column = {
  catalog: 'def',
  schema: '',
  table: '',
  orgTable: '',
  name: 'n',
  orgName: 'n',
  characterSet: 45,
  columnLength: 20,
  columnType: 253,
  flags: 0,
  decimals: 0,
};
const rows = (connection: ServerSide, ...values: string[]) =>
  connection.writeTextResult(
    values.map((n) => ({ n })),
    [column],
  );

test('opens one connection when it is first asked, and keeps it', async () => {
  const asked: string[] = [];
  const { sql, connections } = await open((text, connection) => {
    asked.push(text);
    rows(connection, 'a', 'b');
  });
  expect(connections()).toBe(0);
  expect(await sql.query('galera-0', 'select ? as n', ["it's"])).toEqual([{ n: 'a' }, { n: 'b' }]);
  await Promise.all([sql.query('galera-0', 'select 1'), sql.query('galera-0', 'select 2')]);
  expect(asked[0]).toBe("select 'it\\'s' as n");
  expect(connections()).toBe(1);
});

test('an error of the server leaves the connection as it is', async () => {
  const { sql, connections } = await open((text, connection) =>
    text === 'bad' ? connection.writeError({ message: 'You have an error', code: 1064 }) : rows(connection, 'a'),
  );
  await expect(sql.query('galera-0', 'bad')).rejects.toThrow('SQL on galera-0: no result');
  await sql.query('galera-0', 'good');
  expect(connections()).toBe(1);
});

test('a connection that broke since is opened anew, once', async () => {
  const { sql, connections } = await open((_text, connection, number) => {
    if (number === 1) rows(connection, 'a');
    setTimeout(() => connection.close(), 5);
    if (number === 2) rows(connection, 'b');
  });
  await sql.query('galera-0', 'one');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await sql.query('galera-0', 'two')).toEqual([{ n: 'b' }]);
  expect(connections()).toBe(2);
});

test('a node that cuts every query off is an error, not a loop', async () => {
  const { sql, connections } = await open((_text, connection) => connection.close());
  await expect(sql.query('galera-0', 'one')).rejects.toThrow('SQL on galera-0');
  expect(connections()).toBe(1);
});

test('a node that does not answer is an error after the time given, and the next query asks anew', async () => {
  const { sql, connections } = await open((text, connection) => text === 'good' && rows(connection, 'a'), {
    queryMs: 150,
  });
  await expect(sql.query('galera-0', 'frozen')).rejects.toThrow('PROTOCOL_SEQUENCE_TIMEOUT');
  expect(await sql.query('galera-0', 'good')).toEqual([{ n: 'a' }]);
  expect(connections()).toBe(2);
});

test('a frozen node that does not even greet is an error after the time given', async () => {
  const { sql } = await open(() => undefined, { connectMs: 150, greet: false });
  await expect(sql.query('galera-0', 'one')).rejects.toThrow('ETIMEDOUT');
});

test('nothing can be asked after it was closed', async () => {
  const { sql } = await open((_text, connection) => rows(connection, 'a'));
  await sql.close();
  await expect(sql.query('galera-0', 'one')).rejects.toThrow('closed');
});

test('a change goes once, over a connection of its own, as the user for faults and without a database', async () => {
  const asked: string[] = [];
  const { sql, logins } = await open((text, connection) => {
    asked.push(text);
    rows(connection, 'a');
  });
  await sql.query('galera-0', 'select 1');
  expect(await sql.change('galera-0', 'select 2')).toEqual([{ n: 'a' }]);
  expect(asked).toEqual(['select 1', 'select 2']);
  expect(logins).toEqual([
    { user: 'reader', database: 'erp' },
    { user: 'changer', database: '' },
  ]);
});
