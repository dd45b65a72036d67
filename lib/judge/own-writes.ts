// Which writes a run must account for. One that shares its steady state with the run before has that run's operations in its samples too:
// they tell what users felt, but their writes carry the other run's markers, and that run looks for them.
import { isMarkerOf } from '../model/run-ids.ts';
import type { RunTables } from '../tables/run-tables.ts';

type OfRun = Pick<RunTables, 'journal' | 'writes'>;

/**
 * Whether a marker, by its beginning, is not of the run that the header names. A marker that fits nowhere is never waved through. The id and
 * its dash stand before the marker's number, so they are in the beginning or nowhere.
 */
export function isOwn({ journal, writes }: OfRun): (prefix: number) => boolean {
  const other = journal.find((line) => line.kind === 'header')?.header.steadyOf;
  if (other === undefined) return () => true;
  const known: boolean[] = [];
  return (prefix) => {
    known[prefix] ??= !isMarkerOf(other, writes.texts.text(prefix));
    return known[prefix];
  };
}

/** Goes through the markers under which the run wrote. */
export function eachOwnWrite(run: OfRun, visit: (row: number, prefix: number, number: number) => void): void {
  const own = isOwn(run);
  const { writes } = run;
  writes.each((row, prefix, number) => {
    if (own(prefix) && writes.wrote(row)) visit(row, prefix, number);
  });
}
