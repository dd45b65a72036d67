// The answers of one SQL transaction, as the real client gives them: rows that somebody wants one after the other go there.
import type { SnapshotQuery, SqlRow } from '../../lib/model/reach.ts';

export async function answerSnapshot(
  queries: readonly SnapshotQuery[],
  answerOf: (query: SnapshotQuery) => readonly SqlRow[],
): Promise<readonly (readonly SqlRow[])[]> {
  const answers: (readonly SqlRow[])[] = [];
  for (const query of queries) {
    const rows = answerOf(query);
    for (const row of query.each ? rows : []) await query.each?.(row);
    answers.push(query.each ? [] : rows);
  }
  return answers;
}

/** Lines of a reader that hands them on, in a list. */
export async function kept<T>(read: (keep: (lines: readonly T[]) => Promise<void>) => Promise<void>): Promise<T[]> {
  const all: T[] = [];
  await read(async (lines) => void all.push(...lines));
  return all;
}
