// What differs between a target before a run and after it, as residue: one line each, with where it is.
import type { Residue } from '../model/fault.ts';
import type { TargetSnapshot } from '../model/reach.ts';

const shownMax = 160;

/** A place that could not be looked at, before or after, is one of which nobody can tell. */
export function compareSnapshots(before: TargetSnapshot, after: TargetSnapshot): Residue {
  const places = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  if (places.length === 0)
    return { is: 'cannot-tell', left: ['the target: no place of it was looked at, before or after the run'] };
  const differ: string[] = [];
  const unknown: string[] = [];
  for (const place of places) {
    const [was, is] = [before[place], after[place]];
    if (was === is && was !== null) continue;
    if (was === null || is === null)
      unknown.push(`${place}: nobody could look ${was === null ? 'before' : 'after'} the run`);
    else if (was === undefined) differ.push(`${place}: was not there before the run`);
    else if (is === undefined) differ.push(`${place}: is gone since the run`);
    else differ.push(`${place}: ${difference(was, is)}`);
  }
  if (differ.length > 0) return { is: 'dirty', left: [...differ, ...unknown] };
  return unknown.length > 0 ? { is: 'cannot-tell', left: unknown } : { is: 'clean', left: [] };
}

/** From where the two texts part. */
function difference(was: string, is: string): string {
  let same = 0;
  while (same < was.length && was[same] === is[same]) same++;
  const from = Math.max(0, same - 40);
  const part = (text: string) =>
    `${from > 0 ? '…' : ''}${text.slice(from, from + shownMax)}${text.length > from + shownMax ? '…' : ''}`;
  return `was ${part(was)}, is ${part(is)}`;
}
