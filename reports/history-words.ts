// The comparison with earlier gates in words, the same on the page, in the terminal and in a job's summary.
import type { Answer, Comparison, History, LeftOut } from '../lib/model/history.ts';
import { count, plural } from './wording.ts';

export const answerWord: Readonly<Record<Answer, string>> = {
  worse: 'Worse',
  'cannot tell': 'Cannot tell',
  'insufficient history': 'Too few gates',
  'no worse': 'No worse',
  better: 'Better',
};

/** What somebody should look at before breakfast: it got worse, or it is far out and nobody can tell yet. */
const isLoud = ({ answer, standsOut }: Comparison): boolean => answer === 'worse' || standsOut;

/** The worse ones first. */
export const loudOf = ({ comparisons }: History): readonly Comparison[] =>
  comparisons.filter(isLoud).sort((a, b) => Number(b.answer === 'worse') - Number(a.answer === 'worse'));

export const quietOf = ({ comparisons }: History): readonly Comparison[] =>
  comparisons.filter((comparison) => !isLoud(comparison));

/** 2 figures are worse than in 21 earlier gates, 40 no worse, 21 can't be told yet. It decides nothing. */
export function historySentence({ answer, gates, comparisons }: History): string {
  const of = (one: Answer) => comparisons.filter((comparison) => comparison.answer === one).length;
  const before =
    gates === 0 ? 'There is no earlier gate to compare with' : `Compared with ${plural(gates, 'earlier gate')}`;
  if (comparisons.length === 0) return `${before}, and nothing to compare.`;
  const parts = [
    [of('worse'), 'worse'],
    [of('better'), 'better'],
    [of('no worse'), 'no worse'],
    [of('cannot tell'), 'not to be told'],
    [of('insufficient history'), 'with too few gates before'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`);
  const figures = `${before}: of ${plural(comparisons.length, 'figure')}, ${told.join(', ')}`;
  return answer === 'insufficient history'
    ? `${before}. That is insufficient history: of ${plural(comparisons.length, 'figure')} nothing can be said yet.`
    : `${figures}. This decides nothing; the bounds of each claim do.`;
}

/** For the banner of a gate: undefined when there is nothing to be warned of. */
export function historyWarning(history: History | undefined): string | undefined {
  const worse = history?.comparisons.filter(({ answer }) => answer === 'worse').length ?? 0;
  const out = history?.comparisons.filter(({ answer, standsOut }) => standsOut && answer !== 'worse').length ?? 0;
  if (worse + out === 0) return undefined;
  const parts = [
    ...(worse > 0 ? [`${plural(worse, 'figure is', 'figures are')} worse than in earlier gates`] : []),
    ...(out > 0 ? [`${plural(out, 'figure stands', 'figures stand')} out from all earlier gates`] : []),
  ];
  return `Warning, which decides nothing: ${parts.join('; ')}.`;
}

/** 3 gates of another target; 12 runs inconclusive */
export const leftOutWords = ({ leftOut }: Pick<History, 'leftOut'>): readonly string[] =>
  leftOut.map(({ what, reason, count: number }: LeftOut) => `${plural(number, what.slice(0, -1))}: ${reason}`);
