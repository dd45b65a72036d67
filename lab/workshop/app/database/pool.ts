// Database connections, handed out first come, first served. A connection on which anything looked wrong is thrown away, never handed out
// again: behind the proxy the writer may be another server by now.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import type { DatabaseConfig } from '../config.ts';
import { ConnectionLost, connectFailure, spoilsConnection } from './failures.ts';

/** A frozen server must not hold a request for ever; ERPNext's own web tier gives up at 120 s. */
export const statementMsMax = 30_000;
const connectMsMax = 2_000;
/** A connection idle for longer is asked first whether it is still there. */
const unaskedIdleMsMax = 500;
const askMsMax = 1_000;
const waitMsMax = 10_000;
const waitingMax = 128;

export interface PoolState {
  readonly used: number;
  readonly idle: number;
  readonly waiting: number;
}

export interface Pool {
  /** Runs the work on one connection; whether it may be used again is told by the error it ends with. */
  use<T>(work: (member: Member) => Promise<T>): Promise<T>;
  /** A connection outside the pool's count, which the caller destroys or ends, and the name of the server it leads to. */
  connect(): Promise<Pick<Member, 'connection' | 'server'>>;
  state(): PoolState;
  close(): Promise<void>;
}

export interface Member {
  readonly connection: Connection;
  /** The name that the server has for itself: behind the proxy nothing else tells which one it is. */
  readonly server: string;
  /** Set by whoever could not leave the connection as they found it. */
  spoiled: boolean;
  idleSince: number;
}

interface Waiter {
  readonly go: () => void;
  readonly giveUp: (error: Error) => void;
}

export function createPool(config: DatabaseConfig): Pool {
  const idle: Member[] = [];
  const waiting: Waiter[] = [];
  let used = 0;
  let closed = false;

  async function use<T>(work: (member: Member) => Promise<T>): Promise<T> {
    await turn();
    let member: Member | undefined;
    try {
      member = await take();
      return await work(member);
    } catch (error) {
      if (member && spoilsConnection(error)) member.spoiled = true;
      throw error;
    } finally {
      if (member) giveBack(member);
      pass();
    }
  }

  function giveBack(member: Member): void {
    if (member.spoiled || closed) {
      member.connection.destroy();
      return;
    }
    member.idleSince = performance.now();
    idle.push(member);
  }

  /** Waits for one of the pool's places; they are passed on in the order of asking. */
  async function turn(): Promise<void> {
    if (used < config.poolSize) {
      used += 1;
      return;
    }
    if (waiting.length >= waitingMax) throw new ConnectionLost(1040, 'Too many connections');
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        go: () => {
          clearTimeout(timer);
          resolve();
        },
        giveUp: reject,
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(new ConnectionLost(1040, 'Too many connections'));
      }, waitMsMax);
      waiting.push(waiter);
    });
  }

  function pass(): void {
    const next = waiting.shift();
    if (next) next.go();
    else used -= 1;
  }

  /** The connection used last, since the others may rest and go; else a new one. */
  async function take(): Promise<Member> {
    for (let member = idle.pop(); member; member = idle.pop()) {
      if (performance.now() - member.idleSince < unaskedIdleMsMax) return member;
      try {
        await member.connection.query({ sql: 'DO 0', timeout: askMsMax });
        return member;
      } catch {
        member.connection.destroy();
      }
    }
    const member: Member = { ...(await connect()), spoiled: false, idleSince: 0 };
    // One that breaks while it is idle is forgotten at once.
    member.connection.on('error', () => {
      member.spoiled = true;
      member.connection.destroy();
      const at = idle.indexOf(member);
      if (at >= 0) idle.splice(at, 1);
    });
    return member;
  }

  async function connect(): Promise<Pick<Member, 'connection' | 'server'>> {
    let connection: Connection | undefined;
    try {
      connection = await createConnection(options(config));
      // Without a listener an error between two statements would end the process; the next statement tells of it anyway.
      connection.on('error', () => {});
      await connection.query({
        sql: "SET SESSION tx_isolation = 'REPEATABLE-READ', time_zone = '+00:00'",
        timeout: connectMsMax,
      });
      // Asked once: a connection never changes its server.
      const [rows] = await connection.query({ sql: 'SELECT @@hostname AS server', timeout: connectMsMax });
      return { connection, server: String((rows as { server: unknown }[])[0]?.server ?? '') };
    } catch (error) {
      connection?.destroy();
      throw connectFailure(error, config.host);
    }
  }

  return {
    use,
    connect,
    state: () => ({ used, idle: idle.length, waiting: waiting.length }),
    async close() {
      closed = true;
      for (const waiter of waiting.splice(0)) waiter.giveUp(new ConnectionLost(2006, 'MySQL server has gone away'));
      await Promise.allSettled(idle.splice(0).map(({ connection }) => connection.end()));
    },
  };
}

function options(config: DatabaseConfig): ConnectionOptions {
  return {
    host: config.host,
    port: config.port,
    database: config.name,
    user: config.user,
    password: config.password,
    charset: 'utf8mb4_unicode_ci',
    // Read anew for each connection: a CA that was replaced is known at once. An address has no name to vouch for.
    ...(config.tlsCaFile && {
      ssl: {
        ca: readFileSync(config.tlsCaFile),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        verifyIdentity: !isIP(config.host),
      },
    }),
    connectTimeout: connectMsMax,
    enableKeepAlive: true,
    keepAliveInitialDelay: 5_000,
    dateStrings: true,
    decimalNumbers: true,
    stringifyObjects: true,
    multipleStatements: false,
  };
}
