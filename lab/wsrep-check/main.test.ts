// The program itself, beside a MariaDB that is made up and slow to greet.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import mysql from 'mysql2';
import { expect, onTestFinished, test } from 'vitest';
import { waitUntil } from '../../lib/wait.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Says that the node is whole; greets after `greetMs`. */
function database(port: number, greetMs: number) {
  const open = new Set<unknown>();
  const columns = ['Variable_name', 'Value'].map((name) => ({
    catalog: 'def',
    schema: '',
    table: '',
    orgTable: '',
    name,
    orgName: name,
    characterSet: 33,
    columnLength: 384,
    columnType: 253,
    flags: 0,
    decimals: 0,
  }));
  const status = [
    ['wsrep_local_state', '4'],
    ['wsrep_cluster_status', 'Primary'],
    ['wsrep_ready', 'ON'],
  ];
  // biome-ignore lint/suspicious/noExplicitAny: the server side of mysql2 has no types
  const server = (mysql as any).createServer((connection: any) => {
    open.add(connection);
    connection.on('error', () => undefined);
    connection.stream.on('close', () => open.delete(connection));
    setTimeout(
      () =>
        connection.serverHandshake({
          protocolVersion: 10,
          serverVersion: '10.11-fake',
          connectionId: open.size,
          statusFlags: 2,
          characterSet: 8,
          capabilityFlags: 0xffffff ^ 0x800 ^ 0x20,
        }),
      greetMs,
    );
    connection.on('query', (sql: string) => {
      connection.sequenceId = 1; // each command begins anew
      connection.writeTextResult(
        (sql.includes('read_only') ? [['read_only', 'OFF']] : status).map(([name, value]) => ({
          Variable_name: name,
          Value: value,
        })),
        columns,
      );
    });
  });
  server.listen(port);
  onTestFinished(() => void server.close());
  return open;
}

test('however many ask at once, it keeps one connection, for the user that it comes as may have few', async () => {
  const [mysqlPort, port] = [await freePort(), await freePort()];
  const open = database(mysqlPort, 300);
  const program = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...process.env, PORT: String(port), MYSQL_PORT: String(mysqlPort), POD_NAME: 'galera-0' },
    stdio: 'inherit',
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  const ask = () => fetch(`http://127.0.0.1:${port}/writer`);
  await waitUntil({ what: 'it answers', withinMs: 10_000, read: ask, until: () => true });
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 8 }, ask));
  expect((await ask()).status).toBe(200);
  expect(open.size).toBe(1);
});
