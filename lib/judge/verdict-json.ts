// A verdict as bytes: keys in order and nothing left to the machine, so that two judgements of the same evidence can be compared with cmp.
import type { Verdict } from '../model/verdict.ts';
import { compareText } from './findings.ts';

/** The content of verdict.json. */
export function verdictJson(verdict: Verdict): string {
  return `${JSON.stringify(verdict, (_key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} in a verdict`);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => compareText(a, b)));
  })}\n`;
}
