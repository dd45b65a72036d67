// Stands beside each Galera node and answers a database proxy over HTTP.
//   /        200 when this node may take part: Synced (or lending itself as a donor), in the primary component, ready, writable
//   /writer  200 when this node is the one that all connections go to
//   /state   what it saw, for its peers: they compare, and one that is started again looks whether it is still listed
// The writer is the node that has been whole for the longest time. All nodes compare the same three numbers, so every proxy sees the
// same writer; a node that comes back is the youngest, so it never takes the connections over from the one that served meanwhile.
import { createServer } from 'node:http';
import mysql from 'mysql2/promise';

interface State {
  readonly name: string;
  readonly whole: boolean;
  /** Epoch ms since when it has been whole without a break; the name decides between equals. */
  readonly since: number;
  readonly seen: string;
}

const withinMs = 800;
const everyMs = 400;
const port = Number(process.env.PORT ?? 9200);
const name = process.env.POD_NAME ?? 'galera';
const peers = (process.env.GALERA_PEERS ?? '').split(',').filter((peer) => peer && peer.split('.')[0] !== name);

/** One for all looks, also while it is being opened: a look of each proxy may come at the same moment, and the user may have few. */
let opened: Promise<mysql.Connection> | undefined;
let state: State = { name, whole: false, since: 0, seen: 'not looked yet' };
let others: readonly State[] = [];

async function look(): Promise<{ whole: boolean; seen: string }> {
  opened ??= mysql.createConnection({
    host: '127.0.0.1',
    port: Number(process.env.MYSQL_PORT ?? 3306),
    user: process.env.MONITOR_USER ?? 'monitor',
    password: process.env.MONITOR_PASSWORD ?? '',
    connectTimeout: withinMs,
  });
  const own = opened;
  try {
    const connection = await own;
    const [status] = await connection.query<mysql.RowDataPacket[]>({
      sql: "show global status where variable_name in ('wsrep_local_state', 'wsrep_cluster_status', 'wsrep_ready', 'wsrep_incoming_addresses')",
      timeout: withinMs,
    });
    const [variables] = await connection.query<mysql.RowDataPacket[]>({
      sql: "show global variables like 'read_only'",
      timeout: withinMs,
    });
    const value = Object.fromEntries([...status, ...variables].map((row) => [row.Variable_name, row.Value]));
    const synced = value.wsrep_local_state === '4' || value.wsrep_local_state === '2';
    return {
      whole:
        synced && value.wsrep_cluster_status === 'Primary' && value.wsrep_ready === 'ON' && value.read_only === 'OFF',
      seen: JSON.stringify(value),
    };
  } catch (error) {
    if (opened === own) opened = undefined;
    own.then(
      (connection) => connection.destroy(),
      () => undefined, // never was open; said below
    );
    return { whole: false, seen: error instanceof Error ? error.message : String(error) };
  }
}

async function update(): Promise<void> {
  const { whole, seen } = await look();
  state = { name, whole, since: whole ? (state.whole ? state.since : Date.now()) : 0, seen };
}

async function askPeers(): Promise<void> {
  const asked = peers.map(async (peer) => {
    const answer = await fetch(`http://${peer}:${port}/state`, { signal: AbortSignal.timeout(everyMs) });
    return (await answer.json()) as State;
  });
  // A peer that does not answer can't be the writer.
  others = (await Promise.allSettled(asked)).flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

const older = (a: State, b: State): boolean => a.since < b.since || (a.since === b.since && a.name < b.name);
const isWriter = (): boolean => state.whole && !others.some((other) => other.whole && older(other, state));

createServer(async (request, response) => {
  if (request.url === '/state')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(state));
  // Asked afresh, so that a node that was just killed is not called whole for another moment.
  await update();
  const good = request.url === '/writer' ? isWriter() : state.whole;
  response.writeHead(good ? 200 : 503).end(`${JSON.stringify({ ...state, writer: isWriter() })}\n`);
}).listen(port);

setInterval(() => void Promise.all([update(), askPeers()]), everyMs);
process.on('SIGTERM', () => process.exit(0));
