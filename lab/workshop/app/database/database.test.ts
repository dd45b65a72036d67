import type { Connection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createDatabase } from './database.ts';
import { CommitUnknown } from './failures.ts';
import type { Member, Pool } from './pool.ts';

const deadlock = Object.assign(new Error('Deadlock found'), { errno: 1213 });
const lockWait = Object.assign(new Error('Lock wait timeout exceeded'), { errno: 1205 });
const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', fatal: true });
const notReady = Object.assign(new Error('WSREP has not yet prepared node'), { errno: 1047 });

/** A connection that answers each statement with the next failure kept for it, else with nothing. */
function fakePool(failures: Partial<Record<'COMMIT' | 'ROLLBACK' | 'START TRANSACTION', Error[]>>) {
  const said: string[] = [];
  const members: Member[] = [];
  const connection = {
    async query({ sql }: { sql: string }) {
      said.push(sql);
      const failure = failures[sql as 'COMMIT']?.shift();
      if (failure) throw failure;
      return [[], []];
    },
    destroy() {},
  } as unknown as Connection;
  const pool = {
    async use(work) {
      const member = { connection, server: 'galera-1', spoiled: false, idleSince: 0 };
      members.push(member);
      return work(member);
    },
  } as Pool;
  return { said, members, database: createDatabase(pool, () => said.push('again')) };
}

describe('who asks on which server it wrote', () => {
  it('is told before the commit goes out: of one that was not answered it is what is known', async () => {
    const { database, said } = fakePool({ COMMIT: [reset] });
    const ended = database.telling((server) => said.push(server)).transaction(async () => {});
    await expect(ended).rejects.toThrow(CommitUnknown);
    expect(said).toEqual(['START TRANSACTION', 'galera-1', 'COMMIT']);
  });

  it('is told nothing of reads, nor of a transaction that never came to its commit', async () => {
    const { database, said } = fakePool({});
    const telling = database.telling((server) => said.push(server));
    await telling.rows('SELECT 1');
    await expect(telling.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(said).not.toContain('galera-1');
    await telling.change('UPDATE x');
    expect(said).toContain('galera-1');
  });
});

describe('a transaction', () => {
  it('is committed when it returns', async () => {
    const { database, said } = fakePool({});
    expect(await database.transaction(async () => 'done')).toBe('done');
    expect(said).toEqual(['START TRANSACTION', 'COMMIT']);
  });

  it('runs again from its start after a deadlock, at COMMIT too, where Galera certifies', async () => {
    const { database, said } = fakePool({ COMMIT: [deadlock] });
    let runs = 0;
    await database.transaction(async () => {
      runs += 1;
      if (runs === 1) throw deadlock;
    });
    expect(runs).toBe(3);
    expect(said.filter((statement) => statement === 'ROLLBACK')).toHaveLength(2);
  });

  it('never runs again when COMMIT went unanswered, and gives the connection up', async () => {
    for (const failure of [reset, notReady, lockWait]) {
      const { database, members } = fakePool({ COMMIT: [failure] });
      let runs = 0;
      const ended = database.transaction(async () => {
        runs += 1;
      });
      await expect(ended).rejects.toThrow(CommitUnknown);
      expect(runs).toBe(1);
      expect(members.map(({ spoiled }) => spoiled)).toEqual([true]);
    }
  });

  it('gives up after so many deadlocks, and after one more lock wait', async () => {
    for (const [failure, tries] of [
      [deadlock, 8],
      [lockWait, 2],
    ] as const) {
      const { database } = fakePool({});
      let runs = 0;
      const ended = database.transaction(async () => {
        runs += 1;
        throw failure;
      });
      await expect(ended).rejects.toBe(failure);
      expect(runs).toBe(tries);
    }
  }, 20_000);

  it('tells the first failure, not that of its roll-back, and gives the connection up', async () => {
    const { database, members } = fakePool({ ROLLBACK: [reset] });
    const refused = new Error('not enough stock');
    await expect(database.transaction(() => Promise.reject(refused))).rejects.toBe(refused);
    expect(members[0]?.spoiled).toBe(true);
  });
});
