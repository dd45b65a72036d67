// The app's way to the database is encrypted and knows whom it speaks to, and a renewed certificate is shown without a restart.
import { readFile } from 'node:fs/promises';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect, it } from 'vitest';
import { kubectl } from '../../lab/kubectl.ts';
import { until } from '../../lab/step.ts';

const {
  DB_HOST: host,
  DB_NAME: database,
  DB_USER: user,
  DB_PASSWORD: password,
  DB_TLS_CA_FILE: caFile = '',
} = process.env;
const plain = { host, database, user, password, connectTimeout: 5_000 } as ConnectionOptions;

async function encrypted() {
  return createConnection({ ...plain, ssl: { ca: await readFile(caFile) } });
}

async function serialShown(): Promise<string> {
  const connection = await encrypted();
  const { stream } = (connection as unknown as { connection: { stream: TLSSocket } }).connection;
  const { serialNumber } = stream.getPeerCertificate();
  await connection.end();
  return serialNumber;
}

const startsOf = () =>
  kubectl([
    'get',
    'pods',
    '--namespace',
    'erp',
    '--selector',
    'app.kubernetes.io/name=galera',
    '--output',
    'jsonpath={range .items[*]}{.metadata.uid}{range .status.containerStatuses[*]}{.restartCount}{end} {end}',
  ]);

it('the app’s user is let in by TLS alone', async () => {
  await expect(createConnection(plain)).rejects.toThrow('Access denied');
  const connection = await encrypted();
  const [rows] = await connection.query<RowDataPacket[]>("show session status like 'Ssl_version'");
  await connection.end();
  expect(rows[0]?.Value).toMatch(/^TLSv1\.[23]$/);
});

it('a database that our CA does not vouch for is not spoken to', async () => {
  await expect(createConnection({ ...plain, ssl: { ca: [...rootCertificates] } })).rejects.toThrow(/certificate/);
});

it('a renewed certificate is shown without a restart', async () => {
  const [before, starts] = [await serialShown(), await startsOf()];
  expect(starts.trim().split(' ')).toHaveLength(3);
  // cert-manager makes a new one of a Secret that is gone.
  await kubectl(['delete', 'secret', 'database-tls', '--namespace', 'erp']);
  await until('another certificate is shown', 180_000, async () => {
    const now = await serialShown();
    return now !== before || `still ${now}`;
  });
  expect(await startsOf()).toBe(starts);
});
