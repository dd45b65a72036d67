// The app's way to a real MariaDB that shows a certificate: it speaks to the one that its CA vouches for by name, and to no other; a user who
// must come by TLS is not let in without; a renewed certificate is shown by a server that goes on, to new connections.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseConfig } from '../../../lab/workshop/app/config.ts';
import { createPool, type Pool } from '../../../lab/workshop/app/database/pool.ts';
import { answering, freePort, stopped } from './site.ts';

const mariadbd = '/usr/sbin/mariadbd';
const missing = existsSync(mariadbd) ? undefined : `no ${mariadbd}`;
if (missing) console.warn(`TLS to the database is not tested: ${missing}`);
const run = promisify(execFile);

describe.skipIf(missing !== undefined)('a database behind TLS', () => {
  let folder: string;
  let port: number;
  let server: ChildProcess | undefined;
  const pools: Pool[] = [];

  const openssl = (...given: readonly string[]) => run('openssl', [...given], { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  async function makeAuthority(name: string): Promise<void> {
    await openssl('req', '-x509', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  }
  /** Both files are replaced, as the kubelet does with those of a renewed Secret. */
  async function showCertificateFor(dnsName: string): Promise<void> {
    await openssl('req', ...newKey, '-subj', '/CN=database', '-keyout', 'new.key', '-out', 'new.csr');
    await writeFile(join(folder, 'new.ext'), `subjectAltName=DNS:${dnsName}\n`);
    const signer = ['-CA', 'ours.crt', '-CAkey', 'ours.key', '-CAcreateserial'];
    await openssl('x509', '-req', '-in', 'new.csr', ...signer, '-extfile', 'new.ext', '-out', 'new.crt');
    for (const kind of ['key', 'crt']) await rename(join(folder, `new.${kind}`), join(folder, `tls.${kind}`));
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shakedown-tls-'));
    for (const name of ['ours', 'theirs']) await makeAuthority(name);
    await showCertificateFor('localhost');
    const init = [
      'CREATE DATABASE erp;',
      "CREATE USER erp@'127.0.0.1' IDENTIFIED BY 'erp' REQUIRE SSL;",
      "GRANT ALL ON erp.* TO erp@'127.0.0.1';",
      "GRANT RELOAD ON *.* TO admin@'127.0.0.1' IDENTIFIED BY 'admin';",
      '',
    ];
    await writeFile(join(folder, 'init.sql'), init.join('\n'));
    const data = `--datadir=${join(folder, 'data')}`;
    await run('mariadb-install-db', ['--no-defaults', data, '--user=root', '--skip-test-db']);
    port = await freePort();
    const files = { socket: 'sock', 'pid-file': 'pid', 'init-file': 'init.sql' };
    const tls = { 'ssl-ca': 'ours.crt', 'ssl-cert': 'tls.crt', 'ssl-key': 'tls.key' };
    const paths = Object.entries({ ...files, ...tls }).map(([option, name]) => `--${option}=${join(folder, name)}`);
    const small = ['--innodb-buffer-pool-size=32M', '--innodb-log-file-size=16M', '--skip-name-resolve'];
    const address = ['--bind-address=127.0.0.1', `--port=${port}`];
    server = spawn(mariadbd, ['--no-defaults', data, '--user=root', ...address, ...paths, ...small], {
      stdio: 'ignore',
    });
    await answering(server, 'MariaDB', port);
  });
  afterAll(async () => {
    for (const pool of pools) await pool.close();
    if (server) await stopped(server);
    await rm(folder, { recursive: true, force: true });
  });

  function poolThat(trusts: string | undefined, more: Partial<DatabaseConfig> = {}): Pool {
    const tlsCaFile = trusts && join(folder, `${trusts}.crt`);
    const own = { host: 'localhost', port, name: 'erp', user: 'erp', password: 'erp', poolSize: 2, tlsCaFile };
    const pool = createPool({ ...own, ...more });
    pools.push(pool);
    return pool;
  }
  const cipherOf = (pool: Pool): Promise<string> =>
    pool.use(async ({ connection }) => {
      const [rows] = await connection.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Ssl_version'");
      return String(rows[0]?.Value);
    });
  const refusal = (pool: Pool): Promise<Error> =>
    cipherOf(pool).then(
      (cipher) => expect.fail(`was spoken to, by ${cipher}`),
      (error: Error) => error,
    );
  async function serialShown(): Promise<string> {
    const { connection } = await poolThat('ours').connect();
    const { stream } = (connection as unknown as { connection: { stream: TLSSocket } }).connection;
    const { serialNumber } = stream.getPeerCertificate();
    await connection.end();
    return serialNumber;
  }
  async function takeUpCertificate(): Promise<void> {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'admin', password: 'admin' });
    // As lab/images/mariadb/entrypoint.sh does.
    await connection.query('FLUSH LOCAL SSL');
    await connection.end();
  }

  it('is spoken to when the CA vouches for its name', async () => {
    expect(await cipherOf(poolThat('ours'))).toMatch(/^TLSv1\.[23]$/);
  });

  it('is not spoken to when another CA would have to', async () => {
    const error = await refusal(poolThat('theirs'));
    expect(error).toMatchObject({ errno: 2003, message: expect.stringContaining('[SSL]') });
    expect(String(error.cause)).toContain('self-signed certificate in certificate chain');
  });

  it('does not let its user in without', async () => {
    await expect(cipherOf(poolThat(undefined))).rejects.toThrow('Access denied');
  });

  it('shows a renewed certificate without a restart, and connections that are open go on', async () => {
    const before = await serialShown();
    const pool = poolThat('ours');
    await pool.use(async ({ connection }) => {
      await showCertificateFor('localhost');
      expect(await serialShown()).toBe(before);
      await takeUpCertificate();
      expect(await serialShown()).not.toBe(before);
      await connection.query('SELECT 1');
    });
  });

  it('is not spoken to when its certificate is for another name', async () => {
    await showCertificateFor('elsewhere.test');
    await takeUpCertificate();
    const error = await refusal(poolThat('ours'));
    expect(error).toMatchObject({ errno: 2003, message: expect.stringContaining('[SSL]') });
    expect(String(error.cause)).toContain('DNS:elsewhere.test');
  });
});
