// How single findings become one outcome, and in which order they stand: the worst first, the same everywhere.
import { type Finding, type Outcome, severity } from '../model/verdict.ts';

/** Worst wins. Nothing found is nothing known. */
export function worstOf(findings: readonly Finding[]): Outcome {
  if (findings.length === 0) return 'inconclusive';
  return findings.reduce<Outcome>(
    (worst, { outcome }) => (severity[outcome] > severity[worst] ? outcome : worst),
    'passed',
  );
}

export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort(
    (a, b) =>
      severity[b.outcome] - severity[a.outcome] ||
      compareText(a.check, b.check) ||
      compareText(a.phase ?? '', b.phase ?? '') ||
      compareText(a.says, b.says),
  );
}

/** By code unit: a locale would sort differently on another machine. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** As many examples as a reader will look at. */
export const examplesMax = 20;
export const examplesOf = (all: Iterable<string>): readonly string[] =>
  [...all].sort(compareText).slice(0, examplesMax);
