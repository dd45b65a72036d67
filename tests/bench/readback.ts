// How long it takes to read a million acknowledged writes back from three members, beside a MariaDB client that reads the same columns and
// throws them away. One server of this machine stands for all three, asked over three connections at once, as the suite does.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { documentsQuery } from '../../lib/probes/ledger-readback.ts';
import { openSite, siteMissing } from '../integration/workshop/site.ts';
import { repo, run } from '../lab/shakedown.ts';
import type { Usage } from './usage.ts';

interface Row {
  readonly figure: string;
  readonly wanted: string;
  readonly measured: string;
}

const million = 1_000_000;
const many = 'rmany';
const few = 'rfew';
const thousand = 1_000;
const members = 3;
const rounds = 3;

export async function readbackRows(scratch: string, writes = million): Promise<readonly Row[]> {
  const missing = siteMissing('own');
  if (missing) throw new Error(`bench: ${missing}. Next: apt-get install mariadb-server redis-server`);
  const site = await openSite('own');
  try {
    const port = String(site.environment?.DB_PORT);
    await fill(Number(port), many, writes);
    await fill(Number(port), few, thousand);
    const own: (Usage & { readonly seconds: number })[] = [];
    const client: number[] = [];
    // The first of each warms the server's own cache, and counts for neither.
    for (let round = 0; round <= rounds; round++) {
      client.push(await clientSeconds(port));
      own.push(await ownSeconds(scratch, port, many, writes));
    }
    const [clientMedian, ownMedian] = [median(client.slice(1)), median(own.slice(1).map(({ seconds }) => seconds))];
    const small = await ownSeconds(scratch, port, few, thousand);
    const memory = Math.max(...own.map(({ memoryMiBMax }) => memoryMiBMax));
    return [
      {
        figure: `read back, ${writes / 1e6} million writes × ${members} members, to a file (median of ${rounds})`,
        wanted: '≤ 1.5 × client',
        measured: `${ownMedian.toFixed(1)} s, ${(ownMedian / clientMedian).toFixed(2)} × client`,
      },
      {
        figure: 'its processor time · memory, at most',
        wanted: 'flat',
        measured: `${median(own.slice(1).map(({ processorSeconds }) => processorSeconds)).toFixed(1)} s · ${Math.round(memory)} MiB (${Math.round(small.memoryMiBMax)} MiB for ${thousand} writes)`,
      },
      {
        figure: 'MariaDB client, the same columns, thrown away (median)',
        wanted: '',
        measured: `${clientMedian.toFixed(1)} s`,
      },
    ];
  } finally {
    await site[Symbol.asyncDispose]();
  }
}

/** Keys that reading back has no use for, and that would make filling take ten times as long. */
const unread: Readonly<Record<string, readonly string[]>> = {
  'tabStock Entry': [
    'stock_entry_type',
    'purpose',
    'work_order',
    'delivery_note_no',
    'pick_list',
    'purchase_receipt_no',
    'posting_date',
    'job_card',
    'modified',
  ],
  'tabStock Ledger Entry': [
    'posting_datetime',
    'voucher_type',
    'voucher_detail_no',
    'serial_and_batch_bundle',
    'to_rename',
    'modified',
    'batch_no_item_code_warehouse_index',
    'item_code_warehouse_posting_datetime_creation_index',
  ],
};

/** Two lines for each document, made by the server itself. */
async function fill(port: number, runId: string, writes: number): Promise<void> {
  const database = await createConnection({ host: '127.0.0.1', port, user: 'erp', password: 'erp', database: 'erp' });
  try {
    for (const [name, keys] of Object.entries(unread))
      for (const key of keys) await database.query(`ALTER TABLE \`${name}\` DROP KEY IF EXISTS ${key}`);
    await database.query(
      `INSERT INTO \`tabStock Entry\` (name, docstatus, custom_client_marker)
       SELECT CONCAT('MAT-${runId}-', LPAD(seq, 7, '0')), 1, CONCAT('${runId}-issue-', seq) FROM seq_1_to_${writes}`,
    );
    for (const line of [1, 2])
      await database.query(
        `INSERT INTO \`tabStock Ledger Entry\` (name, voucher_type, voucher_no, item_code, warehouse, actual_qty)
         SELECT CONCAT('${runId}-', LPAD(seq, 7, '0'), '-${line}'), 'Stock Entry', CONCAT('MAT-${runId}-', LPAD(seq, 7, '0')),
                CONCAT('ITEM-', LPAD(MOD(seq * 7 + ${line} * 31, 300), 4, '0')), 'Stores - WP', -${line} FROM seq_1_to_${writes}`,
      );
    await database.query('ANALYZE TABLE `tabStock Entry`, `tabStock Ledger Entry`');
  } finally {
    await database.end();
  }
}

async function clientSeconds(port: string): Promise<number> {
  const query = documentsQuery('custom_client_marker').replace('?', `'${many}-%'`);
  const began = performance.now();
  const ended = Array.from({ length: members }, async () => {
    const login = ['--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=erp', '--database=erp'];
    const child = spawn('mariadb', [...login, '--quick', '--batch', '--execute', query], {
      env: { ...process.env, MYSQL_PWD: 'erp' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`bench: the MariaDB client ended with ${code}`);
  });
  await Promise.all(ended);
  return (performance.now() - began) / 1000;
}

async function ownSeconds(
  scratch: string,
  port: string,
  runId: string,
  writes: number,
): Promise<Usage & { readonly seconds: number }> {
  const usage = join(scratch, 'readback-usage');
  const file = join(scratch, 'readback.ndjson');
  await rm(usage, { recursive: true, force: true });
  await mkdir(usage);
  const began = performance.now();
  const { code, stderr } = await run(
    join(repo, 'node_modules/.bin/node'),
    [
      '--import',
      join(repo, 'tests/bench/usage.ts'),
      join(repo, 'tests/bench/read-back-once.ts'),
      port,
      runId,
      String(writes),
      file,
    ],
    repo,
    { SHAKEDOWN_BENCH_USAGE: usage },
  );
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`bench: reading back ended with ${code}: ${stderr.slice(-1_000)}`);
  const { stdout } = await promisify(execFile)('grep', ['--count', '"kind":"document"', file]);
  if (Number(stdout) !== writes * members) throw new Error(`bench: ${stdout.trim()} documents were read`);
  await rm(file);
  const [name = ''] = await readdir(usage);
  return { seconds, ...(JSON.parse(await readFile(join(usage, name), 'utf8')) as Usage) };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
