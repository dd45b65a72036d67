// How many there are of something, and a few of them to look at: a million lost writes are one number and twenty lines.
import { compareText, examplesMax } from './findings.ts';

export interface Cases {
  readonly count: number;
  /** The first by name, as examplesOf gives them, in whatever order they came. */
  readonly examples: readonly string[];
  add(text: string): void;
}

export function cases(): Cases {
  let count = 0;
  const kept: string[] = [];
  return {
    get count() {
      return count;
    },
    get examples() {
      return [...kept];
    },
    add(text) {
      count += 1;
      if (kept.length === examplesMax && compareText(text, kept.at(-1) ?? '') >= 0) return;
      const at = kept.findIndex((one) => compareText(text, one) < 0);
      kept.splice(at === -1 ? kept.length : at, 0, text);
      if (kept.length > examplesMax) kept.pop();
    },
  };
}
