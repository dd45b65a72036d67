// Words and numbers as every report tells them. No locale: a page must not change with the machine that made it.
import type { Phase } from '../lib/model/claim.ts';
import type { StepName } from '../lib/model/evidence.ts';
import type { Readiness } from '../lib/model/readiness.ts';
import type { Outcome } from '../lib/model/verdict.ts';

export const outcomeWord: Readonly<Record<Outcome, string>> = {
  passed: 'Passed',
  inconclusive: 'Inconclusive',
  failed: 'Failed',
};

export const readinessWord: Readonly<Record<Outcome, string>> = {
  passed: 'READY',
  inconclusive: 'INCONCLUSIVE',
  failed: 'NOT READY',
};

export const phaseWord: Readonly<Record<Phase, string>> = {
  steady: 'Steady state',
  fault: 'Fault',
  recovery: 'Recovery',
  after: 'After',
};

export const stepWord: Readonly<Record<StepName, string>> = {
  prepared: 'Prepared',
  injected: 'Injected',
  landed: 'Landed',
  effect: 'Had an effect',
  holding: 'Still there',
  undone: 'Undone',
  'undo-failed': 'Undo did not work',
  residue: 'Looked for residue',
};

/** 430 ms, 8.2 s, 12 min 5 s, 2 h 3 min; with spaces that do not break. */
export function duration(ms: number): string {
  const sign = ms < 0 ? '−' : '';
  const size = Math.abs(ms);
  if (size > 0 && size < 60_000 && size % 1000 === 0) return `${sign}${size / 1000}\u00a0s`;
  if (size < 999.5)
    return `${sign}${size < 10 && !Number.isInteger(size) ? size.toFixed(1) : Math.round(size)}\u00a0ms`;
  if (size < 9_995) return `${sign}${(size / 1000).toFixed(2)}\u00a0s`;
  if (size < 59_950) return `${sign}${(size / 1000).toFixed(1)}\u00a0s`;
  const seconds = Math.round(size / 1000);
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)}\u00a0min\u00a0${seconds % 60}\u00a0s`;
  return `${sign}${Math.floor(seconds / 3600)}\u00a0h\u00a0${Math.round((seconds % 3600) / 60)}\u00a0min`;
}

/** With its sign, as an offset from inject. */
export const offset = (ms: number): string => (ms >= 0 ? `+${duration(ms)}` : duration(ms));

/** Never rounded up to 100 % when something is missing. */
export function percent(share: number): string {
  const told = (100 * share).toFixed(share === 1 || share === 0 ? 0 : 1);
  return told === '100.0' ? '99.9\u00a0%' : `${told}\u00a0%`;
}

/** 12 345 with a narrow space that does not break. */
export const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** 23 Nov 2026, 01:30:00 UTC */
export function moment(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][at.getUTCMonth()];
  return `${at.getUTCDate()} ${month} ${at.getUTCFullYear()}, ${at.toISOString().slice(11, 19)} UTC`;
}

/** 11 writes, 1 target, 99.2 %, 20.4 ms */
export function measuredWords(measured: number, unit: string): string {
  if (unit === 'share') return percent(measured);
  const one =
    measured === 1
      ? unit.replace(/^(targets|writes|nodes|items|iterations|virtual users)$/, (many) => many.slice(0, -1))
      : unit;
  return one === '' ? String(measured) : `${measured}\u00a0${one}`;
}

type Run = Readiness['runs'][number];

export function recoveryWords({ recovery }: Pick<Run, 'recovery'>): { readonly value: string; readonly note: string } {
  if (recovery.ms !== null)
    return recovery.ms === 0
      ? { value: 'none', note: 'users never left the budget' }
      : { value: duration(recovery.ms), note: `± ${duration(recovery.resolutionMs)}` };
  if (recovery.censoredMs !== undefined) return { value: `> ${duration(recovery.censoredMs)}`, note: 'never seen' };
  return { value: '–', note: 'not measured' };
}
