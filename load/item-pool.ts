// The pool of barcodes and items that technicians pick from. Numbers run from 0 to `count` - 1, and the low ones are the popular ones.
import type { LoadTask } from '../lib/model/load-task.ts';
import { type Chance, wholeNumber, zipfRank } from './chance.ts';

type Pool = Pick<LoadTask, 'barcodes'> & { readonly site: Pick<LoadTask['site'], 'barcodes'> };

export function pickNumber(task: Pool, chance: Chance): number {
  const { count } = task.site.barcodes;
  const { skew, hotItems } = task.barcodes;
  // Nothing is drawn where nothing is hot: a seed means the same load as ever.
  if (hotItems && chance() < hotItems.ratio) return wholeNumber(chance, 0, Math.min(hotItems.count, count) - 1);
  return zipfRank(chance, count, skew) - 1;
}

/** `count` different numbers, ascending. */
export function pickNumbers(task: Pool, chance: Chance, count: number): number[] {
  const wanted = Math.min(count, task.site.barcodes.count);
  const picked = new Set<number>();
  while (picked.size < wanted) picked.add(pickNumber(task, chance));
  return [...picked].sort((a, b) => a - b);
}

/** `%d` or `%0Nd` stands for the number. */
export const numbered = (pattern: string, number: number): string =>
  pattern.replace(/%(?:0(\d+))?d/, (_, width) => String(number).padStart(Number(width ?? 0), '0'));
