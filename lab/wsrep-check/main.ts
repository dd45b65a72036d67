// Tells a database proxy over HTTP whether this Galera node may take connections: 200 only when it is Synced, in the primary
// component, ready and writable. A sidecar, since a proxy that only opens a TCP connection would send users to a node that refuses them.
import { createServer } from 'node:http';
import mysql from 'mysql2/promise';

const within = 800; // below the proxy's check interval, so that one slow answer does not pile up
let connection: mysql.Connection | undefined;

async function look(): Promise<{ ok: boolean; seen: string }> {
  connection ??= await mysql.createConnection({
    host: '127.0.0.1',
    user: process.env.MONITOR_USER ?? 'monitor',
    password: process.env.MONITOR_PASSWORD ?? '',
    connectTimeout: within,
  });
  const [rows] = await connection.query<mysql.RowDataPacket[]>({
    sql: "show global status where variable_name in ('wsrep_local_state', 'wsrep_cluster_status', 'wsrep_ready')",
    timeout: within,
  });
  const [variables] = await connection.query<mysql.RowDataPacket[]>({
    sql: "show global variables like 'read_only'",
    timeout: within,
  });
  const value = Object.fromEntries([...rows, ...variables].map((row) => [row.Variable_name, row.Value]));
  const ok =
    value.wsrep_local_state === '4' &&
    value.wsrep_cluster_status === 'Primary' &&
    value.wsrep_ready === 'ON' &&
    value.read_only === 'OFF';
  return { ok, seen: JSON.stringify(value) };
}

createServer(async (_request, response) => {
  try {
    const { ok, seen } = await look();
    response.writeHead(ok ? 200 : 503).end(seen);
  } catch (error) {
    connection?.destroy();
    connection = undefined;
    response.writeHead(503).end(error instanceof Error ? error.message : String(error));
  }
}).listen(Number(process.env.PORT ?? 9200));
process.on('SIGTERM', () => process.exit(0));
