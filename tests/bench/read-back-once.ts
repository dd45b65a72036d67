// The process that `npm run bench -- readback` measures: the suite's own reading of the ledger, from three connections to a file, and no more.

import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { sqlOnNodes } from '../../lib/clients/sql.ts';
import { readLedger } from '../../lib/probes/ledger-readback.ts';

const [port, runId, markers, file] = process.argv.slice(2) as [string, string, string, string];
const nodes = ['galera-0', 'galera-1', 'galera-2'];
const sql = sqlOnNodes({
  nodes: async () => nodes,
  credentials: async () => ({ username: 'erp', password: 'erp' }),
  database: 'erp',
  queryMs: 120_000,
  async openStream() {
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  },
});
const reach = {
  runId,
  now: Date.now,
  sleep: () => Promise.reject(new Error('something is missing, so it would be read twice')),
  target: { site: { warehouse: 'Stores - WP', markerField: 'custom_client_marker' } },
  sql,
} as unknown as Parameters<typeof readLedger>[0];

function* acknowledged(): Generator<string> {
  for (let number = 1; number <= Number(markers); number++) yield `${runId}-issue-${number}`;
}

const handle = await open(file, 'w');
await readLedger(reach, {
  acknowledged: acknowledged(),
  async keep(lines) {
    await handle.writeFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  },
});
await handle.close();
await sql.close();
