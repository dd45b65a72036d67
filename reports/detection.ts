// How soon monitoring noticed, as it stands in the findings: the same numbers on the page, in the terminal and in a job's summary.
import type { Finding, Outcome } from '../lib/model/verdict.ts';
import { duration } from './wording.ts';

export interface Detection {
  readonly alert: string;
  readonly outcome: Outcome;
  /** From landed, or from the effect, to the alert; undefined when it did not fire, or nobody can tell. */
  readonly detectedMs?: number;
  /** From undo. */
  readonly overMs?: number;
  /** Alertmanager was seen to have it active. */
  readonly called: boolean;
}

type Told = Pick<Finding, 'check' | 'outcome'> & { readonly measured?: unknown };

/** One for each alert that was to fire, in the order of the findings. */
export function detections(findings: readonly Told[]): readonly Detection[] {
  return findings.flatMap(({ check, outcome, measured }): Detection[] => {
    if (!check.startsWith(firesPrefix)) return [];
    const alert = check.slice(firesPrefix.length);
    const over = findings.find((one) => one.check === `alert.resolves.${alert}`)?.measured;
    const called = findings.find((one) => one.check === `alert.told.${alert}`)?.measured;
    return [
      {
        alert,
        outcome,
        ...(typeof measured === 'number' ? { detectedMs: 1000 * measured } : {}),
        ...(typeof over === 'number' ? { overMs: 1000 * over } : {}),
        called: typeof called === 'number',
      },
    ];
  });
}

const firesPrefix = 'alert.fires.';

/** NodeDown after 18.2 s, over 7.10 s after undo, not seen to call anybody */
export function detectionWords({ alert, outcome, detectedMs, overMs, called }: Detection): string {
  if (detectedMs === undefined) return `${alert} ${outcome === 'failed' ? 'did not fire' : 'not known'}`;
  return [
    `${alert} after ${duration(detectedMs)}`,
    ...(overMs === undefined ? [] : [`over ${duration(overMs)} after undo`]),
    ...(called ? [] : ['not seen to call anybody']),
  ].join(', ');
}
